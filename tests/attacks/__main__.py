"""Attacks on what the package promises: ``python -m tests.attacks --seconds 600``; exit code 1 if one finds a fault.

An attack is a module beside this one with ``run(*, seconds, seed) -> list[str]``: it draws cases until its time is over
and returns, for each fault, what was done, what was promised and what was seen, with the seed that shows it again.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import time

import tests.attacks

NAMES = sorted(
    found.name for found in pkgutil.iter_modules(tests.attacks.__path__) if not found.name.startswith(("_", "test_"))
)


def attack(name: str, *, seconds: float, seed: int) -> list[str]:
    """Return the faults that one attack finds."""
    found: list[str] = importlib.import_module(f"tests.attacks.{name}").run(seconds=seconds, seed=seed)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the attacks named, or all, and say what each found."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description="Attack what the package promises.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all without one")
    parser.add_argument("--seconds", type=float, default=600.0, help="for each attack")
    parser.add_argument("--seed", type=int, default=None, help="default: the clock, so that each night draws others")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(NAMES)):
        parser.error(f"there is no attack {', '.join(unknown)}; there are {', '.join(NAMES)}")
    seed = time.time_ns() % 2**32 if options.seed is None else options.seed
    faults = 0
    for name in options.names or NAMES:
        began = time.monotonic()
        found = attack(name, seconds=options.seconds, seed=seed)
        faults += len(found)
        sys.stdout.write(f"{name}: {len(found)} faults in {time.monotonic() - began:.0f} s, seed {seed}\n")
        sys.stdout.writelines(f"  {fault}\n" for fault in found)
        sys.stdout.flush()
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

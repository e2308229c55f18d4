"""Storms of signals on small grids at random moments: a clean end is told, and the resumed table is whole."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from slth.cli.endings import INTERRUPTED, TERMINATED
from slth.errors import SlthError
from slth.grids.engines import Serial
from slth.grids.run import Computation, run_experiment
from slth.grids.spec import read_experiment
from tests.grids.toy_studies import REGISTRY
from tests.processes import python

SPEC = 'task = "toy-noisy"\nreplicates = 40\n[grid]\nn = [1, 2]\n[fixed]\npause = 0.01\n'
DRIVER = """
import sys
from slth import cli
from slth.cli import entry
def command(tokens, run=entry._run):
    print("begun", file=sys.stderr, flush=True)
    from slth import studies
    from tests.grids.toy_studies import REGISTRY
    studies.STUDIES = REGISTRY
    return run(tokens)
if __name__ == "__main__":
    entry._run = command
    sys.exit(cli.main())
"""
LONGEST = 4.0
"""Seconds after which the last storm begins: a run takes some two."""
SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
CODES = {0, INTERRUPTED, TERMINATED, *(-number for number in SIGNALS)}


def run(*, seconds: float, seed: int) -> list[str]:
    """Send storms for so long; each run is struck until it is finished, at most five times, and then gone on with."""
    end, draw, faults = time.monotonic() + seconds, random.Random(seed), []
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "storm.toml").write_text(SPEC, encoding="utf-8")
        (home / "driver.py").write_text(DRIVER, encoding="utf-8")
        experiment = read_experiment(home / "storm.toml", REGISTRY)

        def computed(folder: Path) -> bytes:
            return run_experiment(experiment, folder, REGISTRY, Computation(engine=Serial())).path.read_bytes()

        table, number = computed(home / "whole"), 0
        while time.monotonic() < end:
            number += 1
            folder, engine = home / f"run{number}", draw.choice(("serial", "loky"))
            storms = []
            for _ in range(draw.randint(1, 5)):
                storms.append([(draw.uniform(0.0, LONGEST), draw.choice(SIGNALS))])
                storms[-1] += [(draw.uniform(0.0, 0.5), draw.choice(SIGNALS)) for _ in range(draw.randint(0, 3))]
                faults += [f"{fault} ({engine}, {storms})" for fault in strike(home, folder, engine, storms[-1])]
            try:
                if computed(folder) != table:
                    faults.append(f"another table after {storms} with {engine}")
            except SlthError as problem:
                faults.append(f"{problem} after {storms} with {engine}")
    return faults


def strike(home: Path, folder: Path, engine: str, storm: list[tuple[float, signal.Signals]]) -> list[str]:
    """Run the grid in a process group of its own under a storm: pairs of seconds to wait and the signal to send."""
    arguments = [str(home / "driver.py"), "run", str(home / "storm.toml"), "--engine", engine, "--out", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with python(*arguments, env=environment) as process:
        assert process.stderr is not None
        process.stderr.readline()  # before it nothing of slth runs
        for pause, number in storm:
            time.sleep(pause)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        _, err = process.communicate(timeout=120)
    faults = [f"exit code {process.returncode}: {err[-300:]}"] if process.returncode not in CODES else []
    # Processes of loky that are only beginning when the group is struck, and its tracker, have words of their own.
    words = ("internal error",) if engine == "loky" else ("internal error", "Traceback")
    return faults + [f"{word} in {err[-300:]!r}" for word in words if word in err]

"""TOML files with a fixed set of keys, read with one kind of message, and what the table ``[full]`` replaces."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from slth.errors import ArgumentError, did_you_mean

Kinds = Mapping[str, type | tuple[type, ...]]
"""Key to the type or types of its value."""

FULL_KEYS = ("replicates", "grid", "fixed")
"""What ``[full]`` may replace."""


@dataclass(frozen=True)
class TomlFile:
    """A file that was read, and the errors that name it."""

    argument: str
    path: Path
    known: Kinds
    content: bytes
    document: Mapping[str, Any]
    place: str = ""

    def __post_init__(self) -> None:
        """Check the keys, those of ``[full]`` too."""
        self._check_keys(self.document, self.known, "")
        full = {key: self.known[key] for key in FULL_KEYS if key in self.known}
        self._check_keys(self.document.get("full", {}), full, " in [full]")

    def wrong(self, rule: str, remedy: str) -> ArgumentError:
        """An error about the file."""
        return ArgumentError(self.argument, str(self.path), f"{rule}{self.place}", remedy)

    def part(self, *, full: bool) -> TomlFile:
        """The file without its table ``[full]``, or with that table's values in the place of the others."""
        rest = {key: value for key, value in self.document.items() if key != "full"}
        if not full or "full" not in self.document:
            return replace(self, document=rest)
        return replace(self, document={**rest, **self.document["full"]}, place=" (as [full] has it)")

    def task(self, registry: Collection[str]) -> str:
        """The task that the file names, which has to be a registered one."""
        if "task" not in self.document:
            raise self.wrong("names no task", f"choose one of {', '.join(sorted(registry))}")
        task = self.document["task"]
        if task not in registry:
            raise self.wrong(f"names the unknown task {task!r}", did_you_mean(task, sorted(registry)))
        return str(task)

    def lists(self, table: Mapping[str, Any]) -> dict[str, list[Any]]:
        """A grid, each of whose entries has to be a list."""
        for key, values in table.items():
            if not isinstance(values, list) or not values:
                rule = f"has a grid entry {key!r} that is not a list with something in it"
                raise self.wrong(rule, "write [value, ...]")
        return dict(table)

    def _check_keys(self, document: Mapping[str, Any], known: Kinds, where: str) -> None:
        """Refuse unknown keys and values of another type; a truth value is no number."""
        for key, value in document.items():
            if key not in known:
                raise self.wrong(f"has the unknown key {key!r}{where}", did_you_mean(key, known))
            wanted = known[key]
            kinds = wanted if isinstance(wanted, tuple) else (wanted,)
            if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
                names = " or ".join(kind.__name__ for kind in kinds)
                raise self.wrong(f"has a {type(value).__name__} for {key!r}{where}", f"give a {names}")


def read_toml(argument: str, path: Path, known: Kinds) -> TomlFile:
    r"""Read a TOML file that may have certain keys, each of a certain type."""
    wrong = partial(ArgumentError, argument, str(path))
    try:
        content = path.read_bytes()
        document = tomllib.loads(content.decode("utf-8-sig"))  # some editors put a mark in front
    except (OSError, ValueError) as problem:  # also of undecodable bytes, of bad TOML, of numbers with too many digits
        raise wrong(f"cannot be read ({problem})", "give a TOML file, see benchmarks/ and paper_figures/") from problem
    except RecursionError as problem:
        raise wrong("is nested too deeply to be read", "write lists of numbers or texts") from problem
    if (bits := _largest(document)) > 64:  # TOML that was read is not nested deeply
        raise wrong(f"has a whole number of {bits} bits", "use numbers of at most 64, or a fraction such as 1e30")
    return TomlFile(argument, path, known, content, document)


def _largest(value: Any) -> int:
    """Bits of the largest whole number that neither tables nor other programs hold; 0 where there is none."""
    if isinstance(value, dict | list):
        return max(map(_largest, value.values() if isinstance(value, dict) else value), default=0)
    beyond = isinstance(value, int) and not -(2**63) <= value < 2**64
    return max(65, value.bit_length()) if beyond else 0

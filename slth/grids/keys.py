"""What a study reads from a cell, declared where it is registered, so that a wrong grid is found before it is run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slth.errors import ArgumentError, did_you_mean
from slth.grids.tables import is_timing
from slth.grids.toml_files import TomlFile

_NAMES = {int: "whole number", float: "number", str: "text"}

RESERVED = ("replicate", "successes", "trials")
"""Columns that every table has."""


@dataclass(frozen=True)
class Key:
    """One entry of a cell."""

    kind: type[int] | type[float] | type[str]
    many: bool = False
    choices: tuple[str, ...] = ()
    needed: bool = True
    when: tuple[str, str] | None = None

    @property
    def form(self) -> str:
        """In words what the value is."""
        if self.choices:
            return "one of " + ", ".join(map(repr, self.choices))
        return f"a list of {_NAMES[self.kind]}s" if self.many else f"a {_NAMES[self.kind]}"

    def takes(self, value: Any) -> bool:
        """Whether a value can stand here."""
        if self.many:
            return isinstance(value, list) and bool(value) and all(map(self._takes_one, value))
        return self._takes_one(value)

    def _takes_one(self, value: Any) -> bool:
        wanted = int | float if self.kind is float else self.kind
        if not isinstance(value, wanted) or isinstance(value, bool):
            return False
        return value in self.choices if self.choices else not isinstance(value, float) or math.isfinite(value)


@dataclass(frozen=True)
class Study:
    """A study as it is registered."""

    target: str
    keys: Mapping[str, Key]

    def __post_init__(self) -> None:
        """Check the names of the keys."""
        for key in self.keys:
            if key in RESERVED or is_timing(key):
                rule = "holds measured times" if is_timing(key) else "is a column that every table has"
                raise ArgumentError("keys", key, rule, "name it otherwise")


def check_cells(
    file: TomlFile,
    task: str,
    keys: Mapping[str, Key],
    table: Mapping[str, Sequence[Any]],
    fixed: Mapping[str, Any],
) -> None:
    """Refuse cells that a study cannot read, or of which it would read a part: all cells of a table at once."""
    values: dict[str, Iterable[Any]] = {**table, **{key: (value,) for key, value in fixed.items()}}
    for key, several in values.items():
        place = f"the grid entry {key!r}" if key in table else f"{key!r} in [fixed]"
        if key not in keys:
            raise file.wrong(f"has {place}, which {task} does not read", did_you_mean(key, keys))
        for value in several:
            if not keys[key].takes(value):
                raise file.wrong(f"has {value!r:.40} for {place}", f"give {keys[key].form}")
    for name, wanted in keys.items():
        condition = f" where {wanted.when[0]} is {wanted.when[1]!r}" if wanted.when else ""
        needed = wanted.needed if wanted.when is None else wanted.when[1] in values.get(wanted.when[0], ())
        if needed and name not in values:
            rule = f"has no {name!r}, which {task} needs{condition}"
            raise file.wrong(rule, f"write it in the grid or in [fixed]: {wanted.form}")

"""What a study reads from a cell, declared where it is registered, so that a wrong grid is found before it is run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from slth.errors import ArgumentError, did_you_mean
from slth.extensions import own, place_of
from slth.grids.tables import is_timing
from slth.grids.toml_files import TomlFile

Function = TypeVar("Function", bound=Callable[..., Any])

_NAMES = {int: "whole number", float: "number", str: "text"}

RESERVED = ("replicate", "successes", "trials")
"""Columns that every table has."""


@dataclass(frozen=True)
class Key:
    """One entry of a cell: what a study reads under one name.

    Parameters
    ----------
    kind : {int, float, str}
        A whole number, a number (whole ones too) or a text.
    many : bool
        Whether it is a list of those.
    choices : tuple of str
        The texts that it may be, where not all.
    needed : bool
        Whether each cell has it.
    when : (str, str) or None
        Another key and its text with which alone it is needed.
    least, most, above : float
        The range of a number, or of each of many: from ``least`` to ``most``, and beyond ``above``.
    meaning : str
        What it is, in a few words, for `slth run --tasks NAME`.

    Examples
    --------
    >>> slth.studies.Key(float, above=0.0, most=1.0, meaning="kept / total").form
    'a number in (0, 1]'
    >>> slth.studies.Key(int, least=1).takes(0)
    False
    """

    kind: type[int] | type[float] | type[str]
    many: bool = False
    choices: tuple[str, ...] = ()
    needed: bool = True
    when: tuple[str, str] | None = None
    least: float = -math.inf
    most: float = math.inf
    above: float = -math.inf
    meaning: str = ""

    @property
    def form(self) -> str:
        """In words what the value is."""
        if self.choices:
            return "one of " + ", ".join(map(repr, self.choices))
        return (f"a list of {_NAMES[self.kind]}s" if self.many else f"a {_NAMES[self.kind]}") + self._range

    @property
    def _range(self) -> str:
        if (self.least, self.most, self.above) == (-math.inf, math.inf, -math.inf):
            return ""
        if self.most == math.inf:
            return f" above {self.above:g}" if self.above >= self.least else f" of at least {self.least:g}"
        low = f"({self.above:g}" if self.above >= self.least else f"[{self.least:g}"
        return f" in {low}, {self.most:g}]"

    def takes(self, value: Any) -> bool:
        """Whether a value can stand here."""
        if self.many:
            return isinstance(value, list) and bool(value) and all(map(self._takes_one, value))
        return self._takes_one(value)

    def _takes_one(self, value: Any) -> bool:
        wanted = int | float if self.kind is float else self.kind
        if not isinstance(value, wanted) or isinstance(value, bool):
            return False
        if isinstance(value, str):
            return not self.choices or value in self.choices
        return math.isfinite(value) and self.least <= value <= self.most and self.above < value


@dataclass(frozen=True)
class Study:
    """A study as it is registered; with ``torch=False`` nothing that it calls loads torch."""

    target: str
    keys: Mapping[str, Key]
    torch: bool = True

    def __post_init__(self) -> None:
        """Check the names of the keys."""
        for key in self.keys:
            if key in RESERVED or is_timing(key):
                rule = "holds measured times" if is_timing(key) else "is a column that every table has"
                raise ArgumentError("keys", key, rule, "name it otherwise")


def study(**keys: Key) -> Callable[[Function], Function]:
    """Declare what a function reads from a cell, which makes it a study that specifications can name.

    A study is called as ``function(cell, seed=..., context=...)`` and returns rows: a list of mappings from column to
    number, text or None, as :mod:`slth.studies` says. It runs in other processes: it has to be importable.

    Parameters
    ----------
    keys : Key
        What it reads from a cell, by name.

    Returns
    -------
    callable
        From the function to itself; the declaration is its attribute ``keys``.

    Raises
    ------
    ArgumentError
        A key has the name of a column that every table has, or that of times.

    Examples
    --------
    >>> @slth.studies.study(n=slth.studies.Key(int, least=1), eps=slth.studies.Key(float, above=0.0))
    ... def covered(cell, *, seed, context):
    ...     return [{"fraction": min(1.0, 2**cell["n"] * cell["eps"])}]
    >>> covered({"n": 3, "eps": 0.01}, seed=0, context=None)
    [{'fraction': 0.08}]
    """
    Study("", keys)

    def declared(function: Function) -> Function:
        vars(function)["keys"] = dict(keys)
        return function

    return declared


def declared_study(group: str, name: str) -> Study:
    """Return the study that a name of other packages stands for, refused where it declares no keys."""
    keys = getattr(own(group, name, argument="task"), "keys", None)
    if not isinstance(keys, Mapping) or not all(isinstance(key, Key) for key in keys.values()):
        remedy = "put @slth.studies.study(n=Key(int), ...) above the function"
        raise ArgumentError("task", name, "names something that does not declare its keys", remedy)
    return Study(place_of(group, name, argument="task"), keys)


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

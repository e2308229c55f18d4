"""The cells of an experiment: the union of products of lists, counted and compared without being made."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

Cell = Mapping[str, Any]
Grid = Mapping[str, Sequence[Any]]

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical(value: Any) -> str:
    """Give the one JSON text of a value: keys sorted, no spaces, numbers as they round-trip."""
    return _ENCODER.encode(value)


@dataclass(frozen=True, eq=False)
class Cells(Sequence[Cell]):
    """Every choice of a value from each list of a grid, the last list fastest, with what is fixed; made when asked."""

    grids: tuple[Grid, ...]
    fixed: Cell

    @property
    def number(self) -> int:
        """How many cells there are, also where that is too large for ``len``."""
        return sum(map(_size, self.grids))

    def __len__(self) -> int:
        """Give the number of cells."""
        return self.number

    def __iter__(self) -> Iterator[Cell]:
        """Make the cells one after the other."""
        for grid in self.grids:
            for values in itertools.product(*grid.values()):
                yield {**dict(zip(grid, values, strict=True)), **self.fixed}

    @overload
    def __getitem__(self, index: int) -> Cell: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Cell]: ...
    def __getitem__(self, index: int | slice) -> Cell | Sequence[Cell]:
        """Make one cell, or those of a slice."""
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        for grid in self.grids:
            if place < _size(grid):
                break
            place -= _size(grid)
        chosen: dict[str, Any] = {}
        for column, values in reversed(list(grid.items())):
            place, digit = divmod(place, len(values))
            chosen[column] = values[digit]
        return {**dict(reversed(list(chosen.items()))), **self.fixed}

    def __contains__(self, cell: object) -> bool:
        """Whether a cell is one of these, written in the same way: 6.0 is not 6."""
        if not isinstance(cell, Mapping):
            return False
        texts = {column: canonical(value) for column, value in cell.items()}
        return any(
            texts.keys() == table.keys() and all(text in table[column] for column, text in texts.items())
            for table in self._texts
        )

    @cached_property
    def _texts(self) -> tuple[dict[str, set[str]], ...]:
        fixed = {column: {canonical(value)} for column, value in self.fixed.items()}
        return tuple(
            {**{column: set(map(canonical, values)) for column, values in grid.items()}, **fixed} for grid in self.grids
        )

    def repeated(self) -> Cell | None:
        """Give a cell that comes twice, if there is one; a number is the same as whole number and as fraction.

        Products meet if and only if their lists meet column by column, so that no cell has to be made for it.
        """
        lists = [
            {column: {_same(value): value for value in values} for column, values in grid.items()}
            for grid in self.grids
        ]
        for grid, unlike in zip(self.grids, lists, strict=True):
            for column, values in grid.items():
                if len(unlike[column]) < len(values):
                    left = Counter(map(_same, values))
                    twice = next(value for value in values if left[_same(value)] > 1)
                    return {**{other: choices[0] for other, choices in grid.items()}, column: twice, **self.fixed}
        for one, other in itertools.combinations(lists, 2):
            if one.keys() == other.keys():
                common = {
                    column: [values[same] for same in values if same in other[column]] for column, values in one.items()
                }
                if all(common.values()):
                    return {**{column: values[0] for column, values in common.items()}, **self.fixed}
        return None


def _size(grid: Grid) -> int:
    return math.prod(map(len, grid.values()))


def _same(value: Any) -> Any:
    """Something hashable that is equal for equal values; a truth value is no number."""
    if isinstance(value, list | tuple):
        return ("list", *map(_same, value))
    return ("truth", value) if isinstance(value, bool) else value

"""Grains: how a mask array repeats itself, so that its file holds one entry for what is kept or removed together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb, prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError
from slth.tickets.coding import LARGEST_ALPHABET, multinomial_bits
from slth.tickets.mask import Mask

_GROUPS_A_PATTERN = 16  # fewer do not pay for the pattern's counts in the header of a code
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Grain:
    """Runs of equal rows and of equal columns of the matrix [first axis, all others]; the last ones may be shorter.

    Rows of runs may be the same several times over, as the heads of an attention's queries, keys and values are. This
    covers channels on either side, kernels, heads and square blocks; a mask of single weights has runs of 1.

    Parameters
    ----------
    rows, columns : int
        Lengths of the runs.
    repeats : int
        How often the rows of runs repeat.
    """

    rows: int = 1
    columns: int = 1
    repeats: int = 1
    separator: ClassVar[str] = ","

    @property
    def text(self) -> str:
        """The grain as text."""
        numbers = (self.rows, self.columns, self.repeats)
        return "" if numbers == (1, 1, 1) else self.separator.join(map(str, numbers[: 3 if self.repeats > 1 else 2]))

    def fits(self, shape: Shape) -> bool:
        """Whether an array of a shape may have it."""
        rows, columns = _matrix(shape)
        whole = 1 <= self.rows <= rows and 1 <= self.columns <= columns and self.repeats >= 1
        return whole and -(-rows // self.rows) % self.repeats == 0

    def entries(self, shape: Shape) -> Shape:
        """Return the shape of what is coded of an array."""
        rows, columns = _matrix(shape)
        return -(-rows // self.rows) // self.repeats, -(-columns // self.columns)

    def symbols(self, alphabet: int) -> int:
        """Return the size of the alphabet of what is coded, for that of the mask."""
        return alphabet

    def reduce(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return what is coded of an array."""
        once = array.reshape(_matrix(array.shape))[:: self.rows, :: self.columns]
        return once[: len(once) // self.repeats]

    def expand(self, entries: NDArray[Any], shape: Shape) -> NDArray[Any]:
        """Return the array of which entries were coded."""
        rows, columns = _matrix(shape)
        wide = entries.repeat(self.columns, axis=1)[:, :columns] if self.columns > 1 else entries
        tall = np.tile(wide, (self.repeats, 1)) if self.repeats > 1 else wide
        return (tall.repeat(self.rows, axis=0)[:rows] if self.rows > 1 else tall).reshape(shape)


@dataclass(frozen=True)
class NOfM:
    """Exactly n of each m consecutive entries along the second axis: each group is the number of its pattern."""

    n: int
    m: int
    separator: ClassVar[str] = ":"

    @property
    def text(self) -> str:
        """The grain as text."""
        return f"{self.n}{self.separator}{self.m}"

    def fits(self, shape: Shape) -> bool:
        """Whether an array of a shape may have it."""
        found = len(shape) > 1 and 1 <= self.n < self.m <= LARGEST_ALPHABET and shape[1] % self.m == 0
        return found and comb(self.m, self.n) <= min(LARGEST_ALPHABET, prod(shape) // self.m // _GROUPS_A_PATTERN)

    def entries(self, shape: Shape) -> Shape:
        """Return the shape of what is coded of an array."""
        return (prod(shape) // self.m,)

    def symbols(self, alphabet: int) -> int:
        """Return the number of patterns."""
        del alphabet
        return comb(self.m, self.n)

    def reduce(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the pattern of each group."""
        places = np.nonzero(np.moveaxis(array, 1, -1).reshape(-1, self.m))[1].reshape(-1, self.n)
        ranks = np.array([[comb(place, count + 1) for count in range(self.n)] for place in range(self.m)])
        found: NDArray[np.uint8] = ranks[places, np.arange(self.n)].sum(axis=1).astype(np.uint8)
        return found

    def expand(self, entries: NDArray[Any], shape: Shape) -> NDArray[Any]:
        """Return the array of which patterns were coded."""
        moved = (shape[0], *shape[2:], shape[1])
        return np.ascontiguousarray(np.moveaxis(_patterns(self.n, self.m)[entries].reshape(moved), -1, 1))


def grain_of(array: NDArray[Any]) -> Grain | NOfM:
    """Return the grain of a mask array: the longest runs, and where there are none, the smallest m with n of each m."""
    matrix = array.reshape(_matrix(array.shape))
    rows = _run((matrix[1:] != matrix[:-1]).any(axis=1))
    matrix = matrix[::rows]
    columns = _run((matrix[:, 1:] != matrix[:, :-1]).any(axis=0))
    grain = Grain(rows, columns, _repeats(matrix[:, ::columns]))
    return grain if grain != Grain() else _n_of_m(array) or grain


def grain_from_text(text: str, shape: Shape) -> Grain | NOfM:
    """Read the text of a grain of an array, or raise ArgumentError."""
    kind: type[Grain | NOfM] = NOfM if NOfM.separator in text else Grain
    try:
        found = kind(*map(int, text.split(kind.separator))) if text else Grain()
    except (TypeError, ValueError):
        found = None
    if found is None or not found.fits(shape):
        raise ArgumentError("grain", text, f"is none of a mask of shape {list(shape)}", "the file was changed")
    return found


def coded_bits(mask: Mask) -> float:
    """Return the entropy bound of what is coded of a mask whose arrays are coded by their grains."""
    bits = 0.0
    for array in mask.arrays.values():
        grain = grain_of(array)
        values = range(grain.symbols(0)) if isinstance(grain, NOfM) else mask.alphabet
        entries = grain.reduce(array)
        bits += multinomial_bits([int(np.count_nonzero(entries == value)) for value in values])
    return bits


def _matrix(shape: Shape) -> tuple[int, int]:
    return (shape[0] if shape else 1), prod(shape[1:])


def _run(changes: NDArray[np.bool_]) -> int:
    """Return the largest length that divides the places of all changes between neighbours; all, where nothing does."""
    return int(np.gcd.reduce(np.flatnonzero(changes) + 1)) or len(changes) + 1


def _repeats(matrix: NDArray[Any]) -> int:
    """Return how often rows repeat."""
    rows = len(matrix)
    for period in range(1, rows // 2 + 1):
        begins_again = rows % period == 0 and np.array_equal(matrix[0], matrix[period])
        if begins_again and np.array_equal(matrix[:-period], matrix[period:]):
            return rows // period
    return 1


def _n_of_m(array: NDArray[Any]) -> NOfM | None:
    if array.dtype != np.bool_ or array.ndim < 2:
        return None
    moved = np.ascontiguousarray(np.moveaxis(array, 1, -1))
    for m in range(2, min(array.shape[1], LARGEST_ALPHABET) + 1):
        if array.shape[1] % m == 0:
            groups = moved.reshape(-1, m)
            n = int(np.count_nonzero(groups[0]))
            if NOfM(n, m).fits(array.shape) and (np.count_nonzero(groups, axis=1) == n).all():
                return NOfM(n, m)
    return None


@lru_cache(maxsize=16)
def _patterns(n: int, m: int) -> NDArray[np.bool_]:
    """Return all patterns of n of m in the order of their numbers: by their last place, then the one before."""
    places = sorted(combinations(range(m), n), key=lambda pattern: pattern[::-1])
    found = np.zeros((len(places), m), np.bool_)
    found[np.arange(len(places))[:, None], places] = True
    return found

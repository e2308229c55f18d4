"""Patterns of places: which chains of views are one rearrangement of a graph."""

from __future__ import annotations

import numpy as np

from slth.arrays import Bools, Indices
from slth.graphs import Rearrange, Shape, rearrangement


def strided(indices: Indices, to: Shape) -> Rearrange | None:
    """Return the rearrangement whose outputs are the given inputs (-1 for 0), or None where their pattern is irregular.

    Axes are split into digits until each has one stride: merged axes of a transposed array are two digits.
    """
    found = rearrangement(indices, to)
    places = np.argwhere(indices >= 0)
    if found is not None or not len(places):
        return found
    corner = places[0]
    digits: list[int] = []
    for axis, size in enumerate(indices.shape):
        line = indices[tuple(slice(None) if other == axis else place for other, place in enumerate(corner))]
        digits += _digits(line) if size > 1 else []
    return rearrangement(indices.reshape(digits or [1]), to)


def pieces(indices: Indices, to: Shape, *, most: int) -> list[Rearrange]:
    """Return rearrangements whose sum is the pattern, at most so many; an empty list where there are none.

    The pattern is cut along one axis after another where its step changes: a rolled image is two pieces, a mirrored
    border three in each direction.
    """
    found: list[Rearrange] = []
    waiting = [indices]
    while waiting:
        part = waiting.pop()
        step = strided(part, to)
        if step is not None:
            found.append(step)
            continue
        halves = _cut(part)
        waiting += halves
        if len(halves) == 1 or len(found) + len(waiting) > most:
            return []
    return found


def _cut(indices: Indices) -> list[Indices]:
    """Return patterns that cover the given one, cut along the first axis where steps change; itself where none does."""
    for axis in range(indices.ndim):
        slices = np.moveaxis(indices, axis, 0).reshape(indices.shape[axis], -1)
        inside = np.flatnonzero((slices >= 0).any(axis=1))
        steps = np.diff(slices[inside[0] : inside[-1] + 1], axis=0)
        changes = np.flatnonzero((steps != steps[:1]).any(axis=1))
        if len(changes):
            line = np.arange(indices.shape[axis]).reshape(-1, *[1] * (indices.ndim - 1 - axis))
            before = line <= inside[0] + changes[0]
            return [np.where(before, indices, -1), np.where(before, -1, indices)]
    return [indices]


def _digits(line: Indices) -> list[int]:
    """Return sizes, with the length as their product, in whose digits each axis of the line has one stride."""
    if _even(line):
        return [len(line)]
    for size in _divisors(len(line)):
        rows = line.reshape(-1, size)
        inside = rows >= 0
        used: Bools = (rows >= 0).max(axis=1)
        columns = rows[used][0]
        first = int(np.argmax(columns >= 0))
        if not _even(columns) or not np.array_equal(inside, used[:, None] & (columns >= 0)):
            continue
        moved = np.where(inside, rows - rows[:, first : first + 1] + columns[first] - columns, 0)
        if not moved.any():
            return [*_digits(np.where(used, rows[:, first], -1)), size]
    return [len(line)]


def _even(line: Indices) -> bool:
    """Whether the places that are not -1 follow one another at equal distances."""
    known = np.flatnonzero(line >= 0)
    values = line[known]
    together = len(known) == known[-1] - known[0] + 1
    return bool(together and np.all(values[1:] - values[:-1] == values[-1:] - values[-2:-1]))


def _divisors(number: int) -> list[int]:
    """Return its divisors below itself and above 1, the largest first."""
    small = [divisor for divisor in range(2, int(number**0.5) + 1) if number % divisor == 0]
    return sorted({*small, *(number // divisor for divisor in small)}, reverse=True)

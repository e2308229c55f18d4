"""Where the numbers of a kernel stand in the matrix of its affine map: scattered over a sparse one, or all of it.

A convolution, with its stride, padding, dilation and groups, is a sparse matrix whose numbers are those of its kernel,
many times; a linear layer on one pixel is its matrix. Both answer the same questions, so that rules need not ask which
one they have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, ClassVar, TypeAlias

import numpy as np
import scipy.sparse as sp

from slth.arrays import Indices
from slth.certificates.interval import UNIT_ROUNDOFF, Array, Interval, down, up
from slth.graphs import ConvShape, Shape

Matrix: TypeAlias = Any
"""A matrix of float64, sparse by rows (scipy's csr_array) or dense."""

_PIECE = 2**18  # entries that are worked on at a time: temporary arrays of 2 MiB stay near the processor


def kernel_entries(layout: Layout, numbers: Interval) -> Interval:
    """Return for each entry its interval of the flattened kernel."""
    return numbers.map(layout.of_kernel)


def input_entries(layout: Layout, values: Interval) -> Interval:
    """Return for each entry the interval of its column."""
    return values.map(layout.of_inputs)


@dataclass(frozen=True)
class Full:
    """A matrix all of whose entries are numbers of the kernel, in its order: rows ``first`` to ``last`` of them."""

    first: int
    last: int
    columns: int
    cost: ClassVar[float] = 2.0**-9  # of a multiplication, beside one of sparse matrices

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.last - self.first

    @property
    def longest(self) -> int:
        """Largest number of entries in a row, 1 at least."""
        return self.columns

    @property
    def entries(self) -> int:
        """Number of entries."""
        return self.rows * self.columns

    def of_kernel(self, numbers: Array) -> Array:
        """Return for each entry its number of the flattened kernel."""
        return numbers.reshape(-1, self.columns)[self.first : self.last]

    def of_inputs(self, values: Array) -> Array:
        """Return for each entry the value of its column, to be broadcast along the rows."""
        return values

    def met(self, values: Interval, count: int) -> Interval:
        """Return for each of so many numbers of the kernel an interval that holds all inputs that it meets."""
        rows = count // self.columns
        return Interval(np.tile(values.lower, rows), np.tile(values.upper, rows))

    def total(self, terms: Interval) -> Interval:
        """Return enclosures of the sums of each row's entries."""
        return terms.total()

    def matrix(self, entries: Array) -> Matrix:
        """Return the matrix with the given entries."""
        return np.broadcast_to(entries, (self.rows, self.columns))

    def pieces(self) -> Iterator[tuple[slice, Layout]]:
        """Yield some rows at a time, and their layout."""
        step = max(1, _PIECE // self.columns)
        for start in range(0, self.rows, step):
            part = slice(start, min(start + step, self.rows))
            yield part, Full(self.first + part.start, self.first + part.stop, self.columns)


@dataclass(frozen=True, eq=False)
class Places:
    """The pattern of a sparse matrix.

    Shapes: first int64[rows + 1]; inputs int64[entries]; entry int64[entries].
    """

    first: Indices
    inputs: Indices
    entry: Indices
    columns: int
    cost: ClassVar[float] = 1.0

    @property
    def rows(self) -> int:
        return len(self.first) - 1

    @property
    def entries(self) -> int:
        return len(self.inputs)

    @cached_property
    def longest(self) -> int:
        return int(np.diff(self.first).max(initial=1))

    @cached_property
    def _filled(self) -> Indices:
        return np.flatnonzero(np.diff(self.first))

    @cached_property
    def _pattern(self) -> tuple[Any, Any]:
        kind = np.int32 if max(len(self.inputs), self.columns, self.rows) < 2**31 - 1 else np.int64
        return self.inputs.astype(kind), self.first.astype(kind)

    def of_kernel(self, numbers: Array) -> Array:
        return numbers[self.entry]

    def of_inputs(self, values: Array) -> Array:
        return values[self.inputs]

    def met(self, values: Interval, count: int) -> Interval:
        lower, upper = np.full(count, np.inf), np.full(count, -np.inf)
        np.minimum.at(lower, self.entry, values.lower[self.inputs])
        np.maximum.at(upper, self.entry, values.upper[self.inputs])
        never = lower > upper
        return Interval(np.where(never, 0.0, lower), np.where(never, 0.0, upper))

    def total(self, terms: Interval) -> Interval:
        """Return enclosures of the sums of each row's entries (fact 2 of :mod:`slth.certificates.interval`)."""
        lower, upper = self._sums(terms.lower), self._sums(terms.upper)
        factor = 2.0 * self.longest * UNIT_ROUNDOFF
        below = up(np.asarray(factor * self._sums(np.abs(terms.lower))))
        above = up(np.asarray(factor * self._sums(np.abs(terms.upper))))
        return Interval(down(lower - below), up(upper + above))

    def _sums(self, terms: Array) -> Array:
        filled = self._filled
        if len(filled) == self.rows:
            return np.asarray(np.add.reduceat(terms, self.first[:-1]))
        sums = np.zeros(self.rows)
        if len(filled):
            sums[filled] = np.add.reduceat(terms, self.first[filled])
        return sums

    def matrix(self, entries: Array) -> Matrix:
        return sp.csr_array((entries, *self._pattern), shape=(self.rows, self.columns))

    def pieces(self) -> Iterator[tuple[slice, Layout]]:
        start = 0
        while start < self.rows:
            stop = int(np.searchsorted(self.first, self.first[start] + _PIECE, side="right")) - 1
            stop = min(max(stop, start + 1), self.rows)
            if (start, stop) == (0, self.rows):
                yield slice(start, stop), self
                return
            own = slice(int(self.first[start]), int(self.first[stop]))
            first = self.first[start : stop + 1] - self.first[start]
            yield slice(start, stop), Places(first, self.inputs[own], self.entry[own], self.columns)
            start = stop


Layout: TypeAlias = Full | Places
"""The pattern of a matrix."""


def conv_layout(geometry: ConvShape, shape: Shape) -> Layout:
    """Return the layout of a convolution's matrix for images of a shape."""
    seen = geometry.window.indices(shape[1:])
    if geometry.groups == 1 and shape[1:] == (1, 1) and seen.shape == (1, 1, 1) and seen[0, 0, 0] == 0:
        return Full(0, geometry.outputs, geometry.inputs)
    return window_places(seen, shape, geometry.outputs, geometry.groups)


def window_places(seen: Indices, shape: Shape, outputs: int, groups: int) -> Places:
    """Return the pattern of a convolution from the inputs of one channel that each window sees, -1 in the padding."""
    rows, across, taps = seen.shape
    channels, pixels = shape[0], prod(shape[1:])
    inputs, each = channels // groups, outputs // groups
    every = np.where(seen >= 0, seen + pixels * np.arange(channels)[:, None, None, None], -1)
    # [group, row, column, input, tap], once for each output of the group
    by_group = every.reshape(groups, inputs, rows, across, taps).transpose(0, 2, 3, 1, 4)
    by_output = np.repeat(by_group, each, axis=0).reshape(outputs * rows * across, inputs * taps)
    kernel = np.arange(outputs * inputs * taps).reshape(outputs, inputs * taps)
    entries = np.repeat(kernel, rows * across, axis=0)
    inside = by_output >= 0
    first = np.concatenate([[0], np.cumsum(inside.sum(axis=1))])
    return Places(first, by_output[inside], entries[inside], prod(shape))

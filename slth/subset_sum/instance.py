"""A subset-sum instance, validated once."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from slth.errors import ArgumentError

Floats = npt.NDArray[np.float64]
NORMS = ("max", "l2")


def as_floats(name: str, given: Any, *, dimensions: tuple[int, ...]) -> Floats:
    """A contiguous, finite, read-only float64 array of the given argument, or an ArgumentError that says why not."""
    if isinstance(given, np.ma.MaskedArray):
        remedy = "pass given.compressed(), or fill what is masked"
        raise ArgumentError(name, "a masked array", "must have every value present", remedy)
    try:
        array = np.asarray(given)
    except ValueError:
        raise ArgumentError(name, given, "has rows of different lengths", "pass a rectangular array") from None
    except (RuntimeError, TypeError) as problem:  # a tensor that needs a gradient, or lives on a GPU
        remedy = "pass tensor.detach().cpu().numpy()"
        raise ArgumentError(name, type(given).__name__, f"does not become a numpy array ({problem})", remedy) from None
    if array.dtype == object or array.dtype.kind not in "buif":
        raise ArgumentError(
            name, array.dtype, "must hold real numbers", "pass floats or integers in a numpy array or list"
        )
    if array.ndim not in dimensions:
        allowed = " or ".join(str(d) for d in dimensions)
        raise ArgumentError(name, f"array of shape {array.shape}", f"must have {allowed} dimension(s)", "reshape it")
    floats: Floats = np.array(array, dtype=np.float64, order="C")
    for integer in array[np.abs(floats) >= 2.0**53].tolist() if array.dtype.kind in "iu" else ():
        if int(float(integer)) != integer:
            rule = "is an integer that float64 cannot hold exactly"
            raise ArgumentError(name, integer, rule, "scale it down, or pass floats if their rounding is meant")
    bad = ~np.isfinite(floats)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        position = where[0] if len(where) == 1 else where
        raise ArgumentError(
            f"{name}[{position}]" if where else name, float(floats[where]), "must be finite", "remove or replace it"
        )
    floats.flags.writeable = False
    return floats


def as_tolerance(given: Any) -> float:
    """A finite tolerance >= 0."""
    try:
        tolerance = float(given)
    except (TypeError, ValueError):
        raise ArgumentError("tolerance", given, "must be a number", "pass 0.0 for the exact optimum") from None
    if not math.isfinite(tolerance) or tolerance < 0.0:
        raise ArgumentError("tolerance", tolerance, "must be finite and not negative", "pass 0.0 for the exact optimum")
    return tolerance


def as_size(given: Any, n: int) -> int | None:
    """A subset size between 0 and n, or None."""
    if given is None:
        return None
    try:
        size = operator.index(given)
    except TypeError:
        raise ArgumentError("size", given, "must be an integer or None", "pass None for subsets of any size") from None
    if isinstance(given, (bool, np.bool_)) or not 0 <= size <= n:
        raise ArgumentError("size", given, f"must lie between 0 and n = {n}", "choose fewer values or pass None")
    return size


def as_norm(given: Any) -> str:
    """The name of a norm."""
    if not isinstance(given, str) or given not in NORMS:
        raise ArgumentError("norm", given, "must be 'max' or 'l2'", "leave it out for 'max', the theorems' norm")
    return given


def check_has_values(shape: tuple[int, ...], *, vectors: bool, row: str) -> None:
    """Refuse lists without a value, and values without a coordinate; `row` says whose list it is."""
    if shape[-2 if vectors else -1] == 0:
        raise ArgumentError("values", f"array of shape {shape}", f"must hold at least one value{row}", "pass n >= 1")
    if vectors and shape[-1] == 0:
        raise ArgumentError("values", f"array of shape {shape}", "has vectors without coordinates", "pass d >= 1")


def check_sum_is_finite(values: Floats, targets: Floats, *, vectors: bool = False) -> None:
    """Refuse magnitudes whose sum, of all coordinates, overflows float64, where no total could be reported."""
    with np.errstate(over="ignore"):
        sums = np.abs(values).sum(axis=(-2, -1) if vectors else -1)
        reach = np.abs(targets).sum(axis=-1) if vectors else np.abs(targets)
        largest = float(np.max(sums)) + float(np.max(reach, initial=0.0))
    if not math.isfinite(largest):
        raise ArgumentError(
            "values",
            "sum of |values| + |target| = inf",
            "must stay below 1.8e308",
            "divide values and target by a power of two",
        )


@dataclass(frozen=True, eq=False)
class SubsetSumInstance:
    """Choose a subset S of the values so that norm(sum of S - target) is small.

    Parameters
    ----------
    values : array_like, float64[n] or float64[n, d]
        The candidates, numbers or vectors; finite, n >= 1, d >= 1. Kept as a read-only copy.
    target : float, or array_like, float64[d]
        What the chosen values should add up to; finite.
    tolerance : float, default 0.0
        An error that is good enough; 0.0 asks for the optimum.
    size : int or None
        Exactly how many values to choose; None for any number.
    norm : {"max", "l2"}
        How the distance of vectors is measured: the largest coordinate, or the root of the sum of squares.

    Raises
    ------
    ArgumentError
        For NaN, inf, empty or wrongly shaped values, a target of another shape, a negative tolerance, a size outside
        0..n, or an unknown norm.

    Examples
    --------
    >>> SubsetSumInstance([0.5, -0.25, 1.0], 0.3).n
    3
    """

    values: Floats
    target: float | Floats
    tolerance: float = 0.0
    size: int | None = None
    norm: str = "max"

    def __post_init__(self) -> None:
        values = as_floats("values", self.values, dimensions=(1, 2))
        vectors = values.ndim == 2
        check_has_values(values.shape, vectors=vectors, row="")
        target = as_floats("target", self.target, dimensions=(0, 1))
        if target.shape != values.shape[1:]:
            rule = f"has another number of dimensions or coordinates than the values, of shape {values.shape}"
            remedy = f"pass one number for each of the {values.shape[1]} coordinates" if vectors else "pass one number"
            raise ArgumentError("target", self.target, rule, remedy)
        check_sum_is_finite(values, target, vectors=vectors)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "target", target if vectors else float(target))
        object.__setattr__(self, "tolerance", as_tolerance(self.tolerance))
        object.__setattr__(self, "size", as_size(self.size, len(values)))
        object.__setattr__(self, "norm", as_norm(self.norm))

    @property
    def n(self) -> int:
        """Number of values."""
        return len(self.values)

    @property
    def d(self) -> int:
        """Coordinates of each value; 1 for numbers."""
        return self.values.shape[1] if self.values.ndim == 2 else 1

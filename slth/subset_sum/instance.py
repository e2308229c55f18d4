"""A subset-sum instance, validated once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slth.arrays import Floats, finite_array, finite_number, whole
from slth.errors import ArgumentError

NORMS = ("max", "l2")
HUGE = 1e308  # what sums may reach without a second look


def as_tolerance(given: Any) -> float:
    """A finite tolerance >= 0."""
    tolerance = finite_number(given, "tolerance", remedy="pass 0.0 for the exact optimum")
    if tolerance < 0.0:
        raise ArgumentError("tolerance", tolerance, "must be finite and not negative", "pass 0.0 for the exact optimum")
    return tolerance


def as_tolerances(given: Any, coordinates: int | None, norm: str = "max") -> float | Floats:
    """What a sum may be off by: one number, or of vectors float64[d], where coordinates differ in it."""
    if not isinstance(given, Sequence) and np.ndim(given) == 0:
        return as_tolerance(given)
    tolerances = finite_array(given, "tolerance", axes=1)
    if coordinates is None or len(tolerances) != coordinates:
        rule = f"must be one number{'' if coordinates is None else f', or {coordinates}'}"
        raise ArgumentError("tolerance", tolerances.tolist(), rule, "pass one for all coordinates, or one for each")
    for each in tolerances.tolist():
        as_tolerance(each)
    if (tolerances == tolerances[0]).all() and norm == "max":
        return float(tolerances[0])
    if norm != "max":
        rule = f"holds in each coordinate, which norm={norm!r} does not measure"
        raise ArgumentError("tolerance", tolerances.tolist(), rule, "pass one number, or leave norm out")
    return tolerances


def as_size(given: Any, n: int) -> int | None:
    """A subset size between 0 and n, or None."""
    return (
        None if given is None else whole(given, "size", 0, n, remedy=f"there are n = {n} values; None takes any size")
    )


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
    terms = values.size + targets.size
    if max(float(np.abs(values).max()), float(np.abs(targets).max(initial=0.0))) < HUGE / terms:
        return  # the usual case, in which nobody needs to add up
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
    tolerance : float, or array_like, float64[d], default 0.0
        An error that is good enough, of vectors also one for each coordinate; 0.0 asks for the optimum.
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
    >>> slth.SubsetSumInstance([0.5, -0.25, 1.0], 0.3).n
    3
    """

    values: Floats
    target: float | Floats
    tolerance: float | Floats = 0.0
    size: int | None = None
    norm: str = "max"

    def __post_init__(self) -> None:
        values = finite_array(self.values, "values", axes=(1, 2))
        vectors = values.ndim == 2
        check_has_values(values.shape, vectors=vectors, row="")
        target = finite_array(self.target, "target", axes=(0, 1))
        if target.shape != values.shape[1:]:
            rule = f"has another number of dimensions or coordinates than the values, of shape {values.shape}"
            remedy = f"pass one number for each of the {values.shape[1]} coordinates" if vectors else "pass one number"
            raise ArgumentError("target", self.target, rule, remedy)
        check_sum_is_finite(values, target, vectors=vectors)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "target", target if vectors else float(target))
        object.__setattr__(self, "size", as_size(self.size, len(values)))
        object.__setattr__(self, "norm", as_norm(self.norm))
        tolerance = as_tolerances(self.tolerance, values.shape[1] if vectors else None, self.norm)
        object.__setattr__(self, "tolerance", tolerance)

    @property
    def n(self) -> int:
        """Number of values."""
        return len(self.values)

    @property
    def d(self) -> int:
        """Coordinates of each value; 1 for numbers."""
        return self.values.shape[1] if self.values.ndim == 2 else 1

"""Answers that carry their own certificate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from slth.arrays import Bools, Floats, ReadOnly, frozen
from slth.errors import SlthError
from slth.kernels.exact_sum import chosen_sums
from slth.resources import Interrupted
from slth.subset_sum.instance import SubsetSumInstance
from slth.subset_sum.status import Status


def residual(chosen: Sequence[float], target: float) -> list[float]:
    """The sum of the chosen values less the target, exactly: doubles that add up to it, the first its nearest."""
    terms = [*chosen, -target]
    parts = [math.fsum(terms)]
    while parts[-1] != 0.0:
        terms.append(-parts[-1])
        parts.append(math.fsum(terms))
    return parts[:-1] or [0.0]


def rounded_root(square: Fraction) -> float:
    """The double nearest to the square root of a number >= 0."""
    p, q = square.as_integer_ratio()
    # An even power of two such that the root has 64 digits or more; what is lost below them only breaks ties.
    shift = max(0, 128 - p.bit_length() + q.bit_length()) // 2 + 1
    number, rest = divmod(p << 2 * shift, q)
    root = math.isqrt(number)
    inexact = rest != 0 or root * root != number
    return float(Fraction(2 * root + inexact, 1 << shift + 1))


def error_of(chosen: Floats, target: float | Floats, norm: str) -> float:
    """How far the sum of chosen values, or vectors, is from the target: rounded once, from the exact sum.

    Shapes: chosen float64[k] or float64[k, d]; target float or float64[d].
    """
    if not isinstance(target, np.ndarray):
        return abs(math.fsum([*chosen.tolist(), -target]))
    columns = list(zip(chosen.T.tolist(), target.tolist(), strict=True))
    if norm == "max" or len(columns) == 1:
        return max(abs(math.fsum([*column, -goal])) for column, goal in columns)
    gaps = (sum((Fraction(part) for part in residual(column, goal)), Fraction(0)) for column, goal in columns)
    return rounded_root(sum((gap * gap for gap in gaps), Fraction(0)))


def read_only(work: Mapping[str, Any]) -> Mapping[str, Any]:
    """A read-only copy of the record of what was done."""
    return ReadOnly(work)


@dataclass(frozen=True, eq=False)
class SubsetSumSolution:
    """A subset, re-summed on construction, and a proved bound on how much better any other could be.

    ``error = |fsum(chosen values, -target)|``, correctly rounded from the exact sum; it is computed here and
    never taken from a solver. Of vectors it is the instance's norm of the exact differences of the coordinates,
    rounded once.

    Parameters
    ----------
    instance : SubsetSumInstance
        What was asked.
    subset : bool[n]
        The chosen values.
    lower_bound : float
        No subset has a smaller error, up to the rounding of the error itself; 0 <= lower_bound <= error. For an optimal
        solution it equals the error.
    status : Status
        What is claimed; an optimal status closes the gap.
    solver : str
        Who answered, as ``TwoList()``.
    work : mapping
        What it took: the reason for the solver, steps, passes.

    Attributes
    ----------
    total : float or float64[d]
        Correctly rounded sum of the chosen values.
    error : float
        Correctly rounded norm(sum of the chosen values - target).

    Examples
    --------
    >>> s = slth.solve([0.5, -0.25, 1.0], 0.3)
    >>> s.subset.tolist(), s.error, s.status.label
    ([True, True, False], 0.04999999999999999, 'optimal')
    """

    instance: SubsetSumInstance
    subset: Bools
    lower_bound: float
    status: Status
    solver: str
    work: Mapping[str, Any] = field(default_factory=dict)
    total: float | Floats = field(init=False)
    error: float = field(init=False)

    def __post_init__(self) -> None:
        subset = np.array(self.subset, dtype=np.bool_)
        if subset.shape != self.instance.values.shape[:1]:
            raise SlthError(f"solver {self.solver} returned a subset of shape {subset.shape}: please report this")
        if self.instance.size is not None and np.count_nonzero(subset) != self.instance.size:
            what = f"another number of values than size={self.instance.size}"
            raise SlthError(f"solver {self.solver} chose {what}: please report this")
        chosen = self.instance.values[subset]
        error = error_of(chosen, self.instance.target, self.instance.norm)
        status = Status.OPTIMAL if error == 0.0 else self.status  # a sum that rounds to 0 is 0
        lower = error if status == Status.OPTIMAL else min(max(self.lower_bound, 0.0), error)
        object.__setattr__(self, "subset", frozen(subset))
        object.__setattr__(self, "status", status)
        object.__setattr__(self, "work", read_only(self.work))
        object.__setattr__(self, "total", _total(chosen))
        object.__setattr__(self, "error", error)
        object.__setattr__(self, "lower_bound", lower)

    @property
    def density(self) -> float:
        """Chosen values / all values."""
        return float(self.subset.mean())

    def finished(self) -> SubsetSumSolution:
        """The solution itself, for callers to whom the best by the time of an interruption is no answer.

        Raises
        ------
        Interrupted
            If the solver was interrupted; it took the KeyboardInterrupt to hand over what it had.
        """
        if self.status == Status.INTERRUPTED:
            raise Interrupted("a subset sum was interrupted")
        return self

    def __repr__(self) -> str:
        return (
            f"SubsetSumSolution(n={self.instance.n}{_d_of(self.instance.values)}, error={self.error:.6g}, "
            f"lower_bound={self.lower_bound:.6g}, status={self.status.label!r}, solver={self.solver!r})"
        )


def _total(chosen: Floats) -> float | Floats:
    if chosen.ndim == 1:
        return math.fsum(chosen.tolist())
    return frozen(np.array([math.fsum(column) for column in chosen.T.tolist()]))


def _d_of(values: Floats) -> str:
    return f", d={values.shape[1]}" if values.ndim == 2 else ""


@dataclass(frozen=True, eq=False)
class BatchSolution:
    """Solutions of B instances, as arrays.

    Attributes
    ----------
    subsets : bool[B, n]
        The chosen values of each instance.
    totals : float64[B], or float64[B, d] of vectors
        Correctly rounded sums of the chosen values.
    errors : float64[B]
        Their distances from the targets, rounded once.
    lower_bounds : float64[B]
        Proved: no subset of that row has a smaller error.
    status : uint8[B]
        A :class:`Status` for each row.
    solver : str
        Who answered.
    work : mapping
        What it took, with the reason for the choice of solver.
    """

    subsets: Bools
    totals: Floats
    errors: Floats
    lower_bounds: Floats
    status: npt.NDArray[np.uint8]
    solver: str
    work: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("subsets", "totals", "errors", "lower_bounds", "status"):
            object.__setattr__(self, name, frozen(getattr(self, name)))
        object.__setattr__(self, "work", read_only(self.work))

    def __len__(self) -> int:
        return len(self.totals)

    def finished(self) -> BatchSolution:
        """The batch itself, for callers to whom a part of the answers would look like all of them.

        Raises
        ------
        Interrupted
            If a row was interrupted; the solver took the KeyboardInterrupt to hand over what it had.
        """
        if (self.status == Status.INTERRUPTED).any():
            raise Interrupted("a batch of subset sums was interrupted")
        return self

    def __repr__(self) -> str:
        counts = ", ".join(f"{int((self.status == s).sum())} {s.label}" for s in Status if (self.status == s).any())
        return f"BatchSolution({len(self)} instances of n={self.subsets.shape[1]}: {counts}; solver={self.solver!r})"


def sums_and_errors(values: Floats, subsets: Bools, targets: Floats, norm: str) -> tuple[Floats, Floats]:
    """Each row's sum, and its distance from the target, rounded once.

    Shapes: values float64[B, n], or float64[1, n] where all rows share one list; of vectors float64[B or 1, n, d];
    subsets bool[B, n]; targets float64[B] or float64[B, d].
    """
    totals, errors = np.empty(targets.shape), np.empty(targets.shape)
    if targets.ndim == 1:
        chosen_sums(values, subsets, targets, totals, errors)
    else:
        for c in range(targets.shape[1]):
            column = np.empty((2, len(targets)))
            chosen_sums(np.ascontiguousarray(values[..., c]), subsets, targets[:, c].copy(), *column)
            totals[:, c], errors[:, c] = column
        errors = errors.max(axis=1)
        for k in range(len(targets) if norm == "l2" and targets.shape[1] > 1 else 0):
            errors[k] = error_of(values[0 if len(values) == 1 else k][subsets[k]], targets[k], norm)
    return totals, errors


def certified_batch(
    values: Floats,
    targets: Floats,
    subsets: Bools,
    lower_bounds: Floats,
    status: npt.NDArray[np.uint8],
    *,
    solver: str,
    work: Mapping[str, Any],
    norm: str = "max",
) -> BatchSolution:
    """Re-sum every row exactly and close the gap where a row is claimed to be optimal.

    Shapes: as :func:`sums_and_errors`.
    """
    totals, errors = sums_and_errors(values, subsets, targets, norm)
    status = np.where(errors == 0.0, np.uint8(Status.OPTIMAL), status)  # a sum that rounds to 0 is 0
    lower = np.where(status == Status.OPTIMAL, errors, np.clip(lower_bounds, 0.0, errors))
    return BatchSolution(subsets, totals, errors, lower, status, solver, work)

"""Answers that carry their own certificate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from slth.errors import SlthError
from slth.kernels.exact_sum import chosen_sums
from slth.subset_sum.instance import Floats, SubsetSumInstance
from slth.subset_sum.status import Status

Bools = npt.NDArray[np.bool_]


def frozen(work: Mapping[str, Any]) -> Mapping[str, Any]:
    """A read-only copy of the record of what was done."""
    return MappingProxyType(dict(work))


@dataclass(frozen=True, eq=False)
class SubsetSumSolution:
    """A subset, re-summed on construction, and a proved bound on how much better any other could be.

    ``error = |fsum(chosen values, -target)|``, correctly rounded from the exact sum; it is computed here and
    never taken from a solver.

    Parameters
    ----------
    instance : SubsetSumInstance
        What was asked.
    subset : bool[n]
        The chosen values.
    lower_bound : float
        No subset has a smaller error; 0 <= lower_bound <= error. For an optimal solution it equals the error.
    status : Status
        What is claimed; an optimal status closes the gap.
    solver : str
        Who answered, as ``TwoList()``.
    work : mapping
        What it took: the reason for the solver, steps, passes.

    Attributes
    ----------
    total : float
        Correctly rounded sum of the chosen values.
    error : float
        Correctly rounded abs(sum of the chosen values - target).

    Examples
    --------
    >>> import slth
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
    total: float = field(init=False)
    error: float = field(init=False)

    def __post_init__(self) -> None:
        subset = np.array(self.subset, dtype=np.bool_)
        if subset.shape != self.instance.values.shape:
            raise SlthError(f"solver {self.solver} returned a subset of shape {subset.shape}: please report this")
        if self.instance.size is not None and int(subset.sum()) != self.instance.size:
            raise SlthError(f"solver {self.solver} returned {int(subset.sum())} values, asked for {self.instance.size}")
        subset.flags.writeable = False
        chosen = self.instance.values[subset].tolist()
        error = abs(math.fsum([*chosen, -self.instance.target]))
        status = Status.OPTIMAL if error == 0.0 else self.status  # a sum that rounds to 0 is 0
        lower = error if status == Status.OPTIMAL else min(max(self.lower_bound, 0.0), error)
        object.__setattr__(self, "subset", subset)
        object.__setattr__(self, "status", status)
        object.__setattr__(self, "work", frozen(self.work))
        object.__setattr__(self, "total", math.fsum(chosen))
        object.__setattr__(self, "error", error)
        object.__setattr__(self, "lower_bound", lower)

    @property
    def density(self) -> float:
        """Chosen values / all values."""
        return float(self.subset.mean())

    def __repr__(self) -> str:
        return (
            f"SubsetSumSolution(n={self.instance.n}, error={self.error:.6g}, lower_bound={self.lower_bound:.6g}, "
            f"status={self.status.label!r}, solver={self.solver!r})"
        )


@dataclass(frozen=True, eq=False)
class BatchSolution:
    """Solutions of B instances, as arrays.

    Attributes
    ----------
    subsets : bool[B, n]
        The chosen values of each instance.
    totals, errors : float64[B]
        Correctly rounded sums of the chosen values, and their distances from the targets.
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
            getattr(self, name).flags.writeable = False
        object.__setattr__(self, "work", frozen(self.work))

    def __len__(self) -> int:
        return len(self.totals)

    def __repr__(self) -> str:
        counts = ", ".join(f"{int((self.status == s).sum())} {s.label}" for s in Status if (self.status == s).any())
        return f"BatchSolution({len(self)} instances of n={self.subsets.shape[1]}: {counts}; solver={self.solver!r})"


def certified_batch(
    values: Floats,
    targets: Floats,
    subsets: Bools,
    lower_bounds: Floats,
    status: npt.NDArray[np.uint8],
    *,
    solver: str,
    work: Mapping[str, Any],
) -> BatchSolution:
    """Re-sum every row exactly and close the gap where a row is claimed to be optimal.

    ``values`` is float64[B, n], or float64[1, n] where all rows share one list.
    """
    totals = np.empty(len(targets))
    errors = np.empty(len(targets))
    chosen_sums(values, subsets, targets, totals, errors)
    status = np.where(errors == 0.0, np.uint8(Status.OPTIMAL), status)  # a sum that rounds to 0 is 0
    lower = np.where(status == Status.OPTIMAL, errors, np.clip(lower_bounds, 0.0, errors))
    return BatchSolution(subsets, totals, errors, lower, status, solver, work)

"""``slth solve``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import RenderableType

from slth.cli.options import COMMON, Common, Device, Jobs
from slth.cli.outcome import Outcome, key_value_table
from slth.cli.progress import progress
from slth.errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHOWN_AT_MOST = 40
"""Chosen values that a person wants to see; JSON has all."""


def solve(
    file: Path | None = None,
    /,
    *,
    target: float | None = None,
    law: str | None = None,
    n: Annotated[int | None, Parameter(name="--n")] = None,
    size: int | None = None,
    tolerance: float = 0.0,
    solver: str | None = None,
    device: Device = "cpu",
    jobs: Jobs = None,
    common: Common = COMMON,
) -> Outcome:
    """Find the subset of values whose sum is closest to a target.

    Values come from a file, or are drawn with --law and --n from the seed.

    Parameters
    ----------
    file
        Values: .npy, .npz (one array, or one named values), .csv or .txt.
    target
        What the sum should be. With --law it may be left out: then it is drawn too.
    law
        Law of drawn values: uniform, normal, product-uniform, product-normal, signed-constant, integers:LOW:HIGH,
        zero-mixture:P:LAW, scipy:NAME; parameters follow after colons, as uniform:-0.5:0.5.
    n
        How many values to draw.
    size
        Choose exactly so many values.
    tolerance
        An error that is good enough; 0 searches for the optimum.
    solver
        two-list, four-list, greedy, differencing or lattice; chosen by n, size and tolerance by default.
    """
    values, goal, source = _instance(file, target, law, n, common.seed)
    from slth.subset_sum import solve as solve_instance
    from slth.subset_sum.choice import solver_named

    chosen_solver = None if solver is None else solver_named(solver)
    with progress(common) as report:
        solution = solve_instance(
            values,
            goal,
            tolerance=tolerance,
            size=size,
            solver=chosen_solver,
            device=device,
            threads=jobs,
            progress=report,
        )
    data: dict[str, Any] = {
        **source,
        "n": len(solution.subset),
        "d": 1,
        "target": goal,
        "tolerance": tolerance,
        "status": solution.status.label,
        "error": solution.error,
        "lower_bound": solution.lower_bound,
        "total": solution.total,
        "subset": solution.subset,
        "size": int(solution.subset.sum()),
        "solver": solution.solver,
        "work": solution.work,
    }
    if law is not None:
        data["values"] = values

    def show() -> list[RenderableType]:
        positions = [str(i) for i in solution.subset.nonzero()[0]]
        more = f" ... {len(positions)} in all" if len(positions) > SHOWN_AT_MOST else ""
        rows = {
            "status": solution.status.label,
            "error": solution.error,
            "lower bound": solution.lower_bound,
            "total": solution.total,
            "target": goal,
            "chosen": " ".join(positions[:SHOWN_AT_MOST]) + more or "none",
            "solver": f"{solution.solver} ({solution.work.get('reason', '')})",
            "seed": common.seed,
        }
        return [key_value_table(rows)]

    return Outcome("solve", common, data, show)


def _instance(
    file: Path | None, target: float | None, law: str | None, n: int | None, seed: int
) -> tuple[NDArray[np.float64], float, dict[str, Any]]:
    """Values, target, and where they came from."""
    if (file is None) == (law is None):
        value = "nothing" if file is None else f"{file} and --law {law}"
        raise ArgumentError("FILE", value, "must be exactly one source of values", "give a FILE, or --law and --n")
    if file is not None:
        if target is None:
            raise ArgumentError("target", None, "is missing", "say what the chosen values should add up to")
        if n is not None:
            raise ArgumentError("n", n, "goes with --law only", "a file says itself how many values it has")
        from slth.experiments.instance_files import read_values

        values = read_values(file)
        return values.ravel() if values.ndim == 2 and 1 in values.shape else values, target, {"file": file}
    if n is None:
        raise ArgumentError("n", None, "is missing", "say how many values to draw")
    if n < 1:
        raise ArgumentError("n", n, "must be at least 1", "say how many values to draw")
    from slth.rng import Stream
    from slth.subset_sum.laws import law_from_text

    if target is None:
        # The target's stream is another one than the values': drawing more values leaves it as it is.
        target = float(2.0 * Stream(seed, "solve.target").uniform(0, 1)[0] - 1.0)
    return law_from_text(law or "").sample(Stream(seed, "solve.values"), n), target, {"law": law}

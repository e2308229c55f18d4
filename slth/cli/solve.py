"""``slth solve``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import RenderableType
from rich.table import Table

from slth.cli import INTERRUPTED
from slth.cli.options import COMMON, Common, Device, Jobs
from slth.cli.outcome import Outcome, key_value_table
from slth.cli.progress import note, progress
from slth.errors import ArgumentError, ResourceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from slth.rng import Stream
    from slth.subset_sum import Solver, SubsetSumSolution
    from slth.subset_sum.laws import Law

BYTES_A_VALUE = 128
"""Memory to draw, check, solve and print one value, measured: asked for before any of it is taken."""

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
        What the sum should be. With --law it may be left out: then it is drawn too, from (-1, 1), or for integers as
        one more integer of the law.
    law
        Law of drawn values: uniform, normal, product-uniform, product-normal, signed-constant, integers:LOW:HIGH,
        zero-mixture:P:LAW, scipy:NAME; parameters follow after colons, as uniform:-0.5:0.5.
    n
        How many values to draw, as far as memory allows.
    size
        Choose exactly so many values.
    tolerance
        An error that is good enough; 0 searches for the optimum.
    solver
        two-list, four-list, greedy, differencing or lattice; chosen by n, size and tolerance by default.
    """
    values, goal, source = _instance(file, target, law, n, common.seed)
    from slth.subset_sum import solve as solve_instance
    from slth.subset_sum.status import Status

    chosen_solver = None if solver is None else _solver(solver)
    try:
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
    except ArgumentError as problem:
        raise _in_options(problem, law, solver) from problem
    interrupted = solution.status == Status.INTERRUPTED
    if interrupted:
        note(common, f"interrupted: {solution.status.advice}")
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
        return [_summary(solution, goal, common.seed)]

    return Outcome("solve", common, data, show, exit_code=INTERRUPTED if interrupted else 0)


def _summary(solution: SubsetSumSolution, target: float, seed: int) -> Table:
    positions = [str(i) for i in solution.subset.nonzero()[0]]
    more = f" ... {len(positions)} in all" if len(positions) > SHOWN_AT_MOST else ""
    return key_value_table(
        {
            "status": solution.status.label,
            "error": solution.error,
            "lower bound": solution.lower_bound,
            "total": solution.total,
            "target": target,
            "chosen": " ".join(positions[:SHOWN_AT_MOST]) + more or "none",
            "solver": f"{solution.solver} ({solution.work.get('reason', '')})",
            "seed": seed,
        }
    )


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
    return _drawn(law or "", n, target, seed)


def _drawn(
    law: str, n: int | None, target: float | None, seed: int
) -> tuple[NDArray[np.float64], float, dict[str, Any]]:
    """Values drawn from a law and, where none was given, a target: all from the seed."""
    if n is None:
        raise ArgumentError("n", None, "is missing", "say how many values to draw")
    if n < 1:
        raise ArgumentError("n", n, "must be at least 1", "say how many values to draw")
    import numpy as np

    from slth.rng import Stream
    from slth.subset_sum.resources import require_memory

    drawn = _law(law)
    require_memory(BYTES_A_VALUE * min(n, 1 << 62), argument="n", value=n, remedy="draw fewer values")
    if target is None:
        target = _drawn_target(drawn, Stream(seed, "solve.target"))
    with np.errstate(over="ignore"):  # what overflows is infinite, and refused as such
        return drawn.sample(Stream(seed, "solve.values"), n), target, {"law": law}


def _drawn_target(law: Law, stream: Stream) -> float:
    """Draw a target that the law's values can reach; its stream is its own, so that it does not depend on n."""
    from slth.subset_sum.laws import Integers, MixtureWithZero

    if isinstance(law, MixtureWithZero):
        return _drawn_target(law.law, stream)
    if isinstance(law, Integers):
        return float(law.sample(stream, 1)[0])
    return float(2.0 * stream.uniform(0, 1)[0] - 1.0)


def _law(text: str) -> Law:
    """Read a law; parameters that break its rules are parts of its text here, not options."""
    from slth.subset_sum.laws import law_from_text

    try:
        return law_from_text(text)
    except ArgumentError as problem:
        if problem.argument == "law":
            raise
        rule = f"has {problem.argument.replace('_', ' ')} {problem.value}, which {problem.rule}"
        raise ArgumentError("law", text, rule, problem.remedy) from problem


def _solver(name: str) -> Solver:
    """Find a solver by its name, or by that of its class in Python: two-list, TwoList."""
    from slth.subset_sum.choice import every_solver, solver_named

    def folded(text: str) -> str:
        return text.lower().replace("-", "").replace("_", "")

    return solver_named(next((known for known in every_solver() if folded(known) == folded(name)), name))


def _in_options(problem: ArgumentError, law: str | None, solver: str | None) -> ArgumentError:
    """Say in options what the library says of its arguments: drawn values belong to the law, a grid to Python alone."""
    if problem.argument.partition("[")[0] != "values":
        return problem
    if "pass grid=" in problem.remedy:
        which = "use --law integers:LOW:HIGH" if law else "give integers"
        rule = f"with a {problem.value} {problem.rule}"
        return ResourceError("solver", solver, rule, f"{which}, or leave --solver out")
    if law is not None:
        return ArgumentError("law", law, f"drew {problem.value}, which {problem.rule}", "choose other parameters")
    return problem

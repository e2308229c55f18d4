"""``slth solve``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from cyclopts import Parameter
from rich.console import RenderableType
from rich.table import Table

from slth.cli.endings import INTERRUPTED
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

    Goal: TypeAlias = float | NDArray[np.float64]

BYTES_A_VALUE = 128
"""Memory to draw, check, solve and print one value, measured: asked for before any of it is taken."""

SHOWN_AT_MOST = 40
"""Chosen values that a person wants to see; JSON has all."""


def solve(
    file: Path | None = None,
    /,
    *,
    target: str | None = None,
    law: str | None = None,
    n: Annotated[int | None, Parameter(name="--n")] = None,
    d: Annotated[int, Parameter(name="--d")] = 1,
    size: int | None = None,
    tolerance: float = 0.0,
    norm: Literal["max", "l2"] = "max",
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
        Values: .npy, .npz (one array, or one named values), .csv or .txt; several columns are vectors, one a row.
    target
        What the sum should be, for vectors as 0.3,-1.5. With --law it may be left out: then it is drawn too, from
        (-1, 1), or for integers as one more integer of the law.
    law
        Law of drawn values: uniform, normal, product-uniform, product-normal, signed-constant, integers:LOW:HIGH,
        zero-mixture:P:LAW, scipy:NAME; parameters follow after colons, as uniform:-0.5:0.5.
    n
        How many values to draw, as far as memory allows.
    d
        Numbers of each drawn value: vectors for 2 and more.
    size
        Choose exactly so many values.
    tolerance
        An error that is good enough; 0 searches for the optimum.
    norm
        How errors of vectors are measured: the largest coordinate, or the root of the sum of squares.
    solver
        two-list, four-list, greedy, differencing or lattice, for vectors vector-two-list or pursuit; chosen by n, size
        and tolerance by default.
    """
    values, goal, source = _instance(file, _numbers(target), law, (n, d), common.seed)
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
                norm=norm,
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
        "d": solution.instance.d,
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


def _summary(solution: SubsetSumSolution, target: Goal, seed: int) -> Table:
    positions = [str(i) for i in solution.subset.nonzero()[0]]
    more = f" ... {len(positions)} in all" if len(positions) > SHOWN_AT_MOST else ""
    return key_value_table(
        {
            "status": solution.status.label,
            "error": solution.error,
            "lower bound": solution.lower_bound,
            "total": _shown(solution.total),
            "target": _shown(target),
            "chosen": " ".join(positions[:SHOWN_AT_MOST]) + more or "none",
            "solver": f"{solution.solver} ({solution.work.get('reason', '')})",
            "seed": seed,
        }
    )


def _shown(number: Goal) -> Any:
    """A number, or the coordinates of a vector."""
    if isinstance(number, float):
        return number
    more = f", ... {number.size} in all" if number.size > SHOWN_AT_MOST else ""
    return ", ".join(f"{coordinate:.6g}" for coordinate in number.ravel()[:SHOWN_AT_MOST]) + more


def _numbers(text: str | None) -> list[float] | None:
    """The coordinates of a target."""
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        remedy = "write 0.3, or 0.3,-1.5 for vectors"
        raise ArgumentError("target", text, "must be a number, or numbers with commas", remedy) from None


def _instance(
    file: Path | None, target: list[float] | None, law: str | None, sizes: tuple[int | None, int], seed: int
) -> tuple[NDArray[np.float64], Goal, dict[str, Any]]:
    """Values, target, and where they came from."""
    import numpy as np

    if (file is None) == (law is None):
        value = "nothing" if file is None else f"{file} and --law {law}"
        raise ArgumentError("FILE", value, "must be exactly one source of values", "give a FILE, or --law and --n")
    if file is None:
        return _drawn(law or "", sizes, target, seed)
    if target is None:
        raise ArgumentError("target", None, "is missing", "say what the chosen values should add up to")
    if sizes[0] is not None:
        raise ArgumentError("n", sizes[0], "goes with --law only", "a file says itself how many values it has")
    if sizes[1] != 1:
        raise ArgumentError("d", sizes[1], "goes with --law only", "a file says itself how many columns it has")
    from slth.cli.instance_file import read_values

    values = read_values(file)
    if values.ndim == 2 and 1 in values.shape and len(target) == 1:
        values = values.ravel()
    if values.ndim == 2 and len(target) != values.shape[1]:
        rule = f"must have {values.shape[1]} numbers, one for each column of {file}"
        raise ArgumentError("target", ",".join(map(str, target)), rule, "write them with commas")
    return values, target[0] if values.ndim == 1 and len(target) == 1 else np.array(target), {"file": file}


def _drawn(
    law: str, sizes: tuple[int | None, int], target: list[float] | None, seed: int
) -> tuple[NDArray[np.float64], Goal, dict[str, Any]]:
    """Values drawn from a law and, where none was given, a target: all from the seed."""
    n, d = sizes
    if n is None:
        raise ArgumentError("n", None, "is missing", "say how many values to draw")
    for name, count in (("n", n), ("d", d)):
        if count < 1:
            raise ArgumentError(name, count, "must be at least 1", "say how many to draw")
    if target is not None and len(target) != d:
        rule = f"must have as many numbers as --d {d} says"
        raise ArgumentError("target", ",".join(map(str, target)), rule, f"pass --d {len(target)}")
    import numpy as np

    from slth.resources import require_memory
    from slth.rng import Stream

    drawn = _law(law)
    require_memory(BYTES_A_VALUE * min(n * d, 1 << 62), "n", "draw fewer values", value=n)
    if target is None:
        stream = Stream(seed, "solve.target")
        target = [_drawn_target(drawn, stream, coordinate) for coordinate in range(d)]
    with np.errstate(over="ignore"):  # what overflows is infinite, and refused as such
        values = drawn.sample(Stream(seed, "solve.values"), n * d)
    return (values, target[0], {"law": law}) if d == 1 else (values.reshape(n, d), np.array(target), {"law": law})


def _drawn_target(law: Law, stream: Stream, coordinate: int) -> float:
    """Draw a target that the law's values can reach; its stream is its own, so that it does not depend on n."""
    from slth.subset_sum.laws import Integers, MixtureWithZero

    if isinstance(law, MixtureWithZero):
        return _drawn_target(law.law, stream, coordinate)
    if isinstance(law, Integers):
        return float(law.sample(stream, 1, coordinate)[0])
    return float(2.0 * stream.uniform(coordinate, 1)[0] - 1.0)


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

"""``slth solve``."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from cyclopts import Parameter
from rich.console import RenderableType
from rich.table import Table

from slth.cli.checks import check_out, check_unclaimed
from slth.cli.endings import INTERRUPTED
from slth.cli.options import COMMON, Common, Device, Jobs, place_of
from slth.cli.outcome import Outcome, json_name, key_value_table
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


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Draw:
    """Values that are drawn from the seed."""

    law: Annotated[
        str | None,
        Parameter(
            help="Law of drawn values: uniform, normal, product-uniform, product-normal, signed-constant, "
            "integers:LOW:HIGH, zero-mixture:P:LAW, scipy:NAME; parameters follow after colons, as uniform:-0.5:0.5."
        ),
    ] = None
    n: Annotated[int | None, Parameter(name="--n", help="How many values to draw, as far as memory allows.")] = None
    d: Annotated[int, Parameter(name="--d", help="Numbers of each drawn value: vectors for 2 and more.")] = 1


def _read_here(kind: Any, tokens: Any) -> str:
    """The text, if it is numbers: what is wrong with it is then said with the option's or the file's name."""
    del kind
    text = str(tokens[0].value)
    try:
        _numbers(text, "tolerance")
    except ArgumentError as problem:
        raise ValueError(f"{text!r} {problem.rule}{place_of(tokens[0])}: {problem.remedy}") from None
    return text


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Search:
    """What is asked of the solver; the fields are the arguments of :func:`slth.solve`."""

    size: Annotated[int | None, Parameter(help="Choose exactly so many values.")] = None
    tolerance: Annotated[
        str,
        Parameter(
            converter=_read_here,
            help="An error that is good enough; 0 searches for the optimum. Of vectors also one a coordinate: 0.1,0,2.",
        ),
    ] = "0"
    norm: Annotated[
        Literal["max", "l2"],
        Parameter(help="How errors of vectors are measured: largest coordinate, or root of the sum of squares."),
    ] = "max"
    solver: Annotated[
        str | None,
        Parameter(
            help="two-list, four-list, enumeration, greedy, differencing or lattice, for vectors vector-two-list, "
            "enumeration or pursuit, for both random-halves; chosen by n, size and tolerance by default."
        ),
    ] = None
    device: Device = "cpu"
    jobs: Jobs = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class More:
    """What is asked besides the nearest subset."""

    count: Annotated[
        bool, Parameter(negative=(), help="Count the subsets within the tolerance too, in all and by size, exactly.")
    ] = False
    all: Annotated[
        bool, Parameter(negative=(), help="List the subsets within the tolerance too, the nearest first.")
    ] = False
    limit: Annotated[int, Parameter(help="Subsets that --all lists at most.")] = 1000


def solve(
    file: Path | None = None,
    /,
    *,
    target: str | None = None,
    draw: Draw = Draw(),
    search: Search = Search(),
    more: More = More(),
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
    """
    command = _command(file, target, (draw, search, more), common.seed)
    if common.out is not None:
        check_out(common.out, (json_name("solve"),))
        check_unclaimed(common.out, command)
    values, goal, source = _instance(file, _numbers(target, "target"), draw, common.seed)
    tolerances = _numbers(search.tolerance, "tolerance") or [0.0]
    from slth.subset_sum import solve as solve_instance
    from slth.subset_sum.status import Status

    asked = {field.name: getattr(search, field.name) for field in fields(search)}
    asked["threads"] = asked.pop("jobs")
    asked["tolerance"] = tolerances if len(tolerances) > 1 else tolerances[0]
    asked["solver"] = None if search.solver is None else _solver(search.solver)
    try:
        with progress(common) as report:
            solution = solve_instance(values, goal, progress=report, **asked)
            besides = _besides(solution, more) if solution.status != Status.INTERRUPTED else {}
    except ArgumentError as problem:
        raise _in_options(problem, draw.law, search.solver) from problem
    interrupted = solution.status == Status.INTERRUPTED
    if interrupted:
        note(common, f"interrupted: {solution.status.advice}")
    data: dict[str, Any] = {
        **source,
        "n": len(solution.subset),
        "d": solution.instance.d,
        "target": goal,
        "tolerance": asked["tolerance"],
        "status": solution.status.label,
        "error": solution.error,
        "lower_bound": solution.lower_bound,
        "total": solution.total,
        "subset": solution.subset,
        "size": int(solution.subset.sum()),
        "solver": solution.solver,
        "work": solution.work,
        **besides,
        "command": command,
    }
    if draw.law is not None:
        data["values"] = values

    def show() -> list[RenderableType]:
        return [_summary(solution, goal, common.seed), *_listed(besides)]

    return Outcome("solve", common, data, show, exit_code=INTERRUPTED if interrupted else 0)


def _command(file: Path | None, target: str | None, options: Iterable[Draw | Search | More], seed: int) -> str:
    """Return what to type to solve the same again: every option given that says what is solved and how."""
    words = ["slth", "solve", *([] if file is None else [str(file)])]
    words += [] if target is None else [f"--target={target}"]
    for option in options:
        given = {field.name: (getattr(option, field.name), field.default) for field in fields(option)}
        given.pop("jobs", None)  # the same is found by as many threads as there are
        for name, (value, default) in given.items():
            if value != default:
                words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return shlex.join([*words, "--seed", str(seed)])


def _besides(solution: SubsetSumSolution, more: More) -> dict[str, Any]:
    """Numbers of subsets within the tolerance, and the subsets themselves, as far as they are asked for."""
    instance, found = solution.instance, dict[str, Any]()
    if (more.count or more.all) and instance.norm != "max" and instance.d > 1:
        rule = "is not how subsets are counted and listed: the tolerance holds in each coordinate"
        raise ArgumentError("norm", instance.norm, rule, "leave it out")
    if more.count:
        from slth.subset_sum import count_solutions, counts_by_size

        asked = {"tolerance": instance.tolerance}
        if instance.size is None:
            found["counts_by_size"] = list(counts_by_size(instance.values, instance.target, **asked))
            found["count"] = sum(found["counts_by_size"])
        else:
            found["count"] = count_solutions(instance.values, instance.target, size=instance.size, **asked)
    if more.all:
        from slth.subset_sum import solutions

        listed = solutions(
            instance.values, instance.target, tolerance=instance.tolerance, limit=more.limit, size=instance.size
        )
        found["solutions"] = [
            {"chosen": each.subset.nonzero()[0].tolist(), "error": each.error, "total": each.total} for each in listed
        ]
    return found


def _listed(besides: dict[str, Any]) -> list[RenderableType]:
    """What was asked besides, for people."""
    shown: list[RenderableType] = []
    if "count" in besides:
        shown.append(key_value_table({"subsets within the tolerance": besides["count"]}))
    if "solutions" in besides:
        table = Table("error", "chosen", box=None)
        for each in besides["solutions"]:
            table.add_row(f"{each['error']:.6g}", " ".join(map(str, each["chosen"][:SHOWN_AT_MOST])) or "none")
        shown.append(table)
    return shown


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


def _numbers(text: str | None, name: str) -> list[float] | None:
    """The coordinates of a target, or what they may be off by."""
    if text is None:
        return None
    from slth.cli.instance_file import number_of

    try:
        return [number_of(part.strip()) for part in text.split(",")]
    except ValueError as problem:
        rule = f"must be a number, or numbers with commas ({problem})"
        raise ArgumentError(name, text, rule, "write 0.3, or 0.3,-1.5 for vectors") from None


def _instance(
    file: Path | None, target: list[float] | None, draw: Draw, seed: int
) -> tuple[NDArray[np.float64], Goal, dict[str, Any]]:
    """Values, target, and where they came from."""
    import numpy as np

    if (file is None) == (draw.law is None):
        value = None if file is None else f"{file} and --law {draw.law}"
        rule = "is missing" if file is None else "are two sources of values"
        raise ArgumentError("FILE", value, rule, "give a FILE, or --law and --n")
    if file is None:
        return _drawn(draw, target, seed)
    if target is None:
        raise ArgumentError("target", None, "is missing", "say what the chosen values should add up to")
    if draw.n is not None:
        raise ArgumentError("n", draw.n, "goes with --law only", "a file says itself how many values it has")
    if draw.d != 1:
        raise ArgumentError("d", draw.d, "goes with --law only", "a file says itself how many columns it has")
    from slth.cli.instance_file import read_values

    values = read_values(file)
    if values.ndim == 2 and 1 in values.shape and len(target) == 1:
        values = values.ravel()
    columns = values.shape[1] if values.ndim == 2 else 1
    if len(target) != columns:
        rule = f"must have {columns} number{'s' * (columns > 1)}, one for each column of {file}"
        raise ArgumentError("target", ",".join(map(str, target)), rule, "write 0.3, or 0.3,-1.5 for two columns")
    return values, target[0] if values.ndim == 1 else np.array(target), {"file": file}


def _drawn(draw: Draw, target: list[float] | None, seed: int) -> tuple[NDArray[np.float64], Goal, dict[str, Any]]:
    """Values drawn from a law and, where none was given, a target: all from the seed."""
    n, d = draw.n, draw.d
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

    drawn = _law(draw.law or "")
    require_memory(BYTES_A_VALUE * min(n * d, 1 << 62), "n", "draw fewer values", value=n)
    if target is None:
        stream = Stream(seed, "solve.target")
        target = [_drawn_target(drawn, stream, coordinate) for coordinate in range(d)]
    with np.errstate(over="ignore"):  # what overflows is infinite, and refused as such
        values = drawn.sample(Stream(seed, "solve.values"), n * d)
    shaped, goal = (values, target[0]) if d == 1 else (values.reshape(n, d), np.array(target))
    return shaped, goal, {"law": draw.law}


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
    from slth.subset_sum.laws import law_named

    try:
        return law_named(text)
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

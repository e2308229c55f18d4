"""Which solver answers when none is named, and why."""

from __future__ import annotations

from functools import cached_property
from typing import TypeGuard

from slth.errors import ArgumentError
from slth.resources import granted
from slth.subset_sum.enumeration import Enumeration, subsets_left
from slth.subset_sum.halves import SUMS, RandomHalves, aim_of, hits, promised
from slth.subset_sum.solver import Rows, Solver, Task, Traits, VectorSolver
from slth.subset_sum.solvers import (
    FOUR_LIST_MOST,
    Differencing,
    FourList,
    Greedy,
    Lattice,
    decimal_grid,
    lattice_fits,
)
from slth.subset_sum.two_list import TwoList
from slth.subset_sum.vector import VectorTwoList
from slth.subset_sum.vector_pursuit import Pursuit

TWO_LISTS_UP_TO = 46  # measured: beyond, four lists that stay in cache are faster than two that do not
VECTORS_UP_TO = 40  # measured: some seconds; what is larger is answered by the heuristic unless asked for
ENUMERATED_FROM = 32  # below, two lists solve whole batches at once
TRIED_FROM = (32, 16)  # values, numbers and vectors, up to which an exact solver is done before a look at halves is
MANY = 3.0  # log2 of the subsets expected
EFFORTS = {-5.0: SUMS, -40.0: SUMS >> 4}  # sums for so many; still fewer are those of doubles, where nothing is planted
ENUMERATED_IN_ALL = 1 << 30  # subsets of all rows that a default may enumerate: about a minute
GREEDY_UP_TO = 300  # measured: where the errors of greedy with a polish of 32 and of differencing cross


def every_solver() -> dict[str, Solver]:
    """One of each solver, with its default options, by the name used on the command line."""
    return {
        "two-list": TwoList(),
        "four-list": FourList(),
        "greedy": Greedy(),
        "differencing": Differencing(),
        "lattice": Lattice(),
        "enumeration": Enumeration(),
        "vector-two-list": VectorTwoList(),
        "pursuit": Pursuit(),
        "random-halves": RandomHalves(),
    }


def solvers_with(traits: Traits) -> dict[str, Solver]:
    """The solvers that have all of the traits."""
    return {name: solver for name, solver in every_solver().items() if traits in solver.traits}


def solver_named(name: str) -> Solver:
    """The solver of that name, for TOML files and the command line."""
    solvers = every_solver()
    if name not in solvers:
        raise ArgumentError("solver", name, "is not known", "choose one of " + ", ".join(solvers))
    return solvers[name]


def _takes_vectors(solver: Solver) -> TypeGuard[VectorSolver]:
    return Traits.VECTOR in solver.traits


def refusal_of(solver: Solver, task: Task) -> str | None:
    """Why the solver does not take instances of the task's shape, as "<rule>: <way out>", or None."""
    if task.d > 1 and _takes_vectors(solver):
        return solver.decline(task.n, task.size, task.d)
    return solver.decline(task.n, task.size)


def memory_of(solver: Solver, task: Task) -> int:
    """Bytes of working memory that the solver will take for the task."""
    if task.d > 1 and _takes_vectors(solver):
        return solver.memory(task.n, task.size, len(task.targets), task.threads, task.d)
    return solver.memory(task.n, task.size, len(task.targets), task.threads)


def _choose_for_vectors(task: Task) -> tuple[Solver, str]:
    """Exact lists of sums where they are a matter of seconds, the heuristic beyond."""
    two, shape = VectorTwoList(), f"n = {task.n} vectors of d = {task.d} coordinates"
    if (task.n > VECTORS_UP_TO or refusal_of(two, task) is not None) and (few := _few_subsets(task)):
        return Enumeration(), f"{shape} leave {few} subsets"
    if task.n > VECTORS_UP_TO or refusal_of(two, task) is not None:
        return Pursuit(), f"{shape} are beyond exact reach; pursuit takes any number"
    needed = memory_of(two, task)
    if not granted(needed):
        return Pursuit(), f"{shape} need {needed / 2**30:.1f} GiB for the exact lists of sums; pursuit needs little"
    return two, f"{shape} are within reach of the exact lists of sums ({needed / 2**20:.0f} MiB)"


def _few_subsets(task: Task) -> int | None:
    """How many subsets each row leaves, if those of all rows can be enumerated."""
    few = subsets_left(task.n, task.size)
    return few if few is not None and few * task.d * len(task.targets) <= ENUMERATED_IN_ALL else None


class Choice:
    """The solver for a task and the reason, once somebody asks: memory and the values' grid take a while to look at."""

    def __init__(self, task: Task) -> None:
        self.task = task

    @cached_property
    def made(self) -> tuple[Solver, str]:
        """What :func:`choose` says."""
        return choose(self.task)


def try_first(task: Task, choice: Choice) -> Rows | None:
    """Rows that a look at halves answers, before a solver starts, which would take far longer; None where it may not.

    An exact solver needs no help where few subsets, or none, end the search; a heuristic finds none of them itself. So
    who would be chosen is asked where it matters: where many subsets are expected they are looked for in any case.
    """
    if task.n <= TRIED_FROM[task.d > 1]:
        return None
    if task.tolerance > 0.0 and isinstance(choice.made[0], TwoList):  # it looks at few values first, all rows at once
        return None
    aim, most = aim_of(task, 0), min(SUMS, 1 << task.n // 2)
    if aim is None:
        return None
    sums = promised(aim, {MANY: SUMS}) if most == SUMS else 0
    if not sums:
        sums = promised(aim, {MANY: most} if Traits.EXACT in choice.made[0].traits else EFFORTS)
    return hits(task, aim, sums) if sums else None


def choose(task: Task) -> tuple[Solver, str]:
    """The solver for a task and the reason, decided by n, d, size, tolerance and the memory that is free."""
    if task.d > 1:
        return _choose_for_vectors(task)
    n, size = task.n, task.size
    if n > ENUMERATED_FROM and (few := _few_subsets(task)) and (n > TWO_LISTS_UP_TO or few < 1 << n // 2):
        return Enumeration(), f"n = {n} values of which size = {size} are chosen leave {few} subsets"
    two = TwoList()
    fits = two.decline(n, size) is None and granted(two.memory(n, size, len(task.targets), task.threads))
    if fits and (n <= TWO_LISTS_UP_TO or task.tolerance > 0.0):
        return two, f"n = {n} is within reach of the exact two lists ({two.memory(n, size, 1, 1) / 2**20:.0f} MiB)"
    if lattice_fits(task):
        return Lattice(), "the values are integers on a grid small enough for an exact bitset"
    if n > FOUR_LIST_MOST and (grid := decimal_grid(task)) is not None:
        return Lattice(grid), f"the values are multiples of {grid}, up to the rounding of float64"
    if FourList().decline(n, size) is None:
        why = "beyond two lists that stay in cache" if fits or n > 50 else "too many for two lists in this memory"
        return FourList(), f"n = {n} is {why}; four lists are exact with 2**(n/4) memory"
    if size is not None:
        return Greedy(), f"n = {n} with a fixed size is beyond exact reach"
    if n <= GREEDY_UP_TO:
        return Greedy(), f"n = {n} is beyond exact reach; up to some hundreds greedy with an exact polish comes closest"
    return Differencing(), f"n = {n} is beyond exact reach; differencing comes closest, down to float64 resolution"

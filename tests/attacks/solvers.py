"""Solvers against exact rationals, over wide scales, sizes, tolerances and laws; nothing of the package is trusted."""

from __future__ import annotations

import itertools
import math
import random
import time
from fractions import Fraction

from slth.errors import ResourceError
from slth.subset_sum import Status, Traits, solve, solve_batch
from slth.subset_sum.choice import every_solver

Vector = list[float]

LAWS = {
    "uniform": lambda rng: rng.uniform(-1.0, 1.0),
    "normal": lambda rng: rng.gauss(0.0, 1.0),
    "integers": lambda rng: float(rng.randint(-50, 50)),
    "large integers": lambda rng: float(rng.randint(1, 2**50)),
    "cents": lambda rng: round(rng.uniform(1.0, 9999.0), 2),
    "120 digits": lambda rng: rng.choice([-1, 1]) * 2.0 ** rng.randint(-60, 60),
    "any scale": lambda rng: rng.uniform(-1.0, 1.0) * 2.0 ** rng.randint(-900, 900),
    "one scale and specks": lambda rng: rng.choice([1.0, 1.0 + 2.0**-52, 2.0**-70, -1.0]),
    "ties": lambda rng: rng.choice([0.0, 0.5, -0.5, 3.0]),
    "subnormal": lambda rng: rng.randint(-9, 9) * 5e-324,
}
NEVER_BEATEN = ("greedy", "differencing", "lattice", "enumeration")  # what takes a moment; the default is as good
MOST_LISTED = 200_000


def run(*, seconds: float, seed: int) -> list[str]:
    """Solve random instances by all solvers for so long; each fault found, in words and with its instance."""
    rng, faults = random.Random(seed), list[str]()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        faults += rng.choice([_numbers, _numbers, _many, _vectors])(rng)
    return faults


def _numbers(rng: random.Random) -> list[str]:
    """Few numbers: every subset is listed."""
    n = rng.randint(1, 14)
    values, target = _instance(rng, n)
    return _attack([[x] for x in values], [target], rng)


def _many(rng: random.Random) -> list[str]:
    """Many numbers of which few, or all but few, are chosen; or without an oracle, beside the heuristics alone."""
    n = rng.randint(15, 120)
    few = [k for k in (0, 1, 2, n - 2, n - 1, n) if math.comb(n, k) <= MOST_LISTED]
    size = rng.choice([None, *few])
    if size is None and 48 < n <= 64:
        n = 48  # minutes of four lists beyond
    values, target = _instance(rng, n)
    return _attack([[x] for x in values], [target], rng, size=size)


def _vectors(rng: random.Random) -> list[str]:
    n, d = rng.randint(1, 9), rng.randint(2, 10)
    columns = [_instance(rng, n) for _ in range(d)]
    rows = [list(row) for row in zip(*(values for values, _ in columns), strict=True)]
    return _attack(rows, [target for _, target in columns], rng)


def _instance(rng: random.Random, n: int) -> tuple[Vector, float]:
    """Values of one law or of two, and a target that is a sum, nearly one, or anywhere."""
    laws = rng.sample(sorted(LAWS), rng.choice([1, 1, 2]))
    values = [LAWS[rng.choice(laws)](rng) for _ in range(n)]
    total = sum(rng.sample(values, rng.randint(0, n)))
    return values, rng.choice([total, math.nextafter(total, math.inf), LAWS[laws[0]](rng), 3.0 * sum(values)])


def _attack(rows: list[Vector], target: Vector, rng: random.Random, size: int | str | None = "any") -> list[str]:
    n, d = len(rows), len(target)
    if size == "any":
        size = rng.choice([None, None, 0, 1, n, rng.randint(0, n)])
    norm = rng.choice(["max", "l2"])
    squared = norm == "l2" and d > 1
    subsets = 2**n if size is None else math.comb(n, size)
    least = _least(rows, target, size, squared=squared) if subsets <= MOST_LISTED else None
    scale = max(abs(x) for row in rows for x in row)
    near = 0.0 if least is None else math.sqrt(min(least, Fraction(2) ** 1000)) if squared else float(least)
    tolerance = rng.choice([0.0, 0.0, 60.0 * scale, scale, near, 2.0 * near])
    tolerance = tolerance if math.isfinite(tolerance) else 0.0
    asked = {"tolerance": tolerance, "size": size, "norm": norm, "threads": 1}
    values, goal = (rows, target) if d > 1 else ([row[0] for row in rows], target[0])
    faults, errors = [], {}
    for name, solver in [("default", None), *every_solver().items()]:
        if d > 1 and solver is not None and Traits.VECTOR not in solver.traits:
            continue
        if n > 36 and name in {"two-list", "four-list", "vector-two-list"}:
            continue  # seconds each
        for batch in (False, True):
            try:
                answer = (
                    solve_batch([values], [goal], solver=solver, **asked)
                    if batch
                    else solve(values, goal, solver=solver, **asked)
                )
            except ResourceError:
                continue
            chosen, error, bound, status = (
                (answer.subsets[0], answer.errors[0], answer.lower_bounds[0], Status(int(answer.status[0])))
                if batch
                else (answer.subset, answer.error, answer.lower_bound, answer.status)
            )
            wrong = _wrong(rows, target, chosen.tolist(), float(error), float(bound), status, asked, least)
            faults += [f"{name}, batch={batch}: {text}; values={values}, target={goal}, {asked}" for text in wrong]
            errors[name, batch] = float(error)
    best = min((errors[key] for key in errors if key[0] in NEVER_BEATEN), default=math.inf)
    for key in (("default", False), ("default", True)):
        if errors[key] > max(best, tolerance):
            faults.append(f"default, batch={key[1]}: {errors[key]} where another has {best}; {values}, {goal}, {asked}")
    return faults


def _wrong(
    rows: list[Vector],
    target: Vector,
    chosen: list[bool],
    error: float,
    bound: float,
    status: Status,
    asked: dict[str, object],
    least: Fraction | None,
) -> list[str]:
    """What is not true of an answer."""
    size, squared = asked["size"], asked["norm"] == "l2" and len(target) > 1
    apart = _distance([row for row, taken in zip(rows, chosen, strict=True) if taken], target, squared=squared)
    found = []
    if size is not None and sum(chosen) != size:
        found.append(f"{sum(chosen)} values")
    if not _rounds_to(apart, error, squared=squared):
        found.append(f"error {error} of a subset that is {float(apart)} off")
    if status == Status.WITHIN_TOLERANCE and error > asked["tolerance"]:
        found.append(f"error {error} called within tolerance")
    if bound > error or (least is not None and not _rounds_to(least, bound, squared=squared, above=False)):
        found.append(f"lower bound {bound} above {error} or {least}")
    if least is None:
        return found
    if status == Status.OPTIMAL and apart != least and error > 0.0:
        found.append(f"optimal at {float(apart)}, and {float(least)} is possible")
    if status != Status.HEURISTIC and error > asked["tolerance"] and status != Status.OPTIMAL and apart > least:
        reachable = _rounds_to(least, asked["tolerance"], squared=squared, above=True)
        found += ["the tolerance can be reached"] if reachable and asked["tolerance"] else []
    return found


def _rounds_to(exact: Fraction, number: float, *, squared: bool, above: bool | None = None) -> bool:
    """Whether the number is the double nearest to a distance (or not above, or not below that)."""
    low, high = (Fraction(math.nextafter(number, way)) + Fraction(number) for way in (-math.inf, math.inf))
    low, high = max(low / 2, Fraction(0)), high / 2
    if squared:
        low, high = low * low, high * high
    under, over = exact <= high, exact >= low
    return over if above is False else under if above else under and over


def _distance(rows: list[Vector], target: Vector, *, squared: bool) -> Fraction:
    gaps = [abs(sum((Fraction(row[c]) for row in rows), Fraction(0)) - Fraction(t)) for c, t in enumerate(target)]
    return sum((gap * gap for gap in gaps), Fraction(0)) if squared else max(gaps)


def _least(rows: list[Vector], target: Vector, size: int | None, *, squared: bool) -> Fraction:
    """The least distance over all subsets, in integers over one power of two."""
    unit = max(Fraction(x).denominator for row in [*rows, target] for x in row)
    *integers, goal = ([int(Fraction(x) * unit) for x in row] for row in [*rows, target])
    n, best = len(integers), None
    sizes = range(n + 1) if size is None else [size]
    for k in sizes:
        out = 2 * k > n
        aim = [sum(row[c] for row in integers) - g if out else g for c, g in enumerate(goal)]
        for chosen in itertools.combinations(integers, n - k if out else k):
            gaps = [abs(sum(row[c] for row in chosen) - a) for c, a in enumerate(aim)]
            apart = sum(gap * gap for gap in gaps) if squared else max(gaps)
            best = apart if best is None else min(best, apart)
    assert best is not None
    return Fraction(best, unit * unit if squared else unit)

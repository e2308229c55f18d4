"""Checks of what is claimed of random subset sums: probabilities, and inequalities that hold for all values."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from slth.subset_sum.coverage import coverage
from slth.theory import bounds
from slth.verifier.cases import drawn, magnitudes
from slth.verifier.nouns import Case, Check, Inequality, Probability
from slth.verifier.samples import Floats, count_reached, draw, subsets

MOST = 12
"""Vectors that brute force takes."""

GRID = 400
"""Points of the new value, over which the growth of a covered fraction is averaged."""

ROUNDING = 1e-12
"""Of float64 evaluation, where claims are met exactly."""

FINE = 16
"""Sums that are kept in each stretch of the length of an error: to drop others can only lose coverage."""

FEW: dict[str, tuple[float, float]] = {"n": (1, MOST), "size": (1, MOST), "dimension": (1, 6), "eps": (1e-6, 1.0)}
"""What brute force and some hundred trials can pay for; at smaller errors so few vectors claim nothing."""


SEEN = (1e-4, 1.0)
"""Probabilities of failure that some hundred trials can tell from 0."""


def _claimed(key: str, case: Case) -> float:
    return bounds[key](**{name: case[name] for name in bounds[key].parameters})


def _reached(case: Case, trials: int, seed: int, *, law: str, sized: bool) -> int:
    """Trials in which some subset is within eps of (largest, ..., largest)."""
    dimension, generator = case.get("dimension", 1), np.random.default_rng(seed)
    values = draw(law, generator, (trials, case["n"], dimension))
    if "ratio" in case:  # products with scales in a band: at its ends, or between
        scales = case["ratio"] ** generator.random((trials, case["n"], 1))
        ends = np.where(scales**2 > case["ratio"], case["ratio"], 1.0)
        values *= case["low"] * np.where(generator.random((trials, 1, 1)) < 0.5, ends, scales)
    target = np.full(dimension, case.get("largest", case.get("target", 0.0)))
    return count_reached(values, target, case["eps"], size=case["size"] if sized else None)


@st.composite
def _too_few(draw: st.DrawFn, key: str) -> dict[str, Any]:
    """One vector fewer than a necessary condition asks for."""
    limits = {**FEW, "size": (1, 7), "probability": (1e-3, 1.0), "largest": (0.0, 10.0)}
    case = draw(drawn(key, **limits))
    return {**case, "n": int(bounds[key](**case)) - 1}


def _below(case: Case) -> float:
    """The probability that so few cannot have; nothing is claimed where brute force cannot try them."""
    return float(case["probability"]) if case.get("size", 1) <= case["n"] <= MOST else math.nan


@st.composite
def _inside(draw: st.DrawFn) -> dict[str, Any]:
    """Targets of uniform numbers, those at the end of the stated range among them."""
    limits = {name: ends for name, ends in FEW.items() if name != "dimension"}
    case = draw(drawn("derived.second_moment.uniform", **limits, target=(0.0, 0.0)))
    room = (math.sqrt(case["size"]) - case["eps"]) * (1.0 - ROUNDING)
    return {**case, "target": room * draw(st.sampled_from([-1.0, 0.0, 1.0]) | st.floats(-1.0, 1.0))}


def _growth(case: Case) -> float:
    """Claimed over average growth of the covered fraction by one more value of U[-1, 1]."""
    values, eps, interval = list(case["values"]), case["eps"], (-0.5, 0.5)
    covered = coverage([*values, 0.0], interval, tolerance=eps).covered_fraction
    assert covered is not None, "a tolerance was given"
    places = (np.arange(GRID) + 0.5) / GRID * 2.0 - 1.0
    after = [coverage([*values, x], interval, tolerance=eps).covered_fraction or 0.0 for x in places.tolist()]
    claimed = bounds["lueker1998.growth"](covered=covered)
    # As the new value moves the fraction changes with a slope of at most 2 * 2^n, over 1 / (2 GRID) on average.
    slack = 2.0 ** len(values) / GRID
    return claimed / (float(np.mean(after)) - covered + slack) if claimed > 0.0 else math.nan


def _covering(case: Case) -> float:
    """What counting needs for the cube that vectors along its axes are seen to cover, over their number."""
    lists, length = case["lists"], float(case["length"])
    worst = max(coverage(np.array(values) * length, (-0.5 * length, 0.5 * length)).worst_error for values in lists)
    if not 0.0 < worst < 0.5 * length or not 1e-30 <= worst * (1.0 + ROUNDING) < 1.0:
        return math.nan
    needed = bounds["derived.covering.candidates"](
        dimension=len(lists), eps=worst * (1.0 + ROUNDING), length=length
    )  # fmt: skip
    return needed / sum(map(len, lists))


def _even(n: int, length: float = 1.0) -> list[float]:
    """Values whose sums are evenly spaced, which cover best."""
    step = length / 2**n
    return [step * 2.0**k for k in range(n - 1)] + [-step * 2.0 ** (n - 1)]


@st.composite
def _lists(draw: st.DrawFn, low: int, high: int) -> list[float]:
    """Values of all sizes: any, equal ones, ends of the law's range, and evenly spaced sums perhaps slightly moved."""
    n = draw(st.integers(low, high))
    kind = draw(st.sampled_from(["any", "equal", "ends", "even", "moved"]))
    if kind in ("even", "moved") and n:
        moved = 0.1 * 2.0**-n if kind == "moved" else 0.0
        return [value + moved * draw(st.floats(-1.0, 1.0)) for value in _even(n)]
    if kind == "equal":
        return [draw(st.floats(-2.0, 2.0, width=32))] * n
    one = st.sampled_from([-1.0, 0.0, 0.5, 1.0]) if kind == "ends" else st.floats(-2.0, 2.0, width=32)
    return [draw(one) for _ in range(n)]


def _near(case: Case, trials: int, seed: int) -> int:
    """Targets, uniform where the absolute values sum to the radius at most, that come nearer than half of them may."""
    n, dimension, radius = case["n"], case["dimension"], float(case["radius"])
    generator = np.random.default_rng(seed)
    eps = _claimed("derived.structured.counting_error", case)
    vectors: Floats = np.zeros((n, dimension))
    for axis, rows in enumerate(np.array_split(np.arange(n), dimension)):  # each axis has some of them
        vectors[rows, axis] = _even(len(rows), 2.0 * radius) if len(rows) else 0.0
    if case["turned"]:
        vectors = np.linalg.norm(vectors, axis=1, keepdims=True) * generator.standard_normal((n, dimension))
    sums = subsets(n, None).astype(np.float64) @ vectors
    parts = generator.exponential(size=(trials, dimension + 1))
    targets = radius * (parts / parts.sum(axis=1, keepdims=True))[:, :-1]
    targets *= generator.choice([-1.0, 1.0], targets.shape)
    return sum(bool((np.abs(sums - one).max(axis=1) < eps * (1.0 - ROUNDING)).any()) for one in targets)


def _all_covered(case: Case, trials: int, seed: int) -> int:
    """Samples of uniform values whose partial sums inside the interval come within eps of all of it."""
    eps = float(case["eps"])
    return sum(_covered(row, eps) for row in draw("uniform", np.random.default_rng(seed), (trials, case["n"])))


def _covered(values: Floats, eps: float) -> bool:
    sums = np.zeros(1)
    for value in values:
        more = np.concatenate([sums, sums + value])
        more = more[np.abs(more) <= 0.5]
        sums = more[np.unique(np.floor(more * FINE / eps), return_index=True)[1]]
        if np.diff(np.sort(sums), prepend=-0.5 - eps, append=0.5 + eps).max() <= 2.0 * eps:
            return True
    return False


def _first(probability: float, trials: int, seed: int) -> Any:
    """Number of the first success of independent draws, for each trial."""
    return np.random.default_rng(seed).geometric(probability, trials)


def _hits(case: Case, trials: int, seed: int, *, key: str) -> int:
    """Trials in which every one of some things has a success among as many draws as the bound asks for."""
    draws, things = _claimed(key, case), int(case.get("weights", case.get("edges", 1)))
    if key == "chijiwa2021.draws":  # the part of [-1, 1] that is near a number of it
        place, eps = float(case["place"]), float(case["eps"])
        chance = 0.5 * (min(place + eps, 1.0) - max(place - eps, -1.0))
    else:
        chance = float(case["density"])
    return int((_first(chance, trials * things, seed).reshape(trials, things) <= draws).all(axis=1).sum())


def _single(case: Case, trials: int, seed: int) -> int:
    """Trials in which one of the integers is the target."""
    return int((_first(1.0 / (2.0 * case["largest"] + 1.0), trials, seed) <= case["n"]).sum())


def _probability(key: str, claim: str, cases: Any, successes: Any, **more: Any) -> Probability:
    return Probability(
        key=key, claim=claim, cases=cases, successes=successes,
        **{"side": "at least", "claimed": partial(_claimed, key), "share": 4.0, **more},
    )  # fmt: skip


def _surely(case: Case) -> float:
    return 1.0 - float(case["delta"])


MOMENTS = "some subset of the size comes within eps, with at least the guaranteed probability"
SECOND, FIRST = "derived.second_moment", "derived.first_moment"

CHECKS: tuple[Check, ...] = (
    *(
        _probability(key, claim, partial(drawn, key, **FEW), partial(_reached, law="normal", sized=sized))
        for key, claim, sized in (
            (f"{SECOND}.fixed_size", MOMENTS, True),
            (f"{SECOND}.probability", MOMENTS.replace(" of the size", ""), False),
            (f"{SECOND}.scaled", f"{MOMENTS}; scales at the ends of the band or between", True),
        )
    ),
    _probability(f"{SECOND}.uniform", MOMENTS, _inside, partial(_reached, law="uniform", sized=True)),
    *(
        _probability(
            key,
            "with one vector fewer, success has a smaller probability",
            partial(_too_few, key),
            partial(_reached, law=law, sized=sized),
            side="at most",
            claimed=_below,
        )
        for key, law, sized in (
            (f"{FIRST}.needed", "normal", False),
            (f"{FIRST}.fixed_size.needed", "normal", True),
            (f"{FIRST}.scaled.needed", "scaled-normal", True),
            (f"{FIRST}.scaled.target_needed", "scaled-normal", True),
        )
    ),
    _probability(
        "derived.uniform.failure",
        "n uniform values cover [-1/2, 1/2] within eps, but for the stated probability",
        lambda: drawn("derived.uniform.failure", n=(1, 80), eps=(0.05, 1.0)),
        _all_covered,
        claimed=lambda case: 1.0 - _claimed("derived.uniform.failure", case),
        share=1.5,
    ),
    _probability(
        "chijiwa2021.draws",
        "every number has a draw within eps, with probability at least 1 - delta",
        lambda: st.tuples(
            drawn("chijiwa2021.draws", weights=(1, 200), eps=(1e-12, 1.0), delta=SEEN),
            st.sampled_from([-1.0, 0.0, 1.0]) | st.floats(-1.0, 1.0),
        ).map(lambda both: {**both[0], "place": both[1]}),
        partial(_hits, key="chijiwa2021.draws"),
        claimed=_surely,
    ),
    _probability(
        "gadhikar2023.copies",
        "every edge is in one of the copies, with probability at least 1 - delta",
        lambda: drawn("gadhikar2023.copies", edges=(1, 200), delta=SEEN),
        partial(_hits, key="gadhikar2023.copies"),
        claimed=_surely,
    ),
    _probability(
        "kumar2026.naive",
        "one of the integers is the target, with the stated probability",
        lambda: drawn("kumar2026.naive"),
        _single,
    ),
    _probability(
        "derived.structured.counting_error",
        "at most half of all targets come nearer than the error of the counting bound",
        lambda: st.tuples(drawn("derived.structured.counting_error", n=(1, 10), dimension=(1, 5)), st.booleans()).map(
            lambda both: {**both[0], "turned": both[1]}
        ),
        _near,
        side="at most",
        claimed=lambda case: 0.5,
        share=1.0,
    ),
    Inequality(
        key="lueker1998.growth",
        claim="one more uniform value adds at least (1 - p) p / 2 to the covered fraction, on average",
        cases=lambda: st.fixed_dictionaries({"values": _lists(0, 4), "eps": magnitudes(1e-3, 0.7)}),
        ratio=_growth,
        share=0.25,
    ),
    Inequality(
        key="derived.covering.candidates",
        claim="no values cover an interval, nor vectors a cube, better than counting allows",
        cases=lambda: st.fixed_dictionaries(
            {"lists": st.lists(_lists(1, 10), min_size=1, max_size=4), "length": magnitudes(1e-3, 1e3)}
        ),
        ratio=_covering,
        share=5.0,
    ),
)

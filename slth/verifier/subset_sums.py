"""Checks of what is claimed of random subset sums: probabilities, and inequalities that hold for all values."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from slth.subset_sum.coverage import coverage
from slth.theory import bounds
from slth.verifier.nouns import Case, Check, Inequality, Probability
from slth.verifier.samples import count_reached, draw

MOST = 12
"""Vectors that brute force takes."""

GRID = 400
"""Points of the new value, over which the growth of a covered fraction is averaged."""

ROUNDING = 1e-12
"""Of float64 evaluation, where claims are met exactly."""

EPS = st.sampled_from([0.3, 0.2, 0.1, 0.05, 0.02])


@st.composite
def _vectors(draw: st.DrawFn, *, largest: bool = True) -> dict[str, Any]:
    n = draw(st.integers(2, MOST))
    return {
        "n": n,
        "size": draw(st.integers(1, n // 2)),
        "dimension": draw(st.integers(1, 3)),
        "eps": draw(EPS),
        "largest": draw(st.sampled_from([0.0, 0.5, 1.0, 2.0])) if largest else 0.0,
    }


def _reached(case: Case, trials: int, seed: int, *, law: str, sized: bool) -> int:
    """Trials in which some subset is within eps of (largest, ..., largest)."""
    dimension = case.get("dimension", 1)
    values = draw(law, np.random.default_rng(seed), (trials, case["n"], dimension))
    target = np.full(dimension, case.get("largest", case.get("target", 0.0)))
    return count_reached(values, target, case["eps"], size=case["size"] if sized else None)


def _guaranteed(key: str, case: Case) -> float:
    names = bounds[key].parameters
    return bounds[key](**{name: case[name] for name in names})


@st.composite
def _too_few(draw: st.DrawFn, key: str) -> dict[str, Any]:
    """One vector fewer than a necessary condition asks for."""
    case = {
        "dimension": draw(st.integers(1, 3)),
        "eps": draw(EPS),
        "probability": draw(st.sampled_from([0.9, 0.5, 0.2])),
    }
    names = bounds[key].parameters
    if "largest" in names:
        case["largest"] = draw(st.sampled_from([0.0, 0.5, 1.0, 2.0]))
    if "size" in names:
        case["size"] = draw(st.integers(0, 4)) + case["dimension"] + int("scaled" in key)
    return {**case, "n": int(bounds[key](**case)) - 1}


def _below(case: Case) -> float:
    """The probability that so few cannot have; nothing is claimed where brute force cannot try them."""
    least = case.get("size", 1)
    return float(case["probability"]) if least <= case["n"] <= MOST else math.nan


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
    """What counting needs for the interval that the values are seen to cover, over their number."""
    worst = coverage(case["values"], (-0.5, 0.5)).worst_error
    if not 0.0 < worst < 0.5:
        return math.nan
    eps = worst * (1.0 + ROUNDING)
    return bounds["derived.covering.candidates"](dimension=1, eps=eps, length=1.0) / len(case["values"])


def _half_of_all(case: Case) -> float:
    """Twice the fraction of targets that come nearer than the error that half of them exceed."""
    values = case["values"]
    eps = bounds["derived.structured.counting_error"](n=len(values), dimension=1, radius=1.0)
    covered = coverage(values, (-1.0, 1.0), tolerance=eps).covered_fraction
    return 2.0 * (1.0 - ROUNDING) * (covered or 0.0)


def _lists(low: int, high: int) -> st.SearchStrategy[list[float]]:
    return st.lists(st.floats(-2.0, 2.0, width=32), min_size=low, max_size=high)


@st.composite
def _tight_lists(draw: st.DrawFn) -> list[float]:
    """Values whose sums are evenly spaced, which cover best, perhaps slightly moved."""
    n = draw(st.integers(1, 10))
    step = draw(st.sampled_from([1.0 / (2**n - 1), 1.0 / 2**n]))
    values = [step * 2.0**k for k in range(n - 1)] + [-step * 2.0 ** (n - 1)]
    moved = draw(st.sampled_from([0.0, 0.0, 0.1])) * step
    return [value + moved * draw(st.floats(-1.0, 1.0)) for value in values]


def _redrawn(case: Case, trials: int, seed: int) -> int:
    """Trials in which each of the numbers, all at the end of [-1, 1] where it is hardest, has a draw within eps."""
    draws = int(_guaranteed("chijiwa2021.draws", case))
    uniform = np.random.default_rng(seed).random((trials, case["weights"], draws))
    return int((uniform < case["eps"] / 2.0).any(axis=2).all(axis=1).sum())


def _copied(case: Case, trials: int, seed: int) -> int:
    """Trials in which each edge is in one of the copies that the bound asks for."""
    copies = int(_guaranteed("gadhikar2023.copies", case))
    present = np.random.default_rng(seed).random((trials, case["edges"], copies)) < case["density"]
    return int(present.any(axis=2).all(axis=1).sum())


def _single(case: Case, trials: int, seed: int) -> int:
    """Trials in which one of the integers is the target."""
    largest = case["largest"]
    values = np.random.default_rng(seed).integers(-largest, largest + 1, (trials, case["n"]))
    return int((values == largest).any(axis=1).sum())


def _probabilities() -> tuple[Check, ...]:
    moments = "some subset of the size comes within eps, with at least the guaranteed probability"
    few = "with one vector fewer, success has a smaller probability"
    uniform = st.builds(
        lambda n, size, eps, target: {"n": n, "size": min(size, n // 2), "eps": eps, "target": target},
        st.integers(2, MOST),
        st.integers(1, MOST // 2),
        EPS,
        st.sampled_from([0.0, 0.2, 0.5]),
    )
    second = "derived.second_moment"
    checks: list[Check] = [
        Probability(
            key=f"{second}.fixed_size",
            claim=moments,
            side="at least",
            cases=_vectors,
            claimed=partial(_guaranteed, f"{second}.fixed_size"),
            successes=partial(_reached, law="normal", sized=True),
        ),
        Probability(
            key=f"{second}.probability",
            claim="some subset comes within eps, with at least the guaranteed probability",
            side="at least",
            cases=_vectors,
            claimed=partial(_guaranteed, f"{second}.probability"),
            successes=partial(_reached, law="normal", sized=False),
        ),
        Probability(
            key=f"{second}.uniform",
            claim=moments,
            side="at least",
            cases=lambda: uniform,
            claimed=_uniform_guarantee,
            successes=partial(_reached, law="uniform", sized=True),
        ),
    ]
    for name, law, sized in (
        ("derived.first_moment.needed", "normal", False),
        ("derived.first_moment.fixed_size.needed", "normal", True),
        ("derived.first_moment.scaled.needed", "scaled-normal", True),
    ):
        checks.append(
            Probability(
                key=name,
                claim=few,
                side="at most",
                cases=partial(_too_few, name),
                claimed=_below,
                successes=partial(_reached, law=law, sized=sized),
            )
        )
    return tuple(checks)


def _uniform_guarantee(case: Case) -> float:
    if abs(case["target"]) + case["eps"] > math.sqrt(case["size"]):
        return math.nan
    return _guaranteed("derived.second_moment.uniform", case)


def _draws() -> tuple[Check, ...]:
    deltas = st.sampled_from([0.5, 0.2, 0.05])
    return (
        Probability(
            key="chijiwa2021.draws",
            claim="every number has a draw within eps, with probability at least 1 - delta",
            side="at least",
            cases=lambda: st.fixed_dictionaries(
                {"weights": st.integers(1, 20), "eps": st.sampled_from([0.5, 0.2, 0.1]), "delta": deltas}
            ),
            claimed=lambda case: 1.0 - float(case["delta"]),
            successes=_redrawn,
        ),
        Probability(
            key="gadhikar2023.copies",
            claim="every edge is in one of the copies, with probability at least 1 - delta",
            side="at least",
            cases=lambda: st.fixed_dictionaries(
                {"density": st.sampled_from([0.1, 0.3, 0.7]), "edges": st.integers(1, 50), "delta": deltas}
            ),
            claimed=lambda case: 1.0 - float(case["delta"]),
            successes=_copied,
        ),
        Probability(
            key="kumar2026.naive",
            claim="one of the integers is the target, with the stated probability",
            side="at least",
            cases=lambda: st.fixed_dictionaries({"n": st.integers(1, 20), "largest": st.integers(1, 20)}),
            claimed=partial(_guaranteed, "kumar2026.naive"),
            successes=_single,
        ),
    )


CHECKS: tuple[Check, ...] = (
    *_probabilities(),
    *_draws(),
    Inequality(
        key="lueker1998.growth",
        claim="one more uniform value adds at least (1 - p) p / 2 to the covered fraction, on average",
        cases=lambda: st.fixed_dictionaries({"values": _lists(0, 4), "eps": st.sampled_from([0.2, 0.1, 0.03])}),
        ratio=_growth,
        share=0.25,
    ),
    Inequality(
        key="derived.covering.candidates",
        claim="no values cover an interval better than counting allows",
        cases=lambda: st.fixed_dictionaries({"values": _lists(1, 10) | _tight_lists()}),
        ratio=_covering,
    ),
    Inequality(
        key="derived.structured.counting_error",
        claim="at most half of all targets come nearer than the error of the counting bound (D = 1)",
        cases=lambda: st.fixed_dictionaries({"values": _lists(1, 10) | _tight_lists()}),
        ratio=_half_of_all,
    ),
)

"""The verifier finds what is false, keeps quiet about what is true, and passes nothing over in silence."""

from __future__ import annotations

import json
import math
import shlex

import numpy as np
import pytest
from hypothesis import strategies as st

from slth.errors import ArgumentError
from slth.subset_sum.coverage import coverage
from slth.theory import bounds
from slth.verifier import all_checks, known_keys, untestable, verify, verify_case
from slth.verifier.nouns import Constant, Effort, Estimate, Inequality, Probability
from slth.verifier.samples import count_reached, draw, least_covering, least_equal, least_reaching, subsets
from slth.verifier.search import run_case, run_check
from slth.verifier.untestable import why_untestable

QUICK = Effort(examples=25, trials=100)


def sizes():
    return st.fixed_dictionaries({"n": st.integers(0, 1000)})


def test_a_false_inequality_is_found_and_simplified():
    check = Inequality(key="false", claim="n <= 500", cases=sizes, ratio=lambda case: case["n"] / 500)
    finding = run_check(check, Effort(examples=200))
    assert finding.verdict == "violated"
    assert finding.case == {"n": 501}
    assert finding.worst == 501 / 500
    assert run_case(check, finding.case, QUICK).verdict == "violated"


def test_a_true_inequality_holds_and_says_how_near_it_came():
    check = Inequality(key="true", claim="n <= 1000", cases=sizes, ratio=lambda case: case["n"] / 1000)
    finding = run_check(check, Effort(examples=300))
    assert finding.verdict == "held"
    assert 0.9 < finding.worst <= 1.0


def coin(true, claimed, side):
    return Probability(
        key="coin",
        claim="heads",
        side=side,
        cases=lambda: st.fixed_dictionaries({"x": st.integers(0, 9)}),
        claimed=lambda case: claimed,
        successes=lambda case, trials, seed: int(np.random.default_rng(seed).binomial(trials, true)),
    )


@pytest.mark.parametrize(("claimed", "side"), [(0.7, "at least"), (0.3, "at most")])
def test_a_false_probability_is_found(claimed, side):
    # 1,000 fresh trials of a probability of 1/2: the interval of confidence 99.8 % ends before 0.56 but for 1e-4.
    finding = run_check(coin(0.5, claimed, side), QUICK)
    assert finding.verdict == "violated"
    assert finding.interval[0] > 1.0


@pytest.mark.parametrize(("claimed", "side"), [(1.0, "at least"), (1.5, "at least"), (0.0, "at most")])
def test_certainty_is_a_claim(claimed, side):
    assert run_check(coin(0.9, claimed, side), QUICK).verdict == "violated"


@pytest.mark.parametrize(("claimed", "side"), [(0.0, "at least"), (1.0, "at most"), (math.nan, "at least")])
def test_claims_that_everything_meets_are_not_tried(claimed, side):
    assert run_check(coin(0.5, claimed, side), QUICK).verdict == "untestable"
    assert run_case(coin(0.5, claimed, side), {"x": 1}, QUICK).verdict == "untestable"


def test_small_excesses_are_found():
    """0.89 against 0.95 with 10 x 100 fresh trials: Clopper-Pearson at 99.8 % ends below 0.95 but for 1e-3."""
    assert run_check(coin(0.89, 0.95, "at least"), QUICK).verdict == "violated"


@pytest.mark.parametrize("side", ["at least", "at most"])
def test_a_tight_probability_holds(side):
    """Exactly met claims are called violated with a probability of about 1e-3 * 1e-3 each; 40 seeds: 4e-5."""
    for seed in range(20):
        assert run_check(coin(0.5, 0.5, side), Effort(examples=20, trials=100, seed=seed)).verdict == "held"


def test_a_constant_is_measured():
    """n is geometric with parameter 0.1, and the shape its quantile at 0.9, less 1 for rounding up: so C = 1."""
    true = math.ceil(math.log(0.1) / math.log(0.9)) - 1
    check = Constant(
        key="c",
        claim="",
        regimes=({"a": 1}, {"a": 2}),
        constant=lambda case, n: n / true,
        probability=lambda case: 0.9,
        needed=lambda case, count, seed: np.random.default_rng(seed).geometric(0.1, count).astype(float),
    )
    finding = run_check(check, Effort(trials=4000))
    assert finding.worst == pytest.approx(1.0, abs=0.15)
    assert finding.interval[0] <= 1.0 <= finding.interval[1]  # 97.5 % of the larger of two; the seed is fixed
    assert len(finding.rows) == 2


def test_quantile_intervals_cover():
    """Of 400 intervals at 95 %, at least 360 hold the true median: fewer have a probability below 1e-4."""
    held = 0
    for seed in range(400):
        check = Constant(
            key="c",
            claim="",
            regimes=({},),
            constant=lambda case, n: n,
            probability=lambda case: 0.5,
            needed=lambda case, count, _, seed=seed: 1.0 + np.random.default_rng(seed).random(count),
        )
        low, high = run_check(check, Effort(trials=50)).interval
        held += low <= 0.5 <= high
    assert held >= 360


def test_an_estimate_says_how_far_it_is():
    check = Estimate(
        key="e",
        claim="",
        regimes=({"x": 1.0}, {"x": 4.0}),
        predicted=lambda case: case["x"],
        measured=lambda case, count, seed: 2.0,
    )
    assert run_check(check, QUICK).worst in (2.0, 0.5)


def test_brute_force_counts_subsets():
    generator = np.random.default_rng(0)
    values = generator.uniform(-1, 1, (30, 7, 2))
    target, eps = np.array([0.2, -0.1]), 0.25
    for size in (None, 3):
        naive = 0
        for row in values:
            sums = [row[mask.astype(bool)].sum(axis=0) for mask in subsets(7, size)]
            naive += any(np.abs(total - target).max() <= eps for total in sums)
        assert count_reached(values, target, eps, size=size) == naive
    assert len(subsets(7, 3)) == math.comb(7, 3)


def test_least_numbers_are_least():
    generator = np.random.default_rng(1)
    for _ in range(10):
        values = draw("products", generator, (40,))
        n = least_covering(values, (-0.3, 0.3), 0.1)
        assert coverage(values[: int(n)], (-0.3, 0.3)).worst_error <= 0.1
        assert coverage(values[: int(n) - 1], (-0.3, 0.3)).worst_error > 0.1
    assert least_covering(np.array([0.1, 0.1]), (-1.0, 1.0), 0.01) == math.inf
    assert least_reaching(np.array([[5.0], [0.5], [0.5]]), np.array([1.0]), 0.1) == 3.0
    assert least_equal(np.array([2, 1, -3]), np.array([0, 3, -1])) == 3.0
    assert least_equal(np.array([2, 4]), np.array([1])) == math.inf


@pytest.mark.parametrize("key", [key for key, check in all_checks().items() if not isinstance(check, Constant)])
def test_no_counter_example_is_known(key):
    finding = verify([key], effort=Effort(examples=6, trials=40))[0]
    if finding.verdict == "untestable":  # what is drawn depends on the modules that are loaded, and few cases may claim
        finding = verify([key], effort=Effort(examples=120, trials=40))[0]
    assert finding.verdict in ("held", "estimate")
    assert finding.trials >= 1
    if finding.verdict == "estimate":
        assert 0.2 < finding.worst < 5.0
        return
    again = shlex.split(finding.reproducer)
    assert again[:3] == ["slth", "verify", key]
    assert verify_case(key, json.loads(again[4]), effort=QUICK).verdict == "held"


@pytest.mark.slow
@pytest.mark.parametrize("key", [key for key, check in all_checks().items() if isinstance(check, Constant)])
def test_constants_are_small(key):
    finding = verify([key], effort=Effort(trials=60))[0]
    assert finding.verdict == "constant"
    assert 0.1 < finding.interval[0] <= finding.worst < 40.0


def test_every_bound_is_tried_or_explained():
    keys = known_keys()
    assert set(bounds) <= set(keys)
    for key in keys:
        if key not in all_checks():
            assert len(why_untestable(bounds[key])) > 20
        else:
            assert key not in untestable.REASONS | untestable.RELATIVES | untestable.FIGURES | untestable.SIZES
    assert not [key for key in bounds if key not in all_checks() and "written yet" in why_untestable(bounds[key])]
    assert set(untestable.RELATIVES.values()) <= set(all_checks()) | set(untestable.FIGURES)
    assert verify(["dacunha2023.structured.channels"])[0].note.startswith("not testable at this size")


def test_bad_input():
    with pytest.raises(ArgumentError, match=r"did you mean lueker1998.growth"):
        verify(["lueker1998.grow"])
    with pytest.raises(ArgumentError, match="no single cases"):
        verify_case("lueker1998.candidates", {})
    with pytest.raises(ArgumentError, match="is no case of"):
        verify_case("certificate.shallow", {"seed": 1})

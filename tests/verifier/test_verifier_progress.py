"""A hunt tells how far it is within each key."""

import numpy as np
import pytest
from hypothesis import strategies as st

from slth.verifier import verify
from slth.verifier.nouns import Constant, Effort, Estimate, Inequality, Probability
from slth.verifier.search import run_check


def numbers():
    return st.fixed_dictionaries({"n": st.integers(0, 9)})


def coins(case, trials, seed):
    return trials // 2


CHECKS = {
    "inequality": Inequality(key="k", claim="", cases=numbers, ratio=lambda case: case["n"] / 9),
    "false inequality": Inequality(key="k", claim="", cases=numbers, ratio=lambda case: case["n"] / 5),
    "probability": Probability(
        key="k", claim="", side="at least", cases=numbers, claimed=lambda case: 0.5, successes=coins
    ),
    "no claim": Probability(
        key="k", claim="", side="at least", cases=numbers, claimed=lambda case: 0.0, successes=coins
    ),
    "constant": Constant(
        key="k", claim="", regimes=({}, {}, {}), constant=lambda case, n: n, probability=lambda case: 0.5,
        needed=lambda case, count, seed: np.ones(count),
    ),
    "estimate": Estimate(
        key="k", claim="", regimes=({}, {}, {}), predicted=lambda case: 1.0, measured=lambda case, count, seed: 1.0
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_tells_how_far_it_is_within_its_key(name):
    seen = []
    run_check(CHECKS[name], Effort(examples=8, trials=10), lambda *told: seen.append(told))
    done, total = [done for done, _ in seen], {total for _, total in seen}
    assert len(total) == 1
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, *total)
    assert len(set(done)) >= 4


def test_a_key_is_named_beside_how_many_there_are():
    seen = []
    verify(["solution.optimal", "certificate.around"], effort=Effort(examples=4), progress=lambda *t: seen.append(t))
    assert list(dict.fromkeys(label for label, *_ in seen)) == [
        "verify solution.optimal (1 of 2)", "verify certificate.around (2 of 2)"
    ]  # fmt: skip
    assert {total for label, _, total in seen if "solution" in label} == {12}

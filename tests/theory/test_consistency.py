"""What is enough is never less than what is needed."""

from __future__ import annotations

import math

import pytest

from slth.errors import ArgumentError
from slth.theory import bounds
from slth.theory.derived.consistency import PAIRS, Pair, smallest_constant

NAMES = [f"{pair.sufficient}-{pair.necessary}" for pair in PAIRS]


def least_ratio(pair, constant=None):
    """Smallest sufficient / necessary over the points at which any is needed."""
    extra = {} if constant is None else {"constant": constant}
    both = [
        (bounds[pair.sufficient](**given, **extra), bounds[pair.necessary](**needed)) for given, needed in pair.points()
    ]
    return min(enough / needed for enough, needed in both if needed > 0.0)


@pytest.mark.parametrize("pair", PAIRS, ids=NAMES)
def test_every_pair(pair):
    sufficient, necessary = bounds[pair.sufficient], bounds[pair.necessary]
    assert sufficient.direction == "sufficient"
    assert necessary.direction in {"necessary", "estimate"}
    assert necessary.constant is None
    constant = None
    if sufficient.constant is not None:
        constant = smallest_constant(sufficient, necessary, pair.points())
        assert 1e-4 < constant < 10.0
        assert least_ratio(pair, constant * (1 - 1e-9)) < 1.0
    assert least_ratio(pair, constant) >= 1.0


def test_explicit_pairs_are_there():
    explicit = [pair for pair in PAIRS if bounds[pair.sufficient].constant is None]
    assert len(explicit) >= 3


def test_bounds_on_one_target_are_not_held_against_counts_of_many():
    """A count of 2n channels for half of all kernels says nothing of n vectors for one target."""
    counted = {pair.sufficient for pair in PAIRS if pair.necessary == "derived.structured.counting"}
    assert counted == {"dacunha2023.structured.layer_channels", "dacunha2023.structured.channels"}


def test_smallest_constant_by_hand():
    """C ln(1/eps), rounded up, against log2(1/eps) - 1 = 5 at the only point: any C with C ln(64) above 4 will do."""
    sufficient, necessary = bounds["dacunha2023.subset_sum.candidates"], bounds["derived.covering.candidates"]
    points = [({"eps": 2.0**-6}, {"eps": 2.0**-6, "length": 1.0})]
    assert smallest_constant(sufficient, necessary, points) == pytest.approx(4 / math.log(64))


def test_a_contradiction_is_seen():
    """The bounds swapped: what is needed is not enough, and one explicit bound has no constant to choose."""
    swapped = Pair(
        "derived.first_moment.needed",
        "derived.second_moment.candidates",
        {"dimension": (1, 3), "eps": (0.1,)},
        lambda **both: (both, both),
    )
    assert least_ratio(swapped) < 1.0
    with pytest.raises(ArgumentError, match="no constant"):
        smallest_constant(bounds[swapped.sufficient], bounds[swapped.necessary], swapped.points())
    assert "eps from 1e-09 to 0.1" in PAIRS[0].regime

"""What is enough is never less than what is needed."""

from __future__ import annotations

import math

import pytest

from slth.errors import ArgumentError
from slth.theory import bounds
from slth.theory.derived.consistency import PAIRS, Pair, compare, consistency, smallest_constant

NAMES = [f"{pair.sufficient}-{pair.necessary}" for pair in PAIRS]


@pytest.mark.parametrize("pair", PAIRS, ids=NAMES)
def test_every_pair(pair):
    assert bounds[pair.sufficient].direction == "sufficient"
    assert bounds[pair.necessary].direction in {"necessary", "estimate"}
    assert bounds[pair.necessary].constant is None
    found = compare(pair)
    assert found.holds
    assert found.least_ratio >= 1.0
    if bounds[pair.sufficient].constant is None:
        assert found.constant is None
    else:
        assert 1e-4 < found.constant < 10.0
        least, sufficient, necessary = found.constant, bounds[pair.sufficient], bounds[pair.necessary]
        assert any(
            sufficient(**given, constant=least * (1 - 1e-9)) < necessary(**needed) for given, needed in pair.points()
        )


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
        sufficient="derived.first_moment.needed",
        necessary="derived.second_moment.candidates",
        grid={"dimension": (1, 3), "eps": (0.1,)},
        arguments=lambda **both: (both, both),
    )
    assert not compare(swapped).holds
    with pytest.raises(ArgumentError, match="no constant"):
        smallest_constant(bounds[swapped.sufficient], bounds[swapped.necessary], swapped.points())


def test_table():
    rows = consistency(PAIRS[:3])
    assert [row.sufficient for row in rows] == [pair.sufficient for pair in PAIRS[:3]]
    assert "eps from 1e-09 to 0.1" in rows[0].regime

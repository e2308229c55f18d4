"""Chains of views are rearrangements, and irregular patterns sums of some."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from slth.networks.strides import pieces, strided


@st.composite
def chains(draw) -> np.ndarray:
    """What slices, flips, transpositions and one padding leave of arange."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    found = np.arange(prod(shape)).reshape(shape)
    for _ in range(draw(st.integers(0, 3))):
        axis = draw(st.integers(0, found.ndim - 1))
        match draw(st.sampled_from(["turn", "slice", "flip"])):
            case "turn":
                found = found.transpose(draw(st.permutations(range(found.ndim))))
            case "slice":
                found = found.take(range(0, found.shape[axis], draw(st.integers(1, 2))), axis)
            case "flip":
                found = np.flip(found, axis)
    if draw(st.booleans()):
        edges = [draw(st.tuples(st.integers(0, 2), st.integers(0, 2))) for _ in found.shape]
        found = np.pad(found, edges, constant_values=-1)
    return found.transpose(draw(st.permutations(range(found.ndim))))


@given(chains())
def test_views_are_rearrangements(chain: np.ndarray) -> None:
    step = strided(chain, (chain.size, 1, 1))
    assert step is not None
    assert np.array_equal(step.indices((chain.size, 1, 1)), chain.reshape(-1))


@given(chains(), st.integers(0, 3))
def test_merged_axes_are_found_again(chain: np.ndarray, axis: int) -> None:
    merged = chain.reshape(*chain.shape[:axis], -1)
    step = strided(merged, (chain.size, 1, 1))
    assert step is not None
    assert np.array_equal(step.indices((chain.size, 1, 1)), chain.reshape(-1))


@given(st.lists(st.integers(-1, 20), min_size=1, max_size=12).filter(lambda places: max(places) >= 0))
def test_any_pattern_is_the_sum_of_its_pieces(places: list[int]) -> None:
    pattern = np.array(places)
    found = pieces(pattern, (len(places), 1, 1), most=64)
    each = np.array([step.indices((21, 1, 1)) for step in found])
    assert ((each >= 0).sum(axis=0) == (pattern >= 0)).all()
    assert np.array_equal(each.max(axis=0), pattern)


def test_a_rolled_image_is_two_pieces_and_a_shuffled_one_too_many() -> None:
    image = np.arange(24).reshape(2, 3, 4)
    assert len(pieces(np.roll(image, 1, axis=2), (2, 3, 4), most=2)) == 2
    shuffled = np.random.default_rng(0).permutation(24).reshape(2, 3, 4)
    assert pieces(shuffled, (2, 3, 4), most=4) == []

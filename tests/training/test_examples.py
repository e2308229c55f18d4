"""Examples, splits and the addresses of random numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ArgumentError
from slth.rng import Stream
from slth.training import Examples, split
from slth.training.examples import order_of_epoch, words_of_epoch


def examples_of(labels):
    return Examples(torch.arange(float(len(labels)))[:, None], torch.tensor(labels))


@given(st.lists(st.integers(0, 4), min_size=2, max_size=60), st.data(), st.booleans())
def test_a_split_parts_the_examples_and_each_class_loses_its_share(labels, data, stratified):
    count = data.draw(st.integers(1, len(labels) - 1))
    train, held = split(examples_of(labels), count, seed=3, stratified=stratified)
    assert len(held) == count
    places = [part.inputs[:, 0].tolist() for part in (train, held)]
    assert sorted(places[0] + places[1]) == list(range(len(labels)))
    assert all(part == sorted(part) for part in places)
    if stratified:
        for label in set(labels):
            exact = labels.count(label) * count / len(labels)
            assert abs(held.targets.tolist().count(label) - exact) < 1


def test_a_split_depends_on_its_seed_alone():
    examples = examples_of([0, 1] * 50)
    one, same, other = (split(examples, 0.3, seed=seed)[1].inputs for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_share_is_the_decimal_number_that_it_is_written_as():
    assert len(split(examples_of([0] * 100), 0.29)[1]) == 29


@pytest.mark.parametrize("held_out", [0, 1.0, 0.0, 10, 0.01])
def test_a_split_that_leaves_nothing_is_refused(held_out):
    with pytest.raises(ArgumentError, match=r"held_out=.* use more examples \(a larger limit"):
        split(examples_of([0] * 10), held_out)


def test_targets_that_are_no_classes_cannot_be_stratified():
    examples = Examples(torch.zeros(4, 1), torch.zeros(4))
    with pytest.raises(ArgumentError, match="stratified"):
        split(examples, 1)
    assert len(split(examples, 1, stratified=False)[1]) == 1


def test_what_are_no_examples_is_refused():
    for inputs, targets in [
        (np.zeros((0, 2)), []),
        (np.zeros((3, 2)), [0, 1]),
        (np.zeros((3, 2), np.uint8), [0, 1, 2]),
        (np.zeros(()), [0]),
    ]:
        with pytest.raises(ArgumentError):
            Examples(inputs, targets)
    with pytest.raises(ArgumentError, match="shape"):
        Examples(np.zeros((3, 4)), [0, 1, 2], shape=(1, 3, 3))


def test_numbers_of_an_example_do_not_depend_on_how_many_there_are():
    assert np.array_equal(words_of_epoch(5, "crop", 2, 10), words_of_epoch(5, "crop", 2, 100)[:10])
    assert words_of_epoch(5, "crop", 2, 3).tolist() == (Stream(5, "training/crop/2").raw(0, 3) >> np.uint64(1)).tolist()


def test_the_order_of_an_epoch_is_a_permutation_of_its_own():
    orders = [order_of_epoch(seed, epoch, 50) for seed, epoch in [(0, 0), (0, 1), (1, 0)]]
    assert all(sorted(order.tolist()) == list(range(50)) for order in orders)
    assert len({tuple(order.tolist()) for order in orders}) == 3


def test_a_digest_tells_data_apart():
    first = Examples(torch.zeros(3, 2), torch.tensor([0, 1, 0]))
    assert first.sha256() == Examples(torch.zeros(3, 2), torch.tensor([0, 1, 0])).sha256()
    images = Examples(torch.rand(3, 2, 4, 4), torch.tensor([0, 1, 0]))
    assert images.sha256() == images.to("cpu").sha256()  # channels last or not
    others = [
        Examples(torch.zeros(3, 2), torch.tensor([0, 1, 1])),
        Examples(torch.zeros(3, 2).double(), torch.tensor([0, 1, 0])),
        Examples(torch.zeros(3, 1, 2), torch.tensor([0, 1, 0])),
    ]
    assert len({other.sha256() for other in (first, *others)}) == 4

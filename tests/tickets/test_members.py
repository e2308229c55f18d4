"""Several tickets in one: each comes back, what they share is stored once, and strangers are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slth.errors import ArgumentError
from slth.networks import apply_ticket
from slth.rng import WeightLaw
from slth.tickets import Layout, Mask, Ticket, joined, load_ticket, members, multinomial_bits
from slth.tickets.layout import TensorLayout
from slth.tickets.mask import OF_MEMBERS

LAYOUT = Layout([TensorLayout("a", (7, 5)), TensorLayout("b", (3,)), TensorLayout("mean", (2,), role="buffer")])


def ticket(rng, density, mean=(0.0, 1.0)):
    masks = {name: rng.random(shape) < density for name, shape in (("a", (7, 5)), ("b", (3,)))}
    return Ticket(LAYOUT, WeightLaw("normal"), 5, Mask(masks), [1.0, 0.5], "strong", {"mean": np.array(mean)})


@given(st.integers(1, 7), st.floats(0.05, 0.95), st.integers(0, 2**32), st.booleans(), st.sampled_from(OF_MEMBERS))
def test_members_come_back_from_the_file(tmp_path_factory, count, density, seed, own, reading):
    rng = np.random.default_rng(seed)
    several = [ticket(rng, density, (float(i) if own else 0.0, 1.0)) for i in range(count)]
    path = tmp_path_factory.mktemp("members") / "ensemble.ticket"
    joined(several, reading).save(path)
    found = load_ticket(path)
    assert (found.mask.members, found.mask.reading) == (count, reading)
    back = members(found)
    assert [one.to_bytes() for one in back] == [one.to_bytes() for one in several]
    assert found.mask.kept == sum(
        int(np.logical_or.reduce([one.mask[name] for one in several]).sum()) for name in ("a", "b")
    )


def big(rng, masks):
    layout = Layout([TensorLayout("w", masks[0].shape)])
    return [Ticket(layout, WeightLaw("signed-constant"), 1, Mask({"w": mask}), [1.0]) for mask in masks]


def test_what_members_have_in_common_is_coded_once():
    rng = np.random.default_rng(0)
    common = rng.random((300, 200)) < 0.05
    masks = [common & (rng.random(common.shape) < 0.9) for _ in range(3)]
    several = big(rng, masks)
    entries = joined(several).mask["w"]
    bound = multinomial_bits([int((entries == value).sum()) for value in range(8)]) / 8
    alone = sum(one.mask.entropy_bound_bits for one in several) / 8
    size = len(joined(several).to_bytes()) - len(joined(big(rng, [np.zeros((1, 1), bool)])).to_bytes())
    assert size < bound + 60  # the lengths and counts of a header
    assert size < 0.6 * alone


def test_a_ticket_of_one_mask_is_its_own_member():
    one = ticket(np.random.default_rng(0), 0.5)
    assert members(one) == (one,)


def test_an_ensemble_is_no_factor_of_weights():
    net = nn.Linear(3, 2, bias=False)
    layout = Layout([TensorLayout("weight", (2, 3))])
    masks = [Mask({"weight": np.array(rows, bool)}) for rows in ([[1, 0, 1], [0, 0, 1]], [[0, 0, 1], [1, 1, 1]])]
    several = [Ticket(layout, WeightLaw("normal"), 5, mask, [1.0]) for mask in masks]
    with pytest.raises(ArgumentError, match="several members"):
        apply_ticket(net, joined(several))
    for one, mask in zip(members(joined(several)), masks, strict=True):
        assert torch.equal(apply_ticket(net, one).weight != 0, torch.from_numpy(mask["weight"].copy()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 6}, "seed, law"),
        ({"law": WeightLaw("uniform")}, "seed, law"),
        ({"family": "trainable"}, "family"),
        ({"gains": [1.0, 0.6]}, "a gain"),
        ({"buffers": {}}, "what it is for"),
        ({"source": Layout([*LAYOUT.tensors[:2], TensorLayout("mean", (2,))])}, "the module"),
        (
            {"mask": Mask({"a": np.ones((7, 5), int), "b": np.ones(3, int)}, (-1, 0, 1))},
            "the kind of mask",
        ),
    ],
)
def test_tickets_of_other_networks_are_refused(change, words):
    first = ticket(np.random.default_rng(0), 0.5)
    with pytest.raises(ArgumentError, match=words):
        joined([first, replace(first, **change)])


def test_numbers_of_members_are_bounded():
    first = ticket(np.random.default_rng(0), 0.5)
    for several in ([], [first] * 8):
        with pytest.raises(ArgumentError, match="1 to 7"):
            joined(several)


def test_masks_and_numbers_of_other_counts_are_refused():
    with pytest.raises(ArgumentError, match="2\\*\\*M"):
        Mask({}, (0, 1, 2), reading="members")
    two = joined([ticket(np.random.default_rng(seed), 0.5, (float(seed), 1.0)) for seed in (0, 1)])
    with pytest.raises(ArgumentError, match="each of the 2 members"):
        members(replace(two, buffers={"mean": np.zeros((3, 2))}))

"""Masks on any module: which tensors, exact counts, and the hand-over to a user's own loop."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call

from slth.errors import ArgumentError
from slth.networks.handover import attach_masks, attach_scores, bake, masks
from slth.networks.masking import densities, maskable, total_density
from slth.networks.selection import kept_count
from slth.networks.structures import Blocks, InputChannels, NOfM, OutputChannels
from slth.networks.supermasks import select_masks, straight_through


class Everything(nn.Module):
    """One layer of each kind, a tied weight, and tensors that masks are not for."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.embedding = nn.Embedding(11, 8)
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
            self.cross = nn.MultiheadAttention(8, 2, kdim=4, vdim=6, batch_first=True)
            self.conv = nn.Conv1d(8, 6, 3, padding=1)
            self.back = nn.ConvTranspose1d(6, 8, 3, padding=1)
            self.norm = nn.LayerNorm(8)
            self.own = nn.Parameter(torch.ones(8))
            self.head = nn.Linear(8, 11)
        self.head.weight = self.embedding.weight

    def forward(self, tokens):
        x = self.embedding(tokens)
        x = x + self.attention(x, x, x, need_weights=False)[0]
        x = x + self.cross(x, x[..., :4], x[..., :6], need_weights=False)[0]
        x = x + self.back(torch.relu(self.conv(x.transpose(1, 2)))).transpose(1, 2)
        return self.head(self.norm(x) * self.own)


NAMES = [
    "embedding.weight",
    "attention.in_proj_weight",
    "attention.out_proj.weight",
    "cross.q_proj_weight",
    "cross.k_proj_weight",
    "cross.v_proj_weight",
    "cross.out_proj.weight",
    "conv.weight",
    "back.weight",
]
TOKENS = torch.arange(10).reshape(2, 5)


def scores_of(module, structure=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    axes = maskable(module)
    return {
        name: torch.rand(tuple(axis.shape) if structure is None else structure.shape(axis), generator=generator)
        for name, axis in axes.items()
    }


def test_weights_are_named_once_in_the_modules_order():
    assert list(maskable(Everything())) == NAMES
    assert maskable(nn.LazyLinear(3)) == {}


@given(st.floats(0.0, 1.0), st.sampled_from(["layer", "global"]), st.integers(0, 2**32))
def test_exactly_as_many_are_kept_as_the_density_says(density, scope, seed):
    scores = scores_of(Everything(), seed=seed)
    found = select_masks(scores, density, scope=scope)
    total = sum(tensor.numel() for tensor in scores.values())
    if scope == "global":
        assert total_density(found).kept == kept_count(density, total)
        kept = torch.cat([scores[name][mask] for name, mask in found.items()])
        gone = torch.cat([scores[name][~mask] for name, mask in found.items()])
        assert not len(kept) or not len(gone) or kept.min() >= gone.max()
    else:
        assert {name: count.kept for name, count in densities(found).items()} == {
            name: kept_count(density, tensor.numel()) for name, tensor in scores.items()
        }
    assert total_density(found).total == total


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_channels_are_kept_whole(scope):
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3))
    axes = maskable(module)
    found = select_masks(scores_of(module, OutputChannels()), 0.5, structure=OutputChannels(), axes=axes, scope=scope)
    rows = [mask.flatten(1) for mask in found.values()]
    assert all(torch.equal(row.any(dim=1), row.all(dim=1)) for row in rows)
    assert sum(int(row.all(dim=1).sum()) for row in rows) == 6


def test_the_rule_of_rounding_is_named():
    """A layer of five at one half: edge-popup's own code keeps three, as "up" does."""
    scores = {"a": torch.rand(5), "b": torch.rand(5)}
    for rounding, each, both in (("nearest", 3, 5), ("up", 3, 5), ("down", 2, 5)):
        assert [c.kept for c in densities(select_masks(scores, 0.5, rounding=rounding)).values()] == [each, each]
        assert total_density(select_masks(scores, 0.5, rounding=rounding, scope="global")).kept == both


def test_densities_may_differ_between_layers():
    scores = {"a": torch.rand(10), "b": torch.rand(20)}
    found = select_masks(scores, {"a": 0.3, "b": 1.0})
    assert [count.density for count in densities(found).values()] == [0.3, 1.0]
    for arguments in ({"density": {"a": 0.5, "b": 0.5}, "scope": "global"}, {"density": 0.5, "scope": "all"}):
        with pytest.raises(ArgumentError, match="scope"):
            select_masks(scores, **arguments)
    with pytest.raises(ArgumentError, match="scores"):
        select_masks(scores, 0.5, structure=InputChannels(), axes=maskable(nn.Linear(2, 2)))
    axes = maskable(nn.Linear(4, 2))
    with pytest.raises(ArgumentError, match="scope"):
        select_masks({"weight": torch.rand(2, 4)}, 0.5, structure=NOfM(2, 4), axes=axes, scope="global")


@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=20))
def test_straight_through_is_the_mask_exactly(values):
    scores = torch.tensor(values, requires_grad=True)
    mask = torch.arange(len(values)) % 2 == 0
    found = straight_through(scores, mask)
    assert torch.equal(found.detach(), mask.float())
    (found * 3.0).sum().backward()
    assert torch.equal(scores.grad, torch.full_like(scores, 3.0))


def test_attached_masks_are_products_everywhere_and_baked_ones_too():
    module, plain = Everything(), Everything()
    chosen = select_masks(scores_of(module), 0.6)
    names, before = list(module.state_dict()), module(TOKENS)
    weights = {name: tensor.detach() for name, tensor in plain.named_parameters()}
    expected = functional_call(
        plain, {**weights, **{name: weights[name] * mask for name, mask in chosen.items()}}, TOKENS
    )
    attach_masks(module, chosen)
    assert list(maskable(module)) == NAMES
    for mode in (True, False):
        module.train(mode)
        assert torch.allclose(module(TOKENS), expected, atol=1e-6)
    assert not torch.allclose(before, expected, atol=1e-3)
    assert all(torch.equal(masks(module)[name], mask) for name, mask in chosen.items())
    assert torch.allclose(copy.deepcopy(module)(TOKENS), expected, atol=1e-6)
    bake(module)
    assert list(module.state_dict()) == names
    assert module.head.weight is module.embedding.weight
    assert torch.allclose(module(TOKENS), expected, atol=1e-6)
    assert masks(module) == {}


def test_signs_are_multiplied_once_into_tied_weights():
    module = Everything()
    before = module.embedding.weight.detach().clone()
    sign = -torch.ones_like(before)
    bake(attach_masks(module, {"embedding.weight": sign}))
    assert torch.equal(module.embedding.weight, -before)
    assert torch.equal(module.head.weight, -before)


@pytest.mark.parametrize("structure", [None, OutputChannels(), Blocks(3)])
def test_a_users_own_loop_trains_the_scores_and_nothing_else(structure):
    """A plain loop on a parametrised module finds the scores that the functional form finds."""
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3, bias=False))
    functional = copy.deepcopy(module)
    scores = scores_of(module, structure)
    unit = structure
    attach_scores(module, scores, 0.5, structure=structure)
    trained = [parameter for name, parameter in module.named_parameters() if name.endswith("scores")]
    images, labels = torch.rand(12, 1, 8, 8, generator=torch.Generator().manual_seed(1)), torch.arange(12) % 3
    optimizer = torch.optim.SGD(trained, 0.1, momentum=0.9)
    other = {name: tensor.clone().requires_grad_() for name, tensor in scores.items()}
    second = torch.optim.SGD(other.values(), 0.1, momentum=0.9)
    axes = maskable(functional)
    for _ in range(5):
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(images), labels).backward()
        optimizer.step()
        second.zero_grad()
        hard = select_masks({n: s.abs() for n, s in other.items()}, 0.5, structure=unit, axes=axes)
        effective = {
            name: functional.get_parameter(name).detach()
            * straight_through(s.abs() if unit is None else unit.expand(s.abs(), axes[name]), hard[name])
            for name, s in other.items()
        }
        nn.functional.cross_entropy(functional_call(functional, effective, images), labels).backward()
        second.step()
    for parameter, expected in zip(trained, other.values(), strict=True):
        assert torch.allclose(parameter, expected, atol=1e-6)
    assert {name for name, parameter in module.named_parameters() if parameter.grad is not None} == {
        "0.bias",
        "0.parametrizations.weight.0.scores",
        "3.parametrizations.weight.0.scores",
    }
    counts = densities(masks(module))
    if structure is None:
        assert [count.density for count in counts.values()] == [0.5, 0.5]


def test_half_precision_and_channels_last_stay_what_they_are():
    layer = nn.Conv2d(4, 6, 3).to(torch.bfloat16).to(memory_format=torch.channels_last)
    attach_scores(layer, {"weight": torch.rand(6, 4, 3, 3)}, 0.25)
    assert layer.weight.dtype == torch.bfloat16
    assert int(torch.count_nonzero(layer.weight)) == 54
    kept = masks(layer)["weight"]
    bake(layer)
    assert torch.equal(layer.weight != 0, kept)
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)


def test_densities_zero_and_one_and_empty_weights():
    module = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    for density, kept in ((0.0, 0), (1.0, 10)):
        assert total_density(select_masks(scores_of(module), density)).kept == kept
    found = select_masks({"empty": torch.zeros(0, 3), "one": torch.zeros(1)}, 0.5)
    assert {name: count.kept for name, count in densities(found).items()} == {"empty": 0, "one": 1}
    assert densities(found)["empty"].density == 1.0


def test_what_cannot_be_masked_is_refused():
    module = Everything()
    for name in ("norm.weight", "head.weight", "own", "conv.bias", "nothing"):
        with pytest.raises(ArgumentError, match="no weight that can be masked"):
            attach_masks(module, {name: torch.ones(1)})
    with pytest.raises(ArgumentError, match="shape"):
        attach_masks(module, {"conv.weight": torch.ones(6)})
    with pytest.raises(ArgumentError, match="shape"):
        attach_scores(module, {"conv.weight": torch.ones(5)}, 0.5, structure=OutputChannels())
    attach_masks(module, {"conv.weight": torch.ones(6, 8, 3)})
    with pytest.raises(ArgumentError, match="mask already"):
        attach_masks(module, {"conv.weight": torch.ones(6, 8, 3)})
    normed = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    assert maskable(normed) == {}
    layer = attach_masks(nn.Linear(2, 2), {"weight": torch.ones(2, 2)})
    nn.utils.parametrize.register_parametrization(layer, "weight", nn.Identity())
    with pytest.raises(ArgumentError, match="other parametrisations"):
        bake(layer)

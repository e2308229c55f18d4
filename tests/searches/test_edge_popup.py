"""Masks and gradients of edge-popup are those of the published recipe, written naively, and exact at every step."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slth.errors import ArgumentError
from slth.networks import Blocks, InputChannels, Kernels, NOfM, OutputChannels
from slth.networks.masking import maskable
from slth.rng import WeightLaw
from slth.searches import Annealing, EdgePopup
from slth.searches.method import Searched, Selected
from slth.searches.random_source import random_source
from slth.training.method import MethodState, Step

STEP = Step(0, 1, 1)


def on(module, seed=0, **options):
    source = random_source(module, law=WeightLaw("normal"), seed=seed, scale="none", density=1.0)
    return Searched(Selected(EdgePopup(**options)), source)


class Published(torch.autograd.Function):
    """Keep the k largest scores by a full stable sort; the gradient goes through as it is."""

    @staticmethod
    def forward(ctx, scores, kept):
        order = torch.argsort(-scores.reshape(-1), stable=True)[:kept]
        mask = torch.zeros(scores.numel())
        mask[order] = 1.0
        return mask.reshape(scores.shape)

    @staticmethod
    def backward(ctx, gradient):
        return gradient, None


def layer_of(shape):
    return nn.Conv2d(shape[1], shape[0], shape[2], bias=False) if len(shape) == 3 else nn.Linear(shape[1], shape[0])


@given(
    st.sampled_from([(4, 3), (1, 7), (5, 2, 3), (3, 1, 2)]),
    st.floats(0.0, 1.0, exclude_min=True),
    st.booleans(),
    st.sampled_from(["plain", "tied", "zero"]),
    st.integers(0, 2**32),
)
def test_masks_and_gradients_are_those_of_the_naive_recipe(shape, density, magnitude, kind, seed):
    generator = torch.Generator().manual_seed(seed)
    module = layer_of(shape)
    size = tuple(module.weight.shape)
    scores = torch.randn(size, generator=generator)
    scores = {"plain": scores, "tied": scores.round(), "zero": torch.zeros(size)}[kind]
    weight = torch.randn(size, generator=generator)
    wanted = torch.randn(size, generator=generator)
    kept = math.ceil(Fraction(repr(density)) * scores.numel())  # the published n - int((1 - density) n), exactly

    ours = scores.clone().requires_grad_()
    method = on(module, density=density, magnitude=magnitude)
    mask = method.method.selection.masks({"weight": ours}, maskable(module))["weight"]
    (mask * weight * wanted).sum().backward()

    theirs = scores.clone().requires_grad_()
    expected = Published.apply(theirs.abs() if magnitude else theirs, kept)
    (expected * weight * wanted).sum().backward()

    assert int(mask.sum()) == kept
    assert torch.equal(mask, expected)
    assert torch.equal(ours.grad, theirs.grad)

    fused = scores.clone().requires_grad_()
    product = method.weights({"weight": weight}, MethodState({"weight": fused}), STEP)["weight"]
    (product * wanted).sum().backward()
    assert torch.equal(product, expected * weight)
    assert torch.equal(method.evaluated({"weight": weight}, MethodState({"weight": fused}), STEP)["weight"], product)
    assert torch.equal(fused.grad, theirs.grad)


@pytest.mark.parametrize(
    ("structure", "groups"),
    [(OutputChannels(), 6), (InputChannels(), 4), (Kernels(), 24), (Blocks(3), 2 * 12), (NOfM(1, 2), None)],
)
def test_groups_are_kept_whole_and_counted(structure, groups):
    module = nn.Conv2d(4, 6, 3)
    method = on(module, density=0.5, structure=structure)
    state = method.init({}, 0)
    mask = method.mask(state, STEP)["weight"]
    assert mask.shape == module.weight.shape
    if groups is None:
        assert int(mask.sum()) == mask.numel() // 2
        return
    assert state.trained["weight"].numel() == groups
    shape = structure.shape(maskable(module)["weight"])
    chosen = structure.select(state.trained["weight"].abs(), groups // 2)
    assert int(chosen.sum()) == groups // 2
    assert tuple(chosen.shape) == tuple(shape)
    assert torch.equal(mask.bool(), structure.expand(chosen, maskable(module)["weight"]))


def test_a_global_ranking_keeps_exactly_the_share_of_all():
    module = nn.Sequential(nn.Linear(10, 7, bias=False), nn.ReLU(), nn.Linear(7, 3, bias=False))
    method = on(module, density=0.2, scope="global")
    state = method.init({}, 3)
    masks = method.mask(state, STEP)
    together = torch.cat([scores.abs().reshape(-1) for scores in state.trained.values()])
    threshold = together.sort(descending=True).values[math.ceil(0.2 * together.numel()) - 1]
    for name, scores in state.trained.items():
        assert torch.equal(masks[name].bool(), scores.abs() >= threshold)


def test_scores_begin_uniform_within_their_bound_and_have_addresses():
    module = nn.Linear(400, 50)
    one, same, other = (on(module, seed).init({}, 0).trained["weight"] for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert float(one.abs().max()) <= 0.05
    # Variance of U(-b, b) is b^2 / 3; 20,000 numbers: five deviations of the estimate, fails once in 10^6.
    assert abs(float(one.var()) - 0.05**2 / 3) < 5 * 0.05**2 / 3 * math.sqrt(0.8 / 20_000)


def test_what_is_spared_has_no_scores_and_is_kept_whole():
    module = nn.Sequential(nn.Linear(10, 7, bias=False), nn.ReLU(), nn.Linear(7, 3, bias=False))
    method = on(module, density=0.2, structure=OutputChannels(), spared=["2.*"])
    state = method.init({}, 0)
    assert list(state.trained) == ["0.weight"]
    masks = method.mask(state, STEP)
    assert masks["2.weight"].all()
    assert int(masks["0.weight"].any(1).sum()) == 2
    weights = {name: tensor.detach() for name, tensor in module.named_parameters()}
    used = method.weights(weights, state, STEP)
    assert torch.equal(method.evaluated(weights, state, STEP)["0.weight"], used["0.weight"])
    with pytest.raises(ArgumentError, match="no weight a score"):
        on(module, spared=["*"]).init({}, 0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"density": 0.0}, "density"),
        ({"density": 1.5}, "density"),
        ({"density": math.nan}, "density"),
        ({"scope": "net"}, "scope"),
        ({"spared": "2.weight"}, "spared"),
        ({"scope": "global", "structure": NOfM(2, 4)}, "scope"),
    ],
)
def test_what_is_no_method_is_refused(changes, said):
    with pytest.raises(ArgumentError, match=said):
        EdgePopup(**changes)


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_an_annealed_density_is_the_published_one_in_each_epoch(scope):
    module = nn.Sequential(nn.Linear(40, 30, bias=False), nn.ReLU(), nn.Linear(30, 10, bias=False))
    source = random_source(module, law=WeightLaw("normal"), seed=0, scale="none", density=1.0)
    method = Selected(EdgePopup(0.05, scope=scope, anneal=Annealing(10)))
    state = method.begin(source)
    for epoch in range(14):
        step = Step(7 * epoch + 3, 7, 14)
        removed = 0.95 + (0.5 - 0.95) * (1 - epoch / 10) ** 3 if epoch < 10 else 0.95  # as its code has it
        masks = method.masks(state, source, step)
        kept = sum(int(mask.sum()) for mask in masks.values())
        assert kept == pytest.approx(1500 * (1 - removed), abs=1.01 * (2 if scope == "layer" else 1))
        weights = {name: torch.ones(mask.shape) for name, mask in masks.items()}
        made = method.weights(weights, state, source, step)
        assert all(torch.equal(made[name].bool(), mask) for name, mask in masks.items())
        assert method.settled(step) == (epoch >= 10)
    with pytest.raises(ArgumentError, match="never be reached"):
        method.masks(state, source, Step(0, 7, 9))


def test_densities_of_layers_are_annealed_along_a_line_each():
    method = EdgePopup({"a": 0.1, "b": 0.7}, anneal=Annealing(4, power=1.0))
    assert method.at(Step(1, 1, 4)).density == pytest.approx({"a": 0.4, "b": 0.7})
    assert method.at(Step(4, 1, 4)) is method


@pytest.mark.parametrize("changes", [{"epochs": 0}, {"first": 0.0}, {"first": 1.5}, {"power": 0.0}])
def test_what_is_no_annealing_is_refused(changes):
    with pytest.raises(ArgumentError, match=next(iter(changes))):
        Annealing(**changes)

"""Biprop's weights and gradients are those of the published step written naively; signs are those of the stream."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slth.errors import ArgumentError
from slth.networks import OutputChannels, Threshold
from slth.networks.masking import maskable
from slth.rng import Stream, WeightLaw
from slth.searches import Annealing, Biprop, EdgePopup, SignActivation, search
from slth.searches.random_source import random_source
from slth.training import MethodState, Recipe, Step
from tests.searches.test_search import RECIPE, TEST, TRAIN

STEP = Step(0, 1, 1)


class Published(torch.autograd.Function):
    """Alpha times the mask of the k largest scores; backward the gradient times |W|, alpha being a number."""

    @staticmethod
    def forward(ctx, scores, weight, kept):
        mask = torch.zeros(scores.numel(), dtype=scores.dtype)
        mask[torch.argsort(-scores.reshape(-1), stable=True)[:kept]] = 1.0
        mask = mask.reshape(scores.shape)
        ctx.save_for_backward(weight)
        return mask * (weight.abs() * mask).sum() / kept

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0].abs(), None, None


@given(st.sampled_from([(4, 3), (1, 7), (5, 2)]), st.floats(0.05, 1.0), st.integers(0, 2**32))
def test_weights_and_gradients_are_those_of_the_published_step(shape, density, seed):
    module = nn.Linear(shape[1], shape[0], bias=False)
    source = random_source(module, law=WeightLaw("normal"), seed=seed, scale="kaiming", density=1.0)
    method = Biprop(EdgePopup(density))
    state = method.begin(source)
    weight = source.module.weight.detach()
    wanted = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    ours = state.trained["weight"].clone().requires_grad_()
    made = method.weights({"weight": weight}, MethodState({"weight": ours}), source, STEP)["weight"]
    (made * wanted).sum().backward()
    theirs = state.trained["weight"].double().requires_grad_()
    kept = int(method.masks(state, source, STEP)["weight"].sum())
    expected = weight.double().sign() * Published.apply(theirs.abs(), weight.double(), kept)
    (expected * wanted).sum().backward()
    assert torch.equal(made.detach().double(), expected.detach().float().double())
    assert torch.allclose(ours.grad.double(), theirs.grad, rtol=1e-6)
    assert torch.equal(method.evaluated({"weight": weight}, state, source, STEP)["weight"], made.detach())
    gain = method.gains(method.masks(state, source, STEP), state, source)["weight"]
    assert gain == pytest.approx(float(expected.detach().abs().max()), rel=1e-12)


@pytest.mark.parametrize("law", ["normal", "uniform", "signed-constant"])
def test_the_law_of_signs_has_the_signs_of_each_law(law):
    """Of one million numbers: none is 0, and no bit of a sign differs."""
    stream = Stream(9, "layer")
    numbers, signs = (WeightLaw(name).weights(stream, 0, 10**6) for name in (law, "signed-constant"))
    assert np.array_equal(np.sign(numbers), signs)


def test_half_precision_that_rounds_to_zero_keeps_its_sign():
    module = nn.Linear(400, 100, bias=False).half()
    source = random_source(module, law=WeightLaw("normal", 1e-6), seed=0, scale="none", density=1.0)
    weight = source.module.weight.detach()
    assert (weight == 0.0).any()
    method = Biprop(EdgePopup(1.0))
    made = method.evaluated({"weight": weight}, method.begin(source), source, STEP)["weight"]
    signs = WeightLaw("signed-constant").weights(Stream(0, "weight"), 0, weight.numel())
    assert np.array_equal(np.sign(made.reshape(-1).numpy()), signs)


def test_what_is_spared_is_binary_too_and_channels_are_kept_whole():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 4))
    method = Biprop(EdgePopup(0.5, OutputChannels(), spared=["3.weight"]))
    found = search(flat, TRAIN, method, recipe=Recipe(epochs=1), law=WeightLaw("normal"), seed=1)
    sizes = [found.module.get_parameter(name).detach().abs().unique() for name in maskable(flat)]
    assert [len(one) for one in sizes] == [2, 1]
    pairs = zip(sizes, maskable(flat), strict=True)
    assert all(float(one[-1]) == pytest.approx(found.ticket.gain(name)) for one, name in pairs)


@pytest.mark.parametrize("scale", ["local", "kept"])
def test_the_ticket_of_a_scale_computes_what_was_searched(scale):
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4))
    method = Biprop(EdgePopup(0.2, scope="global", anneal=Annealing(3)))
    common = {"recipe": RECIPE, "validation": TEST, "law": WeightLaw("uniform"), "scale": scale, "seed": 3}
    found = search(flat, TRAIN, method, **common)
    assert found.evaluate(TEST).loss == pytest.approx(found.trace[-1].validation.loss, rel=1e-5)


def test_a_layer_of_which_nothing_is_kept_is_no_nan():
    module = nn.Linear(3, 2, bias=False)
    source = random_source(module, law=WeightLaw("normal"), seed=0, scale="none", density=1.0)
    method = Biprop()
    masks = {"weight": torch.zeros(2, 3, dtype=torch.bool)}
    assert method.gains(masks, method.begin(source), source) == {"weight": 0.0}


def test_sign_activations_have_the_gradient_of_parabolas():
    x = torch.linspace(-2.0, 2.0, 41, dtype=torch.float64)
    x.requires_grad_()
    SignActivation()(x).sum().backward()
    assert torch.equal(SignActivation()(x).detach(), x.detach().sign())
    assert torch.allclose(x.grad, 2.0 * (1.0 - x.detach().clamp(-1.0, 1.0).abs()), atol=1e-12)


def test_binary_weights_and_activations_learn():
    layers = [nn.Linear(64, 96), nn.BatchNorm1d(96, affine=False), SignActivation(), nn.Linear(96, 4)]
    net = nn.Sequential(nn.Flatten(), *layers)
    found = search(net, TRAIN, Biprop(), recipe=RECIPE, law=WeightLaw("normal"), seed=2)
    assert found.evaluate(TEST).accuracy > 0.8  # chance is 1/4


def test_another_selection_is_refused():
    for selection in (Threshold(0.1), EdgePopup(signed=True)):
        with pytest.raises(ArgumentError, match="selection"):
            Biprop(selection)

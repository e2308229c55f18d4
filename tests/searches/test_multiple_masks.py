"""Masks with more than two values: coats are nested masks with exact counts, signed scores begin as published."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slth.errors import ArgumentError
from slth.networks import Axes, OutputChannels, maskable
from slth.networks.selection import kept_count
from slth.rng import WeightLaw
from slth.searches import EdgePopup, Multicoated, SignedSupermask, sanity_checks, search
from slth.searches.random_source import random_source
from slth.searches.sanity import _inverted as inverted
from slth.training import Recipe
from tests.searches.test_search import RECIPE, TEST, TRAIN

AXES = {"a": Axes((4, 5)), "b": Axes((3, 7))}


@given(
    st.floats(0.05, 1.0), st.integers(1, 6), st.sampled_from(["layer", "global"]), st.booleans(), st.booleans(),
    st.integers(0, 2**32),
)  # fmt: skip
def test_factors_count_the_nested_masks_that_keep_a_weight(density, coats, scope, signed, tied, seed):
    generator = torch.Generator().manual_seed(seed)
    scores = {name: torch.randn(tuple(one.shape), generator=generator) for name, one in AXES.items()}
    scores = {name: one.round() if tied else one for name, one in scores.items()}
    method = Multicoated(density, scope=scope, signed=signed, coats=coats)
    found = method.select(scores, AXES)
    groups = [list(AXES)] if scope == "global" else [[name] for name in AXES]
    for names in groups:
        flat = torch.cat([scores[name].reshape(-1) for name in names])
        order, wanted = torch.argsort(-flat.abs(), stable=True), torch.zeros(len(flat), dtype=torch.int8)
        for number in range(coats):
            wanted[order[: kept_count(round(density * (coats - number) / coats, 12), len(flat))]] += 1
        wanted = wanted * torch.where(flat < 0, -1, 1) if signed else wanted
        assert torch.equal(torch.cat([found[name].reshape(-1) for name in names]).long(), wanted.long())
    leaf = {name: one.clone().requires_grad_() for name, one in scores.items()}
    sum((mask * 2.0).sum() for mask in method.masks(leaf, AXES).values()).backward()
    for name, one in leaf.items():
        assert torch.equal(one.grad, torch.full_like(one, 2.0) if signed else 2.0 * scores[name].sign())


def test_one_coat_is_a_mask_of_its_density():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 4))
    one, other = (
        search(flat, TRAIN, method, recipe=Recipe(epochs=1), seed=1)
        for method in (Multicoated(0.5, coats=1), EdgePopup(0.5, rounding="nearest"))
    )
    assert one.ticket.to_bytes() == other.ticket.to_bytes()


def test_densities_of_layers_and_channels():
    scores = {"a": torch.arange(4.0), "b": torch.arange(3.0)}
    method = Multicoated({"a": 1.0, "b": 0.67}, OutputChannels(), coats=2)
    found = method.chosen(scores, AXES)
    assert found["a"][:, 0].tolist() == [1, 1, 2, 2]
    assert found["b"][:, 0].tolist() == [0, 1, 2]


def test_a_multicoated_ticket_has_sanity_checks_and_counts_coats():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4))
    found = search(flat, TRAIN, Multicoated(0.6, coats=3), recipe=RECIPE, scale="kept", seed=1)
    assert found.ticket.mask.alphabet == (0, 1, 2, 3)
    assert found.evaluate(TEST).accuracy > 0.9  # chance is 1/4
    assert sanity_checks(found, TEST, repetitions=1).inverted is not None


def test_signed_scores_begin_glorot_uniform():
    layer = nn.Conv2d(30, 20, 3)
    scores = SignedSupermask().first(maskable(layer), 0)["weight"]
    reference = torch.empty(20, 30, 3, 3)
    nn.init.xavier_uniform_(reference, generator=torch.Generator().manual_seed(0))
    bound = math.sqrt(6 / (30 * 9 + 20 * 9))
    assert 0.99 * bound < float(scores.abs().max()) <= bound
    # Variances of 5,400 numbers each: five deviations, fails once in 10^6.
    assert float(scores.var() / reference.var()) == pytest.approx(1.0, abs=5 * math.sqrt(2 * 0.8 / 5400))


def test_the_scale_for_elu_is_larger_by_the_root_of_three_halves():
    gains = [
        random_source(nn.Linear(50, 3), law=WeightLaw("normal"), seed=0, scale=scale, density=1.0).gains["weight"]
        for scale in ("kaiming", "elu")
    ]
    assert gains[1] / gains[0] == pytest.approx(math.sqrt(1.5))


@pytest.mark.parametrize("coats", [0, 128])
def test_what_is_no_number_of_coats_is_refused(coats):
    with pytest.raises(ArgumentError, match="coats"):
        Multicoated(coats=coats)


def test_inverted_masks_have_the_same_coats_on_the_smallest_scores():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    result = search(flat, TRAIN, Multicoated(0.75, coats=3, signed=True), recipe=Recipe(epochs=1))
    found, scores = inverted(result).arrays["1.weight"], result.scores["1.weight"].numpy()
    counts = [(abs(mask) == coat).sum() for mask in (found, result.ticket.mask["1.weight"]) for coat in range(4)]
    assert counts[:4] == counts[4:]
    assert (found * scores >= 0).all()
    assert abs(scores[abs(found) == 3]).max() <= abs(scores[abs(found) == 2]).min()
    assert abs(scores[abs(found) == 1]).max() <= abs(scores[found == 0]).min()

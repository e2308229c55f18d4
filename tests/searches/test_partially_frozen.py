"""What is frozen stays, in exact numbers; the rest is edge-popup's."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slth.errors import ArgumentError
from slth.networks import Kernels, NOfM, Weights
from slth.rng import WeightLaw
from slth.searches import Annealing, EdgePopup, PartiallyFrozen
from slth.searches.method import Selected
from slth.searches.random_source import random_source
from slth.training import MethodState, Step

STEP = Step(0, 1, 1)


def source_of(module, seed=0):
    return random_source(module, law=WeightLaw("normal"), seed=seed, scale="none", density=1.0)


@given(
    st.floats(0.0, 0.5), st.floats(0.0, 0.5), st.sampled_from(["layer", "global"]), st.booleans(), st.integers(0, 2**32)
)
def test_masks_and_gradients_are_those_of_the_naive_recipe(locked, pruned, scope, magnitude, seed):
    """Frozen edges enter the sort as plus or minus infinity, as in the published code, and have no gradient."""
    source = source_of(nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, 3)), seed)
    method = PartiallyFrozen(EdgePopup(0.5, scope=scope, magnitude=magnitude), locked=locked, pruned=pruned)
    state = method.begin(source)
    for name, total in (("0.weight", 35), ("2.weight", 15)):
        frozen = state.fixed[name]
        assert [int((frozen == value).sum()) for value in (1, -1)] == [
            math.floor(Fraction(repr(share)) * total) for share in (locked, pruned)
        ]
    masks = method.masks(state, source, STEP)
    ranked = {}
    for name, scores in state.trained.items():
        ranked[name] = scores.abs() if magnitude else scores.clone()
        ranked[name][state.fixed[name] == 1], ranked[name][state.fixed[name] == -1] = torch.inf, -torch.inf
    groups = [list(ranked)] if scope == "global" else [[name] for name in ranked]
    for names in groups:
        together = torch.cat([ranked[name].reshape(-1) for name in names])
        wanted = torch.zeros(len(together), dtype=torch.bool)
        wanted[torch.argsort(-together, stable=True)[: math.ceil(len(together) / 2)]] = True
        assert torch.equal(torch.cat([masks[name].reshape(-1) for name in names]), wanted)
    leaves = {name: scores.clone().requires_grad_() for name, scores in state.trained.items()}
    weights = {name: source.module.get_parameter(name).detach() for name in leaves}
    made = method.weights(weights, MethodState(leaves, state.fixed), source, STEP)
    sum(one.sum() for one in made.values()).backward()
    for name, leaf in leaves.items():
        assert torch.equal(made[name], weights[name] * masks[name])
        sign = leaf.detach().sign() if magnitude else 1.0
        assert torch.equal(leaf.grad, weights[name] * sign * (state.fixed[name] == 0))


@pytest.mark.parametrize("structure", [Weights(), Kernels()])
def test_without_frozen_groups_it_is_edge_popup(structure):
    source = source_of(nn.Conv2d(4, 6, 3))
    selection = EdgePopup(0.3, structure)
    plain, ours = Selected(selection), PartiallyFrozen(selection, locked=0.0, pruned=0.0)
    state = ours.begin(source)
    assert torch.equal(ours.masks(state, source, STEP)["weight"], plain.masks(state, source, STEP)["weight"])


def test_what_is_frozen_is_a_function_of_the_seed():
    one, same, other = (
        PartiallyFrozen().begin(source_of(nn.Linear(20, 20), seed)).fixed["weight"] for seed in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"locked": -0.1}, "locked"),
        ({"locked": 0.6}, "locked=0.6 is more than the density of 0.5"),
        ({"pruned": 0.6}, "pruned=0.6 leaves less"),
        ({"selection": EdgePopup({"a": 0.2, "b": 0.9})}, "locked"),
        ({"selection": EdgePopup(0.3, anneal=Annealing(first=0.9))}, "leaves less than the density of 0.9"),
        ({"selection": EdgePopup(signed=True)}, "selection"),
        ({"selection": EdgePopup(structure=NOfM(2, 4))}, "structure=.* has rows of fixed numbers"),
    ],
)
def test_shares_that_do_not_fit_are_refused(changes, said):
    with pytest.raises(ArgumentError, match=said):
        PartiallyFrozen(**changes)

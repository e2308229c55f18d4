"""Inputs that are token indices go through searching, training and evaluating as integers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import slth
from slth import searches
from slth.errors import ArgumentError
from slth.networks import outputs_of
from slth.training import CROP_AND_FLIP, Adam, Constant, Cosine, Examples, Recipe, evaluate, train

WORDS, PLACES = 12, 6


class Bag(nn.Module):
    """Mean of embedded tokens, two layers."""

    def __init__(self, words=WORDS, width=32):
        super().__init__()
        self.words = nn.Embedding(words, width)
        self.hidden, self.out = nn.Linear(width, 64), nn.Linear(64, 2)

    def forward(self, tokens):
        assert tokens.dtype == torch.int64
        return self.out(torch.relu(self.hidden(self.words(tokens).mean(1))))


class Transformer(nn.Module):
    """Tokens and their places, one layer of attention with what follows it, a class."""

    def __init__(self, width=32, heads=4):
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, width), nn.Embedding(PLACES, width)
        self.layer = nn.TransformerEncoderLayer(width, heads, 64, dropout=0.0, batch_first=True)
        self.out = nn.Linear(width, 2)

    def forward(self, tokens):
        seen = self.words(tokens) + self.places(torch.arange(tokens.shape[1], device=tokens.device))
        return self.out(self.layer(seen).mean(1))


def sentences(count, seed=0):
    """Random tokens; the class says whether one of the first two of the vocabulary is among them."""
    tokens = np.random.default_rng(seed).integers(0, WORDS, (count, PLACES))
    return Examples(tokens, (tokens < 2).any(axis=1).astype(int))


def test_integers_stay_integers():
    data = sentences(20)
    assert data.inputs.dtype == torch.int64
    assert data.are_tokens
    assert not Examples(np.zeros((2, 3)), [0, 1]).are_tokens
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = Bag().double()
    expected = module(data.inputs).detach().numpy()
    assert np.array_equal(outputs_of(module, data.inputs), expected)
    assert np.array_equal(outputs_of(module, data.inputs.numpy()), expected)


def test_an_embedding_network_is_searched(tmp_path):
    """Chance on the test sentences is the share of the larger class, 0.67; the seeds are fixed."""
    train_data, test = sentences(2000), sentences(1000, seed=1)
    recipe = Recipe(epochs=15, batch_size=64, schedule=Cosine(0.5))
    found = slth.search(Bag(), train_data, slth.EdgePopup(density=0.5), recipe=recipe, seed=0)
    assert found.evaluate(test).accuracy > 0.9
    found.ticket.save(tmp_path / "net.ticket")
    again = slth.apply_to(Bag(), slth.load_ticket(tmp_path / "net.ticket"))
    assert evaluate(again, test) == found.evaluate(test)
    checks = searches.sanity_checks(found, test, repetitions=2)
    assert max(*checks.shuffled, *checks.redrawn) < 0.9


def test_a_transformer_on_tokens_is_searched():
    train_data, test = sentences(2000), sentences(1000, seed=1)
    recipe = Recipe(epochs=10, batch_size=64, schedule=Constant(3e-2), optimizer=Adam())
    found = slth.search(Transformer(), train_data, slth.EdgePopup(density=0.5), recipe=recipe, seed=0)
    assert found.evaluate(test).accuracy > 0.9
    assert {"words.weight", "places.weight", "layer.self_attn.in_proj_weight"} <= set(found.density)


def test_training_and_baselines_take_tokens():
    data = sentences(300)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = Bag()
    records = train(module, data, Recipe(epochs=3))
    assert records[-1].loss < records[0].loss
    for method in (searches.SNIP(), searches.GraSP(), searches.Magnitude(), searches.Evolution(generations=2)):
        assert searches.prune(Bag(), data, method, density=0.5).ticket.mask.density == pytest.approx(0.5, abs=1e-3)
    with pytest.raises(ArgumentError, match="are token indices, and the paths of SynFlow begin at inputs"):
        searches.prune(Bag(), data, searches.SynFlow(rounds=2), density=0.5)


@pytest.mark.parametrize("call", [lambda *a, **o: slth.search(*a[:2], slth.EdgePopup(), **o), train])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"normalisation": ([0.5], [0.5])}, r"normalisation=.* is of numbers, and inputs are token indices"),
        ({"augmentation": CROP_AND_FLIP}, r"augmentation=.* is of numbers, and inputs are token indices"),
    ],
)
def test_a_recipe_that_calculates_with_tokens_is_refused(call, change, said):
    with pytest.raises(ArgumentError, match=said):
        call(Bag(), sentences(10), recipe=Recipe(epochs=1, **change))


@pytest.mark.parametrize("call", [lambda *a, **o: slth.search(*a, slth.EdgePopup(), **o), train])
def test_a_token_without_a_place_in_the_embedding_is_named_before_anything_is_done(call):
    tokens = np.zeros((50, PLACES), int)
    tokens[40, 3] = WORDS + 2
    data, good = Examples(tokens, [0, 1] * 25), sentences(50)
    with pytest.raises(ArgumentError, match=r"inputs=\[50, 6\] have the token 14, which Bag does not know"):
        call(Bag(), data)
    with pytest.raises(ArgumentError, match="have the token 14"):
        call(Bag(), good, validation=data)


def test_what_are_no_tokens_is_refused():
    for inputs, said in (
        (np.zeros((2, 3), np.uint8), "must be floating point, or int64 where they are token indices: divide pixels"),
        (np.zeros((2, 3), bool), "must be floating point, or int64"),
        (torch.zeros(2, 3, dtype=torch.int32), "inputs=torch.int32 must be floating point, or int64"),
        (np.array([[0, -3], [1, 2]]), "inputs=-3 is no token index: number tokens from 0"),
    ):
        with pytest.raises(ArgumentError, match=said):
            Examples(inputs, [0, 1])
    with pytest.raises(ArgumentError, match="does not take examples"):
        train(nn.Linear(PLACES, 2), sentences(4))

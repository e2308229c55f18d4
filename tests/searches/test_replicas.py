"""Searches that take turns are the searches alone."""

import gc

import pytest
import torch
from torch import nn

from slth.errors import ArgumentError, ConstructionError, DataError
from slth.searches import EdgePopup, GemMiner, IteRand, search, search_many
from slth.trainable import IMP, train, train_many
from slth.training import Constant, Recipe, split
from tests.training.test_loop import blobs, convolutional, images


def network():
    return nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))


def alike(one, other):
    tickets = all(
        (found.mask.arrays[name] == wanted.mask.arrays[name]).all()
        for found, wanted in ((one.ticket, other.ticket), (one.last, other.last))
        for name in wanted.mask.arrays
    )
    scores = all(torch.equal(one.scores[name], other.scores[name]) for name in other.scores)
    traces = [[(row.loss, row.density, row.validation) for row in found.trace] for found in (one, other)]
    return tickets and scores and traces[0] == traces[1] and one.epoch == other.epoch


def test_each_is_the_search_alone_bit_for_bit():
    train, held = split(blobs(), 0.2)
    methods = [EdgePopup(0.5), IteRand(EdgePopup(0.25, magnitude=False), period=2), GemMiner(0.5, period=1)]
    options = {"recipe": Recipe(3, 32, Constant(0.2)), "validation": held, "keep": "best"}
    module = network()
    state, threads, told = torch.random.get_rng_state(), torch.get_num_threads(), []
    found = search_many(module, train, methods, seeds=[3, 1], progress=lambda *how: told.append(how), **options)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    alone = [search(network(), train, method, seed=seed, **options) for method in methods for seed in (3, 1)]
    assert [one.ticket.seed for one in found] == [3, 1] * 3
    assert all(alike(one, other) for one, other in zip(found, alone, strict=True))
    assert told == [("search", number, 18) for number in range(1, 19)]


def test_those_that_were_killed_go_on(tmp_path):
    def killed(what, done, of):
        del what, of
        if done == 4:
            raise KeyboardInterrupt

    options = {"seeds": [0, 1], "recipe": Recipe(3, 16, Constant(0.1)), "folder": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        search_many(convolutional(), images(), EdgePopup(0.5), progress=killed, **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-0", "0-1"]
    found = search_many(convolutional(), images(), EdgePopup(0.5), **options)
    alone = [search(convolutional(), images(), EdgePopup(0.5), seed=s, recipe=options["recipe"]) for s in (0, 1)]
    assert all(alike(one, other) for one, other in zip(found, alone, strict=True))


@pytest.mark.parametrize(("many", "method"), [(search_many, EdgePopup(0.5)), (train_many, IMP(levels=1))])
def test_generators_and_threads_stay_as_they_are_when_one_of_several_fails(many, method):
    """Also behind the error: what the others still hold must not be given back when the error is forgotten."""

    def stops(what, done, of):
        del what, of
        if done == 2:
            raise KeyboardInterrupt

    module, recipe = network(), Recipe(2, 32, Constant(0.1))
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt) as caught:
        many(module, blobs(), method, recipe=recipe, progress=stops)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    with torch.random.fork_rng():
        torch.manual_seed(12345)
        state = torch.random.get_rng_state()
        del caught
        gc.collect()
        assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_what_stands_in_the_folder_is_told_as_done(tmp_path):
    told = []
    for seeds in ([1], [1, 2], [1, 2]):
        options = {"seeds": seeds, "recipe": Recipe(2, 40, Constant(0.1)), "folder": tmp_path}
        search_many(network(), blobs(), EdgePopup(0.5), progress=lambda *how: told.append(how[1:]), **options)
        assert told[-1] == (2 * len(seeds), 2 * len(seeds))
        told.clear()


def test_a_damaged_checkpoint_is_named_with_what_to_do(tmp_path):
    options = {"seeds": [1], "recipe": Recipe(1, 40, Constant(0.1)), "folder": tmp_path}
    search_many(network(), blobs(), EdgePopup(0.5), **options)
    file = tmp_path / "0-1" / "last.checkpoint"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match=r"last\.checkpoint.*; remove .*0-1 to begin anew"):
        search_many(network(), blobs(), EdgePopup(0.5), **options)


@pytest.mark.parametrize("seeds", [[], [1, 1], [-1], 3, ["a"]])
def test_seeds_that_are_none(seeds):
    with pytest.raises(ArgumentError, match="seeds"):
        search_many(network(), blobs(), EdgePopup(0.5), seeds=seeds)


def test_no_method_and_one_that_collapses():
    with pytest.raises(ArgumentError, match="method"):
        search_many(network(), blobs(), [])
    with pytest.raises(ConstructionError):
        search_many(network(), blobs(), [EdgePopup(0.5), GemMiner(0.001, period=1)], recipe=Recipe(2))


@pytest.mark.gpu
@pytest.mark.parametrize("graphs", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_on_cuda_too(graphs, dropout):
    module = convolutional()
    module[3] = nn.Dropout(dropout)
    recipe = Recipe(3, 20, Constant(0.1), cuda_graphs=graphs)
    options = {"recipe": recipe, "device": "cuda"}
    found = search_many(module, images(), EdgePopup(0.5), seeds=range(3), **options)
    for one, seed in zip(found, (0, 1, 2), strict=True):
        other = search(module, images(), EdgePopup(0.5), seed=seed, **options)
        for name in other.scores:
            torch.testing.assert_close(one.scores[name], other.scores[name], atol=1e-4, rtol=1e-3)


def test_a_folder_that_is_no_path():
    for call in (
        lambda: search_many(network(), blobs(), EdgePopup(0.5), folder=3),
        lambda: search(network(), blobs(), EdgePopup(0.5), folder=3),
        lambda: train(network(), blobs(), IMP(levels=1), folder=3),
    ):
        with pytest.raises(ArgumentError, match="folder=3 is no path"):
            call()

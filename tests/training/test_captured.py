"""Captured steps: whatever a graph reads keeps its place, so that a run with graphs is the run without.

Where there is no CUDA device a recording is played by running its step again into the same memory, which is what a
graph does; on one, the marked tests capture graphs.
"""

import copy

import pytest
import torch
from torch import nn

from slth.errors import ArgumentError
from slth.rng import WeightLaw
from slth.searches import Annealing, Bernoulli, Concrete, EdgePopup, GemMiner, IteRand, SlotMachine
from slth.searches.method import Searched, SearchMethod, Selected
from slth.searches.random_source import random_source
from slth.searches.search import _Kept
from slth.training import CROP_AND_FLIP, Cosine, FixedMasks, Recipe, TrainingRun, captured
from tests.training.test_loop import convolutional, images

METHODS = {
    "edge-popup": EdgePopup(0.5),
    "together": EdgePopup(0.3, scope="global"),
    "signed": EdgePopup(0.5, signed=True),
    "annealed": EdgePopup(0.3, anneal=Annealing(epochs=2)),
    "redrawn": IteRand(EdgePopup(0.5, magnitude=False), period=3),
    "frozen out": GemMiner(0.2, period=1, decay=1e-4),
    "gates": Concrete(density=0.5),
    "coins": Bernoulli(),
    "slots": SlotMachine(3),
}
RECIPE = Recipe(epochs=3, batch_size=20, schedule=Cosine(0.1), augmentation=CROP_AND_FLIP)  # the last batch has 8


def searching(method, device="cpu", **recipe) -> TrainingRun:
    source = random_source(convolutional(), law=WeightLaw("signed-constant"), seed=1, scale="kaiming", density=0.5)
    kind = method if isinstance(method, SearchMethod) else Selected(method)
    made = Recipe(**{**vars(RECIPE), **recipe})
    return TrainingRun(source.module, images(), made, method=Searched(kind, source), seed=2, device=device)


class Player:
    """Records as CUDA graphs do, by memory, and counts."""

    def __init__(self, run: TrainingRun) -> None:
        self.run, self.recorded = run, 0

    def __call__(self, step, device):
        del device
        self.recorded += 1
        for _ in range(3):  # as often as a step is tried: buffers and generators change
            loss = step()
        held = {name: leaf.grad for name, leaf in self.run._leaves.items()}

        def play() -> None:
            loss.copy_(step())
            for name, leaf in self.run._leaves.items():
                held[name].copy_(leaf.grad)

        return play, loss


def same(one: TrainingRun, other: TrainingRun) -> bool:
    found, wanted = one.snapshot(), other.snapshot()
    return found.keys() == wanted.keys() and all(torch.equal(found[name], wanted[name]) for name in found)


@pytest.mark.parametrize("name", METHODS)
def test_a_run_that_is_played_is_the_run(name, monkeypatch):
    plain, played = searching(METHODS[name]), searching(METHODS[name])
    player = Player(played)
    monkeypatch.setattr(captured, "recorded", player)
    played._captured = captured.CapturedSteps(played._gradients, played._leaves, played.parts.buffers)
    records = [[(one.loss, one.density) for one in run] for run in (plain, played)]
    assert records[0] == records[1]
    assert same(plain, played)
    phases = 3 if name == "annealed" else 1
    assert player.recorded == 2 * phases  # for each size of a batch


def test_a_run_is_taken_up_with_graphs_where_it_was_left_without(monkeypatch, tmp_path):
    whole, first, second = (searching(METHODS["frozen out"]) for _ in range(3))
    list(whole)
    for record in first:
        if record.epoch == 1:
            break
    first.save(tmp_path / "checkpoint")
    player = Player(second)
    monkeypatch.setattr(captured, "recorded", player)
    second._captured = captured.CapturedSteps(second._gradients, second._leaves, second.parts.buffers)
    next(iter(second))
    second.resume(tmp_path / "checkpoint")
    list(second)
    assert same(whole, second)
    assert player.recorded == 4


def test_fixed_tensors_may_change_their_places():
    steps = captured.CapturedSteps(lambda places: places, {}, {})
    old = {"now": torch.tensor([2.0]), "before": torch.tensor([1.0])}
    found = steps.kept(old, {"now": torch.tensor([3.0]), "before": old["now"]})
    assert {name: (tensor is old[name], tensor.item()) for name, tensor in found.items()} == {
        "now": (True, 3.0),
        "before": (True, 2.0),
    }
    found = steps.kept(old, {"now": old["before"][:], "before": old["now"]})  # a view of it, too
    assert [found["now"].item(), found["before"].item()] == [2.0, 3.0]


def test_what_the_best_epoch_knew_is_not_written_over():
    run = searching(METHODS["frozen out"])
    run._captured = captured.CapturedSteps(run._gradients, run._leaves, run.parts.buffers)
    kept = _Kept(run, run.method.method, run.method.source)
    before = {name: tensor.clone() for name, tensor in kept.fixed.items()}
    run._captured.kept(run.state.fixed, {name: ~tensor for name, tensor in run.state.fixed.items()})
    assert all(torch.equal(kept.fixed[name], tensor) for name, tensor in before.items())


def test_trained_weights_under_masks_are_played_too(monkeypatch):
    masks = {"0.weight": torch.rand(6, 3, 3, 3, generator=torch.Generator().manual_seed(0)) < 0.5}
    runs = [TrainingRun(convolutional(), images(), RECIPE, method=FixedMasks(masks)) for _ in range(2)]
    player = Player(runs[1])
    monkeypatch.setattr(captured, "recorded", player)
    runs[1]._captured = captured.CapturedSteps(runs[1]._gradients, runs[1]._leaves, runs[1].parts.buffers)
    for run in runs:
        list(run)
    assert same(*runs)
    assert player.recorded == 2


def test_a_method_of_ones_own_is_captured_anew_in_each_step(monkeypatch):
    class Own(Selected):
        """Does not say what of the step it depends on."""

        def phase(self, step):
            return SearchMethod.phase(self, step)

    run = searching(Own(EdgePopup(0.5)), epochs=1)
    player = Player(run)
    monkeypatch.setattr(captured, "recorded", player)
    run._captured = captured.CapturedSteps(run._gradients, run._leaves, run.parts.buffers)
    list(run)
    assert player.recorded == 3


def test_what_cannot_be_captured_is_refused():
    with pytest.raises(ArgumentError, match=r"cuda_graphs.*is for CUDA devices, not for cpu"):
        searching(EdgePopup(0.5), cuda_graphs=True)


def test_a_compiled_network_trains_as_the_plain_one(monkeypatch):
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda called, **options: compile_(called, backend="eager", **options))
    for method in (METHODS["edge-popup"], None):
        runs = []
        for compiled in (False, True):
            if method is None:
                recipe = Recipe(**{**vars(RECIPE), "compiled": compiled})
                runs.append(TrainingRun(convolutional(), images(), recipe, seed=2))
            else:
                runs.append(searching(method, compiled=compiled))
        for run in runs:
            list(run)
        found, wanted = (run.snapshot() for run in runs)
        for name in wanted:
            torch.testing.assert_close(found[name], wanted[name], atol=1e-5, rtol=1e-4)
    torch._dynamo.reset()


def waits(outputs, targets):
    """Return a loss that waits for the device."""
    return nn.functional.cross_entropy(outputs, targets) * (1.0 if float(outputs.detach().sum()) < 1e9 else 0.0)


@pytest.mark.gpu
@pytest.mark.parametrize("name", METHODS)
def test_graphs_on_cuda(name):
    plain, graphed = (searching(METHODS[name], "cuda", cuda_graphs=graphs) for graphs in (False, True))
    losses = [[one.loss for one in run] for run in (plain, graphed)]
    torch.testing.assert_close(losses[1], losses[0], atol=1e-4, rtol=1e-3)
    found, wanted = graphed.snapshot(), plain.snapshot()
    for key in wanted:
        torch.testing.assert_close(found[key], wanted[key], atol=1e-4, rtol=1e-3)


@pytest.mark.gpu
def test_a_loss_that_waits_for_the_device_is_refused_on_cuda():
    with pytest.raises(ArgumentError, match=r"cuda_graphs.*cannot be had"):
        list(searching(EdgePopup(0.5), "cuda", cuda_graphs=True, loss=waits))


def test_examples_keep_their_place_when_words_are_drawn_anew():
    run = searching(EdgePopup(0.5))
    batches = run._batches
    with batches.generators():
        batches.places(0)
        held = copy.copy(batches._words)
        before = {name: words.clone() for name, words in held.items()}
        batches.places(batches.per_epoch)
    assert held.keys() == {"crop", "flip"}
    for name, words in batches._words.items():
        assert words is held[name]
        assert not torch.equal(words, before[name])

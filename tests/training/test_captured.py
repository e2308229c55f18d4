"""Captured steps: whatever a graph reads keeps its place, so that a run with graphs is the run without.

Where there is no CUDA device the operations of a recorded step are done again in the same memory, without Python, which
is what a graph does; on one, the marked tests capture graphs.
"""

import copy
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from slth.errors import ArgumentError
from slth.jobs.methods import METHODS as NAMED
from slth.jobs.methods import method_of
from slth.networks import NOfM, OutputChannels, Threshold
from slth.rng import WeightLaw
from slth.searches import Annealing, Bernoulli, Biprop, Concrete, EdgePopup, IteRand, SlotMachine
from slth.searches.method import Searched, SearchMethod, Selected
from slth.searches.random_source import random_source
from slth.searches.search import _Kept
from slth.training import CROP_AND_FLIP, Cosine, FixedMasks, Recipe, TrainingRun, captured
from tests.training.recording import recording
from tests.training.test_loop import convolutional, images

OPTIONS = {
    "edge-popup": {"density": 0.5},
    "iterand": {"density": 0.5, "period": 3},
    "biprop": {"density": 0.5},
    "partially-frozen": {"density": 0.5, "locked": 0.2, "pruned": 0.2},
    "multicoated": {"density": 0.5, "coats": 3},
    "signed-supermask": {"threshold": 0.01},
    "slots": {"values": 3},
    "gem-miner": {"density": 0.2, "period": 1, "decay": 1e-4},
    "concrete": {"density": 0.5},
    "bernoulli": {"density": 0.5},
}
"""Of each method of the command line that trains scores."""
METHODS = {name: method_of(name, convolutional(), options)[0] for name, options in OPTIONS.items()} | {
    "together": EdgePopup(0.3, scope="global"),
    "signed": EdgePopup(0.5, signed=True),
    "annealed": EdgePopup(0.3, anneal=Annealing(epochs=2)),
    "channels": EdgePopup(0.5, OutputChannels(), spared=["5.weight"]),
    "n of m": EdgePopup(0.5, NOfM(2, 4), spared=["0.weight"]),
    "threshold": Threshold(0.01),
    "redrawn, annealed": IteRand(EdgePopup(0.3, magnitude=False, anneal=Annealing(epochs=2)), period=2),
    "binary, annealed": Biprop(EdgePopup(0.3, anneal=Annealing(epochs=2))),
    "gates thinned out": Concrete(decay=0.1, stretch=0.1),
    "coins": Bernoulli(rescale=True),
    "slots, sampled": SlotMachine(3, draw="sampled", removable=True),
}
RECIPE = Recipe(epochs=3, batch_size=20, schedule=Cosine(0.1), augmentation=CROP_AND_FLIP)  # the last batch has 8


def searching(method, device="cpu", scale="kaiming", **recipe) -> TrainingRun:
    source = random_source(convolutional(), law=WeightLaw("signed-constant"), seed=1, scale=scale, density=0.5)
    kind = method if isinstance(method, SearchMethod) else Selected(method)
    made = Recipe(**{**vars(RECIPE), **recipe})
    return TrainingRun(source.module, images(), made, method=Searched(kind, source), seed=2, device=device)


def same(one: TrainingRun, other: TrainingRun) -> bool:
    found, wanted = one.snapshot(), other.snapshot()
    return found.keys() == wanted.keys() and all(torch.equal(found[name], wanted[name]) for name in found)


@pytest.mark.parametrize("name", METHODS)
def test_a_run_that_is_played_is_the_run(name, monkeypatch):
    """Steps of equal phase do the same operations on a state that changes: recorded once, they give all gradients."""
    plain, played = searching(METHODS[name]), searching(METHODS[name])
    recorder = recording(monkeypatch, played)
    records = [[(one.loss, one.density) for one in run] for run in (plain, played)]
    assert records[0] == records[1]
    assert same(plain, played)
    assert recorder.recorded == 2 * (3 if "annealed" in name else 1)  # for each size of a batch


def test_every_method_that_trains_scores_is_played():
    assert set(OPTIONS) == {name for name, known in NAMED.items() if not known.is_baseline}


@dataclass(frozen=True)
class _AlwaysOne(Selected):
    """Says of a density that falls that nothing changes."""

    def phase(self, step):
        del step


@dataclass(frozen=True)
class _Counting(Selected):
    """Takes weights times the number of the step, and does not say so."""

    def weights(self, weights, state, source, step):
        made = super().weights(weights, state, source, step)
        return {name: one * (1.0 + step.number) for name, one in made.items()}


@dataclass(frozen=True)
class _Punished(Selected):
    """Adds a penalty from the second epoch on, and does not say so."""

    def penalty(self, state, source, step):
        del source
        return sum(one.square().sum() for one in state.trained.values()) if step.epoch else None


@pytest.mark.parametrize(
    "method",
    [_AlwaysOne(EdgePopup(0.3, anneal=Annealing(epochs=2))), _Counting(EdgePopup(0.5)), _Punished(EdgePopup(0.5))],
    ids=["a density that falls", "the number of the step", "a penalty of later epochs"],
)
def test_a_phase_that_is_equal_where_steps_differ_is_caught(method, monkeypatch):
    plain, played = searching(method), searching(method)
    recorder = recording(monkeypatch, played)
    for run in (plain, played):
        list(run)
    assert recorder.recorded == 2
    assert not same(plain, played)


def test_a_local_scale_waits_for_densities_and_is_refused(monkeypatch):
    run = searching(EdgePopup(0.5), scale="local")
    recording(monkeypatch, run)
    with pytest.raises(ArgumentError, match="cuda_graphs=True cannot be had for this method"):
        list(run)


def test_a_run_is_taken_up_with_graphs_where_it_was_left_without(monkeypatch, tmp_path):
    whole, first, second = (searching(METHODS["gem-miner"]) for _ in range(3))
    list(whole)
    for record in first:
        if record.epoch == 1:
            break
    first.save(tmp_path / "checkpoint")
    recorder = recording(monkeypatch, second)
    next(iter(second))
    second.resume(tmp_path / "checkpoint")
    list(second)
    assert same(whole, second)
    assert recorder.recorded == 4


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
    run = searching(METHODS["gem-miner"])
    run._captured = captured.CapturedSteps(run._gradients, run._leaves, run.parts.buffers)
    kept = _Kept(run, run.method.method, run.method.source)
    before = {name: tensor.clone() for name, tensor in kept.fixed.items()}
    run._captured.kept(run.state.fixed, {name: ~tensor for name, tensor in run.state.fixed.items()})
    assert all(torch.equal(kept.fixed[name], tensor) for name, tensor in before.items())


def test_trained_weights_under_masks_are_played_too(monkeypatch):
    masks = {"0.weight": torch.rand(6, 3, 3, 3, generator=torch.Generator().manual_seed(0)) < 0.5}
    runs = [TrainingRun(convolutional(), images(), RECIPE, method=FixedMasks(masks)) for _ in range(2)]
    recorder = recording(monkeypatch, runs[1])
    for run in runs:
        list(run)
    assert same(*runs)
    assert recorder.recorded == 2


def test_a_method_of_ones_own_is_captured_anew_in_each_step(monkeypatch):
    class Own(Selected):
        """Does not say what of the step it depends on."""

        def phase(self, step):
            return SearchMethod.phase(self, step)

    run = searching(Own(EdgePopup(0.5)), epochs=1)
    recorder = recording(monkeypatch, run)
    list(run)
    assert recorder.recorded == 3


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

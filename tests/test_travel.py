"""Every exported type travels: through pickle to another process, and through a deep copy."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import slth
from slth import constructions, graphs, networks, searches, studies, theory, trainable, training


@cache
def exported() -> dict[str, type]:
    """Every class of every package's ``__all__``, by module and name; protocols have no instances."""
    packages = ["slth", *(f"slth.{one.name}" for one in pkgutil.iter_modules(slth.__path__) if one.ispkg)]
    modules = [importlib.import_module(name) for name in packages]
    names = [(module, name) for module in modules for name in getattr(module, "__all__", ())]
    kinds = [value for value in (getattr(module, name) for module, name in names) if inspect.isclass(value)]
    return {f"{kind.__module__.split('.')[1]}.{kind.__name__}": kind for kind in kinds if not is_idea(kind)}


def is_idea(kind: type) -> bool:
    """Whether a class only says what others have."""
    return getattr(kind, "_is_protocol", False) or kind in (
        constructions.Method,
        graphs.Step,
        networks.Structure,
        networks.Selection,
        searches.SearchMethod,
        networks.LayerRule,
        searches.Baseline,
        trainable.TrainableMethod,
    )


@cache
def graph() -> slth.Graph:
    return slth.Graph((4,), [slth.Node("a", slth.Conv(np.arange(12.0).reshape(3, 4) / 12), ("input",))])


@cache
def made() -> slth.Construction:
    return slth.construct(graph(), method=slth.PerWeight(candidates=6))


def kernels() -> slth.Graph:
    return slth.Graph((1, 3, 3), [slth.Node("conv", slth.Conv([[[[0.5, -0.25], [0.1, 0.75]]]], [0.1]), ("input",))])


def attention() -> slth.Graph:
    rng = np.random.default_rng(0)
    nodes = [
        slth.Node("q", slth.Conv(rng.normal(size=(6, 3))), ("input",)),
        slth.Node("v", slth.Conv(rng.normal(size=(4, 3))), ("input",)),
        slth.Node("attend", slth.Attend(2), ("q", "input", "v")),
    ]
    return slth.Graph((3, 2), nodes)


def run() -> training.TrainingRun:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = nn.Linear(2, 2)
    started = training.TrainingRun(module, examples(), training.Recipe(epochs=2, batch_size=2))
    next(started.records(1))
    return started


def examples() -> training.Examples:
    return training.Examples(np.arange(8.0).reshape(4, 2), [0, 1, 1, 0])


def found() -> slth.SearchResult:
    return slth.search(networks.mlp((2, 3, 2)), examples(), slth.EdgePopup(0.5), recipe=training.Recipe(epochs=1))


def levels() -> slth.TrainResult:
    return slth.train(networks.mlp((2, 3, 2)), examples(), slth.IMP(levels=1), recipe=training.Recipe(epochs=1))


def predicted() -> trainable.Predictions:
    return trainable.Predictions([[2.0, 0.0], [0.0, 1.0]], [0, 0])


def trained_ensemble() -> trainable.EnsembleResult:
    method = trainable.RobustEnsemble((2.0, float("inf")), slth.EdgePopup(0.5))
    return method.train(networks.mlp((2, 3, 2)), examples(), recipe=training.Recipe(epochs=1))


def planted() -> searches.Planted:
    return searches.plant(networks.mlp((2, 6, 2)), examples().inputs, density=0.5)


MAKERS: dict[str, Any] = {
    "errors.SlthError": lambda: slth.SlthError("text"),
    "errors.ArgumentError": lambda: slth.ArgumentError("n", -1, "must not be negative", "pass 1"),
    "errors.ResourceError": lambda: slth.ResourceError("n", 2**60, "is too many", "pass 1"),
    "errors.TicketError": lambda: slth.TicketError("text"),
    "errors.DataError": lambda: slth.DataError("text"),
    "errors.ConstructionError": lambda: slth.ConstructionError("text"),
    "resources.Interrupted": slth.Interrupted,
    "rng.Stream": lambda: slth.Stream(3, "path"),
    "rng.WeightLaw": lambda: slth.WeightLaw("normal"),
    "graphs.AdaptivePool": lambda: slth.AdaptivePool("max", (1, 2)),
    "graphs.Add": slth.Add,
    "graphs.Attend": lambda: slth.Attend(2),
    "graphs.Concat": slth.Concat,
    "graphs.Conv": lambda: slth.Conv(np.ones((2, 3, 3, 3)), [1.0, 2.0], stride=(2, 1)),
    "graphs.ConvShape": lambda: slth.Conv(np.ones((2, 3, 3, 3))).geometry,
    "graphs.Flatten": slth.Flatten,
    "graphs.Graph": graph,
    "graphs.Node": lambda: slth.Node("b", slth.Relu(), ("input",)),
    "graphs.Pool": lambda: slth.Pool("max", (2, 2)),
    "graphs.Positions": slth.Positions,
    "graphs.Rearrange": lambda: graphs.Rearrange((1, 2, 2), (4,), (1,)),
    "graphs.Relu": slth.Relu,
    "graphs.Scale": lambda: slth.Scale((2.0,), (1.0,)),
    "graphs.Window": lambda: slth.Conv(np.ones((2, 3, 3, 3))).geometry.window,
    "subset_sum.Status": lambda: slth.Status.OPTIMAL,
    "subset_sum.SubsetSumInstance": lambda: slth.SubsetSumInstance([1.0, 2.0], 3.0),
    "subset_sum.SubsetSumSolution": lambda: slth.solve([1.0, 2.0, 5.0], 3.5),
    "subset_sum.BatchSolution": lambda: slth.solve_batch([[1.0, 2.0], [3.0, 4.0]], [3.0, 4.5]),
    "subset_sum.Traits": lambda: slth.TwoList().traits,
    **{f"subset_sum.{kind.__name__}": kind for kind in (
        slth.Differencing, slth.Enumeration, slth.FourList, slth.Greedy, slth.Lattice, slth.Pursuit, slth.TwoList,
        slth.RandomHalves, slth.VectorTwoList)},
    "grids.Context": studies.Context,
    "grids.Key": lambda: studies.Key(float, above=0.0),
    "theory.Bound": lambda: slth.bounds["pensia2020.width"],
    "theory.Demand": lambda: theory.demands([3, 2], eps=0.1)[0],
    "theory.Layer": lambda: theory.Layer(3, 2),
    "theory.BoundValue": lambda: slth.bounds["pensia2020.width"].evaluate(
        d_in=500, d_out=10, layers=2, eps=0.01, delta=0.01, constant=1.0),
    "theory.Parameter": lambda: next(iter(slth.bounds["pensia2020.width"].parameters.values())),
    "theory.Assumption": lambda: theory.Assumption(words="nothing"),
    "tickets.Pair": lambda: made().ticket.layers[0],
    "tickets.RandomLayer": lambda: slth.RandomLayer("a", 3, 2),
    "tickets.Mask": lambda: made().ticket.mask,
    "tickets.Layout": lambda: networks.layout_of(nn.Linear(2, 2)),
    "tickets.Ticket": lambda: made().ticket,
    "tickets.TicketStatistics": lambda: made().ticket.statistics(),
    "tickets.Folded": lambda: made().ticket.folded["a"],
    "certificates.Certificate": lambda: made().certificate,
    "certificates.CertificateAround": lambda: slth.certify(
        graph(), made().ticket, inputs=np.full((2, 4), 0.5), radius=0.01),
    "certificates.LayerBounds": lambda: made().certificate.layers[0],
    "certificates.AttentionBounds": lambda: (
        slth.construct(attention(), method=slth.PerWeight(candidates=6)).certificate.attention[0]),
    "constructions.PerWeightApproximation": lambda: slth.approximate_weights([[[0.3, -0.1], [0.2, 0.05]]], n=8),
    "constructions.PerWeightRow": lambda: slth.approximate_weights([[[0.3, -0.1]]], n=8).table[0],
    "constructions.KernelApproximation": lambda: slth.approximate_kernels(kernels(), n=8),
    "constructions.Construction": made,
    "constructions.Row": lambda: made().table[0],
    "constructions.Traits": lambda: slth.PerWeight(candidates=6).traits,
    "constructions.PerWeight": lambda: slth.PerWeight(candidates=6),
    "constructions.Structured": lambda: slth.Structured(channels=6),
    "constructions.Shallow": lambda: slth.Shallow(candidates=6),
    "networks.Attack": lambda: slth.attack(graph(), made().ticket, starts=1, steps=1),
    "networks.AttackAround": lambda: slth.attack_around(graph(), made().ticket, np.ones((2, 4)), radius=0.1, steps=1),
    "networks.Axes": lambda: networks.Axes((2, 3)),
    "networks.GraphModule": lambda: slth.to_torch(made().ticket),
    "networks.Kept": lambda: networks.Kept(1, 2),
    "networks.Outputs": lambda: networks.evaluate(graph(), np.ones((1, 4))),
    "networks.ChannelPair": lambda: networks.ChannelPair(torch.nn.Linear(3, 2), 4),
    "networks.SignActivation": searches.SignActivation,
    "networks.Residual": lambda: networks.Residual(networks.mlp((4, 4))),
    "networks.TopK": lambda: networks.TopK({"a": 0.5}, networks.Blocks(3)),
    "networks.Threshold": lambda: networks.Threshold(0.5),
    **{f"networks.{kind.__name__}": kind for kind in (
        networks.EqualPerLayer, networks.ErdosRenyi, networks.IdealGas, networks.SmartRatio, networks.Uniform,
        networks.Blocks, networks.Heads, networks.InputChannels, networks.Kernels, networks.NOfM, networks.NOfMChannels,
        networks.OutputChannels, networks.Weights)},
    "searches.Bernoulli": lambda: searches.Bernoulli(0.2, networks.OutputChannels(), rescale=True),
    "searches.Concrete": lambda: searches.Concrete(decay=0.1, stretch=0.0),
    "searches.EdgePopup": lambda: slth.EdgePopup({"a": 0.5}, anneal=searches.Annealing(4)),
    **{f"searches.{kind.__name__}": kind for kind in (
        searches.Annealing, searches.Biprop, searches.Criterion, searches.Evolution, searches.GraSP, searches.IteRand,
        searches.Magnitude, searches.MiCA, searches.Multicoated, searches.PartiallyFrozen,
        searches.SignedSupermask, searches.SlotMachine, searches.Random, searches.SNIP, searches.SynFlow)},
    "searches.FineTuned": lambda: searches.fine_tune(found(), examples(), recipe=training.Recipe(epochs=1)),
    "searches.GemMiner": lambda: searches.GemMiner(0.05, networks.OutputChannels(), first=0.75),
    "searches.Planted": planted,
    "searches.Recovery": lambda: planted().recovery(planted().ticket),
    "searches.RelativeError": lambda: searches.RelativeError(2.0),
    "searches.Superposition": lambda: searches.Superposition([found().ticket, found().ticket]),
    "searches.PretrainedMasks": lambda: searches.mask_pretrained(
        nn.Linear(2, 2), examples(), slth.EdgePopup(), recipe=training.Recipe(epochs=1)
    ),
    "searches.SanityChecks": lambda: searches.sanity_checks(found(), examples(), repetitions=1),
    "searches.SearchResult": found,
    "trainable.Detection": lambda: trainable.Detection(0.9, 0.8, 0.2),
    "trainable.Ensemble": lambda: trained_ensemble().ensemble,
    "trainable.EnsembleModule": lambda: trained_ensemble().module,
    "trainable.EnsembleResult": trained_ensemble,
    "trainable.LinearPath": lambda: trainable.LinearPath([0.0, 1.0], [0.1, 0.2], [1.0, 2.0]),
    "trainable.Predictions": predicted,
    "trainable.Reliability": lambda: predicted().reliability(bins=2)[0],
    "trainable.RobustEnsemble": lambda: trainable.RobustEnsemble((2.0, float("inf")), detached=True),
    "trainable.WorstCase": lambda: trainable.WorstCase(3.0, decay=False),
    "training.CrossEntropy": lambda: training.CrossEntropy(0.1),
    "training.Evaluation": lambda: training.Evaluation(0.5, None, 3),
    "training.Examples": examples,
    "trainable.COLT": slth.COLT,
    "trainable.DSD": slth.DSD,
    "trainable.IHT": lambda: slth.IHT(0.2, cycles=2),
    "trainable.IMP": lambda: slth.IMP(branches=["shuffled"]),
    "trainable.Level": lambda: levels().level(),
    "trainable.TrainResult": levels,
    "training.FixedMasks": lambda: training.FixedMasks({"a": torch.ones(2)}),
    "training.MethodState": lambda: training.MethodState({"a": torch.ones(2)}),
    "training.Partition": lambda: training.partition(networks.mlp((2, 2))),
    "training.RandomCrop": lambda: training.RandomCrop(2),
    "training.Recipe": lambda: training.Recipe(augmentation=training.CROP_AND_FLIP, normalisation=([0.0], [1.0])),
    "training.Record": lambda: training.Record(1, 1, 0.5, 0.1, 1.0, 2.0),
    "training.ReverseKL": lambda: training.ReverseKL(2.0),
    "training.Step": lambda: training.Step(1, 2, 3),
    "training.Target": lambda: training.TARGETS["lenet5"],
    "training.TrainingRun": run,
    "training.Warmup": lambda: training.Warmup(training.Cosine(0.1)),
    **{f"training.{kind.__name__}": kind for kind in (
        training.SGD, training.Adam, training.RMSprop, training.Constant, training.Cosine, training.MultiStep,
        training.RandomFlip, training.StepDecay)},
}  # fmt: skip


def content(value: Any) -> Any:
    """What a value holds, in types that compare by their numbers."""
    if isinstance(value, training.TrainingRun):
        return value.step, content(value.snapshot()), [record.loss for record in copy.deepcopy(value)]
    if isinstance(value, nn.Module):
        return type(value), content(value.state_dict())
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.detach().tolist()
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, value.tolist()
    if isinstance(value, BaseException):
        return type(value), str(value), value.args
    if is_dataclass(value) and not isinstance(value, type):
        return type(value), [(field.name, content(getattr(value, field.name))) for field in fields(value)]
    if isinstance(value, Mapping):
        return sorted((str(name), content(item)) for name, item in value.items())
    if isinstance(value, list | tuple):
        return [content(item) for item in value]
    return value


def test_there_is_one_of_each_exported_type():
    assert set(MAKERS) == set(exported())


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_it_comes_back_the_same_from_pickle_and_from_a_deep_copy(name):
    value = MAKERS[name]()
    assert type(value) is exported()[name]
    for back in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value)):
        assert type(back) is type(value)
        assert content(back) == content(value)


def test_all_bounds_travel_and_stay_the_ones_of_the_catalogue():
    for key in slth.bounds:
        assert pickle.loads(pickle.dumps(slth.bounds[key])) is slth.bounds[key]
    own = theory.Bound(
        **{field.name: getattr(slth.bounds["pensia2020.width"], field.name) for field in fields(theory.Bound)}
    )
    assert content(copy.deepcopy(own)) == content(own)


def test_what_is_read_only_stays_so():
    back = pickle.loads(pickle.dumps(slth.solve([1.0, 2.0], 3.0)))
    with pytest.raises(TypeError):
        back.work["more"] = 1
    assert not pickle.loads(pickle.dumps(made().ticket.mask)).arrays["a.units"].flags.writeable

"""What a search loses where it keeps or removes whole channels, kernels or blocks, and what that gains in size."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from slth.constructions import Structured
from slth.data.data_set import DataSet
from slth.errors import ArgumentError
from slth.graphs import Graph, shrink
from slth.grids.context import Context
from slth.jobs.evaluation import accuracy, outputs_on
from slth.jobs.methods import MIDDLE, groups_of
from slth.jobs.standardising import Standardised
from slth.networks import TopK, attach_masks, bake, channel_blocked, describe, module_from_ticket, small_cnn, totals
from slth.networks.shrink import numbers_of
from slth.networks.threads import threads_for
from slth.rng import WeightLaw
from slth.searches import RECIPE, EdgePopup, search
from slth.searches.random_source import random_source
from slth.studies.trained_targets import cnn_target, data_of
from slth.tickets import Ticket
from slth.training import evaluate

if TYPE_CHECKING:
    from torch import nn

LAW = WeightLaw("normal")
WAYS = ("search", "random", "magnitude", "construction")
N_OF_M = "n:m"
STRUCTURES = ("weights", "kernels", "blocks:4", N_OF_M, "input-channels", "output-channels")
"""What has one score, in the words of the command line; n and m follow the density."""


def structured_search(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Keep a density of the groups of each layer of a random convolutional network, and measure what stays of it.

    The network has ``width`` times the channels, ``block`` hidden channels for each of them if that is given (the block
    mask of the structured theorem, of which "middle-channels" are what is chosen), and weights of the scaled normal law
    whichever way groups are chosen: by edge-popup, at random, or by the sum of their absolute weights. "construction"
    approximates the trained network of the same kind and of width 1 by channels of a random one that is ``width`` times
    as wide: half as many for each source as the theorem's n counts twice. Numbers are those after channels that compute
    nothing are gone.
    """
    _check(cell)
    data = data_of(cell["data"], context)
    with threads_for(0):
        return [_constructed(cell, data, seed, context) if cell["way"] == "construction" else _kept(cell, data, seed)]


def _check(cell: Mapping[str, Any]) -> None:
    for name, known in (("way", WAYS), ("structure", (*STRUCTURES, MIDDLE))):
        if cell.get(name, known[0]) not in known:
            raise ArgumentError(name, cell[name], "is unknown", f"use one of {', '.join(known)}")
    if cell["way"] == "construction":
        if cell["width"] < 2 or cell["width"] % 2:
            raise ArgumentError("width", cell["width"], "must be even: half of it is n", "use 2")
    elif "structure" not in cell or "density" not in cell:
        raise ArgumentError("structure", None, "must be given, and a density", f"use one of {', '.join(STRUCTURES)}")


def method_for(net: nn.Module, structure: str, density: float) -> EdgePopup:
    """Return the search for a structure; n of m are the smallest numbers of that density with m at least 4."""
    if structure == N_OF_M:
        share = Fraction(density).limit_denominator(64)
        factor = -(-4 // share.denominator)
        structure = f"{share.numerator * factor}:{share.denominator * factor}"
    unit, whole = groups_of(structure, net, density)
    return EdgePopup(density=density, structure=unit, rounding="nearest", spared=whole)


def _kept(cell: Mapping[str, Any], data: DataSet, seed: int) -> dict[str, Any]:
    """Choose groups, and measure the module and the small network."""
    inputs = Standardised.of(data, data.shape)
    channels = [cell["width"] * number for number in cell["channels"]]
    net: nn.Module = small_cnn(input_shape=data.shape, channels=channels, classes=data.classes)
    if "block" in cell:
        net = channel_blocked(net, block=cell["block"])
    method = method_for(net, cell["structure"], cell["density"])
    begin = time.perf_counter()
    if cell["way"] == "search":
        recipe = replace(RECIPE, epochs=cell["epochs"], batch_size=64)
        module = search(net, inputs.examples("train"), method, recipe=recipe, law=LAW, seed=seed).module
    else:
        module = _untrained(net, method, seed, by_magnitude=cell["way"] == "magnitude")
    seconds = time.perf_counter() - begin
    test = inputs.examples("test")
    whole = describe(module, data.shape)
    small = shrink(whole)
    images = test.inputs.double().numpy()
    wanted = whole.forward(images)
    return {
        "accuracy": evaluate(module, test).accuracy,
        "kept": _not_zero(whole),
        "kept_small": _not_zero(small),
        "parameters": small.parameters,
        "multiply_adds": small.multiply_adds,
        "random_parameters": whole.parameters,
        "random_multiply_adds": whole.multiply_adds,
        "difference": float(np.abs(small.forward(images) - wanted).max() / max(1e-300, np.abs(wanted).max())),
        "target_accuracy": None,
        "target_parameters": None,
        "target_multiply_adds": None,
        "seconds": seconds,
    }


def _untrained(net: nn.Module, method: TopK, seed: int, *, by_magnitude: bool) -> nn.Module:
    """Return the random network that a search begins with, under masks that nothing was learnt for."""
    source = random_source(net, law=LAW, seed=seed, scale="kaiming", density=method.density)
    weights = {name: source.module.get_parameter(name) for name in source.axes}
    scores = method.first(source.axes, seed)
    if by_magnitude:
        scores = {name: totals(method.structure, weights[name].detach().abs(), source.axes[name]) for name in scores}
    return bake(attach_masks(source.module, method.chosen(scores, source.axes))).eval()


def _not_zero(graph: Graph) -> int:
    return sum(int(np.count_nonzero(node.step.weight)) for node in graph.weighted)


def _constructed(cell: Mapping[str, Any], data: DataSet, seed: int, context: Context) -> dict[str, Any]:
    """Approximate a trained network by channels of a random one."""
    target = cnn_target(data, context, channels=cell["channels"], epochs=cell["epochs"], seed=cell["target_seed"])
    begin = time.perf_counter()
    ticket, _ = Structured(channels=cell["width"] // 2).ticket(target, seed=seed)
    seconds = time.perf_counter() - begin
    labels = data.labels("test")
    numbers = numbers_of(module_from_ticket(ticket))
    return {
        "accuracy": accuracy(outputs_on(ticket, data).values, labels),
        "kept": numbers,
        "kept_small": numbers,
        "parameters": numbers,
        "multiply_adds": _products(ticket),
        "random_parameters": ticket.statistics().random_parameters,
        "random_multiply_adds": None,
        "difference": None,
        "target_accuracy": accuracy(outputs_on(target, data).values, labels),
        "target_parameters": target.parameters,
        "target_multiply_adds": target.multiply_adds,
        "seconds": seconds,
    }


def _products(ticket: Ticket) -> int:
    """Products of the channels that are kept: one for each pixel that comes in, and a kernel for each that goes out."""
    total = 0
    for node in ticket.graph.weighted:
        kept = int(np.count_nonzero(ticket.mask[f"{node.step.path}.units"]))
        before, after = (ticket.graph.shapes[name] for name in (node.inputs[0], node.name))
        total += kept * (before[1] * before[2] + node.step.dimensions * after[1] * after[2])
    return total

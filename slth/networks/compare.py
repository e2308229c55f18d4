"""Whether a graph computes what calling the module computes, and where it does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from slth.arrays import Floats
from slth.errors import ArgumentError
from slth.graphs import INPUT, Graph, Node
from slth.graphs.graph import in_parts
from slth.networks.isolated import called
from slth.networks.traced import BATCH, Value
from slth.networks.walk import Walk

_ROUNDING = 1e-9
"""Relative to the largest number in between: far above rounding, far below what another function would show."""

_BATCHES = ((3, 1.0, 0.0), (1, 0.3, 0.5), (1, 30.0, 0.0))
"""Batches of inputs: examples, deviation, mean. The number of examples differs from that of the trace on purpose."""


def check_same(twin: nn.Module, graph: Graph, walk: Walk, mean: Floats, deviation: Floats) -> None:
    """Raise ArgumentError, naming the first layer that differs, unless both agree on seeded random inputs."""
    generator = np.random.default_rng(0)
    for examples, spread, middle in _BATCHES:
        x = generator.normal(middle, spread, size=(examples, *graph.input_shape))
        wanted = called(twin, torch.tensor((x - mean) / deviation)).numpy().reshape(examples, -1)
        found, largest = _outputs(graph, x)
        allowed = _ROUNDING * max(largest, float(np.abs(wanted).max()))
        errors = np.abs(found - wanted).max(axis=1)
        if not (errors <= allowed).all() and not (errors <= allowed + _response(graph, x, found)).all():
            worst = np.resize(np.argsort(-np.nan_to_num(errors, nan=np.inf)), BATCH)
            raise _difference(graph, walk, x[worst], (x[worst] - mean) / deviation, float(errors[worst[0]]), allowed)


def _outputs(graph: Graph, x: Floats) -> tuple[Floats, float]:
    """Return the outputs and the largest number that appears in between."""
    largest = float(np.abs(x).max())

    def forward(node: Node, values: tuple[Any, ...]) -> Any:
        nonlocal largest
        result = node.step.forward(*values)
        largest = max(largest, float(np.abs(result).max()))
        return result

    found = in_parts(graph, lambda images: graph.run(images, forward), x)
    return found.reshape(len(x), -1), largest


def _response(graph: Graph, x: Floats, found: Floats) -> Floats:
    """Return how far outputs move where inputs move by a trifle: rounding of a steep function is no other function."""
    moved = x * (1.0 + 2.0**-40 * np.random.default_rng(1).uniform(-1.0, 1.0, x.shape))
    response: Floats = np.abs(_outputs(graph, moved)[0] - found).max(axis=1)
    return response


def _difference(graph: Graph, walk: Walk, raw: Floats, x: Floats, error: float, allowed: float) -> ArgumentError:
    """Return the error that names the first operation whose result is not that of the graph."""
    tracer = walk.tracer
    known: dict[str, Any] = {INPUT: raw.reshape(BATCH, *graph.image_shape)}
    for node in tracer.nodes.values():
        known[node.name] = node.step.forward(*(known[name] for name in node.inputs))
    place, operation = "forward", "the call"
    rule = "computes something else than what torch.export captured: it keeps state between calls, or mixes examples"
    for call, result in walk.replayed(torch.tensor(x)).items():
        value = walk.environment[call]
        if call not in walk.operations or not isinstance(value, Value) or not isinstance(value.source, str):
            continue
        numbers = np.concatenate([[0.0], known[value.source].reshape(-1)])[value.numbers.numpy()]
        if not np.abs(numbers - result.detach().numpy()).max() <= allowed:
            place, operation = walk.operations[call]
            rule = "is not what the graph computes there"
            break
    remedy = "report this module, or use plain layers in this place"
    return ArgumentError(
        "module", f"{place or 'forward'} ({operation})", f"{rule} (outputs differ by {error:.3g})", remedy
    )

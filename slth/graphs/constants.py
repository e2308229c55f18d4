"""What a network computes without looking at its input: numbers that are the same for every input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from slth.arrays import Floats
from slth.graphs.attend import Attend
from slth.graphs.conv import Conv
from slth.graphs.graph import INPUT, Graph
from slth.graphs.plain import Add, Concat, Flatten, Positions, Rearrange, Relu
from slth.graphs.pooling import AdaptivePool, Pool
from slth.graphs.scale import Scale
from slth.graphs.window import convolve


def constants(graph: Graph) -> dict[str, Floats]:
    """Return for the input and each node float64[channels, height, width]: its constants, nan for what may vary.

    A number is only called constant where the steps say so one by one: that x - x is 0 is not seen.
    """
    found = {INPUT: np.full((1, *graph.image_shape), np.nan)}
    with np.errstate(over="ignore", invalid="ignore"):
        for node in graph.nodes:
            rule = _RULES.get(type(node.step))
            shape = graph.shapes[node.name]
            value = np.full((1, *shape), np.nan) if rule is None else rule(node.step, *(found[n] for n in node.inputs))
            found[node.name] = np.where(np.isfinite(value), value, np.nan)
    return {name: value[0] for name, value in found.items()}


def _evaluated(step: Any, *values: Floats) -> Floats:
    """Evaluate a step in which nan goes wherever a number goes."""
    found: Floats = step.forward(*values)
    return found


def _scaled(step: Scale, x: Floats) -> Floats:
    """A factor of 0 makes a constant of everything."""
    zero = np.broadcast_to(np.array(step.factor)[:, None, None] == 0.0, x.shape)
    return step.forward(np.where(zero, 0.0, x))


def _convolved(step: Conv, x: Floats) -> Floats:
    """An output is constant where all that it weighs by more than 0 is."""
    varies = np.isnan(x)
    seen = convolve(varies.astype(np.float64), (step.weight != 0.0).astype(np.float64), step.window, groups=step.groups)
    return np.where(seen > 0.5, np.nan, step.forward(np.where(varies, 0.0, x)))


def _attended(step: Attend, queries: Floats, keys: Floats, values: Floats) -> Floats:
    """Values of 0 stay 0, whatever their shares are."""
    del keys
    varies = ~(values == 0.0).all(axis=3).reshape(1, step.heads, -1).all(axis=1)
    return np.where(varies[:, :, None, None], np.nan, np.zeros((1, 1, 1, queries.shape[3])))


_RULES: dict[type[Any], Callable[..., Floats]] = {
    Conv: _convolved,
    Scale: _scaled,
    Attend: _attended,
    **dict.fromkeys((Relu, Add, Concat, Flatten, Rearrange, Positions, Pool, AdaptivePool), _evaluated),
}
"""A step that is not here gives no constants."""

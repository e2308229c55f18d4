r"""The certificate of a convolutional target and its ticket: ranges through the graph, sharpened by selections.

Ranges are computed node after node with outward rounding (:mod:`slth.constructions.conv_ranges`); the outputs'
differences are bounded once more by what all channels share (:mod:`slth.constructions.conv_selections`), and the
smaller bound counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from slth.constructions.certificate import Certificate, LayerBounds, as_box
from slth.constructions.conv_graph import Affine, EffectiveConv, Graph, Sum, effective_convs, graph_of
from slth.constructions.conv_linear import narrowed
from slth.constructions.conv_ranges import Ranges, row_sums, start, through
from slth.constructions.conv_rounding import conv_evaluation_allowance
from slth.constructions.conv_selections import sharpened
from slth.constructions.effective import slopes
from slth.constructions.interval import Array, Interval, up, upper_product
from slth.tickets import ConvNetwork, Ticket

_MOST_WORK = 4.0e8  # multiplications of sparse matrices in all linear bounds of hidden layers: some seconds


def certify_convolutions(target: ConvNetwork, ticket: Ticket, *, input_box: tuple[ArrayLike, ArrayLike]) -> Certificate:
    """Bound the difference between a convolutional target and a ticket over a box of inputs.

    Parameters
    ----------
    target : ConvNetwork
        Kernels with float64 weights: exact real numbers.
    ticket : Ticket
        A strong ticket of the same steps, with a pair in the place of each convolution.
    input_box : tuple of two array_like
        Smallest and largest input: scalars, or arrays that broadcast to [channels, height, width].

    Returns
    -------
    Certificate
        The bound; its outputs are those of the network in flattened order.

    Raises
    ------
    ArgumentError
        If the box is empty or not finite, or the ticket's steps are not the target's.
    """
    box = as_box(input_box, target.input_shape)
    return certify_kernels(target, effective_convs(ticket, target), box)


def certify_kernels(target: ConvNetwork, convs: Sequence[EffectiveConv], box: tuple[Array, Array]) -> Certificate:
    """Return the certificate of enclosed kernels, which need not come from a ticket: before anything is solved, say."""
    with np.errstate(over="ignore", invalid="ignore"):
        graph = graph_of(target, convs)
        ranges = graph_ranges(graph, box)
        norms = _norm_bounds(graph, ranges)
        per_output = np.minimum(_known(sharpened(graph, ranges)), norms[graph.output])
        per_output.flags.writeable = False
        return Certificate(
            error=float(per_output.max()),
            per_output=per_output,
            norm_bound=norms[graph.output],
            float64_allowance=conv_evaluation_allowance(graph, ranges, per_output, digits=53),
            float32_allowance=conv_evaluation_allowance(graph, ranges, per_output, digits=24),
            input_box=box,
            layers=tuple(_layer_bounds(target, graph, ranges, norms, per_output)),
        )


def graph_ranges(graph: Graph, box: tuple[Array, Array]) -> list[Ranges]:
    """Return the ranges of all nodes, the input first; those of affine maps are narrowed by linear bounds."""
    ranges = [start(box[0].ravel(), box[1].ravel())]
    work = _MOST_WORK
    for number, node in enumerate(graph.nodes, start=1):
        own = through(graph, number, ranges)
        if isinstance(node, Affine) and node.layer and number != graph.output:
            own, spent = narrowed(graph, ranges, number, own, most_work=work)
            work -= spent
        ranges.append(own)
    return ranges


def _known(bounds: Array) -> Array:
    """Return the bounds; where a range left the doubles nothing is certified."""
    return np.where(np.isnan(bounds), np.inf, bounds)


def _layer_bounds(
    target: ConvNetwork, graph: Graph, ranges: Sequence[Ranges], norms: Sequence[float], last: Array
) -> list[LayerBounds]:
    rows = []
    affine = [node for node in graph.nodes if isinstance(node, Affine) and node.layer is not None]
    for number, (layer, node, end) in enumerate(zip(target.layers, affine, graph.ends, strict=True)):
        errors, constants = _weight_errors(node, ranges[node.source])
        by_output = constants.reshape(layer.outputs, -1).max(axis=1)
        bias = np.zeros(layer.outputs) if layer.bias is None else layer.bias
        nonzero = np.concatenate([errors[layer.weight.ravel() != 0.0], by_output[bias != 0.0]])
        behind = float(last.max()) if end == graph.output else float(_known(ranges[end].difference.magnitude).max())
        rows.append(
            LayerBounds(
                layer=number,
                largest_weight_error=max(float(errors.max()), float(by_output.max())),
                median_weight_error=float(np.median(nonzero)) if nonzero.size else 0.0,
                value=float(ranges[end].target.magnitude.max()),
                difference=min(behind, norms[end]),
                norm_bound=norms[end],
            )
        )
    return rows


def _weight_errors(node: Affine, before: Ranges) -> tuple[Array, Array]:
    """Return bounds of |ticket's weight - target's weight|, and of the constants' errors at each output."""
    errors = node.errors
    if node.negative_errors is not None and not (before.target.hull(before.ticket).lower >= 0.0).all():
        errors = errors.hull(node.negative_errors)
    return errors.magnitude, node.bias_error.magnitude


def _norm_bounds(graph: Graph, ranges: Sequence[Ranges]) -> list[float]:
    r"""Return :math:`E = \|A - W\| X + \|A\| E_{before}` of each node by largest row sums, X bounding the target."""
    sizes, wrongs = [float(ranges[0].target.magnitude.max())], [0.0]
    for node in graph.nodes:
        size, wrong = sizes[node.source], wrongs[node.source]
        if isinstance(node, Affine):
            errors, constants = _weight_errors(node, ranges[node.source])
            own = up(_row_norms(node, errors, size) + constants)
            either = ranges[node.source].target.hull(ranges[node.source].ticket)
            gain = slopes(node.positive, node.negative, Interval(either.lower.min(), either.upper.max())).magnitude
            wrong = float(np.max(up(own + _row_norms(node, gain, wrong))))
            size = float(np.max(up(_row_norms(node, node.weights.magnitude, size) + node.bias.magnitude)))
        elif isinstance(node, Sum):
            size, wrong = (float(up(np.asarray(a[node.source] + a[node.other]))) for a in (sizes, wrongs))
        sizes.append(math.inf if math.isnan(size) else size)
        wrongs.append(math.inf if math.isnan(wrong) else wrong)
    return wrongs


def _row_norms(node: Affine, magnitude: Array, size: float) -> Array:
    terms = upper_product(magnitude, np.asarray(size))[node.places.entry]
    return row_sums(node.places, Interval.point(terms)).upper

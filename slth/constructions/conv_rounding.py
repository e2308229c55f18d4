r"""How much floating-point evaluation of a convolutional target and its ticket can add to their difference.

The rules of :mod:`slth.constructions.rounding`, along a graph: through an affine map
:math:`\delta_{out} \le |A| \delta + \gamma_k M (|x| + \delta) + underflow`, a ReLU and a maximum over a window pass
errors on, and a sum of two branches adds theirs and rounds once. A mean is a sum and one division. Convolutions are
sums of products in any order; algorithms that transform images first (Winograd, Fourier) are not covered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from slth.constructions.conv_graph import Affine, Graph, Largest, Places, Relu
from slth.constructions.conv_ranges import Ranges, row_sums
from slth.constructions.interval import Array, Interval, up, upper_product


def conv_evaluation_allowance(graph: Graph, ranges: Sequence[Ranges], error: Array, *, digits: int) -> float:
    """Return a bound on what rounding adds to the observed difference of the outputs, whatever the order of sums.

    Parameters
    ----------
    graph : Graph
        Both networks.
    ranges : sequence of Ranges
        Of all nodes, the input first.
    error : float64[outputs]
        Bound on the difference in real arithmetic: its own subtraction is rounded too.
    digits : int
        Binary digits of the format: 53 (binary64) or 24 (binary32).

    Returns
    -------
    float
        The allowance, the largest over the outputs; infinite where a value may overflow the format.
    """
    unit = 2.0**-digits
    longest = max((max(node.places.longest, node.terms) for node in graph.nodes if isinstance(node, Affine)), default=1)
    if (longest + 8) * unit > 0.25:
        return math.inf
    smallest, largest = (2.0**-1022, 2.0**1022) if digits == 53 else (2.0**-126, 2.0**126)
    limits = unit, smallest, largest / 4.0
    target = _evaluation_error(graph, [each.target for each in ranges], limits, of_ticket=False)
    ticket = _evaluation_error(graph, [each.ticket for each in ranges], limits, of_ticket=True)
    if target is None or ticket is None:
        return math.inf
    total = up(target + ticket)
    allowance = float(np.max(up(total + up(2.0 * unit * up(error + total)))))
    return math.inf if math.isnan(allowance) else allowance


def _evaluation_error(
    graph: Graph, values: Sequence[Interval], limits: tuple[float, float, float], *, of_ticket: bool
) -> Array | None:
    """Return bounds of what one network's evaluation is off by at its outputs, or None where it may overflow."""
    unit, smallest, most = limits
    wrong = [np.zeros(values[0].shape)]
    peaks = [float(values[0].magnitude.max())]
    for node, behind in zip(graph.nodes, values[1:], strict=True):
        before = wrong[node.source]
        if isinstance(node, Affine):
            sizes = up(values[node.source].magnitude + before)
            off, peak = _through(node, before, sizes, unit, smallest, of_ticket=of_ticket)
            peaks.append(peak)
        elif isinstance(node, Relu):
            off = before
        elif isinstance(node, Largest):
            off = before[node.windows].max(axis=1)
        else:
            carried = up(before + wrong[node.other])
            off = up(up(carried + up(2.0 * unit * up(behind.magnitude + carried))) + smallest)
        peaks.append(float(np.max(up(behind.magnitude + off))))
        wrong.append(off)
    # Not "above": NaN must count, and Python's max would pass over it.
    return wrong[graph.output] if np.max(peaks) < most else None


def _through(
    node: Affine, wrong: Array, sizes: Array, unit: float, smallest: float, *, of_ticket: bool
) -> tuple[Array, float]:
    """Return the error behind an affine map, and a bound on all numbers that its evaluation meets."""
    places = node.places
    if of_ticket:
        weights = node.positive.magnitude
        if node.negative is not None:
            weights = np.maximum(weights, node.negative.magnitude)
        magnitude, constants, terms = node.magnitude, node.bias_magnitude, node.terms + 6
        random = 1.0 + node.factor
        product = random * random * random  # a power would raise where it overflows
    else:
        weights = magnitude = node.weights.magnitude
        constants, terms, product = node.bias.magnitude, places.longest + 3, 1.0 + float(weights.max())
    lost = 8.0 * terms * smallest * (1.0 + float(sizes.max())) * product
    carried = _upper_rows(places, upper_product(weights[places.entry], wrong[places.inputs]))
    sums = up(_upper_rows(places, upper_product(magnitude[places.entry], sizes[places.inputs])) + constants)
    behind = up(up(carried + upper_product(np.asarray(_gamma(terms, unit)), sums)) + lost)
    return behind, float(np.max([sums.max() * terms, sizes.max() * product * terms, product * terms]))


def _upper_rows(places: Places, terms: Array) -> Array:
    return row_sums(places, Interval.point(terms)).upper


def _gamma(roundings: int, unit: float) -> float:
    product = roundings * unit
    return product / (1.0 - product) * (1.0 + 2.0**-50)

"""The numbers of both networks at one node with weights, enclosed; and the affine rule that they make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slth.arrays import Bools
from slth.certificates.interval import Array, Interval, Slopes
from slth.certificates.layout import conv_layout
from slth.certificates.rules.affine import AffineRule, Constants
from slth.graphs import Conv, ConvShape, Shape
from slth.tickets.folded import Folded


@dataclass(frozen=True, eq=False)
class Exact:
    """The target's numbers at one node, each a point or an interval that holds it.

    Shapes: weight Interval float64[outputs, inputs / groups, height, width]; bias Interval float64[outputs].
    """

    shape: ConvShape
    weight: Interval
    bias: Interval
    errors: Interval | None = None
    constants: Constants | None = None

    @staticmethod
    def of(conv: Conv) -> Exact:
        """Return the numbers of a convolution."""
        shape = conv.geometry
        bias = np.zeros(shape.outputs) if conv.bias is None else conv.bias
        return Exact(shape, Interval.point(conv.weight), Interval.point(bias))


def affine_rule(exact: Exact, folded: Folded, shape: Shape) -> AffineRule:
    """Return the rule of a convolution of images of a shape, given what the ticket has in its place."""
    window = exact.shape.window
    size = window.output_size(shape[1:])
    below = None if folded.negative is None else Interval(*folded.negative)
    weights, ticket = exact.weight.reshape(-1), Slopes(Interval(*folded.positive), below).map(lambda e: e.reshape(-1))
    pixels = size[0] * size[1]
    bias = exact.bias.map(lambda ends: np.repeat(ends, pixels))
    inside = window.indices((shape[1], shape[2])).reshape(pixels, -1) >= 0
    constants, magnitude = _constants(folded, inside, exact.shape.outputs)
    layout = conv_layout(exact.shape, shape)
    multiplied_terms = layout.longest + (window.taps if folded.constant is not None else 0)
    return AffineRule(
        layout=layout,
        weights=weights,
        ticket=ticket,
        errors=Slopes(exact.errors.reshape(-1)) if exact.errors else ticket.map(lambda each: each - weights),
        bias=bias,
        bias_error=constants - bias,
        magnitude=folded.magnitude.ravel(),
        bias_magnitude=magnitude,
        target_terms=_terms(exact),
        terms=folded.terms,
        multiplied_terms=0 if folded.plain else multiplied_terms,
        factor=folded.factor,
        gathered=exact.errors is not None,
        constants=exact.constants,
    )


def _terms(exact: Exact) -> int:
    """Return the largest number of products that an output of the target adds up; a constant's is none."""
    counted = exact.weight.magnitude.reshape(len(exact.weight.lower), -1) != 0.0
    if exact.constants is not None:
        counted = counted[:, ~exact.constants.inputs]
    return int(counted.sum(axis=1).max(initial=1))


def _constants(folded: Folded, inside: Bools, outputs: int) -> tuple[Interval, Array]:
    """Return what the zero-padded image of ones adds to each output, and the absolute products behind it."""
    if folded.constant is None or folded.constant_magnitude is None:
        nothing = np.zeros(outputs * len(inside))
        return Interval.point(nothing), nothing

    def seen(kernel: Array) -> Array:
        return np.where(inside, kernel.reshape(outputs, 1, -1), 0.0).reshape(outputs * len(inside), -1)

    lower, upper = folded.constant
    total = Interval(seen(lower), seen(upper)).total()
    return total, Interval.point(seen(folded.constant_magnitude)).total().upper


def transposed(exact: Exact, folded: Folded, heads: int, *, shared: bool) -> tuple[Exact, Folded]:
    r"""Return the map of keys to :math:`A^T k` and :math:`b \cdot k`, head after head, for queries :math:`A x + b`.

    The queries' convolution has one tap and one group, and is linear in the ticket.
    """

    def turned(kernel: Array, bias: Array) -> Array:
        by_head = kernel.reshape(heads, -1, kernel.shape[1])  # [head, size, width]
        both = np.concatenate([by_head, bias.reshape(heads, -1, 1)], axis=2)
        return np.ascontiguousarray(both.swapaxes(1, 2)).reshape(-1, by_head.shape[1], 1, 1)

    def both(one: Interval, two: Interval) -> Interval:
        return Interval(turned(one.lower, two.lower), turned(one.upper, two.upper))

    none = np.zeros(exact.shape.outputs)
    constant = Interval(*(folded.constant or (none, none)))
    weight, positive = both(exact.weight, exact.bias), both(Interval(*folded.positive), constant)
    outputs, inputs = weight.shape[:2]
    groups = 1 if shared else heads
    shape = ConvShape(inputs * groups, outputs, exact.shape.window, groups, bias=False)
    size = turned(folded.magnitude, none if folded.constant_magnitude is None else folded.constant_magnitude)
    of_ticket = Folded(
        shape, (positive.lower, positive.upper), None, None, size, None, folded.terms, folded.factor
    )  # fmt: skip
    return Exact(shape, weight, Interval.point(np.zeros(outputs))), of_ticket

"""What one layer of a ticket computes, folded to one weight per connection of the target and enclosed in intervals.

A ticket's weights are sums of products of random doubles: real numbers that no double holds. The certificate needs
enclosures of them, and where each input and output of the layer stands in the target.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slth.constructions.interval import Array, Interval
from slth.errors import ArgumentError
from slth.tickets import DenseNetwork, FoldedLayer, RandomLinear, Ticket

_LARGEST_NORMAL = 8.3  # the normal law's numbers end at 8.21 standard deviations


@dataclass(frozen=True)
class EffectiveLayer:
    r"""One layer of a ticket as the function :math:`z'_o = \sum_p A^+_{op} \max(x_p, 0) + A^-_{op} \min(x_p, 0)`.

    Parameters
    ----------
    positive : Interval float64[outputs, inputs]
        Enclosures of the weights :math:`A^+` that nonnegative inputs meet.
    negative : Interval float64[outputs, inputs] or None
        Enclosures of :math:`A^-` that negative inputs meet; None where they are the same.
    magnitude : float64[outputs, inputs]
        Upper bounds of the sums of absolute products behind each weight: what rounding errors are proportional to.
    terms : int
        Largest number of products that any output adds up.
    factor : float
        Upper bound of 1 and of the absolute values of all random weights and of the gain.
    source : int64[inputs]
        The target's input that each input stands for; the target's number of inputs stands for the constant 1.
    sink : int64[outputs]
        The target's output that each output stands for; the target's number of outputs stands for the constant 1.
    """

    positive: Interval
    negative: Interval | None
    magnitude: Array
    terms: int
    factor: float
    source: NDArray[np.int64]
    sink: NDArray[np.int64]

    @property
    def largest(self) -> Array:
        """Upper bounds of the absolute weights on inputs of either sign."""
        largest = self.positive.magnitude
        return largest if self.negative is None else np.maximum(largest, self.negative.magnitude)

    @property
    def one_to_one(self) -> bool:
        """Whether the target's inputs and the constant 1, or a copy of it, are there once each and in order."""
        return bool(np.array_equal(self.source, np.arange(len(self.source))))


def effective_layers(ticket: Ticket, target: DenseNetwork) -> tuple[EffectiveLayer, ...]:
    """Return the ticket's layers with their weights enclosed and placed in the target.

    A product pair stands for the layer of the same number. In front of a plain random layer the target's neurons and
    the constant 1 come in copies, all neurons of the first copy first.

    Raises
    ------
    ArgumentError
        If the numbers of layers, the sizes or the activations do not correspond.
    """
    layers = ticket.description.layers
    if len(layers) != len(target.layers):
        raise _misfit(f"{len(layers)} layers", f"must have the target's {len(target.layers)} layers")
    scale = ticket.law.scale * (1.0 if ticket.law.name == "uniform" else _LARGEST_NORMAL)
    parts = []
    for number, (layer, folded, gain) in enumerate(zip(layers, ticket.folded_layers(), ticket.gains, strict=True)):
        aim = target.layers[number]
        if layer.activation != aim.activation:
            raise _misfit(f"layer {number}: {layer.activation}", f"must have the activation {aim.activation}")
        plain = isinstance(layer, RandomLinear)
        followed = number + 1 < len(layers) and isinstance(layers[number + 1], RandomLinear)
        positive, negative, magnitude = _weights(folded, layer.inputs, plain=plain)
        parts.append(
            EffectiveLayer(
                positive=positive,
                negative=negative,
                magnitude=magnitude,
                terms=folded.terms,
                factor=max(1.0, scale, float(gain)),
                source=_copies(magnitude.shape[1], aim.inputs + 1, number) if plain else np.arange(aim.inputs + 1),
                sink=_copies(layer.outputs, aim.outputs + 1, number) if followed else np.arange(aim.outputs),
            )
        )
        if magnitude.shape != (len(parts[-1].sink), len(parts[-1].source)):
            raise _misfit(f"layer {number}: {magnitude.shape}", f"must fit the target's {aim.weight.shape}")
    return tuple(parts)


def _weights(folded: FoldedLayer, inputs: int, *, plain: bool) -> tuple[Interval, Interval | None, Array]:
    """Return the enclosures of a folded layer; a plain random layer has no constant input and no halves."""
    if plain:
        last = slice(None, inputs)
        return Interval(folded.plus_lower[:, last], folded.plus_upper[:, last]), None, folded.magnitude[:, last]
    positive = Interval(folded.plus_lower, folded.plus_upper)
    return positive, Interval(folded.minus_lower, folded.minus_upper), folded.magnitude


def _copies(total: int, neurons: int, number: int) -> NDArray[np.int64]:
    if total % neurons:
        raise _misfit(f"layer {number}: {total} neurons", f"must hold whole copies of {neurons} neurons")
    return np.arange(total) % neurons


def _misfit(value: str, rule: str) -> ArgumentError:
    return ArgumentError("ticket", value, rule, "certify a ticket against the target that it was constructed for")


def apply(positive: Interval, negative: Interval | None, inputs: Interval) -> Interval:
    """Return elementwise enclosures of ``positive * max(x, 0) + negative * min(x, 0)`` for x in ``inputs``.

    The two halves are never active at once: where the sign of x is known only one is used, otherwise the hull of the
    two ranges is exact.
    """
    if negative is None or bool((inputs.lower >= 0.0).all()):
        return positive * inputs
    above = positive * inputs.relu()
    below = negative * inputs.negative()
    both = above.hull(below)
    nonnegative, nonpositive = inputs.lower >= 0.0, inputs.upper <= 0.0
    return Interval(
        np.where(nonnegative, above.lower, np.where(nonpositive, below.lower, both.lower)),
        np.where(nonnegative, above.upper, np.where(nonpositive, below.upper, both.upper)),
    )


def slopes(positive: Interval, negative: Interval | None, inputs: Interval) -> Interval:
    """Return enclosures of the slopes of the function of :func:`apply` between any two points of ``inputs``."""
    if negative is None or bool((inputs.lower >= 0.0).all()):
        return positive
    hull = positive.hull(negative)
    nonnegative, nonpositive = inputs.lower >= 0.0, inputs.upper <= 0.0
    return Interval(
        np.where(nonnegative, positive.lower, np.where(nonpositive, negative.lower, hull.lower)),
        np.where(nonnegative, positive.upper, np.where(nonpositive, negative.upper, hull.upper)),
    )

"""What a random network offers each weight of a target, before anything is solved: how small its error should be.

The instance-wise model of :mod:`slth.subset_sum.prediction`: n candidates with sum 2 m and sum of squares 4 V have
subset sums of density ``rho = 2**n exp(-(z - m)**2 / (2 V)) / sqrt(2 pi V)`` around a target z, and the smallest error
is exponential with rate ``2 rho``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from slth.constructions.solving import MOST_CANDIDATES
from slth.rng import Stream
from slth.tickets import ProductPair, RandomLinear, Ticket

Floats = NDArray[np.float64]


def error_log_rates(
    ticket: Ticket, number: int, weights: Floats, *, candidates: int, gain: float, negative: bool
) -> Floats:
    """Predict the errors of one layer's weights from the candidates of each.

    Parameters
    ----------
    ticket : Ticket
        Gives law, seed and shapes; its mask is not looked at.
    number : int
        Of the layer.
    weights : float64[outputs, inputs + 1]
        Target weights of the layer, bias last, with a row for each output of the random layer.
    candidates : int
        Candidates offered for one weight, at most.
    gain : float
        Gain of the layer.
    negative : bool
        Whether the half that serves negative inputs is meant.

    Returns
    -------
    float64[outputs, inputs + 1]
        Natural logarithm of the exponential law's rate, for errors in units of the target; -inf where a weight has no
        candidate.
    """
    layer = ticket.description.layers[number]
    if isinstance(layer, ProductPair):
        counts, sums, squares = _pair_moments(ticket, layer, candidates, sign=-1.0 if negative else 1.0)
    else:
        counts, sums, squares = _linear_moments(ticket, layer, weights.shape[1])
    variance, centre = squares / 4.0, sums / 2.0
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = (weights / gain - centre) ** 2 / (2.0 * variance)
        log_rates = (counts + 1) * math.log(2.0) - 0.5 * np.log(2.0 * math.pi * variance) - exponent - math.log(gain)
    return np.where(counts > 0, log_rates, -np.inf)


def expected_counts(log_rates: Floats, ceilings: Floats, edges: Floats) -> Floats:
    """Expected number of errors between each two edges: a sum of exponential laws, each cut off at its ceiling.

    Parameters
    ----------
    log_rates : float64[weights]
    ceilings : float64[weights]
        Absolute values of the weights: the error of the empty subset, which no best error exceeds.
    edges : float64[bins + 1]
        Increasing.

    Returns
    -------
    float64[bins]

    Examples
    --------
    >>> expected_counts(np.zeros(10), np.ones(10), np.array([0.0, np.log(2.0), 1.0])).tolist()
    [5.0, 5.0]
    """
    with np.errstate(over="ignore"):
        rates = np.exp(log_rates)
    with np.errstate(invalid="ignore", under="ignore"):
        beyond = [float(np.exp(-rates * edge)[ceilings > edge].sum()) for edge in edges]
    return -np.diff(np.array(beyond))


def _pair_moments(ticket: Ticket, pair: ProductPair, candidates: int, *, sign: float) -> tuple[Floats, Floats, Floats]:
    """Number, sum and sum of squares of the products offered to each weight, as [outputs, inputs + 1]."""
    first_stream, second_stream = (Stream(ticket.seed, path) for path in pair.streams)
    rows = np.arange(pair.units * pair.sources)
    first = ticket.law.weights_at(first_stream, rows * pair.sources + rows % pair.sources)
    first = first.reshape(pair.units, pair.sources)
    usable = first * sign > 0.0
    usable &= np.cumsum(usable, axis=0) <= min(candidates, MOST_CANDIDATES)
    sums, squares = np.zeros((pair.sources, pair.outputs)), np.zeros((pair.sources, pair.outputs))
    block = pair.sources * pair.outputs
    for unit in range(pair.units):
        if usable[unit].any():
            second = ticket.law.weights(second_stream, unit * block, block).reshape(pair.sources, pair.outputs)
            products = second * np.where(usable[unit], first[unit], 0.0)[:, None]
            sums += products
            squares += products**2
    counts = np.broadcast_to(usable.sum(axis=0).astype(np.float64), (pair.outputs, pair.sources))
    return counts, sums.T, squares.T


def _linear_moments(ticket: Ticket, layer: RandomLinear, neurons: int) -> tuple[Floats, Floats, Floats]:
    """The same where the candidates are plain random weights from copies of each neuron."""
    copies = min(layer.inputs // neurons, MOST_CANDIDATES)
    block = neurons * layer.outputs
    sums, squares = np.zeros((neurons, layer.outputs)), np.zeros((neurons, layer.outputs))
    for copy in range(copies):
        values = ticket.law.weights(Stream(ticket.seed, layer.streams[0]), copy * block, block)
        values = values.reshape(neurons, layer.outputs)
        sums += values
        squares += values**2
    return np.full((layer.outputs, neurons), float(copies)), sums.T, squares.T

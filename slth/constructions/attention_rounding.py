r"""How much floating-point evaluation of an attention target and its ticket can add to their difference.

The bounds are those of :mod:`slth.constructions.rounding`, carried through attention. With :math:`|x|` the largest
tokens, :math:`\delta` the error that evaluation has left in them, and G the larger of the target's :math:`|A|` and the
ticket's sums of absolute products, a computed score is off by at most
:math:`\gamma_k |x|^T G |x| + \delta\,(\mathbf 1^T G |x| + |x|^T G \mathbf 1)`, whichever of the two networks
computes it and in any order. An exponential is taken to be within 4 units in the last place of the true one (the
libraries that numpy and torch call state 1 to 4 and round none correctly; unverified for any one of them), and exp(0)
to be 1; so a row's computed shares are off by at most the bound of :mod:`slth.constructions.attention_softmax` for the
errors of the scores plus :math:`T + 16` roundings, together. The mean and the read-out follow as sums do.
"""

from __future__ import annotations

import math

import numpy as np

from slth.constructions.attention_parts import AttentionParts
from slth.constructions.effective import EffectiveLayer
from slth.constructions.interval import Array, Interval, up, upper_product, upper_total
from slth.constructions.propagation import State
from slth.constructions.rounding import evaluation_allowance
from slth.tickets import AttentionNetwork, DenseNetwork, FoldedHeads

_EXP_ROUNDINGS = 8  # 4 units in the last place


def attention_allowance(
    target: AttentionNetwork,
    parts: AttentionParts,
    states: list[list[State]],
    readout: list[State],
    error: Array,
    *,
    digits: int,
) -> float:
    """Return a bound on what rounding adds to the observed difference of the outputs, whatever the order of sums.

    Parameters
    ----------
    target : AttentionNetwork
    parts : AttentionParts
        The ticket's layers.
    states : list of list of State
        For every token the states in front of the embedding and behind each of its layers, and behind what is linear.
    readout : list of State
        States in front of the read-out and behind each of its layers.
    error : float64[outputs]
        Bound on the difference in real arithmetic.
    digits : int
        Binary digits of the format: 53 (binary64) or 24 (binary32).

    Returns
    -------
    float
        Infinite where a value may overflow the format.
    """
    depth = len(target.embedding.layers)
    nothing: Array = np.zeros(target.width)
    wrong = max(
        evaluation_allowance(target.embedding, parts.embedding, token[: depth + 1], nothing, digits=digits)
        for token in states
    )
    tokens = np.max([_size(token[depth], target.width) for token in states], axis=0)
    projected = np.max([_size(token[-1], -1) for token in states], axis=0)
    behind = _behind_mean(target, parts, tokens, projected, wrong, digits)
    if not np.isfinite(behind).all():
        return math.inf
    return _through_readout(target.readout, parts.readout, readout, behind, error, digits)


def _size(state: State, count: int) -> Array:
    return np.maximum(state.target.magnitude[:count], state.ticket.magnitude[:count])


def _behind_mean(
    target: AttentionNetwork, parts: AttentionParts, tokens: Array, projected: Array, wrong: float, digits: int
) -> Array:
    """Return bounds float64[outputs] on the error of the mean, in either network."""
    unit = 2.0**-digits
    tiny, most = (2.0**-1022, 2.0**1022) if digits == 53 else (2.0**-126, 2.0**126)
    of_scores = target.width + max(target.width, parts.scores.terms) + 12
    of_shares = target.tokens + _EXP_ROUNDINGS + 8
    of_values = target.tokens + max(target.width, parts.values.terms) + target.heads + 16
    longest = of_scores + of_shares + of_values
    if not longest * unit < 0.125:
        return np.full(target.values.shape[2], math.inf)
    # k u / (1 - k u) is less than 8/7 k u; the rest covers what is rounded in these few lines.
    gammas = [1.25 * count * unit for count in (of_scores, of_shares, of_values)]
    size = up(tokens + 2.0 * wrong)
    factor = 1.0 + parts.factor
    lost = 16.0 * longest * tiny * (1.0 + float(size.max())) ** 2 * factor * factor * factor
    total, peak = np.zeros(target.values.shape[2]), 0.0
    largest = _larger(target.scores, parts.scores, folded=True), _larger(target.values, parts.values, folded=True)
    products = _larger(target.scores, parts.scores), _larger(target.values, parts.values)
    width = target.width
    for head in range(target.heads):
        first = head * (2 * width + len(total)) + 2 * width
        reach = projected[first : first + len(total)]
        sums = size @ products[0][head] @ size
        carried = 1.25 * wrong * (size @ largest[0][head].sum(axis=1) + size @ largest[0][head].sum(axis=0))
        # Errors in a row differ by twice that; half of their difference bounds the sum of all |p' - p|.
        shares = min(gammas[0] * sums + carried + lost, 2.0) + gammas[1] + target.tokens * lost
        values = size @ products[1][head]
        total = total + reach * shares + gammas[2] * values * (1.0 + shares) + lost
        total = total + 1.25 * wrong * largest[1][head].sum(axis=0) * (1.0 + shares)
        peak = max(peak, 4.0 * float(sums) * factor**2, 4.0 * float(values.max()) * factor**2)
    if target.residual:
        total = total + 1.25 * wrong + gammas[2] * size
    result: Array = up(total * (1.0 + 2.0**-20) + lost)
    return result if peak < most else np.full_like(result, math.inf)


def _larger(exact: Array, heads: FoldedHeads, *, folded: bool = False) -> Array:
    """Return the larger of the target's absolute entries and of the ticket's, or of its sums of absolute products."""
    own = Interval(heads.lower, heads.upper).magnitude if folded else heads.magnitude
    return np.maximum(np.abs(exact), own)


def _through_readout(
    network: DenseNetwork,
    layers: tuple[EffectiveLayer, ...],
    states: list[State],
    behind: Array,
    error: Array,
    digits: int,
) -> float:
    """Return the allowance at the outputs: errors of the mean carried on, and those of the read-out itself."""
    around = Interval.symmetric(np.append(behind, 0.0))
    first = states[0]
    wide = State(first.target + around, first.ticket + around, first.difference)
    shifted: list[State] = [wide]
    carried = [np.append(behind, 0.0), np.append(behind, 0.0)]
    for layer, effective, state in zip(network.layers, layers, states[1:], strict=True):
        weights = np.abs(layer.weight)
        carried[0] = np.append(upper_total(upper_product(weights, carried[0][:-1])), 0.0)
        carried[1] = np.append(upper_total(upper_product(effective.largest[:, :-1], carried[1][:-1])), 0.0)
        spread = Interval.symmetric(np.maximum(carried[0], carried[1]))
        shifted.append(State(state.target + spread, state.ticket + spread, state.difference))
    own = evaluation_allowance(network, layers, shifted, error, digits=digits)
    passed = float(np.max(up(carried[0] + carried[1])))
    total = own + passed * (1.0 + 2.0 ** (2 - digits))
    return math.inf if math.isnan(total) else math.nextafter(total, math.inf)

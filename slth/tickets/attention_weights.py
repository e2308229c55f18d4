"""What the random attention of a ticket computes: evaluated through its masked matrices, and folded to one a head."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.rng import WeightLaw
from slth.tickets.attention import HeadPair, QueryKey, TokenMean, Tokens, ValueOutput
from slth.tickets.attention_network import batch_step, softmax
from slth.tickets.mask import Mask
from slth.tickets.network import Floats, activate
from slth.tickets.weights import product_blocks


@dataclass(frozen=True, eq=False)
class Head:
    """The kept inner units of one head.

    Parameters
    ----------
    owners : int64[units]
        The row a that each sees.
    first : float64[units]
        The weights u.
    second : float64[units, outputs]
        The weights v; 0 where removed.
    """

    owners: NDArray[np.int64]
    first: Floats
    second: Floats


@dataclass(frozen=True, eq=False)
class FoldedHeads:
    r"""Effective matrices of a pair, each entry between two doubles: g times the sums of u v.

    Parameters
    ----------
    lower, upper : float64[heads, inputs, outputs]
        Enclose the matrices.
    magnitude : float64[heads, inputs, outputs]
        Upper bounds of gain * sum of \|u v\|: what the rounding of an evaluation is proportional to.
    terms : int
        Largest number of kept inner units of a head.
    """

    lower: Floats
    upper: Floats
    magnitude: Floats
    terms: int

    @property
    def middle(self) -> Floats:
        """Midpoints of the enclosures, rounded."""
        return self.lower / 2 + self.upper / 2


def heads_of(pair: HeadPair, mask: Mask, law: WeightLaw, seed: int) -> list[Head]:
    """Return the kept inner units of every head, in index order."""
    blocks = list(product_blocks(pair, mask, law, seed))
    sources = np.concatenate([np.zeros(0, np.int64), *(block.owners for block in blocks)])
    first = np.concatenate([np.zeros(0), *(block.first for block in blocks)])
    second = np.concatenate([np.zeros((0, pair.outputs)), *(block.second for block in blocks)])
    heads = []
    for head in range(pair.heads):
        own = sources // pair.inputs == head
        heads.append(Head(sources[own] % pair.inputs, first[own], second[own]))
    return heads


def fold_heads(pair: HeadPair, mask: Mask, law: WeightLaw, seed: int, gain: float) -> FoldedHeads:
    """Return the effective matrices of a pair, enclosed.

    A sum of k rounded products, added in any order, is off by less than (k + 1) 2**-53 times the sum of their absolute
    values, which is itself rounded as often; four times as much covers that and the gain.
    """
    shape = (pair.heads, pair.inputs, pair.outputs)
    total, size = np.zeros(shape), np.zeros(shape)
    heads = heads_of(pair, mask, law, seed)
    for number, head in enumerate(heads):
        products = head.first[:, None] * head.second
        np.add.at(total[number], head.owners, products)
        np.add.at(size[number], head.owners, np.abs(products))
    size *= gain
    total *= gain
    radius = size * ((pair.units + 4) * 2.0**-51) + pair.units * max(gain, 1.0) * 2.0**-1000
    folded = FoldedHeads(total - radius, total + radius, size + radius, max(len(head.first) for head in heads))
    for array in (folded.lower, folded.upper, folded.magnitude):
        array.flags.writeable = False
    return folded


def evaluate_tokens(
    layers: Sequence[Any],
    mask: Mask,
    law: WeightLaw,
    seed: int,
    gains: Floats,
    x: Floats,
    through_pair: Callable[[Any, Floats], Floats],
) -> Floats:
    """Return float64[batch, outputs] for float64[batch, inputs], a batch of bounded size at a time.

    ``through_pair(pair, x)`` is what a dense pair makes of float64[rows, inputs], without gain and activation.
    """
    drawn = {pair.path: heads_of(pair, mask, law, seed) for pair in layers if isinstance(pair, HeadPair)}
    widest = max([layers[0].outputs, *(len(head.first) for heads in drawn.values() for head in heads)])
    step = batch_step(layers[0].count, widest)
    parts = [
        _evaluate_part(layers, drawn, gains, x[start : start + step], through_pair)
        for start in range(0, max(len(x), 1), step)
    ]
    return np.concatenate(parts)


def _evaluate_part(
    layers: Sequence[Any],
    drawn: dict[str, list[Head]],
    gains: Floats,
    values: Floats,
    through_pair: Callable[[Any, Floats], Floats],
) -> Floats:
    remaining: Iterator[float] = iter(gains.tolist())
    shares: list[Floats] = []
    for layer in layers:
        if isinstance(layer, Tokens):
            values = layer.placed(values)
        elif isinstance(layer, TokenMean):
            values = values.mean(axis=1)
        elif isinstance(layer, QueryKey):
            gain = next(remaining)
            shares = [softmax(_scores(head, values) * gain) for head in drawn[layer.path]]
        elif isinstance(layer, ValueOutput):
            mixed = _mixed(drawn[layer.path], shares, values, layer.outputs) * next(remaining)
            values = values + mixed if layer.residual else mixed
        else:
            sums = through_pair(layer, values.reshape(-1, values.shape[-1])) * next(remaining)
            activate(sums, layer.activation)
            values = sums.reshape(*values.shape[:-1], layer.outputs)
    return values


def _scores(head: Head, x: Floats) -> Floats:
    """Return the queries times the keys, float64[batch, tokens, tokens]."""
    queries = x[:, :, head.owners] * head.first
    keys: Floats = x @ head.second.T
    scores: Floats = queries @ keys.swapaxes(1, 2)
    return scores


def _mixed(heads: Sequence[Head], shares: Sequence[Floats], x: Floats, outputs: int) -> Floats:
    """Return the sum over heads of the shares times the values, through the output matrix."""
    total = np.zeros((*x.shape[:2], outputs))
    for head, share in zip(heads, shares, strict=True):
        values = x[:, :, head.owners] * head.first
        total += (share @ values) @ head.second
    return total

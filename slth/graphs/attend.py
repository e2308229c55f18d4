"""Attention: the one product of values with values. Its matrices are convolutions of size 1 in front of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slth.arrays import Floats, whole
from slth.errors import ArgumentError
from slth.graphs.graph import Step
from slth.graphs.window import Shape


@dataclass(frozen=True)
class Attend(Step):
    r"""Softmax attention, the sum of its heads.

    .. math:: y_t = \sum_h \sum_s \mathrm{softmax}_s(q_{ht} \cdot k_{hs})\, v_{hs}

    with the queries q of each token t, the keys k and the values v of each token s, one behind the other along the
    width. The scale :math:`1 / \sqrt{d}` and the matrices :math:`W_Q W_K^T` and :math:`W_V W_O` belong to the
    convolutions of size 1 that give queries and values, so the keys may be the tokens themselves, the same for all
    heads.

    Parameters
    ----------
    heads : int

    Raises
    ------
    ArgumentError
        If it is below 1.

    Examples
    --------
    Equal scores make each token the mean of all:

    >>> import numpy as np
    >>> x = np.array([1.0, 3.0]).reshape(1, 1, 1, 2)
    >>> slth.Attend(1).forward(np.zeros_like(x), x, x).ravel().tolist()
    [2.0, 2.0]
    """

    heads: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "heads", whole(self.heads, "heads", 1, 2**20))

    def shape(self, *shapes: Shape) -> Shape:
        if len(shapes) != 3 or any(shape[1] != 1 for shape in shapes):
            raise ArgumentError("Attend", shapes, "must have queries, keys and values of height 1", "give all three")
        (queries, _, tokens), (keys, _, others), (values, _, also) = shapes
        if queries % self.heads or keys not in (queries, queries // self.heads):
            rule = f"must have {queries // self.heads} channels for all heads, or {queries}"
            raise ArgumentError("keys", keys, rule, "match queries and keys")
        if values % self.heads or others != also:
            rule = f"must have a multiple of {self.heads} channels, and the {others} tokens of the keys"
            raise ArgumentError("values", shapes[2], rule, "match keys and values")
        return (values // self.heads, 1, tokens)

    def scratch(self, *shapes: Shape) -> int:
        return self.heads * (shapes[0][2] * shapes[1][2] + sum(shapes[2]))

    def multiply_adds(self, *shapes: Shape) -> int:
        (queries, _, tokens), (_, _, others), (values, _, _) = shapes
        return (queries + values) * tokens * others

    def nonnegative(self, *inputs: bool) -> bool:
        return inputs[2]

    def forward(self, queries: Floats, keys: Floats, values: Floats) -> Floats:
        """Attend, for float64[batch, heads * size, 1, tokens], [batch, size, 1, tokens], [batch, heads * out, ...]."""
        batch, _, _, tokens = queries.shape
        by_head = queries.reshape(batch, self.heads, -1, tokens)
        keys = keys.reshape(batch, -1, by_head.shape[2], keys.shape[3])
        shares = softmax(by_head.swapaxes(2, 3) @ keys)  # [batch, heads, tokens, tokens of the keys]
        mixed = values.reshape(batch, self.heads, -1, values.shape[3]) @ shares.swapaxes(2, 3)
        summed: Floats = mixed.sum(axis=1)
        return summed[:, :, None, :]


def softmax(scores: Floats) -> Floats:
    """Return positive numbers that sum to 1 along the last axis, in the proportions of exp(scores)."""
    risen = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: Floats = risen / risen.sum(axis=-1, keepdims=True)
    return shares

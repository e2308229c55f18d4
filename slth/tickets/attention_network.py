r"""One attention block between a dense embedding and a dense read-out: what the attention construction approximates.

.. math:: X = embed([x_t, e_t]),\quad S_h = X A_h X^T,\quad Y = [X +] \sum_h softmax(S_h) X B_h,\quad
          f(x) = readout\Bigl(\tfrac1T \sum_t Y_t\Bigr)

with one token :math:`x_t` in each of the T rows, :math:`e_t` its one-hot place, each head's
:math:`A_h = W_Q W_K^T / \sqrt{d_k}` and :math:`B_h = W_V W_O`, the softmax along rows, and the sum with X where there
is a residual connection.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from slth.errors import ArgumentError
from slth.tickets.attention import Tokens, check_residual
from slth.tickets.network import DenseNetwork, Floats, batch_of, finite_array

_BATCH_VALUES = 2**22  # scores and tokens in memory at a time: 32 MiB


@dataclass(frozen=True, eq=False)
class AttentionNetwork:
    """The target of the attention construction (formula: :mod:`slth.tickets.attention_network`).

    Parameters
    ----------
    tokens : int
        Tokens of an input, T.
    embedding : DenseNetwork
        Maps a token and its one-hot place, ``token_size + tokens`` numbers, to ``width`` numbers.
    scores : float64[heads, width, width]
        The matrices A.
    values : float64[heads, width, outputs]
        The matrices B.
    readout : DenseNetwork
        Maps the mean over the tokens to the outputs.
    residual : bool
        Whether the tokens are added to what attention gives.

    Raises
    ------
    ArgumentError
        When shapes do not fit together, or a number is not finite.

    Examples
    --------
    >>> from slth.tickets import DenseLayer
    >>> embedding = DenseNetwork([DenseLayer([[1.0, 0.0, 0.0]])])
    >>> readout = DenseNetwork([DenseLayer([[1.0]], activation="identity")])
    >>> network = AttentionNetwork(2, embedding, [[[0.0]]], [[[1.0]]], readout, residual=False)
    >>> network.forward([[1.0, 3.0]]).tolist()  # equal scores: each token becomes the mean of both
    [[2.0]]
    """

    tokens: int
    embedding: DenseNetwork
    scores: Floats
    values: Floats
    readout: DenseNetwork
    residual: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("embedding", "readout"):
            if not isinstance(getattr(self, name), DenseNetwork):
                raise ArgumentError(name, getattr(self, name), "must be a DenseNetwork", "build one first")
        Tokens(self.tokens, 1)
        for name in ("scores", "values"):
            object.__setattr__(self, name, finite_array(name, getattr(self, name), axes=3))
        if self.token_size < 1:
            rule = f"must take a token and its place: more than {self.tokens} numbers"
            raise ArgumentError("embedding.inputs", self.embedding.layers[0].inputs, rule, "add one input a token")
        if self.scores.shape[1:] != (self.width, self.width):
            rule = f"must have shape [heads, {self.width}, {self.width}]"
            raise ArgumentError("scores", list(self.scores.shape), rule, "give one matrix W_Q W_K^T a head")
        if self.values.shape[:2] != self.scores.shape[:2] or self.values.shape[2] != self.readout.layers[0].inputs:
            rule = f"must have shape [{self.heads}, {self.width}, {self.readout.layers[0].inputs}]"
            raise ArgumentError("values", list(self.values.shape), rule, "give one matrix W_V W_O a head")
        check_residual(self.residual, self.width, int(self.values.shape[2]))

    @property
    def width(self) -> int:
        """Numbers of an embedded token."""
        return self.embedding.layers[-1].outputs

    @property
    def heads(self) -> int:
        """Attention heads."""
        return int(self.scores.shape[0])

    @property
    def token_size(self) -> int:
        """Numbers of a token."""
        return self.embedding.layers[0].inputs - self.tokens

    @property
    def inputs(self) -> int:
        """Numbers of a flat input."""
        return self.tokens * self.token_size

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return self.readout.layers[-1].outputs

    @property
    def parameters(self) -> int:
        """Numbers of the network, each head's two matrices in full."""
        return self.embedding.parameters + self.scores.size + self.values.size + self.readout.parameters

    def forward(self, x: ArrayLike) -> Floats:
        """Evaluate the network in float64.

        Parameters
        ----------
        x : float64[batch, tokens * token_size]
            Flat inputs, finite.

        Returns
        -------
        float64[batch, outputs]

        Raises
        ------
        ArgumentError
            For another shape, or a number that is not finite.
        """
        flat = batch_of(x, self.inputs)
        result = np.empty((len(flat), self.outputs))
        step = batch_step(self.tokens, max(self.width, self.embedding.layers[0].inputs))
        for start in range(0, len(flat), step):
            result[start : start + step] = self._part(flat[start : start + step])
        return result

    def _part(self, x: Floats) -> Floats:
        placed = Tokens(self.tokens, self.token_size).placed(x)
        embedded = self.embedding.forward(placed.reshape(-1, placed.shape[2])).reshape(len(x), self.tokens, -1)
        mixed = embedded if self.residual else np.zeros((len(x), self.tokens, self.values.shape[2]))
        for of_scores, of_values in zip(self.scores, self.values, strict=True):
            weights = softmax((embedded @ of_scores) @ embedded.swapaxes(1, 2))
            mixed = mixed + weights @ (embedded @ of_values)
        return self.readout.forward(mixed.mean(axis=1))


def softmax(scores: Floats) -> Floats:
    """Return positive numbers that sum to 1 along the last axis, in the proportions of exp(scores).

    Examples
    --------
    >>> softmax(np.array([800.0, 800.0])).tolist()
    [0.5, 0.5]
    """
    risen = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: Floats = risen / risen.sum(axis=-1, keepdims=True)
    return shares


def batch_step(tokens: int, width: int) -> int:
    """Return how many inputs to evaluate at a time."""
    return max(1, _BATCH_VALUES // (tokens * max(tokens, width)))

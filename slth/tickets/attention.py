"""The steps of a random attention network: tokens, the two products of random matrices of each head, and the mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError
from slth.rng import STREAM_LENGTH

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Tokens:
    """Cut flat inputs into tokens and give each its place: ``count`` further numbers, 1 at its own and 0 elsewhere.

    Parameters
    ----------
    count : int
        Tokens of an input.
    size : int
        Numbers of a token.

    Raises
    ------
    ArgumentError
        When one of them is no positive integer.

    Examples
    --------
    >>> step = Tokens(count=2, size=1)
    >>> step.inputs, step.outputs
    (2, 3)
    >>> step.placed(np.array([[5.0, 7.0]])).tolist()
    [[[5.0, 1.0, 0.0], [7.0, 0.0, 1.0]]]
    """

    count: int
    size: int

    def __post_init__(self) -> None:
        _check_sizes(self, "count", "size")

    @property
    def inputs(self) -> int:
        """Numbers of the flat input."""
        return self.count * self.size

    @property
    def outputs(self) -> int:
        """Numbers of a token with its place."""
        return self.size + self.count

    def placed(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return float64[batch, count, size + count] for float64[batch, count * size]."""
        places = np.broadcast_to(np.eye(self.count), (len(x), self.count, self.count))
        return np.concatenate([x.reshape(len(x), self.count, self.size), places], axis=2)


@dataclass(frozen=True)
class TokenMean:
    """The mean over the tokens."""


@dataclass(frozen=True)
class HeadPair:
    r"""Two random matrices whose product approximates one matrix of each attention head, without an extra layer.

    Head h and row a of its matrix own ``units`` inner units (k, h, a) of the first random matrix, which see input a
    alone (the fixed block mask); each inner unit meets all columns b of the second. There is no ReLU between them, so
    products of either sign serve every entry:

    .. math:: M_{hab} = g \sum_k u_{kha}\, v_{khab}

    over the kept connections, with one gain g that the ticket holds. With S = heads * inputs and s = h inputs + a the
    weight :math:`u_{kha}` is number ((k S + s) inputs + a) of the first stream, its place in the full random matrix
    with indices [k, head, owner, input]; :math:`v_{khab}` is number (k S + s) outputs + b of the second. The candidate
    k is the slowest index: more ``units`` extend the same network.

    Source: Otsuka et al. 2025, "The Strong Lottery Ticket Hypothesis for Multi-Head Attention Mechanisms" (arXiv
    2511.04217), theorem 3 and lemmas 4 and 7: the inner width n_K or n_V of a head is inputs * units.

    Parameters
    ----------
    path : str
        Name of the layer's streams and masks: letters, digits, ``.``, ``_`` and ``-``.
    inputs, outputs : int
        Rows and columns of a head's matrix.
    heads : int
    units : int
        Inner units of one row: the candidates of each entry.

    Raises
    ------
    ArgumentError
        When a size is no positive integer, or the random matrices exceed 2**62 entries.
    """

    path: str
    inputs: int
    outputs: int
    heads: int
    units: int

    def __post_init__(self) -> None:
        _check_sizes(self, "inputs", "outputs", "heads", "units")
        if self.random_parameters > STREAM_LENGTH:
            rule = f"asks for {self.random_parameters} random weights, more than a stream has"
            raise ArgumentError(self.path, (self.inputs, self.outputs, self.heads), rule, "choose smaller sizes")

    @property
    def sources(self) -> int:
        """Rows of all heads' matrices."""
        return self.heads * self.inputs

    @property
    def streams(self) -> tuple[str, ...]:
        """Paths of the random streams that the layer draws from."""
        return f"{self.path}.first", f"{self.path}.second"

    @property
    def mask_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of each mask array: what is kept of the first matrix, and of the second."""
        return {
            f"{self.path}.units": (self.units, self.sources),
            f"{self.path}.connections": (self.units, self.sources, self.outputs),
        }

    @property
    def open_positions(self) -> int:
        """Number of random weights that the block mask leaves to choose from."""
        return self.units * self.sources * (1 + self.outputs)

    @property
    def random_parameters(self) -> int:
        """Number of weights of the two full random matrices, with those that the block mask removes."""
        return self.units * self.sources * (self.inputs + self.outputs)

    @property
    def target_parameters(self) -> int:
        """Entries of the matrices that the pair stands for."""
        return self.sources * self.outputs

    def first_indices(self, units: Indices, sources: Indices) -> Indices:
        """Where the stream of the first matrix has u[k, s]: entry (k, h, a, a) of (units, heads, inputs, inputs)."""
        return (units * self.sources + sources) * self.inputs + sources % self.inputs

    def second_indices(self, units: Indices, sources: Indices, outputs: Indices) -> Indices:
        """Where the stream of the second matrix has v[k, s, b], of shape (units, sources, outputs)."""
        return (units * self.sources + sources) * self.outputs + outputs


@dataclass(frozen=True)
class QueryKey(HeadPair):
    r"""The scores of attention, :math:`softmax(X M_h X^T)`, with :math:`M_h \approx W_Q W_K^T / \sqrt{d_k}`.

    The theorem draws query and key weights from :math:`U[-n_K^{1/4}, n_K^{1/4}]` and divides scores by
    :math:`\sqrt{n_K}`: that is this layer with uniform weights on (-1, 1) and gain 1.

    Parameters
    ----------
    path, inputs, outputs, heads, units
        As for :class:`HeadPair`; as many outputs as inputs.

    Raises
    ------
    ArgumentError
        As :class:`HeadPair`, or when the matrices are not square.

    Examples
    --------
    >>> QueryKey("layer2", inputs=4, outputs=4, heads=2, units=10).mask_shapes
    {'layer2.units': (10, 8), 'layer2.connections': (10, 8, 4)}
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.inputs != self.outputs:
            raise ArgumentError("outputs", self.outputs, f"must be the {self.inputs} inputs", "scores are x M x")


@dataclass(frozen=True)
class ValueOutput(HeadPair):
    r"""What attention hands on, :math:`\sum_h P_h X M_h` with the scores :math:`P_h` of the layer in front.

    :math:`M_h \approx W_V W_O`.

    Parameters
    ----------
    path, inputs, outputs, heads, units
        As for :class:`HeadPair`.
    residual : bool
        Whether the tokens themselves are added.

    Raises
    ------
    ArgumentError
        As :class:`HeadPair`, or when tokens are to be added to outputs of another size.

    Examples
    --------
    >>> ValueOutput("layer3", inputs=4, outputs=4, heads=2, units=10).open_positions
    400
    """

    residual: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_residual(self.residual, self.inputs, self.outputs)


TOKEN_STEPS: dict[str, type[Any]] = {"tokens": Tokens, "token-mean": TokenMean}
HEAD_PAIRS: dict[str, type[Any]] = {"query-key": QueryKey, "value-output": ValueOutput}
_LETTERS = {Tokens: "T", QueryKey: "Q", ValueOutput: "V", TokenMean: "M"}


def has_attention(layers: Sequence[Any]) -> bool:
    """Whether any of the layers belongs to attention."""
    return any(type(layer) in _LETTERS for layer in layers)


def check_attention(layers: Sequence[Any], dense: type[Any]) -> None:
    """Raise ArgumentError unless layers are Tokens, dense ..., QueryKey, ValueOutput, TokenMean, dense ..., and fit."""
    letters = "".join("D" if isinstance(layer, dense) else _LETTERS.get(type(layer), "?") for layer in layers)
    if re.fullmatch("TD+QVMD+", letters) is None:
        names = [type(layer).__name__ for layer in layers]
        rule = "must be Tokens, ProductPair ..., QueryKey, ValueOutput, TokenMean, ProductPair ..."
        raise ArgumentError("layers", names, rule, "put one attention between an embedding and a read-out")
    width = layers[0].outputs
    for number, layer in enumerate(layers[1:], start=1):
        if isinstance(layer, TokenMean):
            continue
        if layer.inputs != width:
            rule = f"does not fit: layer {number - 1} gives {width}"
            raise ArgumentError(f"layers[{number}].inputs", layer.inputs, rule, "give both the same size")
        width = layer.outputs
        if isinstance(layer, ValueOutput) and layer.heads != layers[number - 1].heads:
            rule = f"must be the {layers[number - 1].heads} heads of the scores"
            raise ArgumentError(f"layers[{number}].heads", layer.heads, rule, "give both the same number")


def check_residual(residual: object, inputs: int, outputs: int) -> None:
    """Raise ArgumentError unless it is a bool, and False where sizes differ."""
    if not isinstance(residual, bool):
        raise ArgumentError("residual", residual, "must be True or False", "pass a bool")
    if residual and inputs != outputs:
        raise ArgumentError("residual", residual, f"cannot add {inputs} numbers to {outputs}", "pass residual=False")


def _check_sizes(step: object, *names: str) -> None:
    for name in names:
        size = getattr(step, name)
        if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= STREAM_LENGTH:
            raise ArgumentError(name, size, "must be an integer from 1 to 2**62", "pass a Python int")

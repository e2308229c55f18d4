"""The target side: dense networks with their weights, as plain float64 arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slth.errors import ArgumentError

Floats: TypeAlias = NDArray[np.float64]
Activation: TypeAlias = Literal["relu", "identity"]


@dataclass(frozen=True, eq=False)
class DenseLayer:
    r"""One layer of a dense network, :math:`x \mapsto \sigma(W x + b)`.

    Parameters
    ----------
    weight : float64[outputs, inputs]
        Finite; copied, and read-only from then on.
    bias : float64[outputs] or None
        Finite; None for a layer without biases.
    activation : {"relu", "identity"}
        :math:`\sigma`, elementwise.

    Raises
    ------
    ArgumentError
        For a wrong shape, an empty axis, a number that is not finite, or another activation.

    Examples
    --------
    >>> DenseLayer([[1.0, -2.0]], [0.5]).weight.shape
    (1, 2)
    """

    weight: Floats
    bias: Floats | None = None
    activation: Activation = "relu"

    def __post_init__(self) -> None:
        weight = finite_array("weight", self.weight, axes=2)
        object.__setattr__(self, "weight", weight)
        if self.bias is not None:
            bias = finite_array("bias", self.bias, axes=1)
            if bias.shape != (weight.shape[0],):
                raise ArgumentError("bias", list(bias.shape), f"must have shape [{weight.shape[0]}]", "one an output")
            object.__setattr__(self, "bias", bias)
        check_activation(self.activation)

    @property
    def inputs(self) -> int:
        """Number of inputs, the bias not counted."""
        return int(self.weight.shape[1])

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return int(self.weight.shape[0])


@dataclass(frozen=True, eq=False)
class DenseNetwork:
    """A chain of dense layers: what a construction approximates.

    Parameters
    ----------
    layers : sequence of DenseLayer
        At least one; each takes as many inputs as the one before has outputs. Stored as a tuple.

    Raises
    ------
    ArgumentError
        When there is no layer, or two layers do not fit together.

    Examples
    --------
    >>> network = DenseNetwork([DenseLayer([[1.0], [-1.0]]), DenseLayer([[1.0, 1.0]], activation="identity")])
    >>> network.forward([[-3.0], [2.0]]).tolist()  # |x| from two ReLUs
    [[3.0], [2.0]]
    """

    layers: Sequence[DenseLayer]

    def __post_init__(self) -> None:
        layers = tuple(self.layers)
        if not layers or not all(isinstance(layer, DenseLayer) for layer in layers):
            raise ArgumentError("layers", layers, "must be DenseLayer objects, at least one", "pass [DenseLayer(W, b)]")
        object.__setattr__(self, "layers", layers)
        check_chain([(layer.inputs, layer.outputs) for layer in layers])

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(layer.weight.size + (0 if layer.bias is None else layer.bias.size) for layer in self.layers)

    def forward(self, x: ArrayLike) -> Floats:
        """Evaluate the network in float64.

        Parameters
        ----------
        x : float64[batch, inputs]
            Finite.

        Returns
        -------
        float64[batch, outputs]

        Raises
        ------
        ArgumentError
            For another shape, or a number that is not finite.
        """
        values = batch_of(x, self.layers[0].inputs)
        for layer in self.layers:
            values = values @ layer.weight.T
            if layer.bias is not None:
                values += layer.bias
            activate(values, layer.activation)
        return values


def activate(values: Floats, activation: Activation) -> None:
    """Apply an activation in place."""
    if activation == "relu":
        np.maximum(values, 0.0, out=values)


def batch_of(x: ArrayLike, inputs: int) -> Floats:
    """Return ``x`` as finite float64[batch, inputs], or raise ArgumentError."""
    values = _float64("x", x)
    if values.ndim != 2 or values.shape[1] != inputs:
        rule = f"must have shape [batch, {inputs}]"
        raise ArgumentError("x", list(values.shape), rule, "flatten each example; one example is a batch of 1")
    if not np.isfinite(values).all():
        raise ArgumentError("x", values, "must be finite", "remove NaN and infinities")
    return values


def finite_array(argument: str, value: Any, *, axes: int) -> Floats:
    """Return a read-only float64 copy with so many axes, none empty, or raise ArgumentError."""
    array = _float64(argument, value)
    if array.ndim != axes or array.size == 0:
        rule = f"must have {axes} ax{'is' if axes == 1 else 'es'}, none of them empty"
        raise ArgumentError(argument, list(array.shape), rule, "reshape it")
    if not np.isfinite(array).all():
        raise ArgumentError(argument, array, "must be finite", "remove NaN and infinities")
    array = np.array(array, np.float64, order="C")
    array.flags.writeable = False
    return array


def check_activation(activation: object) -> None:
    """Raise ArgumentError unless it is one that the package knows."""
    if activation not in get_args(Activation):
        raise ArgumentError("activation", activation, "is not known", 'use "relu" or "identity"')


def check_chain(sizes: Sequence[tuple[int, int]]) -> None:
    """Raise ArgumentError unless each (inputs, outputs) takes what the one before gives."""
    for place, ((_, outputs), (inputs, _)) in enumerate(pairwise(sizes), start=1):
        if inputs != outputs:
            rule = f"does not fit: layer {place - 1} has {outputs} outputs"
            raise ArgumentError(f"layers[{place}].inputs", inputs, rule, "give both the same size")


def _float64(argument: str, value: Any) -> Floats:
    try:
        array = np.asarray(value)
    except ValueError:
        raise ArgumentError(argument, value, "must be a rectangular array", "pad or split its rows") from None
    if array.dtype.kind not in "fiub":
        raise ArgumentError(argument, str(array.dtype), "is not a dtype of real numbers", "convert to float64 first")
    return array.astype(np.float64, copy=False)

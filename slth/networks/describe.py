"""From a torch module to a described network: float64 numbers, and nothing else of torch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import nn

from slth.errors import ArgumentError
from slth.tickets import DenseLayer, DenseNetwork

_REMEDY = "use an nn.Sequential of Flatten, Linear and ReLU, or build a slth DenseNetwork from its arrays"


def describe_module(module: nn.Module, *, normalisation: tuple[ArrayLike, ArrayLike] | None = None) -> DenseNetwork:
    r"""Return the same function as a described network with float64 weights.

    float32 weights are float64 numbers, so nothing is rounded. With a normalisation the network takes the raw input x
    and computes :math:`f((x - mean) / std)`: the first layer becomes :math:`W / std` and
    :math:`b - (W / std)\,mean`, evaluated in float64. The quotients are rounded once; the bias is made from them by a
    rounded sum of rounded products, and cancellation in it can cost digits. So the described network is the module's
    function up to such rounding, and a certificate made for it bounds the difference from this folded network.

    Parameters
    ----------
    module : torch.nn.Module
        An ``nn.Sequential`` (nested ones too) of ``Flatten``, ``Linear`` and ``ReLU``; ``Dropout`` and ``Identity`` are
        skipped, for they do nothing at evaluation.
    normalisation : tuple of two array_like, optional
        Mean and standard deviation of the inputs: scalars, one number per input, or one per channel, where the channels
        are the slowest axis of the flattened input.

    Returns
    -------
    DenseNetwork
        The described network.

    Raises
    ------
    ArgumentError
        If a module is of another type (it is named), if there is no Linear, if shapes do not fit, or if a standard
        deviation is not positive.

    Examples
    --------
    >>> import torch
    >>> network = describe_module(nn.Sequential(nn.Flatten(), nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1)))
    >>> [(layer.weight.shape, layer.activation) for layer in network.layers]
    [((2, 3), 'relu'), ((1, 2), 'identity')]
    """
    weights: list[NDArray[np.float64]] = []
    biases: list[NDArray[np.float64] | None] = []
    rectified: list[bool] = []
    for name, part in _parts(module, ""):
        if isinstance(part, nn.Linear):
            weights.append(part.weight.detach().cpu().double().numpy())
            biases.append(None if part.bias is None else part.bias.detach().cpu().double().numpy())
            rectified.append(False)
        elif isinstance(part, nn.ReLU):
            if not weights:
                raise ArgumentError("module", name, "is a ReLU in front of the first Linear", _REMEDY)
            rectified[-1] = True
        elif isinstance(part, nn.Flatten):
            if weights or part.start_dim != 1 or part.end_dim != -1:
                raise ArgumentError("module", name, "is a Flatten that is not the plain first step", _REMEDY)
        else:
            raise ArgumentError(
                "module", f"{name}: {type(part).__name__}", "is not a layer that can be described", _REMEDY
            )
    if not weights:
        raise ArgumentError("module", type(module).__name__, "has no Linear layer", _REMEDY)
    if normalisation is not None:
        weights[0], biases[0] = _folded(weights[0], biases[0], normalisation)
    return DenseNetwork(
        tuple(
            DenseLayer(weight, bias, "relu" if relu else "identity")
            for weight, bias, relu in zip(weights, biases, rectified, strict=True)
        )
    )


def _parts(module: nn.Module, name: str) -> Iterator[tuple[str, nn.Module]]:
    """Yield the layers in the order of execution, with their dotted names."""
    if type(module) is nn.Sequential:
        for child_name, child in module.named_children():
            yield from _parts(child, f"{name}.{child_name}" if name else child_name)
    elif not isinstance(module, nn.Dropout | nn.Identity):
        yield name or "(the module itself)", module


def _folded(
    weight: NDArray[np.float64], bias: NDArray[np.float64] | None, normalisation: tuple[ArrayLike, ArrayLike]
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    mean, deviation = (_per_input(part, weight.shape[1]) for part in normalisation)
    if not (np.isfinite(mean).all() and np.isfinite(deviation).all() and (deviation > 0.0).all()):
        raise ArgumentError(
            "normalisation", normalisation, "needs finite means and positive standard deviations", "pass (mean, std)"
        )
    scaled = weight / deviation
    shift = scaled @ mean
    if bias is None and not mean.any():
        return scaled, None
    return scaled, (0.0 if bias is None else bias) - shift


def _per_input(part: ArrayLike, inputs: int) -> NDArray[np.float64]:
    values = np.asarray(part, dtype=np.float64).ravel()
    if values.size == 0 or inputs % values.size:
        raise ArgumentError(
            "normalisation",
            part,
            f"must have 1, {inputs}, or a divisor of {inputs} numbers",
            "pass one per channel or input",
        )
    return np.repeat(values, inputs // values.size)

"""From a torch module to a described network: float64 numbers, and nothing else of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import overload

from torch import nn

from slth.errors import ArgumentError
from slth.networks.conv_models import Residual
from slth.networks.describe_images import describe_images
from slth.networks.describe_parts import (
    Normalisation,
    mean_and_deviation,
    parts_of,
    refusal,
    weight_and_bias,
    with_batch_norm,
)
from slth.tickets import ConvNetwork, DenseLayer, DenseNetwork
from slth.tickets.geometry import as_image_shape

_REMEDY = "use an nn.Sequential of Flatten, Linear and ReLU, or build a slth DenseNetwork from its arrays"
_IMAGES = (
    nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, Residual,
)  # fmt: skip


@overload
def describe_module(
    module: nn.Module, *, input_shape: None = None, normalisation: Normalisation | None = None
) -> DenseNetwork: ...


@overload
def describe_module(
    module: nn.Module, *, input_shape: Sequence[int], normalisation: Normalisation | None = None
) -> DenseNetwork | ConvNetwork: ...


def describe_module(
    module: nn.Module, *, input_shape: Sequence[int] | None = None, normalisation: Normalisation | None = None
) -> DenseNetwork | ConvNetwork:
    r"""Return the function that a module computes at evaluation as a described network with float64 weights.

    float32 weights are float64 numbers, so nothing is rounded but what is folded. A batch normalisation directly behind
    a layer is folded into it: with :math:`s = \gamma / \sqrt{v + \epsilon}` weights become :math:`s W` and biases
    :math:`s (b - \mu) + \beta`. With an input normalisation the network takes the raw input x and computes
    :math:`f((x - mean) / std)`: the first layer becomes :math:`W / std` and :math:`b - (W / std)\,mean`. Both are
    evaluated in float64: the products are rounded, the biases are rounded sums of rounded products, and cancellation in
    them can cost digits. So the described network is the module's function up to such rounding, and a certificate made
    for it bounds the difference from this folded network.

    Parameters
    ----------
    module : torch.nn.Module
        An ``nn.Sequential`` (nested ones too) of ``Flatten``, ``Linear``, ``BatchNorm1d`` and ``ReLU``, and for images
        ``Conv2d`` without dilation, ``BatchNorm2d``, ``MaxPool2d``, ``AvgPool2d``, ``AdaptiveAvgPool2d`` and
        ``AdaptiveMaxPool2d`` with windows of one size, and :class:`slth.networks.Residual`. ``Dropout`` and
        ``Identity`` are skipped, for they do nothing at evaluation; whether the module is in training mode does not
        matter.
    input_shape : sequence of int, optional
        Shape of one input, without the batch axis: (channels, height, width), needed for images. A dense network needs
        none, and one that is given is compared.
    normalisation : tuple of two array_like, optional
        Mean and standard deviation of the inputs: scalars, or one number per channel; for a dense network also one per
        input, the channels being the slowest axis of the flattened input. A first convolution with zero padding sees
        zeros that stand for the mean, at the border only, so that no kernel and bias do the same to raw inputs: then a
        mean other than 0 is refused.

    Returns
    -------
    DenseNetwork or ConvNetwork
        The described network: the second where one of the layers is for images. A ``Linear`` behind ``Flatten`` is a
        convolution of size 1 there, and outputs have the shape [batch, outputs, 1, 1].

    Raises
    ------
    ArgumentError
        If a module is of another type or option (it is named), if there are no weights, if shapes do not fit, or if a
        standard deviation is not positive.

    Examples
    --------
    >>> import torch
    >>> network = describe_module(nn.Sequential(nn.Flatten(), nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1)))
    >>> [(layer.weight.shape, layer.activation) for layer in network.layers]
    [((2, 3), 'relu'), ((1, 2), 'identity')]
    >>> images = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))
    >>> [layer.weight.shape for layer in describe_module(images, input_shape=(1, 4, 4)).layers]
    [(4, 1, 3, 3), (2, 16, 1, 1)]
    """
    seen = next(((name, part) for name, part in parts_of(module) if isinstance(part, _IMAGES)), None)
    if seen is None:
        return _describe_dense(module, input_shape, normalisation)
    if input_shape is None:
        raise refusal(*seen, "works on images, whose shape must be known", "pass input_shape=(1, 28, 28) or the like")
    return describe_images(module, as_image_shape("input_shape", input_shape), normalisation)


def _describe_dense(
    module: nn.Module, input_shape: Sequence[int] | None, normalisation: Normalisation | None
) -> DenseNetwork:
    layers: list[DenseLayer] = []
    for name, part in parts_of(module):
        if isinstance(part, nn.Linear):
            layers.append(DenseLayer(*weight_and_bias(part), "identity"))
        elif isinstance(part, nn.ReLU):
            if not layers:
                raise ArgumentError("module", name, "is a ReLU in front of the first Linear", _REMEDY)
            layers[-1] = replace(layers[-1], activation="relu")
        elif isinstance(part, nn.Flatten):
            if layers or part.start_dim != 1 or part.end_dim != -1:
                raise ArgumentError("module", name, "is a Flatten that is not the plain first step", _REMEDY)
        elif isinstance(part, nn.BatchNorm1d):
            if not layers or layers[-1].activation != "identity":
                raise refusal(name, part, "does not stand directly behind a Linear", "put it between Linear and ReLU")
            folded = with_batch_norm(name, part, layers[-1].weight, layers[-1].bias)
            layers[-1] = DenseLayer(*folded, "identity")
        else:
            raise refusal(name, part, "is not a layer that can be described", _REMEDY)
    if not layers:
        raise ArgumentError("module", type(module).__name__, "has no Linear layer", _REMEDY)
    if input_shape is not None and prod(input_shape) != layers[0].inputs:
        rule = f"must have {layers[0].inputs} numbers in all"
        raise ArgumentError("input_shape", tuple(input_shape), rule, "leave it out")
    if normalisation is not None:
        layers[0] = _normalised(layers[0], normalisation)
    return DenseNetwork(layers)


def _normalised(layer: DenseLayer, normalisation: Normalisation) -> DenseLayer:
    mean, deviation = mean_and_deviation(normalisation, layer.inputs)
    scaled = layer.weight / deviation
    if layer.bias is None and not mean.any():
        return replace(layer, weight=scaled)
    return replace(layer, weight=scaled, bias=(0.0 if layer.bias is None else layer.bias) - scaled @ mean)

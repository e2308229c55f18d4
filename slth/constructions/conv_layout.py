"""From a convolutional target to the random pairs in its place, and to the slices that subset sums aim at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from slth.constructions.arguments import integer
from slth.constructions.interval import Array
from slth.errors import ArgumentError
from slth.tickets import ConvLayer, ConvNetwork, ConvPair, DenseNetwork, NetworkDescription
from slth.tickets.conv_pair import Removal
from slth.tickets.steps import Place

GainRule: TypeAlias = Literal["auto", "unit", "theorem"]
GAIN_RULES = ("auto", "unit", "theorem")


@dataclass(frozen=True, eq=False)
class ConvWork:
    """One convolution of the target and the random pair that takes its place.

    Parameters
    ----------
    step : int
        Its number among the target's steps.
    layer : ConvLayer
    pair : ConvPair
    slices : float64[sources, dimensions]
        What the kept channels of each source should add up to, times the gain: the kernels that one input channel has
        for the outputs of its group; the bias at one tap, for the source that is 1 everywhere.
    """

    step: int
    layer: ConvLayer
    pair: ConvPair
    slices: Array

    @property
    def unit(self) -> float:
        """Standard deviation of the layer's weights; 1 where they are all equal."""
        spread = float(self.layer.weight.std())
        return spread if spread > 0.0 else 1.0

    @property
    def norm(self) -> float:
        """Sum of the absolute weights: the gain for which the theorem's hypothesis holds with 1."""
        total = float(np.abs(self.layer.weight).sum())
        return total if total > 0.0 else 1.0


def as_convolutions(target: ConvNetwork | DenseNetwork) -> ConvNetwork:
    """Return the target as convolutions: dense layers are convolutions of size 1 on an image of one pixel."""
    if isinstance(target, ConvNetwork):
        return target
    layers = [ConvLayer(layer.weight[:, :, None, None], layer.bias, layer.activation) for layer in target.layers]
    return ConvNetwork((target.layers[0].inputs, 1, 1), layers)


def lay_out_convolutions(
    target: ConvNetwork, *, nonnegative: bool, channels: Sequence[int], removal: Removal
) -> list[ConvWork]:
    """Return the work of each convolution.

    Parameters
    ----------
    target : ConvNetwork
    nonnegative : bool
        Whether the network's inputs are never negative: then, and behind a ReLU, one half of each block suffices.
    channels : sequence of int
        Hidden channels of each source, one number for each convolution.
    removal : {"channels", "weights"}

    Raises
    ------
    ArgumentError
        If a bias meets the padding at every tap.
    """
    places = target.places(nonnegative=nonnegative)
    numbered = [(number, place) for number, place in enumerate(places) if isinstance(place.step, ConvLayer)]
    return [_work(number, place, count, removal) for (number, place), count in zip(numbered, channels, strict=True)]


def _work(number: int, place: Place, channels: int, removal: Removal) -> ConvWork:
    layer: ConvLayer = place.step
    pair = ConvPair(
        f"layer{number}",
        inputs=layer.inputs,
        outputs=layer.outputs,
        channels=channels,
        kernel=layer.window.kernel,
        stride=layer.stride,
        padding=layer.padding,
        groups=layer.groups,
        bias=layer.bias is not None,
        removal=removal,
        halves="positive" if place.nonnegative else "both",
        activation=layer.activation,
    )
    groups, each = layer.groups, layer.outputs // layer.groups
    kernels = layer.weight.reshape(groups, each, -1, *pair.kernel).swapaxes(1, 2)
    slices = kernels.reshape(layer.inputs, -1)
    if layer.bias is not None:
        tap = layer.window.inner_tap((place.takes[1], place.takes[2]))
        if tap is None:
            rule = f"meets the padding {layer.padding} at every tap of the kernel {pair.kernel}"
            remedy = "pad less than half of the kernel, or train without biases"
            raise ArgumentError(f"bias of steps[{number}]", "a bias", rule, remedy)
        constant = np.zeros((groups, each, *pair.kernel))
        constant[:, :, tap[0], tap[1]] = layer.bias.reshape(groups, each)
        slices = np.concatenate([slices, constant.reshape(groups, -1)])
    return ConvWork(number, layer, pair, np.ascontiguousarray(slices))


def description_of(target: ConvNetwork, pairs: Iterable[ConvPair]) -> NetworkDescription:
    """Return the random network: the target's steps with a pair in place of each convolution."""
    following = iter(pairs)
    steps: list[Any] = [next(following) if isinstance(step, ConvLayer) else step for step in target.steps]
    return NetworkDescription(steps, target.input_shape)


def layer_counts(argument: str, given: Any, target: ConvNetwork, most: int, remedy: str) -> list[int]:
    """Return one number for each convolution from one for all, a list, or a mapping from the layer's number.

    Raises
    ------
    ArgumentError
        If a layer has none, or a number is outside 1 to ``most``.
    """
    count = len(target.layers)
    if isinstance(given, dict):
        unknown = set(given) - set(range(count))
        if unknown or len(given) != count:
            rule = f"must have a number for each of the layers 0 to {count - 1}"
            raise ArgumentError(argument, given, rule, remedy)
        given = [given[number] for number in range(count)]
    if isinstance(given, list | tuple):
        if len(given) != count:
            raise ArgumentError(argument, given, f"must hold one number for each of the {count} layers", remedy)
        return [integer(argument, one, most, remedy) for one in given]
    return [integer(argument, given, most, remedy)] * count

"""What dense and convolutional descriptions share: layers in order, float64 numbers, folded normalisations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from slth.errors import ArgumentError

Floats: TypeAlias = NDArray[np.float64]
Normalisation: TypeAlias = tuple[ArrayLike, ArrayLike]


def parts_of(module: nn.Module, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Yield the layers in the order of execution with their dotted names, without those that do nothing."""
    if type(module) is nn.Sequential:
        # not named_children(): it leaves out a module that stands in two places, such as one ReLU for all layers
        for child_name, child in module._modules.items():
            if child is not None:
                yield from parts_of(child, f"{name}.{child_name}" if name else child_name)
    elif not isinstance(module, nn.Dropout | nn.Dropout2d | nn.Identity):
        yield name or "(the module itself)", module


def refusal(name: str, part: nn.Module, rule: str, remedy: str) -> ArgumentError:
    """Return the error that names a layer by its place and type."""
    return ArgumentError("module", f"{name}: {type(part).__name__}", rule, remedy)


def weight_and_bias(part: Any) -> tuple[Floats, Floats | None]:
    """Return the numbers of a layer in float64."""
    return _array(part.weight), None if part.bias is None else _array(part.bias)


def with_batch_norm(name: str, norm: Any, weight: Floats, bias: Floats | None) -> tuple[Floats, Floats]:
    r"""Fold a batch normalisation at evaluation into the layer in front of it.

    :math:`\gamma (W x + b - \mu) / \sqrt{v + \epsilon} + \beta` is :math:`(s W) x + (s (b - \mu) + \beta)` with
    :math:`s = \gamma / \sqrt{v + \epsilon}`, one number an output, all in float64: each weight is rounded three times.
    """
    if norm.running_mean is None or norm.running_var is None:
        rule = "keeps no running statistics, so that its function depends on the batch"
        raise refusal(name, norm, rule, "use track_running_stats=True")
    if norm.num_features != len(weight):
        raise refusal(name, norm, f"must have the {len(weight)} outputs in front of it", "match them")
    scale: Floats = 1.0 / np.sqrt(_array(norm.running_var) + norm.eps)
    offset: Floats = np.zeros(len(weight))
    if norm.affine:
        scale, offset = _array(norm.weight) * scale, _array(norm.bias)
    centred = (0.0 if bias is None else bias) - _array(norm.running_mean)
    return weight * scale.reshape(-1, *[1] * (weight.ndim - 1)), scale * centred + offset


def mean_and_deviation(normalisation: Normalisation, inputs: int) -> tuple[Floats, Floats]:
    """Return one mean and one standard deviation for each of so many inputs, or raise ArgumentError."""
    mean, deviation = (_per_input(part, inputs) for part in normalisation)
    if not (np.isfinite(mean).all() and np.isfinite(deviation).all() and (deviation > 0.0).all()):
        raise ArgumentError(
            "normalisation", normalisation, "needs finite means and positive standard deviations", "pass (mean, std)"
        )
    return mean, deviation


def _per_input(part: ArrayLike, inputs: int) -> Floats:
    values = np.asarray(part, dtype=np.float64).ravel()
    if values.size == 0 or inputs % values.size:
        raise ArgumentError(
            "normalisation",
            part,
            f"must have 1, {inputs}, or a divisor of {inputs} numbers",
            "pass one per channel or input",
        )
    return np.repeat(values, inputs // values.size)


def _array(tensor: Tensor) -> Floats:
    values: Floats = tensor.detach().cpu().double().numpy()
    return values

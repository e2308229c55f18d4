"""The random network that is searched: a user's module with weights of a stream, and the numbers that are not drawn."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod, sqrt
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from torch import nn

from slth.errors import ArgumentError
from slth.networks.layouts import apply_to, layout_of, named_tensors
from slth.networks.masking import maskable
from slth.networks.structures import Axes
from slth.rng import WeightLaw
from slth.tickets import Layout

Scale: TypeAlias = Literal["kaiming", "kept", "none"]
"""How large the random weights of a layer are."""


@dataclass(frozen=True, eq=False)
class RandomSource:
    """A module with random weights, and everything that its ticket says of them."""

    module: nn.Module
    layout: Layout
    law: WeightLaw
    seed: int
    gains: dict[str, float]

    def stored(self) -> dict[str, NDArray[np.generic]]:
        """Return the tensors that are not drawn as they stand: biases, norms, statistics."""
        return {
            name: tensor.detach().cpu().numpy().copy()
            for name, (tensor, _) in named_tensors(self.module).items()
            if name not in self.gains
        }


def random_source(
    module: nn.Module, *, law: WeightLaw, seed: int, scale: Scale, density: float | Mapping[str, float]
) -> RandomSource:
    r"""Return a copy of a module with random weights, biases of zero, and everything else as the module has it.

    Weights of the law are multiplied by :math:`\sqrt{2/m}` ("kaiming"), m the inputs that an output sees, by
    :math:`\sqrt{2/(m \cdot density)}` ("kept"), or by 1 ("none").
    """
    if scale not in get_args(Scale):
        raise ArgumentError("scale", scale, "is not known", f"use one of {', '.join(get_args(Scale))}")
    axes = maskable(module)
    if not axes:
        remedy = "use linear layers, convolutions, embeddings or attention"
        raise ArgumentError("module", type(module).__name__, "has no weight that a mask is for", remedy)
    found = copy.deepcopy(module)
    gains = {}
    for name, place in axes.items():
        kept = density[name] if isinstance(density, Mapping) else density
        share = kept if scale == "kept" else 1.0
        gains[name] = 1.0 if scale == "none" else sqrt(2.0 / (_inputs(place) * share) / law.second_moment)
    source = RandomSource(found, layout_of(found), law, seed, gains)
    biases = {f"{name.rpartition('.')[0]}.bias".lstrip(".") for name in axes}
    stored = {
        name: np.zeros_like(array) if name in biases or name.endswith("in_proj_bias") else array
        for name, array in source.stored().items()
    }
    whole = {name: np.ones(place.shape, bool) for name, place in axes.items()}
    apply_to(found, source.layout, seed=seed, law=law, masks=whole, gains=gains, buffers=stored)
    return source


def _inputs(axes: Axes) -> int:
    """Return how many inputs an output of a layer sees."""
    first = axes.shape[1] if axes.first == "outputs" else axes.shape[0] // axes.groups
    return max(1, prod(axes.shape[2:]) * first)

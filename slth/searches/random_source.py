"""The random network that is searched: a user's module with weights of a stream, and the numbers that are not drawn."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod, sqrt
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvTransposeNd

from slth.arrays import as_double, one_of
from slth.errors import ArgumentError
from slth.networks.given import instance
from slth.networks.handover import masks
from slth.networks.layouts import apply_to, layout_of, named_tensors
from slth.networks.masking import densities, maskable
from slth.networks.structures import Axes
from slth.networks.untied import shared_with
from slth.rng import Stream, WeightLaw
from slth.tickets import Layout, Mask, Ticket
from slth.tickets.layout import masked_weights
from slth.tickets.mask import Reading
from slth.tickets.ticket import Family

Scale: TypeAlias = Literal["kaiming", "elu", "kept", "removed", "local", "none"]
"""How large the random weights of a layer are."""


@dataclass(frozen=True, eq=False)
class RandomSource:
    """A module with random weights, and everything that its ticket says of them."""

    module: nn.Module
    layout: Layout
    law: WeightLaw
    seed: int
    gains: dict[str, float]
    axes: dict[str, Axes]
    scale: Scale = "kaiming"

    def candidates(self, name: str, number: int) -> Tensor:
        """Return other random weights of a tensor, with its gain: candidate 0 are those that the module has."""
        tensor, size = self.module.get_parameter(name), prod(self.axes[name].shape)
        numbers = self.law.weights(Stream(self.seed, self.layout[name].stream), number * size, size) * self.gains[name]
        return torch.from_numpy(numbers).reshape(tuple(self.axes[name].shape)).to(tensor)

    def drawn(self, name: str, choices: Tensor) -> Tensor:
        """Return the random weights that choices 1, 2, ... of the candidates 0, 1, ... name, as a ticket has them.

        Where nothing is chosen, choice 0, the weight is 0 and no number is drawn.
        """
        numbers = masked_weights(
            self.layout[name], choices.cpu().numpy(), seed=self.seed, law=self.law, gain=self.gains[name],
            reading="choice",
        )  # fmt: skip
        return torch.from_numpy(numbers).to(self.module.get_parameter(name))

    def scaled(self, masks: Mapping[str, Tensor]) -> dict[str, float]:
        r"""Return the gains under masks: by :math:`1/\sqrt{density}` larger where the scale is local."""
        if self.scale != "local":
            return self.gains
        counts = densities(masks)
        return {name: gain / sqrt(counts[name].density or 1.0) for name, gain in self.gains.items()}

    def stored(self) -> dict[str, NDArray[np.generic]]:
        """Return the tensors that are not drawn as they stand: biases, norms, statistics."""
        return {
            name: _numbers(tensor) for name, (tensor, _) in named_tensors(self.module).items() if name not in self.gains
        }

    def ticket(
        self,
        entries: Mapping[str, Tensor],
        stored: Mapping[str, NDArray[Any]],
        *,
        gains: Mapping[str, float],
        law: WeightLaw | None = None,
        family: Family = "strong",
        reading: Reading = "factor",
    ) -> Ticket:
        """Make the ticket of a mask's entries and of the numbers that are not drawn."""
        mask = _mask(entries, reading)
        numbers = [gains[name] for name in mask.arrays]
        return Ticket(self.layout, law or self.law, self.seed, mask, numbers, family, stored)  # type: ignore[arg-type]


def random_source(
    module: nn.Module, *, law: WeightLaw, seed: int, scale: Scale, density: float | Mapping[str, float] | None
) -> RandomSource:
    r"""Return a copy of a module with random weights, biases of zero, and everything else as the module has it.

    Weights of the law are multiplied by :math:`\sqrt{2/m}` ("kaiming"), m the inputs that an output sees, by
    :math:`\sqrt{3/m}` ("elu"), by :math:`\sqrt{2/(m \cdot density)}` ("kept"; "local" with the density of the layer's
    mask as it stands), by :math:`\sqrt{2/(m (1 - density))}` ("removed", what the published code does where it means
    "kept"), or by 1.
    """
    instance(law, WeightLaw, "law", 'use slth.WeightLaw("signed-constant")')
    if masks(module):
        remedy = "pass the module as it was, or call slth.networks.bake(module) first"
        raise ArgumentError("module", type(module).__name__, "has masks already", remedy)
    if not one_of(scale, get_args(Scale)):
        raise ArgumentError("scale", scale, "is not known", f"use one of {', '.join(get_args(Scale))}")
    axes = maskable(module)
    if not axes:
        remedy = "use linear layers, convolutions, embeddings or attention"
        raise ArgumentError("module", type(module).__name__, "has no weight that a mask is for", remedy)
    empty = next((name for name, place in axes.items() if not prod(place.shape)), None)
    if empty is not None:
        rule = f"has no weight, in shape {list(axes[empty].shape)}: there is nothing to search, and a ticket holds none"
        raise ArgumentError("module", empty, rule, "leave the layer out")
    gone = sorted(set(shared_with(module)) - {name for name, _ in module.named_parameters()})
    if gone:
        rule = f"shares the random weights of {gone[0]}, which is no parameter of it any more"
        raise ArgumentError("module", type(module).__name__, rule, "call slth.networks.untied(module) last")
    found = copy.deepcopy(module)
    strides, gains = _strides(module), {}
    for name, place in axes.items():
        share = _share(scale, density, name)
        gains[name] = (
            1.0 if scale == "none" else sqrt(2.0 / (_inputs(place, strides.get(name, ())) * share) / law.second_moment)
        )
    source = RandomSource(found, layout_of(found), law, seed, gains, axes, scale)
    biases = {f"{name.rpartition('.')[0]}.bias".lstrip(".") for name in axes}
    stored = {
        name: np.zeros_like(array) if name in biases or name.endswith("in_proj_bias") else array
        for name, array in source.stored().items()
    }
    whole = {name: np.ones(place.shape, bool) for name, place in axes.items()}
    apply_to(found, source.layout, seed=seed, law=law, masks=whole, gains=gains, buffers=stored)
    return source


def _mask(entries: Mapping[str, Tensor], reading: Reading) -> Mask:
    """Return the mask of entries: kept or removed, factors such as signs, or choices among 1, 2, ... candidates."""
    arrays = {name: entry.numpy().astype(np.int16) for name, entry in entries.items()}
    for name, array in arrays.items():
        if not np.array_equal(array, entries[name].numpy()):
            rule = f"gives {name} masks that are no whole numbers"
            raise ArgumentError("method", "select", rule, "give bool, or int8 of -1, 0 and 1")
    values = {int(value) for array in arrays.values() for value in np.unique(array)} | {0, 1}
    if reading == "choice":
        values.update(range(max(values)))
    if values == {0, 1}:
        return Mask({name: array != 0 for name, array in arrays.items()}, reading=reading)
    return Mask(arrays, alphabet=tuple(sorted(values)), reading=reading)


def _numbers(tensor: Tensor) -> NDArray[np.generic]:
    """Return a tensor's numbers in a copy; those of bfloat16, which numpy has not, as float32 that they are."""
    found = tensor.detach().cpu()
    return (found.float() if found.dtype == torch.bfloat16 else found).numpy().copy()


def _share(scale: Scale, density: float | Mapping[str, float] | None, name: str) -> float:
    """Return the share of a layer's inputs that its scale takes for kept: ELUs pass less than ReLUs do."""
    if scale not in ("kept", "removed"):
        return 2.0 / 3.0 if scale == "elu" else 1.0
    if density is None:
        rule = "needs a density, and the method asks for none"
        raise ArgumentError("scale", scale, rule, 'use "local", which follows the layers as they are, or "kaiming"')
    share = _density(density, name)
    if scale == "removed" and share == 1.0:
        raise ArgumentError("scale", scale, "divides by the share that is removed, which is 0", 'use "kept"')
    return share if scale == "kept" else 1.0 - share


def _density(density: float | Mapping[str, float], name: str) -> float:
    """Return the share of a weight's entries that is kept, which a scale may be divided by."""
    if isinstance(density, Mapping) and name not in density:
        raise ArgumentError("density", sorted(density), f"has none for {name}", "give each weight its density")
    share = as_double(density[name] if isinstance(density, Mapping) else density)
    if share == 0.0:
        raise ArgumentError("density", density, f"keeps nothing of {name}", "density = kept / total; use 0.5")
    return share


def _strides(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return the strides of transposed convolutions, by the name of their weight: between inputs they put zeros."""
    transposed = ((path, part) for path, part in module.named_modules() if isinstance(part, _ConvTransposeNd))
    return {f"{path}.weight".lstrip("."): part.stride for path, part in transposed}


def _inputs(axes: Axes, stride: tuple[int, ...]) -> float:
    """Return how many inputs an output of a layer sees; on average, where a stride leaves out taps of a kernel."""
    if axes.first == "inputs" and len(axes.shape) == 2:
        return 1.0  # an embedding looks one row up
    first = axes.shape[1] if axes.first == "outputs" else axes.shape[0] // axes.groups
    kernel = axes.shape[2:]
    taps = (max(1.0, tap / step) for tap, step in zip(kernel, stride or (1,) * len(kernel), strict=True))
    return max(1.0, prod(taps) * first)

"""Search methods by the names that the command line has for them: how each is made, and its usual recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import inf
from typing import TYPE_CHECKING, Any

from slth.arrays import as_double, whole
from slth.errors import ArgumentError, did_you_mean
from slth.networks import (
    Axes,
    Blocks,
    ChannelPair,
    Heads,
    InputChannels,
    Kernels,
    NOfM,
    NOfMChannels,
    OutputChannels,
    Selection,
    Structure,
    Weights,
    layer_densities,
    maskable,
)
from slth.networks.structures import fixed_rows
from slth.rng import WeightLaw
from slth.searches import (
    RECIPE,
    SNIP,
    Annealing,
    Baseline,
    Bernoulli,
    Biprop,
    Concrete,
    EdgePopup,
    Evolution,
    GemMiner,
    GraSP,
    IteRand,
    Magnitude,
    Multicoated,
    PartiallyFrozen,
    Random,
    SearchMethod,
    SignedSupermask,
    SlotMachine,
    SynFlow,
)
from slth.searches.method import Selected
from slth.training import Cosine, Recipe

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Known:
    """A method with a name: how it is made from options; rates on convolutions and without, or a recipe; usual law."""

    make: Callable[..., Selection | SearchMethod | Baseline]
    rates: tuple[float, float] = (0.1, 0.5)
    is_baseline: bool = False
    law: WeightLaw | None = None
    usual: Recipe | None = None


@dataclass(frozen=True)
class _Upon:
    """A method upon edge-popup: what is not its own option is one of the selection."""

    kind: type[Selected]
    magnitude: bool = True

    def __call__(self, **options: Any) -> Selected:
        """Make the method."""
        own = {one.name: options.pop(one.name) for one in fields(self.kind) if one.name in options}
        return self.kind(EdgePopup(magnitude=self.magnitude, **options), **own)


def _gem_miner(*, density: float, decay: float | None = None, **options: Any) -> GemMiner:
    """Make Gem-Miner; the lower the density, the stronger its regulariser (measured on LeNet-300-100, MNIST)."""
    return GemMiner(density=density, decay=2e-6 / density if decay is None and density > 0 else decay or 0.0, **options)


def _signed_supermask(*, threshold: float, **options: Any) -> SignedSupermask:
    """Make a signed supermask, and call its limit what the field does."""
    if not 0.0 <= as_double(threshold) < inf:
        raise ArgumentError("threshold", threshold, "must not be negative", "use 0.01, as published")
    return SignedSupermask(threshold, **options)


METHODS: dict[str, Known] = {
    "edge-popup": Known(EdgePopup),
    "iterand": Known(_Upon(IteRand, magnitude=False), rates=(0.3, 1.5)),
    "biprop": Known(_Upon(Biprop), law=WeightLaw("normal")),
    "partially-frozen": Known(_Upon(PartiallyFrozen)),
    "multicoated": Known(Multicoated),
    "signed-supermask": Known(_signed_supermask),
    "slots": Known(SlotMachine, law=WeightLaw("normal")),
    "gem-miner": Known(_gem_miner, usual=GemMiner.usual),
    "concrete": Known(Concrete, usual=Concrete.usual),
    "bernoulli": Known(Bernoulli, usual=Bernoulli.usual),
    "random": Known(Random, is_baseline=True),
    "magnitude": Known(Magnitude, is_baseline=True),
    "snip": Known(SNIP, is_baseline=True),
    "grasp": Known(GraSP, is_baseline=True),
    "synflow": Known(SynFlow, is_baseline=True),
    "evolution": Known(Evolution, is_baseline=True),
}
"""The methods of ``slth search``."""

_MANY = 10_000
"""Examples of which scores of linear layers are found in half the epochs."""

_PRUNING = ("density", "allocation", "structure", "spared", "family")
"""Options of all baselines, which say what is kept beside how it is chosen."""

MIDDLE = "middle-channels"
"""Hidden channels of pairs of layers, as many of each block."""

_STRUCTURES: dict[str, Structure] = {
    "weights": Weights(),
    "output-channels": OutputChannels(),
    "input-channels": InputChannels(),
    "kernels": Kernels(),
    "heads": Heads(),
}


def method_of(
    name: str, module: nn.Module, options: Mapping[str, Any]
) -> tuple[Selection | SearchMethod | Baseline, dict[str, Any]]:
    """Return a method made from options in words, and those that are not its own but of the pruning.

    Channels of inputs and of classes are spared unless it is said. A search whose density has an ``allocation`` is made
    with the densities of that rule.
    """
    known = _known(name)
    given = {key: value for key, value in options.items() if value is not None}
    axes = maskable(module)
    if isinstance(given.get("structure"), str):
        given["structure"], whole_ones = groups_of(given["structure"], module, given.get("density"))
        given.setdefault("spared", whole_ones)
        if axes and set(given["spared"]) == set(axes):
            remedy = "choose another structure, or a model with layers for it"
            raise ArgumentError("structure", options["structure"], "gives no weight a score", remedy)
        if fixed_rows(given["structure"]) and given.get("allocation", "uniform") != "uniform":
            rule = f"gives layers densities that differ, and {options['structure']} keeps the same of each"
            raise ArgumentError("allocation", given["allocation"], rule, "leave it out, or choose another structure")
    if known.is_baseline:
        others = {key: given.pop(key) for key in _PRUNING if key in given}
        return known.make(**given), others
    if "allocation" in given:
        scored = {key: one for key, one in axes.items() if key not in given.get("spared", ())}
        given["density"] = layer_densities(scored, given["density"], given.pop("allocation"))
    if "anneal" in given:
        given["anneal"] = Annealing(whole(given["anneal"], "anneal", remedy="use 10 epochs, or leave it out"))
    return known.make(**given), {}


def recipe_of(name: str, *, flat: bool, options: Mapping[str, Any] | None = None, examples: int = 0) -> Recipe:
    """Return how a search trains its scores unless it is told otherwise.

    Published rates are for convolutions; on linear layers alone more is better (edge-popup: 0.971 for 0.954 on MNIST),
    and more still where all scores are ranked together. Of many examples they need half the epochs.
    """
    known = _known(name)
    if known.usual is not None:
        return known.usual
    convolutions, linear = known.rates
    together = (options or {}).get("scope") == "global"
    rate = (10.0 * linear if together else linear) if flat else convolutions
    return replace(RECIPE, epochs=RECIPE.epochs // (2 if flat and examples >= _MANY else 1), schedule=Cosine(rate))


def is_baseline(name: str) -> bool:
    """Whether a method trains nothing."""
    return _known(name).is_baseline


def law_of(name: str) -> WeightLaw | None:
    """Return the usual law of a method's weights; None for that of all searches, or of all baselines."""
    return _known(name).law


def _known(name: str) -> Known:
    if name not in METHODS:
        raise ArgumentError("method", name, "is not a known search", did_you_mean(name, METHODS))
    return METHODS[name]


def spared(structure: Structure, axes: Mapping[str, Axes]) -> Sequence[str]:
    """Return the weights that have no group to remove: colours of images and classes are channels that all need."""
    names = list(axes)
    if isinstance(structure, OutputChannels):
        return names[-1:]
    if isinstance(structure, InputChannels):  # nor has a layer any that takes one channel for each of its outputs
        return names[:1] + [name for name in names[1:] if axes[name].first == "outputs" and axes[name].shape[1] == 1]
    if isinstance(structure, Heads):
        return [name for name, one in axes.items() if not one.heads]
    if isinstance(structure, NOfM):
        return [name for name, one in axes.items() if len(one.shape) < 2 or one.shape[1] % structure.m]
    return []


def groups_of(text: str, module: nn.Module, density: Any) -> tuple[Structure, Sequence[str]]:
    """Return a structure by its word, and the weights of a module that have no group to remove."""
    if text == MIDDLE:
        return _middle_channels(module, density)
    structure = structure_of(text)
    return structure, spared(structure, maskable(module))


def _middle_channels(module: nn.Module, density: Any) -> tuple[NOfMChannels, list[str]]:
    """Return what keeps a density of the hidden channels of each block, and the weights that have none."""
    pairs = {path: part for path, part in module.named_modules() if isinstance(part, ChannelPair)}
    if not pairs:
        remedy = "pass --block 8, or slth.networks.channel_blocked(module)"
        raise ArgumentError("structure", MIDDLE, "is of pairs of layers, and the model has none", remedy)
    block = next(iter(pairs.values())).block
    kept = round(as_double(density) * block) if density is not None else 0
    if not 1 <= kept <= block or abs(kept / block - as_double(density)) > 1e-9:
        rule = f"keeps no whole number of the {block} hidden channels of a block"
        raise ArgumentError("density", density, rule, f"use a multiple of 1 / {block}, or another --block")
    scored = {f"{path}.second.weight".lstrip(".") for path in pairs}
    return NOfMChannels(kept, block), [name for name in maskable(module) if name not in scored]


def structure_of(text: str) -> Structure:
    """Return a structure by its word: ``output-channels``, ``blocks:16``, ``2:4``."""
    try:
        if text.startswith("blocks:"):
            return Blocks(int(text.removeprefix("blocks:")))
        if text.replace(":", "", 1).isdecimal():
            n, m = text.split(":")
            return NOfM(int(n), int(m))
        return _STRUCTURES[text]
    except (KeyError, ValueError):
        remedy = f"use {', '.join(_STRUCTURES)}, {MIDDLE}, blocks:16 or 2:4"
        raise ArgumentError("structure", text, "is no structure", remedy) from None

"""Search methods by the names that the command line has for them: how each is made, and its usual recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from slth.errors import ArgumentError, did_you_mean
from slth.networks import (
    Axes,
    Blocks,
    Heads,
    InputChannels,
    Kernels,
    NOfM,
    OutputChannels,
    Selection,
    Structure,
    Weights,
)
from slth.searches import RECIPE, EdgePopup, SearchMethod
from slth.training import Cosine, Recipe


@dataclass(frozen=True)
class Known:
    """A method with a name: how it is made from options, and how it is trained."""

    make: Callable[..., Selection | SearchMethod]
    recipe: Callable[[bool], Recipe]


def _by_rate(convolutions: float, linear: float) -> Callable[[bool], Recipe]:
    """Published rates are for convolutions; on linear layers alone more is better (edge-popup: 0.971 for 0.954)."""
    return lambda flat: replace(RECIPE, schedule=Cosine(linear if flat else convolutions))


METHODS: dict[str, Known] = {"edge-popup": Known(EdgePopup, _by_rate(0.1, 0.5))}
"""The searches of ``slth search``."""

_STRUCTURES: dict[str, Structure] = {
    "weights": Weights(),
    "output-channels": OutputChannels(),
    "input-channels": InputChannels(),
    "kernels": Kernels(),
    "heads": Heads(),
}


def method_of(name: str, axes: Mapping[str, Axes], options: Mapping[str, Any]) -> Selection | SearchMethod:
    """Return a method made from options in words; channels of inputs and of classes are spared unless it is said."""
    if name not in METHODS:
        raise ArgumentError("method", name, "is not a known search", did_you_mean(name, METHODS))
    given = {key: value for key, value in options.items() if value is not None}
    if isinstance(given.get("structure"), str):
        given["structure"] = structure_of(given["structure"])
        given.setdefault("spared", spared(given["structure"], axes))
    return METHODS[name].make(**given)


def spared(structure: Structure, axes: Mapping[str, Axes]) -> Sequence[str]:
    """Return the weights that have no group to remove: colours of images and classes are channels that all need."""
    names = list(axes)
    if isinstance(structure, OutputChannels):
        return names[-1:]
    if isinstance(structure, InputChannels):
        return names[:1]
    if isinstance(structure, Heads):
        return [name for name, one in axes.items() if not one.heads]
    if isinstance(structure, NOfM):
        return [name for name, one in axes.items() if len(one.shape) < 2 or one.shape[1] % structure.m]
    return []


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
        remedy = f"use {', '.join(_STRUCTURES)}, blocks:16 or 2:4"
        raise ArgumentError("structure", text, "is no structure", remedy) from None

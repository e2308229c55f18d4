"""The groups of a whole network in one ranking: how a method keeps a share of all of them, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from slth.arrays import as_double
from slth.errors import ArgumentError
from slth.networks import Structure, TopK
from slth.networks.selection import Rounding
from slth.networks.structures import Axes


def check_ranked(density: Any, structure: Any, *, below: bool = False) -> None:
    """Refuse a density outside (0, 1], or (0, 1) if it must lie below, and groups that no common ranking takes."""
    if not 0.0 < as_double(density) <= 1.0 or (below and as_double(density) == 1.0):
        rule = f"must lie in (0, 1{')' if below else ']'}"
        raise ArgumentError("density", density, rule, "density = kept / total; use 0.02")
    if not isinstance(structure, Structure) or type(structure).select is not Structure.select:
        rule = "is no structure whose groups one ranking of the whole network keeps"
        raise ArgumentError("structure", structure, rule, "use Weights(), OutputChannels(), Kernels(), Blocks(16)")


def largest(
    ranks: Mapping[str, Tensor],
    axes: Mapping[str, Axes],
    density: float,
    structure: Structure,
    rounding: Rounding = "nearest",
) -> dict[str, Tensor]:
    """Return which groups are the largest of all, bool [groups]: of equal ones those that come first."""
    return TopK(density, structure, "global", magnitude=False, rounding=rounding).select(ranks, axes)

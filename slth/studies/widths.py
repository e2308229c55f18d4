"""How much wider than its target every theorem wants the random network, for one dense and one convolutional target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.theory.network_demands import THEOREMS, Layer, Network, demand_of


def widths(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Evaluate one bound for a target of equal layers, dense or convolutional, as the bound is.

    The error is also the probability of failure where there is one; every constant that no paper gives is 1. A source
    of pairs of layers has 2 w d weights for d^2; lower bounds are for **one** matrix as the target. For heads of
    attention both numbers are means over their four matrices.
    """
    del seed, context
    key, eps = cell["bound"], cell["eps"]
    if key not in THEOREMS:
        raise ArgumentError("bound", key, "is no bound on a width", f"use one of {', '.join(THEOREMS)}")
    convolutional = THEOREMS[key].kind == "convolutional"
    units, kernel = (cell["channels"], cell["kernel"]) if convolutional else (cell["width"], 1)
    network = Network(
        layers=(Layer(units, units, kernel),) * cell["depth"],
        eps=eps,
        delta=eps,
        density=cell["density"],
        perturbation=cell["perturbation"],
    )
    found = demand_of(key, network)
    if found.reason:
        raise ArgumentError("bound", key, f"says nothing of this target ({found.reason})", "choose another")
    return [
        {
            "direction": found.direction,
            "provenance": found.provenance,
            "constant": found.constant,
            "value": found.values[0],
            "per_unit": found.sizes[0] / units,
            "overhead": found.overhead,
        }
    ]

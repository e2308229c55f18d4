"""How much wider than its target every theorem wants the random network, for one dense and one convolutional target."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.theory.catalogue import bounds

ASSUMED = 1.0
"""What every constant that no paper gives is set to."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """The network that all bounds are evaluated for, whose error is also the probability of failure where there is one.

    It has so many units in each layer; ``kernel`` and ``channels`` are of the convolutional one; ``density`` is that of
    the ticket and of the mask that a source comes with, and ``perturbation`` how far weights may move.
    """

    width: int
    depth: int
    eps: float
    kernel: int
    channels: int
    density: float
    perturbation: float


def widths(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Evaluate one bound for one target.

    In pairs of layers d -> w -> d there are 2 w d weights for d^2; where the hidden layers alone are widened by b,
    2 b + (l' - 2) b^2 for l, the source having l' layers. Lower bounds are for **one** matrix as the target, which a
    source of 2 l layers of one width serves. For heads of attention both numbers are means over their four matrices.
    """
    del seed, context
    key = cell["bound"]
    if key not in WIDTHS:
        raise ArgumentError("bound", key, "is no bound on a width", f"use one of {', '.join(WIDTHS)}")
    target = Target(**{name: value for name, value in cell.items() if name != "bound"})
    bound, width = bounds[key], WIDTHS[key]
    constant = None if bound.constant is None else ASSUMED
    value = bound(
        **{**_named(key, target), **width.arguments(target)}, **({} if constant is None else {"constant": constant})
    )
    per_unit = width.per_unit(value, target)
    return [
        {
            "direction": bound.direction,
            "provenance": bound.provenance,
            "constant": constant,
            "value": value,
            "per_unit": per_unit,
            "overhead": width.overhead(per_unit, target),
        }
    ]


def _by_width(value: float, target: Target) -> float:
    return value / target.width


def _pairs(per_unit: float, target: Target) -> float:
    del target
    return 2.0 * per_unit


@dataclass(frozen=True, kw_only=True)
class Width:
    """How a bound's number becomes a factor."""

    per_unit: Callable[[float, Target], float] = _by_width
    overhead: Callable[[float, Target], float] = _pairs
    arguments: Callable[[Target], Mapping[str, float]] = lambda target: {}
    """Those that :func:`_named` does not have."""


def _inner(per_unit: float, target: Target) -> float:
    """A layer is added and the hidden ones are widened; input and output stay, and need no copies."""
    return _hidden(per_unit, target.depth + 1, target)


def _hidden(per_unit: float, layers: float, target: Target) -> float:
    return (2.0 * per_unit + (layers - 2.0) * per_unit**2) / target.depth


def _convolved(per_unit: float, target: Target) -> float:
    """A 1 x 1 and a d x d convolution through so many channels, for a d x d one between equal numbers of channels."""
    return per_unit * (1.0 + 1.0 / target.kernel**2)


def _named(key: str, target: Target) -> dict[str, float]:
    """What a bound takes, by the names that bounds have for the numbers of the target."""
    dense = dict.fromkeys(("d", "d_in", "d_out", "width"), target.width)
    convolved = dict.fromkeys(("c_in", "c_out", "n_in", "n_out", "inputs", "outputs"), target.channels)
    area = target.kernel**2
    known: dict[str, float] = {
        **dense, **convolved, "layers": target.depth, "depth": target.depth, "eps": target.eps, "delta": target.eps,
        "density": target.density, "kernel": target.kernel, "basis": area, "basis_norm": float(area),
        "dimension": area * target.channels, "bits": math.ceil(math.log2(1.0 / target.eps)), "heads": 1,
    }  # fmt: skip
    return {name: known[name] for name in bounds[key].parameters if name in known}


def _layer_by_layer(target: Target, units: int, weights: int) -> dict[str, float]:
    """The first layer's share of the error, for matrices of norm 1 and inputs of Euclidean norm 1."""
    share = bounds["burkholz2022a.layer_error"](
        eps=target.eps, layers=target.depth, layer=1, signal=math.sqrt(units), norm=1.0, fan_in=weights // units
    )
    return {"units": units, "eps": share, "delta": target.eps, "problems": weights * target.depth}


def _burkholz(target: Target) -> dict[str, float]:
    return _layer_by_layer(target, target.width, target.width**2)


def _channels(target: Target) -> dict[str, float]:
    return _layer_by_layer(target, target.channels, target.channels**2 * target.kernel**2)


def _mean_head(value: float, target: Target) -> float:
    """Queries and keys have the width of the bound, values and outputs one of their own."""
    key, radius = "otsuka2025.value_width", math.sqrt(target.width)
    return 0.5 * (value + bounds[key](**_named(key, target), radius=radius, constant=ASSUMED)) / target.width


def _excess(target: Target) -> float:
    """Half of the failure probability to the e^-K of the 2 d^2 l subset sums; the other half is left to the constant.

    That half needs n - K >= 8 K (3 - p)^2 / (1 + p)^2 candidates of a weight with perturbation p: more than C = 1 has.
    """
    return math.log(4.0 * target.width**2 * target.depth / target.eps)


def _doubled(value: float, target: Target) -> float:
    """Candidates of one sign, of which there are two."""
    del target
    return 2.0 * value


def _by_channels(value: float, target: Target) -> float:
    return value / target.channels


WIDTHS: dict[str, Width] = {
    "malach2020.width": Width(),
    "pensia2020.width": Width(),
    "xiong2023.width": Width(
        arguments=lambda t: {"eta": t.eps, "eps": t.perturbation, "excess": _excess(t)},
    ),
    "natale2024.weight": Width(per_unit=_doubled),
    "kumar2025.width": Width(),
    "kumar2025.shallow_width": Width(overhead=_inner),
    "burkholz2022a.width": Width(arguments=_burkholz, overhead=_inner),
    "gadhikar2023.width": Width(arguments=_burkholz, overhead=lambda per_unit, t: t.density * _inner(per_unit, t)),
    "diffenderfer2021.width": Width(),
    "sreenivasan2022.width": Width(
        overhead=lambda per_unit, t: _hidden(
            per_unit,
            bounds["sreenivasan2022.depth"](**_named("sreenivasan2022.depth", t), constant=ASSUMED),
            t,
        ),
    ),
    "otsuka2025.head_width": Width(
        arguments=lambda t: {"radius": math.sqrt(t.width)}, per_unit=_mean_head, overhead=lambda per_unit, t: per_unit
    ),
    "dacunha2022.candidates": Width(per_unit=_doubled, overhead=_convolved),
    "burkholz2022b.channels": Width(arguments=_channels, per_unit=_by_channels, overhead=_inner),
    "ferbach2023.width": Width(per_unit=_by_channels, overhead=_convolved),
    "dacunha2023.structured.channels": Width(per_unit=_doubled, overhead=_convolved),
    "derived.structured.counting": Width(per_unit=_doubled, overhead=_convolved),
    "derived.two_layer.width": Width(),
    "pensia2020.lower.deep_width": Width(
        arguments=lambda t: {"depth": 2 * t.depth}, overhead=lambda per_unit, t: 2 * t.depth * per_unit**2
    ),
}
"""Key of the catalogue to what makes its number a factor; upper bounds first."""

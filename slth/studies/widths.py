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
    """The network that all bounds are evaluated for; where a bound has a probability of failure, it is the error.

    Parameters
    ----------
    width, depth : int
        Units d of each layer, and layers l.
    eps : float
        Error.
    kernel, channels : int
        The convolutional target of the same depth: side of its kernels, and channels of each layer.
    density : float
        Of the ticket, where a bound asks for one, and of the random mask that a source comes with.
    perturbation : float
        By which weights may be moved, where a bound asks for it.
    """

    width: int
    depth: int
    eps: float
    kernel: int
    channels: int
    density: float
    perturbation: float


@dataclass(frozen=True, kw_only=True)
class Width:
    """How a bound's number becomes a factor."""

    arguments: Callable[[Target], dict[str, float]]
    per_unit: Callable[[float, Target], float]
    overhead: Callable[[float, Target], float]


def widths(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Evaluate one bound for one target.

    Notes
    -----
    Sources: those of the bounds. Overheads are counted here: in pairs of layers d -> w -> d there are 2 w d weights for
    d^2; where the hidden layers alone are widened by b, 2 b + (l' - 2) b^2 for l, the source having l' layers. Lower
    bounds are for **one** matrix as the target, which a source of 2 l layers of one width serves. For heads of
    attention both numbers are means over their four matrices.
    """
    del seed, context
    key = cell["bound"]
    if key not in WIDTHS:
        raise ArgumentError("bound", key, "is no bound on a width", f"use one of {', '.join(WIDTHS)}")
    target = Target(**{name: value for name, value in cell.items() if name != "bound"})
    bound, width = bounds[key], WIDTHS[key]
    constant = None if bound.constant is None else ASSUMED
    value = bound(**width.arguments(target), **({} if constant is None else {"constant": constant}))
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


def _inner(per_unit: float, target: Target) -> float:
    """A layer is added and the hidden ones are widened; input and output stay, and need no copies."""
    return _hidden(per_unit, target.depth + 1, target)


def _hidden(per_unit: float, layers: float, target: Target) -> float:
    return (2.0 * per_unit + (layers - 2.0) * per_unit**2) / target.depth


def _convolved(per_unit: float, target: Target) -> float:
    """A 1 x 1 and a d x d convolution through so many channels, for a d x d one between equal numbers of channels."""
    return per_unit * (1.0 + 1.0 / target.kernel**2)


def _dense(target: Target) -> dict[str, float]:
    return {"d_in": target.width, "d_out": target.width, "layers": target.depth, "eps": target.eps}


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
    inner = {"d_in": target.width, "d_out": target.width, "heads": 1, "radius": math.sqrt(target.width)}
    values = bounds["otsuka2025.value_width"](**inner, eps=target.eps, constant=ASSUMED)
    return 0.5 * (value + values) / target.width


def _excess(target: Target) -> float:
    """Half of the failure probability to the e^-K of the 2 d^2 l subset sums; the other half is left to the constant.

    That half needs n - K >= 8 K (3 - p)^2 / (1 + p)^2 candidates of a weight with perturbation p: more than C = 1 has.
    """
    return math.log(4.0 * target.width**2 * target.depth / target.eps)


def _bits(target: Target) -> int:
    return math.ceil(math.log2(1.0 / target.eps))


WIDTHS: dict[str, Width] = {
    "malach2020.width": Width(
        arguments=lambda t: {"d": t.width, "layers": t.depth, "eps": t.eps, "delta": t.eps},
        per_unit=_by_width,
        overhead=_pairs,
    ),
    "pensia2020.width": Width(
        arguments=lambda t: {**_dense(t), "delta": t.eps}, per_unit=_by_width, overhead=_pairs
    ),
    "xiong2023.width": Width(
        arguments=lambda t: {
            "d_in": t.width, "d_out": t.width, "layers": t.depth, "eta": t.eps, "eps": t.perturbation,
            "excess": _excess(t),
        },
        per_unit=_by_width,
        overhead=_pairs,
    ),
    "natale2024.weight": Width(
        arguments=lambda t: {**_dense(t), "density": t.density},
        per_unit=lambda value, t: 2.0 * value,
        overhead=_pairs,
    ),
    "kumar2025.width": Width(
        arguments=lambda t: {"d_in": t.width, "bits": _bits(t)}, per_unit=_by_width, overhead=_pairs
    ),
    "kumar2025.shallow_width": Width(
        arguments=lambda t: {"d_in": t.width, "bits": _bits(t)}, per_unit=_by_width, overhead=_inner
    ),
    "burkholz2022a.width": Width(arguments=_burkholz, per_unit=_by_width, overhead=_inner),
    "gadhikar2023.width": Width(
        arguments=lambda t: {**_burkholz(t), "density": t.density},
        per_unit=_by_width,
        overhead=lambda per_unit, t: t.density * _inner(per_unit, t),
    ),
    "diffenderfer2021.width": Width(
        arguments=lambda t: {"width": t.width, "depth": t.depth, "eps": t.eps}, per_unit=_by_width, overhead=_pairs
    ),
    "sreenivasan2022.width": Width(
        arguments=lambda t: {"width": t.width, "depth": t.depth, "eps": t.eps},
        per_unit=_by_width,
        overhead=lambda per_unit, t: _hidden(
            per_unit,
            bounds["sreenivasan2022.depth"](width=t.width, depth=t.depth, eps=t.eps, constant=ASSUMED),
            t,
        ),
    ),
    "otsuka2025.head_width": Width(
        arguments=lambda t: {"d_in": t.width, "heads": 1, "radius": math.sqrt(t.width), "eps": t.eps},
        per_unit=_mean_head,
        overhead=lambda per_unit, t: per_unit,
    ),
    "dacunha2022.candidates": Width(
        arguments=lambda t: {
            "c_in": t.channels, "c_out": t.channels, "kernel": t.kernel, "layers": t.depth, "eps": t.eps,
            "delta": t.eps,
        },
        per_unit=lambda value, t: 2.0 * value,
        overhead=_convolved,
    ),
    "burkholz2022b.channels": Width(
        arguments=_channels, per_unit=lambda value, t: value / t.channels, overhead=_inner
    ),
    "ferbach2023.width": Width(
        arguments=lambda t: {
            "n_in": t.channels, "n_out": t.channels, "basis": t.kernel**2, "basis_norm": float(t.kernel**2),
            "layers": t.depth, "eps": t.eps, "delta": t.eps,
        },
        per_unit=lambda value, t: value / t.channels,
        overhead=_convolved,
    ),
    "dacunha2023.structured.channels": Width(
        arguments=lambda t: {
            "kernel": t.kernel, "outputs": t.channels, "inputs": t.channels, "eps": t.eps, "layers": t.depth,
        },
        per_unit=lambda value, t: 2.0 * value,
        overhead=_convolved,
    ),
    "derived.structured.counting": Width(
        arguments=lambda t: {"dimension": t.kernel**2 * t.channels, "eps": t.eps},
        per_unit=lambda value, t: 2.0 * value,
        overhead=_convolved,
    ),
    "derived.two_layer.width": Width(
        arguments=lambda t: {"d": t.width, "eps": t.eps}, per_unit=_by_width, overhead=_pairs
    ),
    "pensia2020.lower.deep_width": Width(
        arguments=lambda t: {"d": t.width, "depth": 2 * t.depth, "eps": t.eps},
        per_unit=_by_width,
        overhead=lambda per_unit, t: 2 * t.depth * per_unit**2,
    ),
}  # fmt: skip
"""Key of the catalogue to what makes its number a factor; upper bounds first."""

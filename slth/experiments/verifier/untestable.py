"""What is not tried, and why: every bound without a check gets a line, so that nothing is passed over in silence."""

from __future__ import annotations

import math

from slth.errors import ArgumentError
from slth.theory import Bound

OTHER_FIGURES: dict[str, str] = {
    "otsuka2025.head_width": "measured by the figure attention_error",
    "otsuka2025.value_width": "measured by the figure attention_error",
    "otsuka2025.measured_error": "measured by the figure attention_error",
    "xiong2023.candidates": "measured by the figure perturbed",
    "natale2024.overparameterisation": "measured by the figure density",
    "dacunha2023.structured.size": "measured by the figure structured_error and by vector_success",
    "dacunha2023.structured.candidates": "measured by the figure structured_error and by vector_success",
}
"""Bounds that a figure of the package measures instead."""

FOLLOWS = {
    "identity": "an identity: its tests compare both sides",
    "estimate": "a model without a claim that a trial could violate",
}
"""What is said of directions that claim nothing about every case."""

TYPICAL: dict[str, float] = {
    "eps": 0.1,
    "delta": 0.1,
    "eta": 0.1,
    "probability": 0.5,
    "density": 0.5,
    "step": 0.1,
    "length": 1.0,
    "radius": 1.0,
    "norm": 1.0,
    "basis_norm": 1.0,
    "kappa": 1.0,
    "largest": 1.0,
}
"""Mild arguments at which an unspecified constant of 1 is evaluated; sizes are the smallest that a bound takes."""


def why_untestable(bound: Bound) -> str:
    """Say why a bound without a check is not tried.

    Parameters
    ----------
    bound : Bound

    Returns
    -------
    str

    Examples
    --------
    >>> from slth.theory import bounds
    >>> why_untestable(bounds["dacunha2023.structured.channels"])
    'not testable at this size: at C = 1 and eps = 0.1, 3 x 3 kernels for 8 outputs ask for n = 4e+13'
    """
    if bound.key == "dacunha2023.structured.channels":
        asked = _brief(bound(kernel=3, outputs=8, inputs=1, eps=0.1, layers=1, constant=1.0))
        return f"not testable at this size: at C = 1 and eps = 0.1, 3 x 3 kernels for 8 outputs ask for n = {asked}"
    if bound.key in OTHER_FIGURES:
        return OTHER_FIGURES[bound.key]
    if bound.direction in FOLLOWS:
        return FOLLOWS[bound.direction]
    if bound.direction == "necessary":
        return "speaks of all subnetworks and all sources at the same time: counting, which no sample can contradict"
    if bound.constant is None:
        return "follows from other results of the catalogue by arithmetic, or speaks of the whole of a construction"
    arguments = {name: _mild(name, bound) for name in bound.parameters}
    try:
        value = bound(**arguments, constant=1.0)
    except ArgumentError:
        return "not testable at this size: its assumptions exclude small instances"
    shown = ", ".join(f"{name} = {number:g}" for name, number in arguments.items())
    return (
        f"not testable at this size: speaks of all targets of a network; at C = 1 and {shown} "
        f"the {bound.quantity} would be {_brief(value)}"
    )


def _mild(name: str, bound: Bound) -> float:
    parameter = bound.parameters[name]
    if parameter.default is not None:
        return parameter.default
    value = TYPICAL.get(name, max(parameter.least, 1.0) if math.isfinite(parameter.least) else 1.0)
    if not parameter.least <= value <= parameter.most or not parameter.above < value < parameter.below:
        value = parameter.least if math.isfinite(parameter.least) and parameter.least > parameter.above else value
    return int(value) if parameter.whole else value


def _brief(value: float) -> str:
    return f"{value:.2g}" if value >= 1e5 else f"{value:g}"

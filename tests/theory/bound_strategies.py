"""Arguments of a bound, drawn from the ranges that it declares."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from slth.theory import Bound, Parameter

WIDE = 1e6
"""Where a range has no end."""


def values(parameter: Parameter) -> st.SearchStrategy[float]:
    """Numbers of a parameter's range, spread over its orders of magnitude where it is positive."""
    low, high = max(parameter.least, parameter.above, -WIDE), min(parameter.most, parameter.below, WIDE**5)
    if parameter.whole:
        first = math.floor(low) + 1 if low == parameter.above else math.ceil(low)
        last = math.ceil(high) - 1 if high == parameter.below else math.floor(high)
        return st.integers(first, min(first + 5, last)) | _magnitudes(max(first, 1), last).map(round)
    drawn = _magnitudes(max(low, 1e-12), high) if low >= 0.0 else st.floats(low, high)
    return drawn.filter(lambda value: parameter.above < value < parameter.below)


def _magnitudes(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(math.log(low), math.log(high)).map(lambda power: min(max(math.exp(power), low), high))


@st.composite
def arguments(draw: st.DrawFn, bound: Bound) -> dict[str, float]:
    """Everything that a bound takes but its constant."""
    return {name: draw(values(parameter)) for name, parameter in bound.parameters.items()}


def allowed(bound: Bound, given: dict[str, float]) -> bool:
    """Whether all assumptions hold."""
    return all(assumption.holds is None or assumption.holds(given) for assumption in bound.assumptions)


def example(bound: Bound, broken: int | None = None) -> dict[str, float]:
    """Arguments that keep all assumptions, or all up to one that they break."""
    rng = np.random.default_rng(0)
    kept = bound.assumptions[:broken]
    for _ in range(20_000):
        given = {name: _anywhere(parameter, rng) for name, parameter in bound.parameters.items()}
        if all(one.holds is None or one.holds(given) for one in kept) and (
            broken is None or not bound.assumptions[broken].holds(given)
        ):
            return given
    raise AssertionError(f"no arguments for {bound.key}")


def _anywhere(parameter: Parameter, rng: np.random.Generator) -> float:
    low, high = max(parameter.least, parameter.above, -WIDE), min(parameter.most, parameter.below, WIDE)
    if low < 0.0:
        value = rng.uniform(low, high)
    else:
        value = math.exp(rng.uniform(math.log(max(low, 1e-6)), math.log(high)))
        value = min(max(value, low), np.nextafter(high, 0.0))
    return round(value) if parameter.whole else float(value)

"""Cases from the whole range that a bound declares of its arguments, its ends among them."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from slth.theory import Parameter, bounds

WIDE = 1e6
"""Where a range has no end."""

SEEDS = st.integers(0, 2**32 - 1)


def across(parameter: Parameter, low: float = -math.inf, high: float = math.inf) -> st.SearchStrategy[float]:
    """Numbers of a range, or of the part that trials can pay for: its ends, and all orders of magnitude."""
    low, high = max(parameter.least, low, -WIDE), min(parameter.most, high, WIDE)
    if parameter.above >= low:
        low = math.floor(parameter.above) + 1 if parameter.whole else math.nextafter(parameter.above, math.inf)
    if parameter.below <= high:
        high = math.ceil(parameter.below) - 1 if parameter.whole else math.nextafter(parameter.below, -math.inf)
    if parameter.whole:
        first, last = math.ceil(low), math.floor(high)
        between = magnitudes(max(first, 1), max(last, 1)).map(round)
        return st.integers(first, min(first + 5, last)) | between | st.sampled_from([first, last])
    ends = st.sampled_from([low, high])
    if low == high:
        return ends
    if low < 0.0:
        return ends | st.sampled_from([0.0]) | st.floats(low, high)
    least = low or min(1e-6, high)
    return magnitudes(max(least, 1e-3 * high), high) | magnitudes(least, high) | ends


def magnitudes(low: float, high: float) -> st.SearchStrategy[float]:
    """Positive numbers, as likely in each of their orders of magnitude."""
    return st.floats(math.log(low), math.log(high)).map(lambda power: min(max(math.exp(power), low), high))


def drawn(key: str, **limits: tuple[float, float]) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments of a bound that keep its assumptions; ``limits`` cut what no trial can pay for, and nothing else."""
    bound = bounds[key]
    one = {name: across(parameter, *limits.get(name, ())) for name, parameter in bound.parameters.items()}

    def fitted(case: dict[str, Any]) -> dict[str, Any]:
        return {**case, "size": min(case["size"], case["n"])} if {"size", "n"} <= case.keys() else case

    return st.fixed_dictionaries(one).map(fitted).filter(lambda case: keeps_assumptions(key, case))


def keeps_assumptions(key: str, case: dict[str, Any]) -> bool:
    """Whether a bound says something of a case."""
    return all(one.holds is None or one.holds(case) for one in bounds[key].assumptions)

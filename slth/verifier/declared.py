"""What every bound declares of itself, hunted where nobody has written a check: values, ranges, trends."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from hypothesis import strategies as st

from slth.errors import ResourceError
from slth.theory import Bound, bounds
from slth.verifier.cases import across, drawn, keeps_assumptions
from slth.verifier.nouns import Case, Inequality

MOVED, TO = "moved argument", "moved to"
"""Entries of a case that say which argument is compared at which other value."""

ROUNDING = 1e-8
"""What neighbouring values may differ by, relative to the larger, against the declared trend."""


def declared_check(key: str) -> Inequality:
    """Return the hunt for a value that contradicts what a bound says of itself."""
    return Inequality(
        key=key,
        claim="finite wherever its arguments may lie, whole where it counts, and rising or falling as declared",
        cases=partial(_cases, key),
        ratio=lambda case: _compared(key, case)[0],
        why=lambda case: _compared(key, case)[1],
    )


def _cases(key: str) -> st.SearchStrategy[dict[str, Any]]:
    trends = [name for name, parameter in bounds[key].parameters.items() if parameter.monotone]
    if not trends:
        return drawn(key)
    moved = st.sampled_from(trends).flatmap(
        lambda name: across(bounds[key].parameters[name]).map(lambda to: {MOVED: name, TO: to})
    )
    return st.tuples(drawn(key), moved).map(lambda both: both[0] | both[1])


def _compared(key: str, case: Case) -> tuple[float, str]:
    """1 plus how much the value that may not be the larger one exceeds the other; infinite where there is no value.

    Beside it is said what was found.
    """
    bound = bounds[key]
    at = {name: case[name] for name in bound.parameters}
    try:
        value = _value(bound, at)
        if MOVED not in case:
            return 0.0, ""
        name = case[MOVED]
        there = {**at, name: case[TO]}
        if not keeps_assumptions(key, there):
            return math.nan, ""
        other = _value(bound, there)
    except ResourceError:
        return math.nan, ""  # too large for a double, and said so
    except Exception as problem:  # whatever a formula raises within the range that it declares
        return math.inf, " ".join(str(problem).split())
    rising = (case[TO] > at[name]) == (bound.parameters[name].monotone > 0)
    low, high = (value, other) if rising else (other, value)
    words = f"{value:g}, and {other:g} with {name} = {case[TO]:g}, against the trend that it declares"
    return 1.0 + (low - high) / max(abs(low), abs(high), 1e-300) - ROUNDING, words


def _value(bound: Bound, arguments: dict[str, Any]) -> float:
    value = bound(**arguments, **({} if bound.constant is None else {"constant": 1.0}))
    sound = not bound.count or value >= 0.0
    if bound.constant is None and bound.quantity.startswith(("probability", "failure probability", "density")):
        sound = sound and 0.0 <= value <= 1.0
    if not sound:
        raise ValueError(f"{value:g} can be no {bound.quantity}")
    return value

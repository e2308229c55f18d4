"""The catalogue as a table of numbers and words: `python -m tests.tools.bound_table` writes it anew.

One line of JSON a bound: what users see of it, its values at several points, and what it refuses. A change that is to
leave the catalogue as it is compares with the table; titles and statements are left out, as they may be worded better.
"""

from __future__ import annotations

import json
import math
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from slth.errors import SlthError
from slth.theory import Bound, Parameter, bounds

TABLE = Path(__file__).parents[1] / "theory" / "bound_table.jsonl"
POINTS = 5
"""Drawn for each bound, beside the two in which all arguments are at one end of their range."""

SLOW = {"derived.second_moment.candidates": 30, "derived.first_moment.error": 60}
"""Dimensions above which a value takes seconds: left out."""

MORE = {"kumar2025.failure": {"n": 10**28, "weights": 100, "constant": 1.0}}
"""A point at which this one says something."""

WIDE = 1e6
"""Where a range has no end, and where most networks do."""


def words(bound: Bound) -> dict[str, Any]:
    """What users see of a bound, but its title and statement."""
    return {
        "key": bound.key,
        "family": bounds.family(bound.key),
        "citation": bound.citation,
        "quantity": bound.quantity,
        "direction": bound.direction,
        "provenance": bound.provenance_text,
        "assumptions": [one.words for one in bound.assumptions],
        "constant": bound.constant,
        "count": bound.count,
        "implicit": bound.implicit,
        "parameters": {
            name: [one.meaning, one.range_text(), one.whole, one.monotone, one.default]
            for name, one in bound.parameters.items()
        },
    }


def values(bound: Bound, given: dict[str, float]) -> dict[str, Any]:
    """The value, and the formula's before it is rounded up; or the error's type and the argument that it names."""
    try:
        found = bound.evaluate(**given)
    except SlthError as problem:
        return {"refused": _named(problem)}
    return {"value": found.value, **({"formula": float(bound.formula(**given))} if bound.count else {})}


def refusals(bound: Bound, given: dict[str, float]) -> dict[str, list[str]]:
    """Every way to break one argument of an allowed point, by the type of the error and the argument that it names."""
    found: dict[str, list[str]] = {}
    for label, wrong in _broken(bound, given):
        try:
            outcome = f"{bound(**wrong):g}"
        except SlthError as problem:
            outcome = _named(problem)
        found.setdefault(outcome, []).append(label)
    return found


def row(bound: Bound) -> dict[str, Any]:
    """One line of the table."""
    rng = np.random.default_rng(zlib.crc32(bound.key.encode()))
    drawn = [_allowed(bound, rng) for _ in range(POINTS)]
    points = [*({**given, **_constant(bound, rng)} for given in drawn), *_ends(bound)]
    points = [given for given in points if given.get("dimension", 0) <= SLOW.get(bound.key, math.inf)]
    points += filter(None, [MORE.get(bound.key)])
    broken = [_violating(bound, index, rng) for index, one in enumerate(bound.assumptions) if one.holds is not None]
    return {
        **words(bound),
        "points": [{"given": given, **values(bound, given)} for given in points],
        "violated": [{"given": given, **values(bound, given)} for given in broken],
        "refusals": refusals(bound, points[0]),
    }


def _named(problem: SlthError) -> str:
    return f"{type(problem).__name__} {getattr(problem, 'argument', '')}"


def _broken(bound: Bound, given: dict[str, float]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, parameter in bound.parameters.items():
        if parameter.default is None:
            yield f"no {name}", {other: value for other, value in given.items() if other != name}
        ends = {"below": np.nextafter(parameter.least, -math.inf), "above": np.nextafter(parameter.most, math.inf)}
        ends |= {"at the open low end": parameter.above, "at the open high end": parameter.below}
        for label, value in ends.items():
            if math.isfinite(value):
                yield f"{name} {label}", {**given, name: float(value)}
        for value in (math.nan, math.inf, True, "many", *([1.5] if parameter.whole else [])):
            yield f"{name} {value}", {**given, name: value}
    yield "nonsense", {**given, "nonsense": 1.0}
    yield "another constant", {**given, "constant": 0.0}
    if bound.constant is not None:
        yield "no constant", {name: value for name, value in given.items() if name != "constant"}


def _constant(bound: Bound, rng: np.random.Generator) -> dict[str, float]:
    return {} if bound.constant is None else {"constant": float(rng.uniform(0.1, 3.0))}


def _ends(bound: Bound) -> Iterator[dict[str, float]]:
    """All arguments at the low or at the high end of their range, where the bound says something there."""
    for high in (False, True):
        given = {name: _end(parameter, high) for name, parameter in bound.parameters.items()}
        if all(one.holds is None or one.holds(given) for one in bound.assumptions):
            yield {**given, **({} if bound.constant is None else {"constant": 1.0})}


def _end(parameter: Parameter, high: bool) -> float:
    low, most = max(parameter.least, parameter.above, -WIDE), min(parameter.most, parameter.below, WIDE)
    value = np.nextafter(most, -math.inf) if high and most == parameter.below else most if high else low
    value = np.nextafter(value, math.inf) if not high and value == parameter.above else value
    return math.floor(value) if parameter.whole else float(value)


def _anywhere(parameter: Parameter, rng: np.random.Generator) -> float:
    low, high = _end(parameter, False), _end(parameter, True)
    if low < 0.0:
        value = rng.uniform(low, high)
    else:
        value = math.exp(rng.uniform(math.log(max(low, 1e-6)), math.log(min(high, 3e3))))
    return round(value) if parameter.whole else float(min(max(value, low), high))


def _drawn(bound: Bound, rng: np.random.Generator) -> dict[str, float]:
    return {name: _anywhere(parameter, rng) for name, parameter in bound.parameters.items()}


def _allowed(bound: Bound, rng: np.random.Generator) -> dict[str, float]:
    while True:
        given = _drawn(bound, rng)
        if all(one.holds is None or one.holds(given) for one in bound.assumptions):
            return given


def _violating(bound: Bound, index: int, rng: np.random.Generator) -> dict[str, float]:
    """Arguments that break one assumption and none before it."""
    while True:
        given, before = _drawn(bound, rng), bound.assumptions[:index]
        holds = bound.assumptions[index].holds
        kept = all(one.holds is None or one.holds(given) for one in before)
        if kept and holds is not None and not holds(given):
            return {**given, **_constant(bound, rng)}


def read() -> list[dict[str, Any]]:
    """The table that is kept."""
    return [json.loads(line) for line in TABLE.read_text(encoding="utf-8").splitlines()]


def main() -> int:
    lines = [json.dumps(row(bound), ensure_ascii=False) for bound in bounds.values()]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(lines)} bounds in {TABLE.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

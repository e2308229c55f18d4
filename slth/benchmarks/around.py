"""Benchmark task around test inputs: both networks certified at once, each by itself, and gradient ascent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from slth.arrays import Floats
from slth.benchmarks.contenders import Cell, Contender
from slth.benchmarks.peers import titled
from slth.benchmarks.targets import target_of
from slth.benchmarks.tickets import method_of
from slth.certificates import certify
from slth.certificates.apart import alone, range_of
from slth.certificates.balls import Ball, balls_around
from slth.certificates.bounds import passes_over
from slth.certificates.correspond import problem_of_both
from slth.certificates.interval import Interval
from slth.certificates.near import Nearby, Walk
from slth.certificates.problem import Problem
from slth.graphs import Graph
from slth.networks import attack_around
from slth.tickets import Ticket

BOX = (0.0, 1.0)
_STEPS = (0, 8)  # on the slopes: the first bounds of certificates, and those with an effort of 1


def certificates_around(cell: Cell, seed: int) -> Sequence[Contender]:
    """Bound the difference around the first test inputs: of both networks at once, and as each one's own range.

    Whatever images hold lies in [0, 1], so that all layers see nonnegative numbers, and a ticket is one network.
    """
    data, _ = target_of(cell, seed)
    keys = ("model", "data", "hidden", "epochs", "method", "channels", "candidates", "gain")
    words = {key: cell[key] for key in keys if key in cell}
    target, ticket = _pair(tuple((key, _fixed(value)) for key, value in words.items()), cell.get("data_dir"), seed)
    inputs = data.inputs("test", limit=cell["inputs"]).reshape(-1, *target.input_shape).astype(np.float64)
    where: dict[str, Any] = {"radius": cell["radius"], "input_box": BOX}

    def at_once(device: str = "cpu") -> Floats:
        return certify(target, ticket, inputs=inputs, device=device, **where).errors

    def sides() -> tuple[Problem, list[Ball]]:
        _, balls = balls_around(target.input_shape, inputs, cell["radius"], BOX)
        folded = {node.name: ticket.folded[node.step.path] for node in ticket.graph.weighted}
        return problem_of_both(target, ticket.graph, folded, nonnegative=True)[0], balls

    def ascent() -> Floats:
        return attack_around(target, ticket, inputs, **where, seed=seed).errors

    found = ascent()

    def told(errors: Callable[[], Floats]) -> Callable[[], Mapping[str, Any]]:
        return lambda: _summary(errors(), found)

    lirpa = titled("auto_LiRPA", "auto-LiRPA")
    names: dict[str, Callable[[], Floats]] = {
        "slth, both at once": at_once,
        "slth, one by one": lambda: apart(*sides()),
        "gradient ascent": ascent,
        f"{lirpa}, CROWN of the difference": lambda: _crown(*sides(), at_once=True),
        f"{lirpa}, CROWN one by one": lambda: _crown(*sides(), at_once=False),
    }
    device = cell.get("device", "cpu")
    if device != "cpu":
        names[f"slth, both at once, steps on {device}"] = lambda: at_once(device)
    return [Contender(name, told(errors), len(inputs), warm_up=False, replicates=1) for name, errors in names.items()]


def _crown(both: Problem, balls: Sequence[Ball], *, at_once: bool) -> Floats:
    from slth.benchmarks.crown import crown_errors  # torch is loaded only when it is asked for

    target, ticket = (alone(both, ticket=own, nonnegative=True) for own in (False, True))
    return crown_errors(target, ticket, balls, at_once=at_once)


def apart(both: Problem, balls: Sequence[Ball]) -> Floats:
    """Return, for each ball, the most by which two networks can differ as far as their own ranges tell."""
    errors = []
    problems = [alone(both, ticket=ticket, nonnegative=True) for ticket in (False, True)]
    networks = [(one, Nearby(one)) for one in problems]
    for ball in balls:
        one, other = (own_range(*network, ball) for network in networks)
        errors.append((other - one).magnitude.max())
    return np.array(errors)


def own_range(problem: Problem, nearby: Nearby, ball: Ball) -> Interval:
    """Return the range of a network's outputs by all that certificates around inputs know, but for cases."""
    found = passes_over(problem, ball).ranges[problem.output].target
    for steps in _STEPS:
        found = found.meet(range_of(Walk(nearby, ball, steps), steps))
    return found


def _summary(errors: Floats, found: Floats) -> dict[str, float]:
    return {
        "median_error": float(np.median(errors)),
        "largest_error": float(errors.max()),
        "median_over_attack": float(np.median(errors / found)),
        "largest_over_attack": float((errors / found).max()),
    }


def _fixed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@lru_cache(maxsize=1)
def _pair(words: tuple[tuple[str, Any], ...], data_dir: str | None, seed: int) -> tuple[Graph, Ticket]:
    """Construct a ticket once for all radii."""
    cell = {**dict(words), "data_dir": data_dir}
    _, target = target_of(cell, seed)
    return target, method_of(cell).ticket(target, seed=seed)[0]

"""Checks of certificates and of inequalities about networks: random networks, and gradient ascent on the difference."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from hypothesis import strategies as st

from slth.certificates import certify
from slth.constructions import Method, PerWeight, Shallow, Structured
from slth.graphs import Graph
from slth.networks import attack
from slth.subset_sum import solve
from slth.theory import bounds
from slth.tickets import Ticket
from slth.verifier.nouns import Case, Check, Inequality
from slth.verifier.random_graphs import attention, chain, images

STARTS, STEPS = 3, 40

KINDS: dict[str, Callable[[np.random.Generator, int, int], Graph]] = {
    "chain": lambda generator, width, layers: chain(generator, [width, *[width] * (layers - 1), 2]),
    "images": lambda generator, width, layers: images(generator, channels=min(width, 3), layers=layers),
    "attention": lambda generator, width, layers: attention(
        generator, tokens=1 + width // 2, width=width, layers=min(layers, 2)
    ),
}
"""Random networks by kind, from (generator, width, layers)."""


@dataclass(frozen=True)
class Hunt:
    """A method, on which networks it is tried and how large."""

    make: Callable[[int], Method]
    kinds: tuple[str, ...]
    sizes: tuple[int, int]
    least_layers: int = 1


HUNTS = {
    "per-weight": Hunt(lambda size: PerWeight(candidates=size), tuple(KINDS), (4, 14)),
    "structured": Hunt(lambda size: Structured(channels=size, gain="unit", beam=1), tuple(KINDS), (50, 300)),
    "shallow": Hunt(lambda size: Shallow(candidates=size), ("chain",), (4, 12), least_layers=2),
}
"""Which methods are tried on what."""


def _whole(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high)


def _seeds() -> st.SearchStrategy[int]:
    return st.integers(0, 2**32 - 1)


def _cases(hunt: Hunt, **more: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "kind": st.sampled_from(hunt.kinds),
            "width": _whole(1, 5),
            "layers": _whole(hunt.least_layers, 4),
            "low": st.sampled_from([0.0, -1.0]),
            "size": _whole(*hunt.sizes),
            "seed": _seeds(),
            **more,
        }
    )


def _made(hunt: Hunt, case: Case) -> tuple[Graph, Ticket, tuple[float, float]]:
    target = KINDS[case["kind"]](np.random.default_rng(case["seed"]), case["width"], case["layers"])
    box = (float(case["low"]), 1.0)
    ticket, _ = hunt.make(case["size"]).ticket(target, input_box=box, seed=case["seed"])
    return target, ticket, box


def _over_a_box(hunt: Hunt) -> Callable[[Case], float]:
    def ratio(case: Case) -> float:
        target, ticket, box = _made(hunt, case)
        certificate = certify(target, ticket, input_box=box)
        found = attack(target, ticket, input_box=box, starts=STARTS, steps=STEPS, seed=case["seed"])
        return _over(found.error, certificate.error + certificate.float64_allowance)

    return ratio


def _around(case: Case) -> float:
    """The same around one input; infinite where a class changes that was certified not to."""
    target, ticket, box = _made(HUNTS["per-weight"], case)
    generator, radius = np.random.default_rng(case["seed"] + 1), float(case["radius"])
    middle = generator.uniform(*box, target.input_shape)
    around = certify(target, ticket, inputs=middle[None], radius=radius)
    ball = (middle - radius, middle + radius)
    found = attack(target, ticket, input_box=ball, starts=STARTS, steps=STEPS, seed=case["seed"])
    points = np.stack([found.input, *generator.uniform(*ball, (20, *target.input_shape))])
    allowance = around.float64_allowance
    if around.margins[0] > 2.0 * allowance:
        outputs = np.concatenate([network.forward(points) for network in (target, ticket)])
        if (outputs.argmax(axis=1) != around.classes[0]).any():
            return math.inf
    return _over(found.error, float(around.errors[0]) + allowance)


def _over(error: float, allowed: float) -> float:
    """What was observed in float64 over what is allowed there."""
    return error / allowed if allowed > 0.0 else (math.inf if error > 0.0 else math.nan)


def _solution(case: Case) -> float:
    """The error that was said to be the least over that of brute force in rational arithmetic."""
    values, goal = [Fraction(value) for value in case["values"]], Fraction(case["target"])
    size = case["size"]
    sizes = range(len(values) + 1) if size is None else (size,)
    least = min(abs(sum(chosen, Fraction(0)) - goal) for k in sizes for chosen in combinations(values, k))
    found = solve(case["values"], case["target"], size=size)
    total = sum((v for v, kept in zip(values, found.subset.tolist(), strict=True) if kept), Fraction(0))
    wrong = float(least) != found.error or abs(total - goal) != least or found.lower_bound > found.error
    return math.inf if wrong and found.status.label == "optimal" else 1.0


@st.composite
def _instances(draw: st.DrawFn) -> dict[str, Any]:
    number = st.floats(-1e6, 1e6) | st.integers(-20, 20).map(float)
    values = draw(st.lists(number, min_size=1, max_size=8))
    return {"values": values, "target": draw(number), "size": draw(st.none() | st.integers(0, len(values)))}


def _softmax(case: Case) -> float:
    """Distance of two softmax averages over what scores that differ so much may change."""
    generator = np.random.default_rng(case["seed"])
    radius, error = case["radius"], case["score_error"]
    rows = generator.standard_normal((case["rows"], case["d_in"]))
    rows *= radius / np.linalg.norm(rows, axis=1, keepdims=True)
    if case["corners"]:
        rows = np.sign(rows) * radius / math.sqrt(case["d_in"])
    scores = generator.standard_normal(case["rows"]) * case["spread"]
    moves = np.sign(rows[:, 0]) if case["aligned"] else generator.uniform(-1.0, 1.0, case["rows"])
    moved = scores + error * moves
    allowed = bounds["otsuka2025.softmax_error"](d_in=case["d_in"], radius=radius, score_error=error)
    found = float(np.linalg.norm(_average(scores, rows) - _average(moved, rows)))
    return found / allowed if allowed > 0.0 else (math.inf if found > 0.0 else math.nan)


def _average(scores: Any, rows: Any) -> Any:
    weights = np.exp(scores - scores.max())
    return weights / weights.sum() @ rows


def _layer_errors(case: Case) -> float:
    """Change of the output when every parameter moves by what Burkholz's formula allows, over eps."""
    generator = np.random.default_rng(case["seed"])
    layers, width = case["layers"], case["width"]
    target = chain(generator, [width] * (layers + 1), scale=case["scale"])
    values = moved = generator.uniform(-1.0, 1.0, (200, width))
    weights = [(node.step.weight[:, :, 0, 0], node.step.bias) for node in target.weighted]
    norm = max(float(np.abs(weight).sum(axis=1).max()) for weight, _ in weights)
    if not 0.01 <= norm <= 100.0:
        return math.nan
    signals = []
    for number, (weight, bias) in enumerate(weights, start=1):
        signals.append(float(np.abs(values).sum(axis=1).max()))
        values = _activated(values @ weight.T + bias, last=number == layers)
    for number, ((weight, bias), signal) in enumerate(zip(weights, signals, strict=True), start=1):
        allowed = bounds["burkholz2022a.layer_error"](
            eps=case["eps"], layers=layers, layer=number, signal=signal, norm=norm, fan_in=width
        )
        signs = np.where(generator.random(weight.shape) < case["positive"], 1.0, -1.0)
        moved = _activated(moved @ (weight + allowed * signs).T + bias + allowed, last=number == layers)
    return float(np.abs(moved - values).max()) / float(case["eps"])


def _activated(sums: Any, *, last: bool) -> Any:
    return sums if last else np.maximum(sums, 0.0)


BELOW = "no input of the box has a larger error, gradient ascent on the error included"

CHECKS: tuple[Check, ...] = (
    *(
        Inequality(
            key=f"certificate.{name}",
            claim=BELOW,
            cases=partial(_cases, hunt),
            ratio=_over_a_box(hunt),
            share=0.5,
        )
        for name, hunt in HUNTS.items()
    ),
    Inequality(
        key="certificate.around",
        claim="no input around the given one has a larger error, nor another class where that is certified",
        cases=lambda: _cases(HUNTS["per-weight"], radius=st.sampled_from([0.0, 0.01, 0.2])),
        ratio=_around,
        share=0.25,
    ),
    Inequality(
        key="solution.optimal",
        claim="what is called optimal is the optimum in rational arithmetic, with or without a size",
        cases=_instances,
        ratio=_solution,
    ),
    Inequality(
        key="otsuka2025.softmax_error",
        claim="scores that differ by so much move a softmax average by no more than the bound",
        cases=lambda: st.fixed_dictionaries(
            {
                "rows": _whole(2, 64),
                "d_in": _whole(1, 16),
                "radius": st.sampled_from([0.5, 1.0, 4.0]),
                "score_error": st.sampled_from([0.5, 0.1, 0.01]),
                "spread": st.sampled_from([0.0, 1.0, 5.0]),
                "corners": st.booleans(),
                "aligned": st.booleans(),
                "seed": _seeds(),
            }
        ),
        ratio=_softmax,
    ),
    Inequality(
        key="burkholz2022a.layer_error",
        claim="parameters that move by so much move the output by at most eps",
        cases=lambda: st.fixed_dictionaries(
            {
                "width": _whole(1, 8),
                "layers": _whole(1, 5),
                "scale": st.sampled_from([0.5, 1.0, 2.0]),
                "eps": st.sampled_from([0.5, 0.1, 0.01]),
                "positive": st.sampled_from([0.5, 1.0]),
                "seed": _seeds(),
            }
        ),
        ratio=_layer_errors,
    ),
)

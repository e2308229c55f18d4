"""Checks of certificates and of inequalities about networks: random networks, and gradient ascent on the difference."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import combinations, pairwise
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
from slth.verifier.cases import SEEDS, across, drawn, magnitudes
from slth.verifier.nouns import Case, Check, Inequality
from slth.verifier.random_graphs import attention, chain, images

STARTS, STEPS = 3, 40

ROUNDING = 1e-9
"""Of float64 evaluation, where a claim is met exactly."""

SCALES = (1.0, 1e-4, 10.0)
"""Of all weights, beside constants of the order of 1."""

BOXES = ((-1.0, 1.0), (0.0, 1.0), (0.0, 0.0), (-1e-6, 1e-6), (-50.0, 100.0), (7.0, 7.5))


def _chain(generator: np.random.Generator, width: int, layers: int, scale: float) -> Graph:
    """Layers of unequal widths, of one unit too."""
    return chain(generator, [*generator.integers(1, width + 1, layers).tolist(), 2], scale=scale)


KINDS: dict[str, Callable[[np.random.Generator, int, int, float], Graph]] = {
    "chain": _chain,
    "images": lambda generator, width, layers, scale: images(
        generator, channels=min(width, 3), layers=layers, scale=scale
    ),
    "attention": lambda generator, width, layers, scale: attention(
        generator, tokens=1 + width // 2, width=width, layers=min(layers, 2), scale=scale
    ),
}
"""Random networks by kind, from (generator, width, layers, scale)."""


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


def _cases(hunt: Hunt, **more: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "kind": st.sampled_from(hunt.kinds),
            "width": st.integers(1, 5),
            "layers": st.integers(hunt.least_layers, 4),
            "scale": st.sampled_from(SCALES),
            "box": st.sampled_from(BOXES).map(list),
            "size": st.integers(*hunt.sizes),
            "seed": SEEDS,
            **more,
        }
    )


def _made(hunt: Hunt, case: Case) -> tuple[Graph, Ticket, tuple[float, float]]:
    make = KINDS[case["kind"]]
    target = make(np.random.default_rng(case["seed"]), case["width"], case["layers"], float(case["scale"]))
    low, high = case["box"]
    ticket, _ = hunt.make(case["size"]).ticket(target, input_box=(low, high), seed=case["seed"])
    return target, ticket, (low, high)


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
    """Values of any size, equal and extreme ones too, and targets at the ends of their sums and beyond."""
    number = st.floats(-1e6, 1e6) | st.integers(-20, 20).map(float) | st.integers(-60, 60).map(lambda k: -(2.0**k))
    values = draw(st.lists(number, min_size=1, max_size=8) | st.builds(lambda x, n: [x] * n, number, st.integers(1, 8)))
    ends = [sum(value for value in values if value > 0.0), sum(value for value in values if value < 0.0)]
    target = draw(number | st.sampled_from([*ends, 2.0 * ends[0] + 1.0, 0.0]))
    return {"values": values, "target": target, "size": draw(st.none() | st.integers(0, len(values)))}


def _softmax(key: str, case: Case) -> float:
    """Distance of two softmax averages over what scores that differ so much may change."""
    generator = np.random.default_rng(case["seed"])
    radius, error, width = float(case["radius"]), float(case["score_error"]), case.get("d_in", 3)
    rows = generator.standard_normal((case["rows"], width))
    rows *= radius / np.linalg.norm(rows, axis=1, keepdims=True)
    if case["corners"]:
        rows = np.sign(rows) * radius / math.sqrt(width)
    scores = generator.standard_normal(case["rows"]) * case["spread"]
    sides = np.sign(rows[:, 0])
    if case["opposite"]:  # two tokens, with the weights that are moved most
        rows[:, 1:] = 0.0
        rows[:, 0], scores = sides * radius, -error * sides
    moved = scores + error * (sides if case["opposite"] or case["aligned"] else generator.uniform(-1.0, 1.0, len(rows)))
    allowed = bounds[key](**{name: case[name] for name in bounds[key].parameters})
    found = float(np.linalg.norm(_average(scores, rows) - _average(moved, rows))) * (1.0 - ROUNDING)
    return found / allowed if allowed > 0.0 else (math.inf if found > 0.0 else math.nan)


def _average(scores: Any, rows: Any) -> Any:
    weights = np.exp(scores - scores.max())
    return weights / weights.sum() @ rows


def _softmax_cases(key: str) -> st.SearchStrategy[dict[str, Any]]:
    more = {
        "rows": st.integers(1, 64),
        "spread": st.sampled_from([0.0, 1.0, 5.0, 50.0]),
        **dict.fromkeys(("corners", "aligned", "opposite"), st.booleans()),
        "seed": SEEDS,
    }
    return st.tuples(drawn(key, d_in=(1, 16)), st.fixed_dictionaries(more)).map(lambda both: {**both[0], **both[1]})


def _layer_errors(case: Case) -> float:
    """Change of the output when every parameter moves by what Burkholz's formula allows, over eps."""
    generator, eps, layers = np.random.default_rng(case["seed"]), float(case["eps"]), len(case["scales"])
    widths = [*case["widths"], *[1] * (layers + 1)][: layers + 1]
    weights = [
        _filled(generator, case["entries"], pair, s) for pair, s in zip(pairwise(widths), case["scales"], strict=True)
    ]
    biases = [case["bias"] * generator.choice([-1.0, 1.0], width) for width in widths[1:]]
    values = moved = case["inputs"] * np.concatenate(
        [generator.uniform(-1.0, 1.0, (20, widths[0])), np.ones((1, widths[0]))]
    )
    norms = [float(np.abs(weight).sum(axis=1).max()) for weight in weights]
    for number, (weight, bias) in enumerate(zip(weights, biases, strict=True), start=1):
        signal, later = float(np.abs(values).sum(axis=1).max()), max([0.01, *norms[number:]])
        if signal > 1e6:
            return math.nan  # beyond what the bound declares
        allowed = bounds["burkholz2022a.layer_error"](
            eps=eps, layers=layers, layer=number, signal=signal, norm=min(later, 100.0), fan_in=widths[number - 1]
        )
        signs = np.ones(weight.shape) if case["upwards"] else generator.choice([-1.0, 1.0], weight.shape)
        moved = _activated(moved @ (weight + allowed * signs).T + bias + allowed, last=number == layers)
        values = _activated(values @ weight.T + bias, last=number == layers)
    if np.abs(values).max() > 1e9 * eps:
        return math.nan  # rounding is of the order of what is allowed
    return float(np.abs(moved - values).max()) / eps * (1.0 - 1e-4)


def _filled(generator: np.random.Generator, entries: str, shape: tuple[int, int], norm: float) -> Any:
    """A matrix of outputs by inputs with rows of a norm: of normal entries, of equal ones, or of one that is not 0."""
    weight = np.ones(shape[::-1]) if entries == "equal" else generator.standard_normal(shape[::-1])
    if entries == "one":
        weight[:, 1:] = 0.0
    return norm * weight / np.abs(weight).sum(axis=1, keepdims=True)


def _activated(sums: Any, *, last: bool) -> Any:
    return sums if last else np.maximum(sums, 0.0)


def _layered() -> st.SearchStrategy[dict[str, Any]]:
    """Signals and weights from tiny to wide, layers from one unit to hundreds, entries equal or not."""
    first, norms = magnitudes(1e-9, 1e3), across(bounds["burkholz2022a.layer_error"].parameters["norm"])
    return st.fixed_dictionaries(
        {
            "widths": st.lists(magnitudes(1.0, 400.0).map(round), min_size=2, max_size=6),
            "scales": st.builds(lambda one, more: [one, *more], first, st.lists(norms, max_size=4)),
            "entries": st.sampled_from(["normal", "equal", "one"]),
            "inputs": magnitudes(1e-6, 1e3),
            "bias": st.sampled_from([0.0, 1e-6, 1.0, 100.0]),
            "eps": across(bounds["burkholz2022a.layer_error"].parameters["eps"], low=1e-6),
            "upwards": st.booleans(),
            "seed": SEEDS,
        }
    )


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
        cases=lambda: _cases(HUNTS["per-weight"], radius=st.sampled_from([0.0, 1e-9, 0.01, 0.2, 10.0])),
        ratio=_around,
        share=0.25,
    ),
    Inequality(
        key="solution.optimal",
        claim="what is called optimal is the optimum in rational arithmetic, with or without a size",
        cases=_instances,
        ratio=_solution,
        share=3.0,
    ),
    *(
        Inequality(
            key=key,
            claim="scores that differ by so much move a softmax average by no more than the bound",
            cases=partial(_softmax_cases, key),
            ratio=partial(_softmax, key),
            share=10.0,
        )
        for key in ("otsuka2025.softmax_error", "derived.softmax.error")
    ),
    Inequality(
        key="burkholz2022a.layer_error",
        claim="parameters that move by so much move the output by at most eps",
        cases=_layered,
        ratio=_layer_errors,
        share=10.0,
    ),
)

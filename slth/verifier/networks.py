"""Checks of certificates and of inequalities about networks: random networks, and gradient ascent on the difference."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st

from slth.constructions import Attention, Conv, Dense, Structured
from slth.constructions.attention import construct_attention
from slth.constructions.conv import construct_conv
from slth.constructions.dense import construct_dense
from slth.constructions.structured import construct_structured
from slth.networks import attack_difference
from slth.networks.attention_attack import attack_attention
from slth.subset_sum import solve
from slth.theory import bounds
from slth.tickets import AttentionNetwork, ConvLayer, ConvNetwork, DenseLayer, DenseNetwork, Flatten, Pool
from slth.verifier.nouns import Case, Check, Inequality

STARTS, STEPS = 3, 40


def _whole(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high)


def _seeds() -> st.SearchStrategy[int]:
    return st.integers(0, 2**32 - 1)


def _dense_network(generator: np.random.Generator, sizes: list[int], *, scale: float = 1.0) -> DenseNetwork:
    last = len(sizes) - 2
    return DenseNetwork(
        [
            DenseLayer(
                generator.standard_normal((outputs, inputs)) * scale / math.sqrt(inputs),
                generator.standard_normal(outputs) * 0.3,
                "identity" if number == last else "relu",
            )
            for number, (inputs, outputs) in enumerate(pairwise(sizes))
        ]
    )


def _dense(case: Case) -> float:
    generator = np.random.default_rng(case["seed"])
    target = _dense_network(generator, [case["inputs"], *[case["width"]] * (case["layers"] - 1), 2])
    box = (float(case["low"]), 1.0)
    made = construct_dense(target, Dense(candidates=case["candidates"]), input_box=box, seed=case["seed"])
    found = attack_difference(target, made.ticket, input_box=box, starts=STARTS, steps=STEPS, seed=case["seed"])
    return _over(found.error, made.certificate)


def _over(error: float, certificate: Any) -> float:
    """What was observed in float64 over what the certificate allows there."""
    allowed = certificate.error + certificate.float64_allowance
    return error / allowed if allowed > 0.0 else (math.inf if error > 0.0 else math.nan)


def _images(generator: np.random.Generator, case: Case) -> ConvNetwork:
    channels, side = case["channels"], 6
    steps: list[Any] = [_convolution(generator, 1, channels)]
    if case["pool"]:
        steps.append(Pool("max", (2, 2)))
        side //= 2
    if case["layers"] > 2:
        steps.append(_convolution(generator, channels, channels))
    head = generator.standard_normal((2, channels * side * side, 1, 1)) / math.sqrt(channels * side * side)
    return ConvNetwork((1, 6, 6), [*steps, Flatten(), ConvLayer(head, activation="identity")])


def _convolution(generator: np.random.Generator, inputs: int, outputs: int) -> ConvLayer:
    kernel = generator.standard_normal((outputs, inputs, 3, 3)) / math.sqrt(9 * inputs)
    return ConvLayer(kernel, padding=(1, 1))


def _structured(case: Case) -> float:
    generator = np.random.default_rng(case["seed"])
    target, box = _images(generator, case), (float(case["low"]), 1.0)
    method = Structured(channels=case["candidates"], gain="unit", beam=1)
    made = construct_structured(target, method, input_box=box, seed=case["seed"])
    found = attack_difference(target, made.ticket, input_box=box, starts=STARTS, steps=STEPS, seed=case["seed"])
    return _over(found.error, made.certificate)


def _conv(case: Case) -> float:
    generator = np.random.default_rng(case["seed"])
    target, box = _images(generator, case), (float(case["low"]), 1.0)
    made = construct_conv(target, Conv(candidates=case["candidates"]), input_box=box, seed=case["seed"])
    found = attack_difference(target, made.ticket, input_box=box, starts=STARTS, steps=STEPS, seed=case["seed"])
    return _over(found.error, made.certificate)


def _attention(case: Case) -> float:
    generator = np.random.default_rng(case["seed"])
    target = _block(generator, tokens=case["tokens"], width=4, heads=2)
    made = construct_attention(target, Attention(candidates=case["candidates"]), seed=case["seed"])
    found = attack_attention(target, made.ticket, starts=STARTS, steps=STEPS, seed=case["seed"])
    return _over(found.error, made.certificate)


def _block(generator: np.random.Generator, *, tokens: int, width: int, heads: int) -> AttentionNetwork:
    def matrices(inputs: int, outputs: int) -> Any:
        return generator.standard_normal((heads, inputs, outputs)) / math.sqrt(inputs)

    embedding = _dense_network(generator, [2 + tokens, width])
    readout = _dense_network(generator, [width, 2])
    return AttentionNetwork(tokens, embedding, matrices(width, width), matrices(width, width), readout)


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
    target = _dense_network(generator, [width] * (layers + 1), scale=case["scale"])
    inputs = generator.uniform(-1.0, 1.0, (200, width))
    norm = max(float(np.abs(layer.weight).sum(axis=1).max()) for layer in target.layers)
    if not 0.01 <= norm <= 100.0:
        return math.nan
    signals, values = [], inputs
    for layer in target.layers:
        signals.append(float(np.abs(values).sum(axis=1).max()))
        values = values @ layer.weight.T + (0.0 if layer.bias is None else layer.bias)
        values = np.maximum(values, 0.0) if layer.activation == "relu" else values
    moved = inputs
    for number, (layer, signal) in enumerate(zip(target.layers, signals, strict=True), start=1):
        allowed = bounds["burkholz2022a.layer_error"](
            eps=case["eps"], layers=layers, layer=number, signal=signal, norm=norm
        )
        signs = np.where(generator.random(layer.weight.shape) < case["positive"], 1.0, -1.0)
        bias = (0.0 if layer.bias is None else layer.bias) + allowed
        moved = moved @ (layer.weight + allowed * signs).T + bias
        moved = np.maximum(moved, 0.0) if layer.activation == "relu" else moved
    return float(np.abs(moved - values).max()) / float(case["eps"])


BELOW = "no input of the box has a larger error, gradient ascent on the error included"
IMAGES = {
    "channels": _whole(1, 3),
    "layers": _whole(2, 3),
    "pool": st.booleans(),
    "low": st.sampled_from([0.0, -1.0]),
    "seed": _seeds(),
}

CHECKS: tuple[Check, ...] = (
    Inequality(
        key="certificate.dense",
        claim=BELOW,
        cases=lambda: st.fixed_dictionaries(
            {
                "inputs": _whole(1, 6),
                "width": _whole(1, 6),
                "layers": _whole(1, 4),
                "candidates": _whole(4, 16),
                "low": st.sampled_from([0.0, -1.0]),
                "seed": _seeds(),
            }
        ),
        ratio=_dense,
    ),
    Inequality(
        key="certificate.structured",
        claim=BELOW,
        cases=lambda: st.fixed_dictionaries({**IMAGES, "candidates": _whole(50, 300)}),
        ratio=_structured,
        share=0.5,
    ),
    Inequality(
        key="certificate.conv",
        claim=BELOW,
        cases=lambda: st.fixed_dictionaries({**IMAGES, "candidates": _whole(4, 10)}),
        ratio=_conv,
        share=0.5,
    ),
    Inequality(
        key="certificate.attention",
        claim=BELOW,
        cases=lambda: st.fixed_dictionaries({"tokens": _whole(2, 3), "candidates": _whole(6, 14), "seed": _seeds()}),
        ratio=_attention,
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

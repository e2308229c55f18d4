"""Unspecified constants measured: the smallest C for which a sufficient condition agrees with what happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from slth.theory import bounds
from slth.verifier.nouns import Case, Check, Constant
from slth.verifier.samples import (
    MOST_COVERED,
    count_reached,
    draw,
    least_covering,
    least_equal,
    least_reaching,
    subsets,
)

ARGUMENTS_OF_SAMPLES = ("law", "high", "sides", "largest_error")
"""Entries of a regime that say what is measured, and are no arguments of the bound."""


def _factor(key: str, case: Case, n: float) -> float:
    """The C at which the bound, not rounded up, is n."""
    bound = bounds[key]
    arguments = {name: case[name] for name in bound.parameters if name in case}
    return n / float(bound.formula(**{**_defaults(key), **arguments}, constant=1.0))


def _defaults(key: str) -> dict[str, Any]:
    return {name: p.default for name, p in bounds[key].parameters.items() if p.default is not None}


def _covering(case: Case, count: int, seed: int) -> Any:
    """Least n whose sums come within eps of all of [-high, high]."""
    generator = np.random.default_rng(seed)
    high = case.get("high", 0.5)
    most = int(case.get("most", MOST_COVERED))
    sides = int(case.get("sides", 1))
    least = [
        max(least_covering(draw(case["law"], generator, (most,)), (-high, high), case["eps"]) for _ in range(sides))
        for _ in range(count)
    ]
    return np.ceil(np.array(least) / case.get("channels", 1))


def _reaching(case: Case, count: int, seed: int) -> Any:
    """Least n with a sum within eps of (1, ..., 1)."""
    generator = np.random.default_rng(seed)
    dimension = int(case["dimension"])
    return np.array(
        [
            least_reaching(draw(case["law"], generator, (18, dimension)), np.ones(dimension), case["eps"])
            for _ in range(count)
        ]
    )


def _equal(case: Case, count: int, seed: int) -> Any:
    """Least n of integers uniform on the grid's steps for which all its numbers in [-1/2, 1/2] are sums."""
    generator = np.random.default_rng(seed)
    steps = 2 ** int(case["bits"])
    targets = np.arange(-(steps // 2), steps // 2 + 1)
    return np.array([least_equal(generator.integers(-steps, steps + 1, 64), targets) for _ in range(count)])


def _sized(case: Case, count: int, seed: int) -> Any:
    """Least n, of those with whole k = density n, for which sums of exactly k values cover |z| <= sqrt(k)."""
    generator = np.random.default_rng(seed)
    step = round(1.0 / case["density"])
    sizes = range(step, 17 if step == 2 else 21, step)
    samples = draw("uniform", generator, (count, sizes[-1]))
    return np.array([next((n for n in sizes if _covers(row[:n], n // step, case["eps"])), np.inf) for row in samples])


def _covers(values: Any, size: int, eps: float) -> bool:
    ends = size**0.5
    sums = np.sort(subsets(len(values), size).astype(np.float64) @ values)
    inside = sums[(sums >= -ends - eps) & (sums <= ends + eps)]
    if len(inside) == 0 or inside[0] > -ends + eps or inside[-1] < ends - eps:
        return False
    return bool((np.diff(inside) <= 2.0 * eps).all())


def _amplified(case: Case, n: float) -> float:
    """Return n H2(k/n) / log2^2(k/eps): the bound is implicit, its constant is not."""
    density = case["density"]
    entropy = -density * np.log2(density) - (1.0 - density) * np.log2(1.0 - density)
    return float(n * entropy / np.log2(max(density * n, 1.0) / case["eps"]) ** 2) if np.isfinite(n) else float(n)


def _squared(case: Case, count: int, seed: int) -> Any:
    """Least k for which some k of the first k^2 vectors are good together."""
    generator = np.random.default_rng(seed)
    dimension = int(case["dimension"])
    samples = draw("scaled-normal", generator, (count, 25, dimension))
    target = np.ones(dimension)

    def good(row: Any, k: int) -> bool:
        return count_reached(row[None, : k * k], target, case["eps"], size=k) == 1

    return np.array([next((float(k) for k in range(1, 6) if good(row, k)), np.inf) for row in samples])


def _constant(
    key: str,
    claim: str,
    needed: Any,
    regimes: Sequence[Mapping[str, Any]],
    probability: float | str,
    factor: Callable[[Case, float], float] | None = None,
) -> Constant:
    """A constant; the probability is a number, or the regime's argument of which it is 1 minus."""

    def wanted(case: Case) -> float:
        return probability if isinstance(probability, float) else 1.0 - float(case[probability])

    return Constant(
        key=key,
        claim=claim,
        regimes=tuple(regimes),
        constant=partial(_factor, key) if factor is None else factor,
        probability=wanted,
        needed=needed,
    )


def _grid(eps: Sequence[float], **same: Any) -> list[dict[str, Any]]:
    return [{"eps": one, **same} for one in eps]


ONE_WEIGHT = {"d_in": 1, "d_out": 1, "layers": 1}


COVER = "the sums of n values come within eps of every target of the interval"
USUAL = (0.45, 0.3, 0.1, 0.03, 0.01, 0.003)
COARSE = (0.45, 0.1, 0.03, 0.01)

CHECKS: tuple[Check, ...] = (
    _constant("lueker1998.candidates", COVER, _covering, _grid(USUAL, delta=0.1, law="uniform"), "delta"),
    _constant(
        "lueker1998.other_laws", f"{COVER}; normal law", _covering, _grid(USUAL, delta=0.1, law="normal"), "delta"
    ),
    _constant("lueker1998.products", COVER, _covering, _grid((0.2, 0.1), law="products", high=1.0, most=80), "eps"),
    _constant(
        "dacunha2023.subset_sum.candidates",
        f"{COVER}; high probability taken to be 0.9",
        _covering,
        _grid(USUAL, law="uniform"),
        0.9,
    ),
    _constant(
        "burkholz2022c.candidates",
        COVER,
        _covering,
        [{**one, "largest": m, "high": m} for m in (1.0, 2.0) for one in _grid((0.45, 0.1), delta=0.1, law="uniform")],
        "delta",
    ),
    _constant(
        "burkholz2022a.width",
        f"{COVER}; one neuron, one parameter of [-1, 1]",
        _covering,
        _grid(COARSE, delta=0.1, law="uniform", high=1.0, units=1, problems=1),
        "delta",
    ),
    _constant(
        "dacunha2022.candidates",
        f"{COVER}; one kernel entry; 2n channels, those with u of the other sign removed",
        _covering,
        _grid(
            (0.1, 0.05),
            delta=0.1,
            law="products",
            channels=2,
            high=1.0,
            most=80,
            c_in=1,
            c_out=1,
            kernel=1,
            layers=1,
        ),
        "delta",
    ),
    _constant(
        "pensia2020.width",
        f"{COVER}; one weight, one hidden unit a candidate of the sign that it has",
        _covering,
        _grid((0.3, 0.2), delta=0.1, law="products", high=1.0, sides=2, most=80, **ONE_WEIGHT),
        "delta",
    ),
    _constant(
        "becchetti2022.fixed_target",
        "some sum comes within eps of (1, ..., 1), with probability 1/3",
        _reaching,
        [{"dimension": d, "eps": eps, "law": "normal"} for d, eps in ((1, 0.1), (1, 0.01), (2, 0.3), (2, 0.1))],
        1.0 / 3.0,
    ),
    _constant(
        "becchetti2022.candidates",
        f"{COVER}; d = 1, high probability taken to be 0.9",
        _covering,
        _grid(COARSE, law="normal", dimension=1, high=1.0),
        0.9,
    ),
    _constant(
        "kumar2025.candidates",
        "every number of the grid in [-1/2, 1/2] is a sum, in 0.9 of the samples; values uniform on the grid, as "
        "they are after the lemma's rejection of products",
        _equal,
        [{"bits": bits} for bits in (4, 6, 8)],
        0.9,
    ),
    _constant(
        "natale2024.amplified",
        "every |z| <= sqrt(k) is within eps of a sum of exactly k of n values, with probability 1 - eps",
        _sized,
        [{"density": density, "eps": eps} for density, eps in ((0.25, 0.3), (0.5, 0.3))],
        "eps",
        _amplified,
    ),
    _constant(
        "dacunha2023.structured.size",
        "some k of k^2 products u v come within eps of (1, ..., 1), with probability taken to be 1/3",
        _squared,
        [{"dimension": d, "eps": 0.2} for d in (1, 2)],
        1.0 / 3.0,
    ),
)

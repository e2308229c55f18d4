"""Unspecified constants measured: the smallest C for which a sufficient condition agrees with what happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from slth.experiments.verifier.nouns import Case, Check, Constant
from slth.experiments.verifier.samples import MOST_COVERED, draw, least_covering, least_equal, least_reaching
from slth.theory import bounds

ARGUMENTS_OF_SAMPLES = ("law", "high", "sides", "largest_error")
"""Entries of a regime that say what is measured, and are no arguments of the bound."""


def _shape(key: str, case: Case) -> float:
    """The bound at C = 1, not rounded up."""
    bound = bounds[key]
    arguments = {name: case[name] for name in bound.parameters if name in case}
    return float(bound.formula(**{**_defaults(key), **arguments}, constant=1.0))


def _defaults(key: str) -> dict[str, Any]:
    return {name: p.default for name, p in bounds[key].parameters.items() if p.default is not None}


def _covering(case: Case, count: int, seed: int) -> Any:
    """Least n whose sums come within eps of all of [-high, high]."""
    generator = np.random.default_rng(seed)
    high = case.get("high", 0.5)
    most = int(case.get("most", MOST_COVERED))
    sides = int(case.get("sides", 1))
    return np.array(
        [
            max(least_covering(draw(case["law"], generator, (most,)), (-high, high), case["eps"]) for _ in range(sides))
            for _ in range(count)
        ]
    )


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


def _constant(
    key: str, claim: str, needed: Any, regimes: Sequence[Mapping[str, Any]], probability: float | str
) -> Constant:
    """A constant; the probability is a number, or the regime's argument of which it is 1 minus."""

    def wanted(case: Case) -> float:
        return probability if isinstance(probability, float) else 1.0 - float(case[probability])

    return Constant(
        key=key,
        claim=claim,
        regimes=tuple(regimes),
        shape=partial(_shape, key),
        probability=wanted,
        needed=needed,
    )


def _grid(eps: Sequence[float], **same: Any) -> list[dict[str, Any]]:
    return [{"eps": one, **same} for one in eps]


ONE_WEIGHT = {"d_in": 1, "d_out": 1, "layers": 1}


def checks() -> tuple[Check, ...]:
    """The checks of this module.

    Returns
    -------
    tuple of Check
    """
    cover = "the sums of n values come within eps of every target of the interval"
    usual = (0.1, 0.03, 0.01, 0.003)
    coarse = (0.1, 0.03, 0.01)
    return (
        _constant("lueker1998.candidates", cover, _covering, _grid(usual, delta=0.1, law="uniform"), "delta"),
        _constant(
            "lueker1998.other_laws", f"{cover}; normal law", _covering, _grid(usual, delta=0.1, law="normal"), "delta"
        ),
        _constant("lueker1998.products", cover, _covering, _grid((0.2, 0.1), law="products", high=1.0, most=80), "eps"),
        _constant(
            "dacunha2023.subset_sum.candidates",
            f"{cover}; high probability taken to be 0.9",
            _covering,
            _grid(usual, law="uniform"),
            0.9,
        ),
        _constant(
            "burkholz2022c.candidates",
            cover,
            _covering,
            [{**one, "largest": m, "high": m} for m in (1.0, 2.0) for one in _grid(coarse, delta=0.1, law="uniform")],
            "delta",
        ),
        _constant(
            "burkholz2022a.width",
            f"{cover}; one neuron, one parameter",
            _covering,
            _grid(coarse, delta=0.1, law="uniform", units=1, problems=1),
            "delta",
        ),
        _constant(
            "dacunha2022.candidates",
            f"{cover}; one kernel entry, candidates u v with u of one sign",
            _covering,
            _grid((0.1, 0.05), delta=0.1, law="products", high=1.0, most=80, c_in=1, c_out=1, kernel=1, layers=1),
            "delta",
        ),
        _constant(
            "pensia2020.width",
            f"{cover}; one weight, one hidden unit a candidate of the sign that it has",
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
            f"{cover}; d = 1, high probability taken to be 0.9",
            _covering,
            _grid(coarse, law="normal", dimension=1, high=1.0),
            0.9,
        ),
        _constant(
            "kumar2025.candidates",
            "every number of the grid in [-1/2, 1/2] is a sum, in 0.9 of the samples; uniform values on the grid",
            _equal,
            [{"bits": bits} for bits in (4, 6, 8)],
            0.9,
        ),
    )

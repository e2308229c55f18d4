"""False bounds at the ends of their declared ranges: a verification of the usual effort finds each of them.

A planted bound is the true one but for a part at the end of a range, where a search of comfortable cases never goes.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from slth.theory import bounds
from slth.verifier import all_checks, cases, constants, estimates, networks, subset_sums
from slth.verifier.nouns import Effort, Estimate, Inequality, Probability
from slth.verifier.search import run_check


def within_three(value, given):
    return min(1.0, 3.0 * value)


def nearly_sure(value, given):
    return 0.95


def three_more(value, given):
    return value + 3


PLANTED = {
    "burkholz2022a.layer_error": (  # as it was recalled, and stood here
        lambda g: g["fan_in"] > 1,
        lambda value, g: bounds["burkholz2022a.layer_error"].formula(**{**g, "fan_in": 1}),
    ),
    "otsuka2025.softmax_error": (lambda g: g["score_error"] > 0.4, lambda value, g: value / 10.0),
    "derived.softmax.error": (lambda g: g["score_error"] > 100.0, lambda value, g: 0.9 * value),
    "derived.second_moment.fixed_size": (lambda g: g["size"] == g["n"], within_three),
    "derived.second_moment.probability": (lambda g: g["n"] == 1, within_three),
    "derived.second_moment.scaled": (lambda g: g["ratio"] > 100.0, nearly_sure),
    "derived.second_moment.uniform": (lambda g: abs(g["target"]) > 0.9 * (g["size"] ** 0.5 - g["eps"]), nearly_sure),
    "derived.first_moment.needed": (lambda g: g["largest"] < 0.5 and g["eps"] > 0.01, three_more),
    "derived.first_moment.fixed_size.needed": (lambda g: g["size"] == g["dimension"], three_more),
    "derived.first_moment.scaled.needed": (lambda g: g["probability"] < 0.01, three_more),
    "derived.first_moment.scaled.target_needed": (lambda g: g["size"] == g["dimension"] + 1, three_more),
    "derived.uniform.failure": (lambda g: g["eps"] < 0.1, lambda value, g: 0.0),
    "chijiwa2021.draws": (lambda g: g["eps"] < 1e-6, lambda value, g: 0.5 * value),
    "gadhikar2023.copies": (lambda g: g["density"] < 1e-6, lambda value, g: 0.5 * value),
    "kumar2026.naive": (lambda g: g["largest"] > 1000, within_three),
    "derived.structured.counting_error": (lambda g: g["radius"] > 1e3, lambda value, g: 1.5 * value),
    "lueker1998.growth": (lambda g: g["covered"] < 0.2, lambda value, g: 4.0 * value),
    "derived.covering.candidates": (lambda g: g["length"] < 0.1, lambda value, g: 1.5 * value + 4.0),
}
"""Where a bound is made false, by its arguments, and what is claimed there instead of its value."""


def plant(monkeypatch, key):
    where, claim = PLANTED[key]
    true = bounds[key]

    def formula(**given):
        value = true.formula(**given)
        return claim(value, given) if where(given) else value

    planted = {**bounds, key: replace(true, formula=formula)}
    for module in (cases, constants, estimates, networks, subset_sums):
        monkeypatch.setattr(module, "bounds", planted, raising=False)


@pytest.mark.parametrize("key", PLANTED)
def test_a_planted_bound_is_found(key, monkeypatch):
    plant(monkeypatch, key)
    # More than a hunt's usual cases: hypothesis also tries numbers that stand in the modules that happen to be loaded,
    # so that which cases a seed gives depends on the tests before.
    assert run_check(all_checks()[key], Effort(examples=120)).verdict == "violated"


def test_every_bound_that_is_tried_has_been_planted():
    tried = {key for key, check in all_checks().items() if isinstance(check, Inequality | Probability)}
    assert tried - set(PLANTED) == {key for key in tried if key.startswith(("certificate.", "solution."))}


@pytest.mark.parametrize(
    ("key", "false"),
    [
        pytest.param(
            "certificate.shallow",
            lambda target: max(abs(node.step.weight).max() for node in target.weighted) < 1e-3,
            marks=pytest.mark.slow,
        ),
        ("certificate.around", lambda target: len(target.weighted) == 1),
    ],
)
def test_a_certificate_that_is_false_in_a_corner_is_found(key, false, monkeypatch):
    real = networks.certify

    def certify(target, ticket, **options):
        found, part = real(target, ticket, **options), 0.5 if false(target) else 1.0
        if "inputs" in options:
            return SimpleNamespace(
                errors=part * np.asarray(found.errors), float64_allowance=found.float64_allowance,
                margins=found.margins, classes=found.classes,
            )  # fmt: skip
        return SimpleNamespace(error=part * found.error, float64_allowance=found.float64_allowance)

    monkeypatch.setattr(networks, "certify", certify)
    assert run_check(all_checks()[key], Effort()).verdict == "violated"


def test_an_optimum_of_equal_values_that_is_none_is_found(monkeypatch):
    real = networks.solve

    def solve(values, target, *, size):
        found = real(values, target, size=size)
        wrong = len(values) > 3 and len(set(values)) == 1
        return SimpleNamespace(
            subset=np.zeros(len(values), bool) if wrong and size is None else found.subset,
            error=found.error, lower_bound=found.lower_bound, status=found.status,
        )  # fmt: skip

    monkeypatch.setattr(networks, "solve", solve)
    assert run_check(all_checks()["solution.optimal"], Effort(examples=100)).verdict == "violated"


def test_a_shape_that_is_too_small_at_an_end_shows_in_its_constant(monkeypatch):
    PLANTED["lueker1998.candidates"] = (lambda g: g["eps"] > 0.2, lambda value, g: value / 50.0)
    try:
        plant(monkeypatch, "lueker1998.candidates")
    finally:
        del PLANTED["lueker1998.candidates"]
    assert run_check(all_checks()["lueker1998.candidates"], Effort(trials=20)).worst > 40.0


def test_a_model_that_is_wrong_at_an_end_shows_in_its_ratio(monkeypatch):
    check = all_checks()["derived.subset_sum.error"]
    assert isinstance(check, Estimate)
    largest = max(case["target"] for case in check.regimes)
    PLANTED[check.key] = (lambda g: g["target"] == largest, lambda value, g: 10.0 * value)
    try:
        plant(monkeypatch, check.key)
    finally:
        del PLANTED[check.key]
    assert run_check(check, Effort(trials=100)).worst < 0.2

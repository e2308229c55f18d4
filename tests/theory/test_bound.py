"""The noun: what it refuses, what it says, and that nothing can be changed."""

from __future__ import annotations

import dataclasses
import math
import pickle

import numpy as np
import pytest

from slth.errors import ArgumentError, ResourceError
from slth.theory import Assumption, Bound, BoundValue, Parameter, bounds


def bound(formula=lambda x: 2.0 * x, **changes):
    fields = {
        "key": "example.double",
        "title": "twice",
        "citation": "nobody",
        "statement": "y = 2 x",
        "quantity": "nothing",
        "direction": "identity",
        "provenance": "derived",
        "formula": formula,
        "parameters": {"x": Parameter(meaning="a number", least=0.0, most=1e3)},
    }
    return Bound(**{**fields, **changes})


def test_values_and_what_is_said_beside_them():
    found = bound(provenance="recalled", caveat="unsure", implicit=True).evaluate(x=3)
    assert isinstance(found, BoundValue)
    assert float(found) == found.value == 6.0
    assert found.arguments == {"x": 3.0}
    said = "recalled, unverified against the paper; unsure, an equation solved"
    assert str(found) == f"example.double(x = 3) = 6 [{said}]"
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize(("value", "counted"), [(0.5, 1.0), (1.5, 3.0), (0.0, 0.0)])
def test_counts_are_rounded_up(value, counted):
    assert bound(count=True)(x=value) == counted


def test_numbers_of_numpy_are_numbers():
    assert bound()(x=np.float32(0.5)) == bound()(x=np.int64(2)) / 4.0 == 1.0


def test_defaults():
    with_default = bound(parameters={"x": Parameter(meaning="a number", default=4.0)})
    assert with_default() == 8.0
    assert with_default(x=1.0) == 2.0


@pytest.mark.parametrize(
    ("changes", "given", "words"),
    [
        ({}, {}, "x=None is missing for example.double"),
        ({}, {"x": -1.0}, r"x=-1.0 must lie in \[0, 1000\]"),
        ({}, {"x": 10**400}, "must be finite"),
        ({}, {"x": 1.0, "xx": 2.0}, "xx=2.0 is no argument of example.double: did you mean x"),
        ({"parameters": {"x": Parameter(meaning="many", whole=True)}}, {"x": 1.5}, "must be a whole number"),
        ({"parameters": {"x": Parameter(meaning="open", above=0.0, below=1.0)}}, {"x": 1.0}, r"must lie in \(0, 1\)"),
        ({"assumptions": (Assumption(words="x is above 1", holds=lambda them: them["x"] > 1),)}, {"x": 1.0},
         "assumes that x is above 1, which does not hold for x = 1"),
    ],
)  # fmt: skip
def test_refusals(changes, given, words):
    with pytest.raises(ArgumentError, match=words):
        bound(**changes)(**given)


@pytest.mark.parametrize("formula", [lambda x: math.inf, lambda x: math.exp(1e3 + x), lambda x: float(10**400)])
def test_what_leaves_the_doubles_is_an_error(formula):
    for count in (True, False):
        with pytest.raises(ResourceError, match="no value that fits a double"):
            bound(formula, count=count)(x=1.0)


def test_formulas_must_take_the_parameters():
    with pytest.raises(ArgumentError, match="does not take the keywords x"):
        bound(lambda y: y)
    with pytest.raises(ArgumentError, match="does not take the keywords x, constant"):
        bound(constant="x")
    with pytest.raises(ArgumentError, match="reserved name"):
        bound(lambda constant: constant, parameters={"constant": Parameter(meaning="C")})


def test_nothing_can_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        bound().key = "other"  # type: ignore[misc]
    parameters = {"x": Parameter(meaning="a number")}
    made = bound(parameters=parameters)
    parameters.clear()
    assert list(made.parameters) == ["x"]


def test_ranges_as_text():
    assert Parameter(meaning="any").range_text() == "(-inf, inf)"
    assert Parameter(meaning="half open", above=0.0, most=1.0).range_text() == "(0, 1]"
    assert Parameter(meaning="nearly 1", least=1e-9, most=1 - 1e-9).range_text() == "[1e-09, 0.999999999]"
    for bound, name in ((b, name) for b in bounds.values() for name in b.parameters):
        parameter = bound.parameters[name]
        low, high = (float(end) for end in parameter.range_text()[1:-1].split(", "))
        assert (low, high) == (max(parameter.least, parameter.above), min(parameter.most, parameter.below)), bound.key

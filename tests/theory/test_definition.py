"""Bounds made by the decorator, as users make their own: what is read from a formula, and what is refused."""

from __future__ import annotations

import doctest
import inspect
import math
import pkgutil
import subprocess
import sys
from typing import Annotated

import pytest

import slth.theory
from slth.errors import ArgumentError
from slth.theory import Assumption, Bound, Parameter, bound, bounds, positive, small, whole
from slth.theory.parameters import FALLS, FREE

FIELDS = {"quantity": "values", "provenance": "derived"}
Error = Annotated[float, small("error that is allowed")]


@bound(
    "mine.repeated.candidates",
    "this test",
    direction="necessary",
    assumes=[Assumption(words="the length is above 2 eps", holds=lambda given: given["length"] > 2.0 * given["eps"])],
    count=True,
    constant="ln(L / (2 eps)) / ln(r + 1)",
    caveat="unsure",
    **FIELDS,
)
def repeats(
    *,
    eps: Error,
    uses: Annotated[int, whole("how often a value may be used", most=100), FALLS],
    length: Annotated[Error, FREE, {"meaning": "side", "below": math.inf, "most": 10.0}] = 1.0,
    constant: float,
) -> float:
    """Values that cover an interval when each may be used r times
    and no more.

    Sums with coefficients 0..r are within eps of each point of a length L
    only if C (r+1)^n 2 eps >= L.

    Counted, not looked up.

    Twice.

    >>> repeats(eps=0.001, uses=1, constant=1.0)
    9.0
    """
    return constant * math.log(length / (2.0 * eps)) / math.log(uses + 1.0)


def test_the_name_is_the_bound():
    assert isinstance(repeats, Bound)
    assert repeats(eps=0.001, uses=1, constant=1.0) == 9.0
    assert repeats.formula(eps=0.125, uses=1, constant=1.0) == 2.0
    assert repeats.key == "mine.repeated.candidates"
    assert (repeats.direction, repeats.provenance, repeats.caveat) == ("necessary", "derived", "unsure")
    assert (repeats.count, repeats.implicit) == (True, False)
    with pytest.raises(ArgumentError, match="the length is above 2 eps, which does not hold"):
        repeats(eps=0.5, uses=1, constant=1.0)
    with pytest.raises(ArgumentError, match=r"O\(\.\) result"):
        repeats(eps=0.5, uses=1)


def test_the_docstring_is_what_it_says():
    assert repeats.title == "Values that cover an interval when each may be used r times and no more"
    assert repeats.statement.startswith("Sums with coefficients 0..r are")
    assert repeats.statement.endswith("of a length L only if C (r+1)^n 2 eps >= L.")
    assert repeats.remark == "Counted, not looked up. Twice."
    assert inspect.getdoc(repeats) == inspect.getdoc(repeats.formula)
    assert inspect.signature(repeats) == inspect.signature(repeats.formula)
    examples = [test for test in doctest.DocTestFinder().find(sys.modules[__name__]) if test.examples]
    assert [test.name.rpartition(".")[2] for test in examples] == ["repeats"]


def test_annotations_are_the_parameters():
    assert repeats.parameters == {
        "eps": small("error that is allowed"),
        "uses": Parameter(meaning="how often a value may be used", least=1, most=100, whole=True, monotone=-1),
        "length": Parameter(meaning="side", least=1e-30, most=10.0, default=1.0),
    }
    assert repeats.evaluate(eps=0.1, uses=1, constant=1.0).arguments["length"] == 1.0


def without_statement(*, n: Error) -> float:
    """Title alone."""
    return n


def without_parameter(*, n: float) -> float:
    """Title.

    Statement.
    """
    return n


def without_name(*, n: Missing) -> float:  # noqa: F821
    """Title.

    Statement.
    """
    return n


def with_a_strange_change(*, n: Annotated[Error, {"mostly": 1.0}]) -> float:
    """Title.

    Statement.
    """
    return n


def with_constant(*, n: Error, constant: float) -> float:
    """Title.

    Statement.
    """
    return n * constant


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (without_statement, "lacks a title or a statement"),
        (lambda n: n, "lacks a title or a statement"),
        (without_parameter, "'n' is an argument without a Parameter"),
        (without_name, "name 'Missing' is not defined"),
        (with_a_strange_change, "mostly"),
        (with_constant, "does not take the keywords n"),
    ],
)
def test_formulas_that_do_not_say_enough_are_refused(formula, words):
    with pytest.raises(ArgumentError, match="^formula=.*" + words):
        bound("mine.plain", "this test", **FIELDS)(formula)


def test_a_constant_that_the_formula_does_not_take_is_refused():
    def plain(*, n: Annotated[float, positive("a number")]) -> float:
        """Title.

        Statement.
        """
        return n

    with pytest.raises(ArgumentError, match="does not take the keywords n, constant"):
        bound("mine.plain", "this test", constant="n", **FIELDS)(plain)


def test_no_exported_name_is_a_module():
    """Importing slth.theory.x rebinds slth.theory.x: a name that is both would change its meaning."""
    assert not {module.name for module in pkgutil.iter_modules(slth.theory.__path__)} & set(slth.theory.__all__)


def test_the_catalogue_evaluates_without_docstrings():
    code = "from slth import bounds; print(bounds['malach2020.factor'](d=2, layers=3, constant=1.0), len(bounds))"
    found = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["144.0", str(len(bounds))]

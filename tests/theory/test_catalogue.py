"""Every bound of the catalogue: what it declares about its arguments and its values, tried."""

from __future__ import annotations

import pkgutil
import re
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import slth
from slth.errors import ArgumentError, ResourceError
from slth.theory import Assumption, Bound, Parameter, bounds
from slth.theory.catalogue import DERIVED, FAMILIES
from tests.theory.bound_strategies import allowed, arguments, example

NAMED = {
    "lueker1998", "dacunha2023", "becchetti2022", "malach2020", "orseau2020", "pensia2020", "dacunha2022",
    "burkholz2022a", "burkholz2022b", "gadhikar2023", "ferbach2023", "diffenderfer2021", "sreenivasan2022", "xiong2023",
    "natale2024", "kumar2025", "otsuka2025", "borgs2001", "boettcher2008", "yakir1996", "derived",
}  # fmt: skip
ROUNDING = 1e-8
FEW = settings(suppress_health_check=[*HealthCheck], max_examples=max(8, settings().max_examples // 8), deadline=None)

SLOW = {"derived.first_moment.error": 3, "derived.second_moment.candidates": 4}
"""Examples of a bound that takes half a second."""


def constant_of(bound: Bound) -> dict[str, float]:
    return {} if bound.constant is None else {"constant": 1.0}


def value_of(bound: Bound, given_arguments: dict[str, float]) -> float:
    """The value; arguments for which it leaves the doubles, and says so, are not looked at."""
    try:
        return bound(**given_arguments, **constant_of(bound))
    except ResourceError:
        assume(False)
        raise


def values(bound: Bound) -> None:
    """Values are finite, whole where they count, probabilities where they are one, and monotone where declared."""

    @settings(FEW, max_examples=SLOW.get(bound.key, FEW.max_examples))
    @given(data=st.data())
    def check(data):
        drawn = data.draw(arguments(bound))
        assume(allowed(bound, drawn))
        found = value_of(bound, drawn)
        assert abs(found) < float("inf"), "finite"
        assert not bound.count or found == int(found) >= 0.0, "whole where it counts"
        if bound.quantity.startswith(("probability", "failure probability", "density")) and bound.constant is None:
            assert 0.0 <= found <= 1.0, "from 0 to 1"
        for name, parameter in bound.parameters.items():
            if parameter.monotone:
                other = {**drawn, name: data.draw(arguments(bound))[name]}
                if other != drawn and allowed(bound, other):
                    rise = (value_of(bound, other) - found) * (1 if other[name] > drawn[name] else -1)
                    assert parameter.monotone * rise >= -ROUNDING * abs(found), f"monotone in {name}"

    check()


def constants(bound: Bound) -> None:
    """A constant is asked for where the result is an order, must be positive, and is refused elsewhere."""
    drawn = example(bound)
    if bound.constant is None:
        with pytest.raises(ArgumentError, match=r"constant=1\.0 is no argument of"):
            bound(**drawn, constant=1.0)
    else:
        with pytest.raises(ArgumentError, match=r"O\(\.\) result"):
            bound(**drawn)
        with pytest.raises(ArgumentError, match=r"constant=0\.0"):
            bound(**drawn, constant=0.0)


def assumptions(bound: Bound) -> None:
    """A violated assumption is named, with the bound."""
    for index, assumption in enumerate(bound.assumptions):
        if assumption.holds is not None:
            with pytest.raises(ArgumentError) as problem:
                bound(**example(bound, index), **constant_of(bound))
            assert assumption.words in str(problem.value)
            assert bound.key in str(problem.value)


def ranges(bound: Bound) -> None:
    """What is no number of an argument's range is refused under the argument's name, and so are other arguments."""
    drawn = {**example(bound), **constant_of(bound)}
    for name in bound.parameters:
        for wrong in (float("nan"), float("inf"), "many", True, None):
            with pytest.raises(ArgumentError, match=f"^{name}="):
                bound(**{**drawn, name: wrong})
    with pytest.raises(ArgumentError, match="nonsense"):
        bound(**drawn, nonsense=1.0)


def words(bound: Bound) -> None:
    """How well it is known stands beside every value; nothing that users read is empty; titles have no full stop."""
    found = str(bound.evaluate(**example(bound), **constant_of(bound)))
    assert bound.provenance != "recalled" or "unverified against the paper" in found
    assert bound.provenance != "derived" or "derived in this project" in found
    assert bound.constant is None or "C = 1 assumed" in found
    assert not bound.implicit or "solved" in found
    assert {bound.title, bound.citation, bound.statement, bound.quantity}.isdisjoint({""})
    assert bound.statement.endswith(".") > bound.title.endswith(".")
    assert all(argument.meaning for argument in bound.parameters.values())


def logarithms(bound: Bound) -> None:
    """ln or log2 in what is evaluated; log alone stands only in orders of growth that are quoted in words."""
    said = " ".join([bound.statement, bound.constant or "", *(one.words for one in bound.assumptions)])
    for quoted in ("O(n log n) steps", "polynomially small function of log(1/delta)"):
        said = said.replace(quoted, "")
    assert not re.search(r"\blog(?!2|arithm)", said)


def keep_the_rules(bound: Bound) -> None:
    for rule in (values, constants, assumptions, ranges, words, logarithms):
        try:
            rule(bound)
        except BaseException as broken:
            broken.add_note(f"{bound.key} breaks a rule: {rule.__doc__}")
            raise


@pytest.mark.parametrize("key", bounds)
def test_a_bound_keeps_the_rules(key):
    keep_the_rules(bounds[key])


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"formula": lambda x: -x}, "monotone in x"),
        ({"formula": lambda x: x - 1e4, "count": True}, "whole where it counts"),
        ({"formula": lambda x: x + 2.0, "quantity": "probability"}, "from 0 to 1"),
        ({"statement": "y = log x."}, "ln or log2"),
        ({"citation": ""}, "nothing that users read is empty"),
        ({"assumptions": (Assumption(words="x is small", holds=lambda them: them["x"] < 1e4),)}, "no arguments"),
    ],
)
def test_a_broken_rule_is_named(changes, rule):
    fields = {
        "key": "example.plain", "title": "Plain", "citation": "nobody", "statement": "y = x.", "quantity": "nothing",
        "direction": "identity", "provenance": "derived", "formula": lambda x: x,
        "parameters": {"x": Parameter(meaning="a number", least=0.0, most=1e3, monotone=1)},
    }  # fmt: skip
    keep_the_rules(Bound(**fields))
    with pytest.raises(BaseException) as problem:
        keep_the_rules(Bound(**{**fields, **changes}))
    assert rule in "".join([str(problem.value), *problem.value.__notes__])


def test_where_the_base_matters_it_is_said():
    for key in ("diffenderfer2021.width", "xiong2023.candidates", "xiong2023.weight", "xiong2023.width"):
        assert "C does not absorb it" in bounds[key].provenance_text


def test_probabilities_that_nobody_knows_are_said_where_a_value_is_printed():
    assert "c_thm is a positive constant that is not given" in str(
        bounds["natale2024.candidates"].evaluate(size=5, eps=0.01)
    )
    failure = bounds["xiong2023.failure"].evaluate(n=400, eps=0.0, excess=3.0)
    assert "whose C is unspecified" in str(failure)


def test_listing_the_catalogue_loads_no_solver():
    """Roots are imported where they are searched: the list is printed without them."""
    code = "import sys; from slth.theory import bounds; len(bounds); print([m for m in sys.modules if m == 'scipy'])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_keys_and_families():
    """Every bound that a module of the package defines is in the catalogue, under a key as the others are."""
    defined = {
        (value.key, name.rpartition(".")[2], ".derived." in name)
        for _, name, _ in pkgutil.walk_packages(slth.theory.__path__, "slth.theory.")
        for value in vars(pkgutil.resolve_name(name)).values()
        if isinstance(value, Bound) and value.__module__ == name
    }
    assert defined == {(key, bounds.family(key), bounds.family(key) in DERIVED) for key in bounds}
    assert {family for _, family, _ in defined} == set(FAMILIES)
    assert all(re.fullmatch(r"[a-z_]+(\d{4}[a-z]?)?(\.[a-z_]+)+", key) for key in bounds)
    assert {key.partition(".")[0] for key in bounds} >= NAMED
    assert len({bound.title for bound in bounds.values()}) == len(bounds)


def test_the_catalogue_is_a_mapping_that_explains():
    assert slth.bounds is bounds
    assert bounds.get("nothing.at.all") is None
    assert "pensia2020.width" in bounds
    assert 3 not in bounds
    with pytest.raises(ArgumentError, match=r"pensia2020\.width"):
        bounds["pensia2020.widht"]
    with pytest.raises(ArgumentError, match="slth bound ls"):
        bounds["qqqq"]
    with pytest.raises(TypeError):
        bounds["pensia2020.width"] = bounds["pensia2020.kept"]  # type: ignore[index]
    with pytest.raises(TypeError):
        bounds["pensia2020.width"].parameters["eps"] = None  # type: ignore[index]
    assert bounds["pensia2020.width"](d_in=500, d_out=10, layers=2, eps=0.01, delta=0.01, constant=1.0) == 6908

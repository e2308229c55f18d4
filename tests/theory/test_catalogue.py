"""Every bound of the catalogue: arguments from its declared ranges against what it declares about its values."""

from __future__ import annotations

import inspect
import pkgutil
import re
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import slth
import slth.theory
from slth.errors import ArgumentError, ResourceError
from slth.theory import Bound, bounds
from slth.theory.catalogue import FAMILIES
from tests.theory.bound_strategies import allowed, arguments, example

EVERY = pytest.mark.parametrize("bound", bounds.values(), ids=list(bounds))
ORDERED = [bound for bound in bounds.values() if any(one.monotone for one in bound.parameters.values())]
TESTED = [
    (bound, index)
    for bound in bounds.values()
    for index, assumption in enumerate(bound.assumptions)
    if assumption.holds is not None
]
NAMED = {
    "lueker1998", "dacunha2023", "becchetti2022", "malach2020", "orseau2020", "pensia2020", "dacunha2022",
    "burkholz2022a", "burkholz2022b", "gadhikar2023", "ferbach2023", "diffenderfer2021", "sreenivasan2022", "xiong2023",
    "natale2024", "kumar2025", "otsuka2025", "borgs2001", "boettcher2008", "yakir1996", "derived",
}  # fmt: skip
ROUNDING = 1e-8
FEW = settings(suppress_health_check=[*HealthCheck], max_examples=max(8, settings().max_examples // 8))


def constant_of(bound: Bound) -> dict[str, float]:
    return {} if bound.constant is None else {"constant": 1.0}


def value_of(bound: Bound, given_arguments: dict[str, float]) -> float:
    """The value; arguments for which it leaves the doubles, and says so, are not looked at."""
    try:
        return bound(**given_arguments, **constant_of(bound))
    except ResourceError:
        assume(False)
        raise


@EVERY
@FEW
@given(data=st.data())
def test_values_are_finite_and_whole_where_they_count(bound, data):
    drawn = data.draw(arguments(bound))
    assume(allowed(bound, drawn))
    found = value_of(bound, drawn)
    assert abs(found) < float("inf")
    if bound.count:
        assert found == int(found)
        assert found >= 0.0
    if bound.quantity.startswith(("probability", "failure probability", "density")) and bound.constant is None:
        assert 0.0 <= found <= 1.0


@pytest.mark.parametrize("bound", ORDERED, ids=[bound.key for bound in ORDERED])
@settings(FEW, max_examples=12)
@given(data=st.data())
def test_monotone_where_declared(bound, data):
    drawn, other = data.draw(arguments(bound)), data.draw(arguments(bound))
    compared = 0
    for name, parameter in bound.parameters.items():
        less, more = ({**drawn, name: value} for value in sorted([drawn[name], other[name]]))
        if parameter.monotone and less != more and allowed(bound, less) and allowed(bound, more):
            low, high = value_of(bound, less), value_of(bound, more)
            slack = ROUNDING * max(abs(low), abs(high))
            assert parameter.monotone * (high - low) >= -slack, name
            compared += 1
    assume(compared)


@EVERY
def test_constants_are_asked_for_where_the_result_is_an_order(bound):
    drawn = example(bound.key)
    if bound.constant is None:
        with pytest.raises(ArgumentError, match=r"constant=1\.0 is no argument of"):
            bound(**drawn, constant=1.0)
    else:
        with pytest.raises(ArgumentError, match=r"O\(\.\) result"):
            bound(**drawn)
        with pytest.raises(ArgumentError, match=r"constant=0\.0"):
            bound(**drawn, constant=0.0)


@pytest.mark.parametrize(("bound", "index"), TESTED, ids=[f"{bound.key}-{index}" for bound, index in TESTED])
def test_a_violated_assumption_is_named(bound, index):
    violated, drawn = bound.assumptions[index], example(bound.key, index)
    with pytest.raises(ArgumentError) as problem:
        bound(**drawn, **constant_of(bound))
    assert violated.words in str(problem.value)
    assert bound.key in str(problem.value)


@EVERY
def test_arguments_outside_their_range_are_refused(bound):
    drawn = example(bound.key)
    for name in bound.parameters:
        for wrong in (float("nan"), float("inf"), "many", True, None):
            with pytest.raises(ArgumentError, match=f"^{name}="):
                bound(**{**drawn, **constant_of(bound), name: wrong})
    with pytest.raises(ArgumentError, match="nonsense"):
        bound(**drawn, **constant_of(bound), nonsense=1.0)


@EVERY
def test_formulas_are_documented(bound):
    text = inspect.getdoc(bound.formula) or ""
    head, *rest = re.split(r"^(\w+)\n-{3,}$", text, flags=re.MULTILINE)
    sections = dict(zip(rest[::2], rest[1::2], strict=True))
    assert head.split("\n")[0].rstrip().endswith((".", "or"))
    assert "math:" in text or ">>>" in text
    wanted = {"Returns", "Notes", "Examples", *(["Parameters"] if bound.parameters else [])}
    assert wanted <= sections.keys()
    assert "Source:" in sections["Notes"]
    for name in bound.signature.parameters:
        assert re.search(rf"^(\w+, )*{name}(, \w+)* : ", sections["Parameters"], flags=re.MULTILINE), name


@EVERY
def test_provenance_is_said(bound):
    drawn = example(bound.key)
    found = bound.evaluate(**drawn, **constant_of(bound))
    if bound.provenance == "recalled":
        assert "unverified against the paper" in str(found)
    if bound.provenance == "derived":
        assert "derived in this project" in str(found)
    assert bound.constant is None or "C = 1 assumed" in str(found)
    assert not bound.implicit or "solved" in str(found)
    assert {bound.title, bound.citation, bound.statement, bound.quantity}.isdisjoint({""})
    assert all(argument.meaning for argument in bound.parameters.values())


@EVERY
def test_the_base_of_every_logarithm_is_said(bound):
    """ln or log2 in what is evaluated; log alone stands only in orders of growth that are quoted in words."""
    said = " ".join([bound.statement, bound.constant or "", *(one.words for one in bound.assumptions)])
    quoted = ("O(n log n) steps", "polynomially small function of log(1/delta)")
    for words in quoted:
        said = said.replace(words, "")
    assert not re.search(r"\blog(?!2|arithm)", said)


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
    modules = {module.name for module in pkgutil.iter_modules(slth.theory.__path__)}
    with_bounds = {name for name in modules if hasattr(pkgutil.resolve_name(f"slth.theory.{name}"), "BOUNDS")}
    assert with_bounds == set(FAMILIES)
    assert len(bounds) == sum(len(pkgutil.resolve_name(f"slth.theory.{name}").BOUNDS) for name in FAMILIES)
    for key, bound in bounds.items():
        assert key == bound.key
        assert re.fullmatch(r"[a-z_]+(\d{4}[a-z]?)?(\.[a-z_]+)+", key)
        assert bounds.family(key) in FAMILIES
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

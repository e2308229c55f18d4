"""The pages that are made: what the code says is on them, whole and once."""

from __future__ import annotations

import doctest
import importlib
import math
import re

import pytest
from making.api import api_pages, exporting_modules, places, value_docstring
from making.bounds import anchor, bound_pages
from making.folder import write_pages
from making.formulas import formula_latex, formula_source, name_latex, with_signs
from making.outside import figure_names, outside_pages
from making.verbs import keys_of, read_keys, verb_pages, verbs

import slth
from slth.theory import bounds
from slth.theory.fixed_size import binary_entropy
from tests.json_keys import faults


@pytest.mark.parametrize("name", ["api", "formulas", "markup", "outside", "verbs"])
def test_examples_of_the_makers(name):
    found = doctest.testmod(importlib.import_module(f"making.{name}"))
    assert found.attempted > 0
    assert found.failed == 0


def test_every_exported_name_is_described_once():
    modules = exporting_modules()
    assert set(places()) == {f"slth.{name}" for name in slth.__all__ if name != "__version__"}
    assert places()["slth.Scale"] == "slth.graphs.Scale"
    pages = api_pages()
    for module, names in modules.items():
        for name in names:
            assert len(re.findall(rf":: ({module}\.)?{name}$", pages[f"api/{module}.rst"], re.MULTILINE)) == 1
    assert "bounds" in pages["api/slth.theory.rst"]
    assert value_docstring(importlib.import_module("slth.theory"), "nothing") == ""


def test_every_bound_has_a_place_with_its_formula():
    pages = bound_pages()
    for key, bound in bounds.items():
        page = pages[f"bounds/{bounds.family(key)}.md"]
        assert page.count(f"({anchor(key)})=\n## {key}\n") == 1
        assert with_signs(bound.statement) in page
        assert formula_source(bound) in page
        assert "\n\n".join(formula_latex(bound) or []) in page
        assert f"[{key}]({bounds.family(key)}.md#{anchor(key)})" in pages["bounds/index.md"]
    assert len({anchor(key) for key in bounds}) == len(bounds)


def test_the_formula_on_the_page_is_the_one_that_is_evaluated():
    """The shown body, run on its own beside the module's names, gives the bound's value."""
    bound = bounds["pensia2020.width"]
    given = {"d_in": 500, "d_out": 10, "layers": 2, "eps": 0.01, "delta": 0.01, "constant": 1.0}
    lines = "\n".join(f"    {line}" for line in formula_source(bound).splitlines())
    names = dict(vars(importlib.import_module("slth.theory.dense")))
    exec(f"def shown({', '.join(given)}):\n{lines}", names)
    assert names["shown"](**given) == bound.formula(**given)


FUNCTIONS = {
    r"\ln\Gamma": "lgamma", r"\log_{2}": "log2", r"\ln": "log", r"\exp": "exp", r"\min": "min", r"\max": "max",
    r"\tanh": "tanh", r"\mathrm{erf}": "erf", r"H_{2}": "binary_entropy", r"\left(": "(", r"\right)": ")",
    r"\left\lceil": "ceil(", r"\left\lfloor": "floor(", r"\right\rceil": ")", r"\right\rfloor": ")",
    r"\left|": "abs(", r"\right|": ")", r"\cdot": "*", r"\,": "*", r"\pi": "pi",
}  # fmt: skip
BRACES = (
    (r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))"),
    (r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)"),
    (r"\^\{([^{}]*)\}", r"**(\1)"),
)


def read_back(latex, names):
    """Python of a line of LaTeX: names and functions by themselves, braces from the inside out."""
    known = {**FUNCTIONS, **{name_latex(name): f" {name} " for name in names}}
    signs = sorted(known, key=len, reverse=True)
    letters = "|".join(rf"(?<![A-Za-z\\]){sign}(?![A-Za-z])" if sign.isalpha() else re.escape(sign) for sign in signs)
    latex = re.sub(letters, lambda found: known[found[0]], latex)
    before = ""
    while before != latex:
        before = latex
        for braces, instead in BRACES:
            latex = re.sub(braces, instead, latex)
    assert not set(latex) & set("\\{}"), latex
    return latex.strip()


def test_the_mathematics_on_the_page_is_what_is_evaluated():
    """Read back into Python, each formula gives the value of the bound's own, at numbers in the middle of its range."""
    compared = 0
    for bound in bounds.values():
        lines = formula_latex(bound)
        if lines is None:
            continue
        given = {
            name: 7 if one.whole else 0.3 if min(one.most, one.below) <= 1.0 else 2.5
            for name, one in bound.parameters.items()
        }
        given |= {"constant": 1.5} if bound.constant else {}
        known = dict(vars(math) | {"binary_entropy": binary_entropy} | given)
        names = [*given, *re.findall(r"^(\w+) =", formula_source(bound), re.MULTILINE)]
        for line in lines[:-1]:
            exec(read_back(line, names), known)
        try:
            wanted = bound.formula(**given)
        except (ValueError, ZeroDivisionError):
            continue
        assert eval(read_back(lines[-1], names), known) == pytest.approx(wanted, rel=1e-12), bound.key
        compared += 1
    assert compared >= 70


def test_what_is_a_program_is_shown_as_one():
    assert formula_latex(bounds["derived.covered_fraction"]) is None
    assert formula_latex(bounds["malach2020.density"]) == [r"\frac{C \, \varepsilon^{2}}{m^{2}}"]


def test_every_figure_has_a_page_with_its_picture():
    pages = outside_pages()
    assert len(figure_names()) >= 23
    for name in figure_names():
        assert f"({name}.png)" in pages[f"figures/{name}.md"]
        assert pages[f"figures/{name}.png"].startswith(b"\x89PNG")
        assert f"]({name}.md)" in pages["figures/index.md"]


def test_every_verb_has_a_page_and_its_keys():
    pages, known = verb_pages(), read_keys()
    for verb in verbs():
        assert f"Usage: slth {verb} " in pages[f"verbs/{verb.partition(' ')[0]}.md"]
        assert keys_of(known, verb)
    used = {verb if verb in known else f"{verb.partition(' ')[0]} *" for verb in verbs()}
    assert {name for name in known if not name.endswith(" *")} <= used, "a verb that is gone"


def test_faults_of_an_object_are_seen():
    whole = {"verb": "data fetch", "seed": 0, "fetched": {}}
    assert faults(whole) == []
    assert "fetched is missing" in faults({"verb": "data fetch", "seed": 0})[0]
    assert "more is new" in faults({**whole, "more": 1})[0]
    assert "seed is no integer" in faults({**whole, "seed": True})[0]
    assert faults({"error": "none", "kind": "DataError", "exit_code": 2}) == []
    assert faults({"error": "none", "kind": "DataError", "exit_code": 2, "fetched": {}}) != []
    said = {"key": "a", "quantity": "b", "direction": "identity", "arguments": {}, "assumptions": [], "provenance": "c"}
    said["command"] = "slth bound eval a"
    assert faults({"verb": "bound eval", "seed": 0, **said, "value": "nan", "constant": None, "implicit": False}) == []


def test_pages_that_nobody_makes_any_more_go(tmp_path):
    write_pages(tmp_path, {"a/one.md": "1", "two.png": b"2"})
    before = (tmp_path / "a/one.md").stat().st_mtime_ns
    write_pages(tmp_path, {"a/one.md": "1"})
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["one.md"]
    assert (tmp_path / "a/one.md").stat().st_mtime_ns == before

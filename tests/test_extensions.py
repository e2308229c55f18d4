"""Names of other packages: found when they are installed, refused with who is to blame, and never in anybody's way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slth.errors import ArgumentError
from slth.extensions import Registry, imported, installed, own
from slth.grids.keys import Key
from slth.theory import Parameter, bounds
from slth.verifier import declared
from slth.verifier.declared import MOVED, TO, declared_check
from slth.verifier.nouns import Effort
from slth.verifier.search import run_case
from tests.own_package import distribution

GROUP = "slth.models"


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "some_module_of_a_test.py").write_text("class A:\n    b = 3\n")
    return tmp_path


def test_what_is_installed_later_is_found(site):
    assert "late" not in installed(GROUP)
    distribution(site, "late_one", f"[{GROUP}]\nlate = some_module_of_a_test:A.b\n")
    assert own(GROUP, "late", argument="model") == 3


def test_a_name_that_two_claim_is_refused_unless_they_mean_the_same(site):
    for name, place in (("first", "A"), ("second", "A"), ("third", "A.b")):
        distribution(site, name, f"[{GROUP}]\nclaimed = some_module_of_a_test:{place}\n")
        if name == "second":
            assert own(GROUP, "claimed", argument="model").b == 3
    with pytest.raises(ArgumentError, match=r"is registered by .* 1\.2 and by .* 1\.2: uninstall one"):
        own(GROUP, "claimed", argument="model")


def test_what_comes_along_cannot_be_registered_again(site):
    distribution(site, "greedy", f"[{GROUP}]\nknown = some_module_of_a_test:absent\nother = nowhere\n")
    registry = Registry(GROUP, "model", {"known": 1}, lambda name: own(GROUP, name, argument="model"))
    assert registry["known"] == 1
    assert list(registry) == ["known", "other"]
    assert len(registry) == 2
    assert registry["some_module_of_a_test:A.b"] == 3
    with pytest.raises(ArgumentError, match=r"other' is registered by greedy 1\.2, and cannot be imported \(ModuleNot"):
        registry["other"]
    with pytest.raises(ArgumentError, match="did you mean 'known'"):
        registry["knwon"]


def test_code_that_ends_the_process_is_refused_too(site):
    (site / "leaving_module_of_a_test.py").write_text("raise SystemExit(0)\n")
    with pytest.raises(ArgumentError, match="SystemExit: 0"):
        imported("leaving_module_of_a_test:x", argument="model", name="m")


@pytest.mark.parametrize(
    ("key", "form", "taken", "refused"),
    [
        (Key(int, least=2), "a whole number of at least 2", [2, 10**9], [1, 2.0, True, "2"]),
        (Key(float, above=0.0), "a number above 0", [1, 1e-9], [0, -1.0, float("inf"), float("nan")]),
        (Key(float, least=0.0, most=1.0), "a number in [0, 1]", [0, 1.0], [-1e-9, 2]),
        (Key(int, many=True, least=1), "a list of whole numbers of at least 1", [[1, 2]], [[], [0], 1]),
        (Key(str, choices=("a", "b")), "one of 'a', 'b'", ["a"], ["c", 1]),
    ],
)
def test_ranges_of_keys(key, form, taken, refused):
    assert key.form == form
    assert all(map(key.takes, taken))
    assert not any(map(key.takes, refused))


def test_what_a_bound_declares_is_tried_at_a_case():
    check = declared_check("pensia2020.lower.parameters")
    case = {"d": 5, "eps": 0.1, MOVED: "eps", TO: 0.01}
    found = run_case(check, case, Effort())
    low, high = (bounds["pensia2020.lower.parameters"](d=5, eps=eps) for eps in (0.1, 0.01))
    assert found.verdict == "held"
    assert found.worst == pytest.approx(1 - (high - low) / high)


@pytest.mark.parametrize(
    ("formula", "case", "words"),
    [
        (lambda x: -x, {"x": 2.0}, "-2 can be no candidates"),
        (lambda x: 1.0 / (x - x), {"x": 2.0}, "fails (ZeroDivisionError"),
        (lambda x: 9.0 - x, {"x": 2.0, MOVED: "x", TO: 3.0}, "7, and 6 with x = 3, against the trend that it declares"),
    ],
)
def test_what_contradicts_a_declaration_is_said(monkeypatch, formula, case, words):
    wrong = replace(
        bounds["pensia2020.lower.parameters"], key="wrong.key", quantity="candidates", count=True, formula=formula,
        parameters={"x": Parameter(meaning="a number", least=0.0, monotone=1)},
    )  # fmt: skip
    monkeypatch.setattr(declared, "bounds", {"wrong.key": wrong})
    monkeypatch.setattr(declared, "keeps_assumptions", lambda *_: True)
    found = run_case(declared_check("wrong.key"), case, Effort())
    assert found.verdict == "violated"
    assert words in found.note


def test_a_formula_that_fails_is_refused_with_its_arguments():
    wrong = replace(
        bounds["pensia2020.lower.parameters"], formula=lambda x: 1.0 / (x - x), parameters={"x": Parameter(meaning="x")}
    )
    with pytest.raises(ArgumentError, match=r"fails \(ZeroDivisionError.* for x = 2: mend it"):
        wrong(x=2.0)

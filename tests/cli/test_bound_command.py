import dataclasses
import re
import subprocess
import sys

import pytest

from slth.cli.options import Common
from slth.theory import bounds
from tests.cli.running import run

WIDTH = ("bound", "eval", "pensia2020.width", "--d-in", 500, "--d-out", 10, "--layers", 2, "--eps", "1e-2")


def test_ls(capsys):
    ran = run(capsys, "bound", "ls", "--json")
    assert [row["key"] for row in ran.json["bounds"]] == list(bounds)
    shown = run(capsys, "bound", "ls")
    assert shown.code == 0
    assert all(key in shown.out for key in bounds)
    line = next(line for line in shown.out.splitlines() if line.startswith(" malach2020.width"))
    assert "unverified" in line


def test_ls_of_a_family_or_a_paper(capsys):
    for name, wanted in (("dense_lower", "pensia2020.lower"), ("malach2020", "malach2020.")):
        rows = run(capsys, "bound", "ls", "--family", name, "--json").json["bounds"]
        assert rows
        assert all(row["key"].startswith(wanted) for row in rows)
    ran = run(capsys, "bound", "ls", "--family", "nothing")
    assert ran.code == 2
    assert "--family='nothing'" in ran.err


@pytest.mark.parametrize("key", bounds)
def test_show_says_everything(capsys, key):
    bound = bounds[key]
    ran = run(capsys, "bound", "show", key)
    assert ran.code == 0
    said = " ".join(ran.out.split())
    assumed = [assumption.words for assumption in bound.assumptions]
    for text in (bound.title, bound.statement, bound.remark, bound.provenance_text, *assumed):
        assert text in said
    for name, parameter in bound.parameters.items():
        assert f"--{name.replace('_', '-')}" in said
        assert parameter.range_text() in said
    assert ("--constant" in said) == (bound.constant is not None)
    document = run(capsys, "bound", "show", key, "--json").json
    assert document["citation"] == bound.citation
    assert list(document["arguments"]) == list(bound.parameters)


@pytest.mark.parametrize("key", ["natale2024.candidates", "xiong2023.failure", "xiong2023.network_failure"])
def test_show_says_what_is_unspecified_where_no_constant_is_taken(capsys, key):
    shown = run(capsys, "bound", "show", key).out
    assert " ".join(bounds[key].caveat.split()) in " ".join(shown[shown.index("constant ") :].split())


def test_eval(capsys):
    ran = run(capsys, *WIDTH, "--delta", 0.01, "--constant", 1, "--json")
    assert ran.code == 0
    assert ran.json["value"] == 6908
    assert ran.json["constant"] == 1.0
    assert ran.json["arguments"] == {"d_in": 500, "d_out": 10, "layers": 2, "eps": 0.01, "delta": 0.01}
    assert "unverified" in ran.json["provenance"]
    assert len(ran.json["assumptions"]) == 2
    shown = run(capsys, *WIDTH, "--delta", 0.01, "--constant", 1)
    assert "6908" in shown.out
    assert "C = 1 assumed" in shown.out
    assert "unverified" in shown.out


def test_eval_of_explicit_and_solved_bounds(capsys):
    ran = run(capsys, "bound", "eval", "derived.first_moment.candidates", "--dimension", 9, "--eps", 0.01, "--json")
    assert ran.json["value"] == pytest.approx(89.4, abs=0.05)
    assert ran.json["implicit"]
    assert ran.json["constant"] is None
    negative = run(
        capsys, "bound", "eval", "derived.second_moment.uniform", "--n", 20, "--size", 5, "--eps", 0.01,
        "--target", -0.5, "--json",
    )  # fmt: skip
    assert negative.json["arguments"]["target"] == -0.5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*WIDTH, "--constant", 1), "--delta is missing for pensia2020.width"),
        ((*WIDTH, "--delta", 0.1), "--constant is missing: pensia2020.width is an O(.) result"),
        ((*WIDTH, "--delta", 0.1), "give --constant 1.0 to see the shape"),
        (("bound", "eval", "pensia2020.width", "--epz", 0.1), "--epz=0.1 is no argument of pensia2020.width: did you"),
        (("bound", "eval", "pensia2020.width", "--eps", -1), "--eps=-1.0 must lie in"),
        ((*WIDTH, "--delta", 0.1, "--constant", 1e308), "delta = 0.1, constant = 1e+308"),
        ((*WIDTH, "--delta", 0.1, "--constant", 1, "--din", 3), "--din=3.0 is no argument of pensia2020.width"),
        ((*WIDTH, "--delta", 2, "--constant", 1), "--delta=2.0 must lie in"),
        ((*WIDTH, "--delta", "small", "--constant", 1), "--delta"),
        (("bound", "eval", "pensia2020.widht"), "KEY='pensia2020.widht' is no bound of the catalogue: did you mean"),
        (("bound", "show", "pensia2020.widht"), "pensia2020.width"),
        (("bound", "eval", "derived.first_moment.scaled.needed", "--size", 2, "--dimension", 3, "--eps", 0.1),
         "assumes that the size is above the dimension, which does not hold for size = 2, dimension = 3"),
        (("bound", "eval"), "KEY"),
    ],
)  # fmt: skip
def test_bad_input(capsys, arguments, words):
    ran = run(capsys, *arguments)
    assert ran.code == 2
    assert words in ran.err
    assert ran.out == ""
    assert run(capsys, *arguments, "--json").json["exit_code"] == 2


def test_configuration_holds_options_and_no_arguments(capsys, tmp_path):
    file = tmp_path / "c.toml"
    call = ("bound", "eval", "pensia2020.lower.parameters", "--d", 3, "--eps", 0.125, "--config", file)
    file.write_text("[bound.eval]\nseed = 5\njson = true\n")
    assert run(capsys, *call).json["seed"] == 5
    file.write_text("[bound.eval]\neps = 0.25\n")
    ran = run(capsys, *call)
    assert ran.code == 2
    assert "has 'eps' in [bound.eval]" in ran.err


def test_arguments_do_not_collide_with_options():
    options = {field.name for field in dataclasses.fields(Common)} | {"key", "help", "version"}
    assert all(options.isdisjoint(bound.parameters) for bound in bounds.values())


def test_help_loads_no_bounds():
    code = "import sys\nfrom slth.cli import main\nmain(sys.argv[1:])\nassert 'slth.theory' not in sys.modules\n"
    for verb in ("ls", "show", "eval"):
        done = subprocess.run([sys.executable, "-c", code, "bound", verb, "--help"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "Usage" in done.stdout


def test_ls_of_a_word_and_on_a_narrow_terminal(capsys, monkeypatch):
    for word, wanted in (("leading error", 0), ("STRUCTURED channels", 3), ("otsuka2025.head_width", 2)):
        ran = run(capsys, "bound", "ls", word, "--json")
        if not wanted:
            assert (ran.code, "is said by no bound" in ran.json["error"]) == (2, True)
            continue
        keys = [row["key"] for row in ran.json["bounds"]]
        assert len(keys) >= 1
        assert all(
            part in " ".join([b.key, b.title, b.citation, b.statement, b.quantity, b.remark, str(b.parameters),
                              *(one.words for one in b.assumptions)]).casefold()
            for b in map(bounds.get, keys) for part in word.casefold().split()
        )  # fmt: skip
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    words = run(capsys, "bound", "ls").out.split()
    assert all(key in words for key in bounds)


def test_eval_of_several_numbers_is_a_table(capsys):
    several = ("bound", "eval", "pensia2020.lower.parameters", "--d", "3,4", "--eps", "0.125,0.01")
    ran = run(capsys, *several, "--json").json
    assert "value" not in ran
    one = bounds["pensia2020.lower.parameters"]
    assert ran["values"] == [{"d": d, "eps": eps, "value": one(d=d, eps=eps)} for d in (3, 4) for eps in (0.125, 0.01)]
    assert "0.125" in run(capsys, *several).out
    shape = run(capsys, *WIDTH, "--delta", 0.01, "--constant", "1,2", "--json").json
    assert [row["constant"] for row in shape["values"]] == [1.0, 2.0]
    assert shape["constant"] is None


def test_cite(capsys):
    ran = run(capsys, "bound", "cite", "pensia2020.width")
    assert "@misc{pensia2020," in ran.out
    assert r"\begin{theorem}" in ran.out
    assert run(capsys, "bound", "cite", "pensia2020.widht").code == 2


NETS = """
from torch import nn
def net(input_shape):
    return nn.Sequential(nn.Conv2d(input_shape[0], 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 26 * 26, 10))
def none():
    return nn.ReLU()
def wide(input_shape, classes):
    return nn.Linear(input_shape[0], classes)
"""


def test_compare_of_widths_and_of_a_module(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "nets_to_compare.py").write_text(NETS)
    ask = ("bound", "compare", "--eps", 0.01, "--network")
    dense = run(capsys, *ask, "7-5-3", "--json").json
    assert dense["weights"] == 50
    images = run(capsys, *ask, "nets_to_compare:net", "--input-shape", "1,28,28", "--json").json
    assert images["layers"][0] == {"inputs": 1, "outputs": 8, "kernel": 3}
    assert images["weights"] == 72 + 8 * 26 * 26 * 10
    assert {one["key"] for one in images["demands"]} < {one["key"] for one in dense["demands"]}
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    shown = run(capsys, *ask, "784-500-10").out
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert all(one["key"] in shown for one in dense["demands"])
    for network, words in (
        ("784", "is neither widths nor a module"),
        ("784-x", "is neither widths nor a module"),
        ("nets_to_compare:net", "is no shape: say what nets_to_compare:net takes"),
    ):
        ran = run(capsys, *ask, network)
        assert (ran.code, words in ran.err) == (2, True), ran.err
    assert "cannot be imported" in run(capsys, *ask, "nets_to_compare:absent", "--input-shape", 3).err
    assert "has no layer with weights" in run(capsys, *ask, "nets_to_compare:none", "--input-shape", 3).err
    wide = (*ask, "nets_to_compare:wide", "--input-shape", 3)
    assert "--classes=None is what nets_to_compare:wide takes" in run(capsys, *wide).err
    assert run(capsys, *wide, "--classes", 4, "--json").json["weights"] == 12


@pytest.mark.parametrize("option", ["--eps=0", "--eps=-1", "--eps=nan", "--delta=0", "--density=2", "--constant=nan"])
def test_compare_refuses_what_no_theorem_takes(capsys, option):
    eps = () if "eps" in option else ("--eps", 0.01)
    ran = run(capsys, "bound", "compare", "--network", "7-5-3", *eps, option)
    assert (ran.code, ran.err.startswith(f"slth: {option.partition('=')[0]}=")) == (2, True), ran.err

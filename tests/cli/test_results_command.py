"""``slth results``, and what verbs print of texts and paths that are the user's."""

import os
import sqlite3
import subprocess
import sys

import pytest
from rich.console import Group

from slth import studies
from slth.cli import bench
from slth.cli import verify as cli_verify
from slth.cli.options import COMMON
from slth.cli.outcome import Outcome, table_of
from slth.cli.progress import _bars
from slth.grids.spec import Experiment, canonical
from slth.grids.store import Store
from slth.grids.work import Finished
from slth.verifier.nouns import Finding
from tests.cli.running import run
from tests.grids.toy_studies import REGISTRY


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(studies, "STUDIES", REGISTRY)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toys.toml").write_text('task = "toy-noisy"\nreplicates = 3\n[grid]\nn = [1, 2]\n')
    return tmp_path


def test_what_is_no_run_is_bad_input_and_what_is_damaged_is_not(folder, capsys):
    wrong = run(capsys, "results", "show", "toys.toml")
    assert wrong.code == 2
    assert "RUN='toys.toml' is not a results file of slth, nor a folder with one" in wrong.err
    (folder / "toys").mkdir()  # something else of that name beside runs/
    run(capsys, "run", "toys.toml", "--engine", "serial")
    assert run(capsys, "results", "show", "toys").code == 0
    with sqlite3.connect(folder / "runs/toys/results.sqlite") as edited:
        edited.execute("UPDATE items SET rows = '[1,2]' WHERE replicate = 1")
    edited.close()
    for verb in (("show",), ("export", "--to", "csv")):
        damaged = run(capsys, "results", *verb, "toys")
        assert damaged.code == 1
        assert "it is corrupt" in damaged.err
        assert "begin anew" not in damaged.err


MARKUP = "targets in [a, b], closing [/nope] tag :warning:"


def unbroken(text):
    """Titles are folded to the width of their table."""
    return " ".join(text.split())


def test_the_users_texts_are_printed_as_they_are(folder, capsys):
    (folder / "[red] m.toml").write_text(
        f'name = "[red]m"\ndescription = "{MARKUP}"\ntask = "toy-noisy"\n[grid]\nn = [1]\n'
    )
    out = run(capsys, "run", "[red] m.toml", "--engine", "serial").out
    assert f"[red]m: {MARKUP}" in unbroken(out)
    assert "runs/[red]m/table.csv" in out
    assert run(capsys, "results", "export", "[red]m", "--to", "csv").out == "runs/[red]m/[red]m.csv\n"
    experiment = Experiment(name="[red]m", task="t", description=MARKUP, grids=({"[i]x": ["[/b]y"]},))
    with Store(folder / "there", experiment) as store:
        store.add(Finished((canonical(experiment.cells[0]), 0), ({"[u]": ":smile:"},)))
    shown = unbroken(run(capsys, "results", "show", "there").out)
    for text in (f"[red]m: {MARKUP}", "[i]x", "[/b]y", "[u]", ":smile:"):
        assert text in shown


@pytest.mark.parametrize("verb", ["bench", "verify"])
def test_tables_of_other_verbs(capsys, verb):
    """Their titles, columns, cells and captions: what is handed to Outcome is printed as it is."""
    if verb == "bench":
        rows = [{"law": "[/a]", "[b]": "[c]", "contender": ":smile:[d]", "status": "failed", "reason": "[/e]"}] * 2
        shown = bench._table("[x]", MARKUP, rows)
        texts = ["[x]: " + MARKUP, "law [/a]", "[b] [c]", ":smile:[d]", "failed ([/e])"]
    else:
        finding = Finding(
            key="k[1]", claim="[/a] in [0, 1]", verdict="held", trials=1, note=MARKUP, rows=({"[b]": "[/c]"},)
        )
        shown = Group(cli_verify._summary([finding]), cli_verify._regimes(finding), table_of([(MARKUP,)], ("",)))
        texts = ["k[1]", "[/a] in [0, 1]", MARKUP, "[b]", "[/c]"]
    assert Outcome(verb, COMMON, {}, lambda: [shown]).deliver() == 0
    out = unbroken(capsys.readouterr().out)
    for text in texts:
        assert text in out


def test_bars_name_what_they_are_about_as_it_is(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes stderr for a terminal
    with _bars() as report:
        report("[/nope] [a, b]", 1, 2)
    assert "[/nope] [a, b]" in capsys.readouterr().err


def test_an_output_that_cannot_encode_a_path(folder):
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": os.pathsep.join(sys.path)}
    run_toys = "from slth import studies\nfrom tests.grids.toy_studies import REGISTRY\n"
    run_toys += "studies.STUDIES = REGISTRY\nfrom slth.cli import main\nraise SystemExit(main())\n"
    ran = subprocess.run(
        [sys.executable, "-c", run_toys, "run", "toys.toml", "--engine", "serial", "--out", "grün"],
        capture_output=True, text=True, check=False, env=env,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "gr\\xfcn/table.csv" in ran.stdout


@pytest.fixture
def many(folder, capsys):
    """A run of 200 cells with a column that never changes and columns that no line has room for."""
    experiment = Experiment(name="many", task="t", grids=({"n": list(range(200)), "law": ["uniform"]},), replicates=2)
    with Store(folder / "runs/many", experiment) as store:
        for number, cell in enumerate(experiment.cells):
            row = {"error": 1.0 / (number + 1), **{f"a_rather_long_column_{k}": number * 0.1 for k in range(6)}}
            for replicate in range(2 if number else 1):
                store.add(Finished((canonical(cell), replicate), ({**row, "noise": float(replicate)},)))
    return folder


def test_a_long_and_wide_table_fits_a_terminal_and_names_what_it_leaves_out(many, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = run(capsys, "results", "show", "many").out
    assert max(map(len, shown.splitlines())) <= 80 + len("not shown") or "not shown" in shown
    lines = shown.splitlines()
    assert all(len(line.rstrip()) <= 80 for line in lines if "not shown" not in line)
    assert "law  uniform" in unbroken(shown).replace("law uniform", "law  uniform")
    assert "the first 20 of 200 lines" in shown
    assert "a_rather_long_column_5" in shown.partition("not shown")[2]
    assert unbroken(shown).count("error 200 200 0.005 0.009901 1") == 1  # the summary
    assert len(run(capsys, "results", "show", "many", "--limit", 150).out.splitlines()) > 150


def test_lines_and_columns_are_chosen(many, capsys):
    chosen = ("--columns", "n,error", "--where", "n>=10", "--where", "n<13", "--sort", "error")
    ran = run(capsys, "results", "show", "many", *chosen, "--json")
    assert [row["n"] for row in ran.json["table"]] == [12, 11, 10]
    assert list(ran.json["table"][0]) == ["n", "error"]
    assert (ran.json["lines"], ran.json["of"]) == (3, 200)
    for wrong, words in (
        (("--columns", "n,erorr"), "--columns='erorr' is no column of the table: did you mean 'error'?"),
        (("--where", "m=2"), "--where='m' is no column"),
        (("--sort", "m"), "--sort='m' is no column"),
        (("--limit", "0"), "--limit=0 must be at least 1"),
    ):
        ran = run(capsys, "results", "show", "many", *wrong)
        assert (ran.code, words in ran.err) == (2, True), ran.err


def test_runs_are_listed_and_what_is_damaged_among_them_is_named(many, capsys):
    run(capsys, "run", "toys.toml", "--engine", "serial", "--limit", 4)
    (many / "runs/bad").mkdir()
    (many / "runs/bad/results.sqlite").write_bytes(b"nothing")
    listed = {row["run"]: row for row in run(capsys, "results", "ls", "--json").json["runs"]}
    assert {name: listed["many"][name] for name in ("cells", "done", "missing")} == {
        "cells": 200, "done": 399, "missing": 1,
    }  # fmt: skip
    assert (listed["toys"]["done"], listed["toys"]["missing"]) == (4, 2)
    assert "bad/results.sqlite" in listed["bad"]["problem"]
    assert "many" in run(capsys, "results", "ls").out
    assert "no run below nowhere" in run(capsys, "results", "ls", "nowhere").out


def test_an_export_of_an_unfinished_run_says_so(many, capsys):
    ran = run(capsys, "results", "export", "many", "--to", "csv", "--json")
    assert ran.json["complete"] is False
    assert "unfinished: many.csv holds 399 of 400 items (1 missing): run the same specification again" in ran.err
    run(capsys, "run", "toys.toml", "--engine", "serial")
    ran = run(capsys, "results", "export", "toys", "--to", "csv", "--json")
    assert (ran.json["complete"], ran.err) == (True, "")


def test_a_run_is_plotted(folder, capsys):
    run(capsys, "run", "toys.toml", "--engine", "serial")
    for options, bars, middles in (
        (("--y", "norm"), "median and quartiles", 2),
        (("--y", "norm", "--spread", "interval", "--by", "replicate", "--log", "y"), "mean and its 95 % interval", 6),
        (("--y", "rate"), "share and its 95 % interval", 2),
        (("--y", "norm", "--where", "n=2"), "median and quartiles", 1),
    ):
        ran = run(capsys, "results", "plot", "toys", "--x", "n", *options, "--json")
        assert ran.code == 0, ran.err
        assert (ran.json["bars"], len(ran.json["points"])) == (bars, middles)
        assert all(point["low"] <= point["middle"] <= point["high"] for point in ran.json["points"])
        assert (folder / ran.json["pdf"]).read_bytes().startswith(b"%PDF")
    assert (folder / "runs/toys/toys-rate-over-n.png").is_file()
    assert "median and quartiles" in run(capsys, "results", "plot", "toys", "--x", "kind", "--y", "norm").out
    for options, words in (
        (("--x", "kind", "--y", "norm", "--log", "x"), "--log='x' has no place for kind, which holds texts"),
        (
            ("--x", "n", "--y", "replicate", "--by", "replicate", "--log", "y"),
            "has no place for replicate, which holds",
        ),
        (("--x", "n", "--y", "kind"), "--y='kind' holds texts"),
    ):
        ran = run(capsys, "results", "plot", "toys", *options)
        assert (ran.code, words in ran.err) == (2, True), ran.err

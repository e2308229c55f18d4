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

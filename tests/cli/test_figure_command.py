import errno
import hashlib
import json
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from slth import studies
from slth.benchmarks import runner as benchmarks
from slth.benchmarks.contenders import Contender
from slth.figures import catalogue
from slth.figures.index import first_paragraph, inline
from slth.grids import run as runs
from slth.grids.provenance import check_table, read_provenance
from tests.cli.running import run
from tests.grids.toy_studies import REGISTRY

SPEC = """
description = "what <toys> do in [a, b] [/nope]"
task = "toy-noisy"
replicates = 3
[grid]
n = [1, 2]
[full]
replicates = 4
"""
NAMES = {"toys": f"{__name__}:toys_figure", "times": f"{__name__}:times_figure", "none": f"{__name__}:no_figure"}


def toys_figure(rows):
    drawing = Figure(figsize=(2.0, 1.0))
    drawing.subplots().plot([float(row["n"]) for row in rows], [float(row["product"]) for row in rows])
    return drawing


def times_figure(rows):
    drawing = Figure(figsize=(2.0, 1.0))
    drawing.subplots().plot([float(row["answer"]) for row in rows])
    return drawing


def task(cell, seed):
    if cell["n"] > 5:
        raise ZeroDivisionError
    return [Contender("slth", lambda: {"answer": cell["n"] + seed}, warm_up=False)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(studies, "STUDIES", REGISTRY)
    monkeypatch.setattr(catalogue, "FIGURES", NAMES)
    monkeypatch.setitem(benchmarks.TASKS, "toy-task", f"{__name__}:task")
    monkeypatch.chdir(tmp_path)
    for name, text in (
        ("toys", SPEC),
        ("times", 'name = "times"\ndescription = "d"\ntask = "toy-task"\n[grid]\nn = [1, 2]\n[full.grid]\nn = [3]\n'),
    ):
        (tmp_path / "paper_figures" / name).mkdir(parents=True)
        (tmp_path / "paper_figures" / name / "spec.toml").write_text(text)
    (tmp_path / "paper_figures/toys/README.md").write_text(
        "# Toys\n\n![x](toys.png)\n\nThey `play` < [here](table.csv).\n\nMore.\n"
    )
    return tmp_path / "paper_figures"


def draw(capsys, *arguments):
    return run(capsys, "figure", *arguments, "--engine", "serial", "--json")


def pictures(folder, name):
    return [(folder / name / f"{name}.{ending}").read_bytes() for ending in ("pdf", "png")]


def test_a_study_is_computed_once_and_redrawn_to_the_same_bytes(folder, capsys):
    first = draw(capsys, "toys")
    assert first.code == 0, first.err
    assert first.json["figures"] == [
        {
            "figure": "toys",
            "status": "computed",
            "pdf": "paper_figures/toys/toys.pdf",
            "png": "paper_figures/toys/toys.png",
        }
    ]
    before, table = pictures(folder, "toys"), (folder / "toys/table.csv").read_bytes()
    assert len(table.splitlines()) == 7
    (folder.parent / "runs/figures/toys/results.sqlite").unlink()  # nothing but the table is needed
    assert draw(capsys, "toys").json["figures"][0]["status"] == "redrawn"
    assert pictures(folder, "toys") == before
    provenance = json.loads((folder / "toys/provenance.json").read_text())
    for wanted in (provenance["spec_sha256"], '"seed": 0', '"slth": "', "slth figure toys --rerun"):
        assert wanted.encode() in before[1]  # in a text chunk of the PNG
    rerun = draw(capsys, "toys", "--rerun")
    assert rerun.json["figures"][0]["status"] == "computed"
    assert (folder / "toys/table.csv").read_bytes() == table
    assert pictures(folder, "toys") == before


def test_the_larger_grid_and_changed_specifications(folder, capsys):
    draw(capsys, "toys")
    noted = draw(capsys, "toys", "--full")
    assert "its table is of the default grid: --rerun --full" in noted.err
    full = draw(capsys, "toys", "--full", "--rerun")
    assert full.json["figures"][0]["status"] == "computed"
    assert len((folder / "toys/table.csv").read_text().splitlines()) == 9
    assert b"--rerun --full" in pictures(folder, "toys")[1]
    quiet = draw(capsys, "toys")
    assert quiet.err == ""  # current, though it is not the default grid
    (folder / "toys/spec.toml").write_text(SPEC.replace("[1, 2]", "[1, 3]"))
    assert "computed from another spec.toml" in draw(capsys, "toys").err


def test_a_rerun_goes_on_where_it_was_interrupted_and_begins_anew_where_it_was_finished(folder, capsys, monkeypatch):
    calls = []
    real = runs.run_experiment

    def watched(*arguments, **options):
        calls.append(arguments[3].resume)
        return real(*arguments, **options)

    monkeypatch.setattr("slth.figures.tables.run_experiment", watched)
    draw(capsys, "toys")
    draw(capsys, "toys", "--rerun")
    part = ["--engine", "serial", "--limit", "2", "--no-resume", "--out", "runs/figures/toys"]
    assert run(capsys, "run", "paper_figures/toys/spec.toml", *part).code == 3
    draw(capsys, "toys", "--rerun")
    assert calls == [True, False, True]


def test_benchmarks(folder, capsys):
    assert draw(capsys, "times").json["figures"][0]["status"] == "computed"
    assert json.loads((folder / "times/provenance.json").read_text())["full"] is False
    before = pictures(folder, "times")
    assert draw(capsys, "times").json["figures"][0]["status"] == "redrawn"
    assert pictures(folder, "times") == before
    draw(capsys, "times", "--rerun", "--full")
    assert (folder / "times/table.csv").read_text().splitlines()[1].startswith("3,slth,ok")


def test_what_cannot_be_made_does_not_stop_the_others(folder, capsys):
    (folder / "none").mkdir()
    ran = draw(capsys, "--all")
    assert ran.code == 1
    states = {entry["figure"]: entry["status"] for entry in ran.json["figures"]}
    assert states == {"toys": "computed", "times": "computed", "none": "failed"}
    assert "has no attribute 'no_figure'" in ran.json["figures"][2]["reason"]
    (folder / "toys/table.csv").write_text("n,other\n1,2\n")
    describe_table(folder / "toys")
    broken = draw(capsys, "toys")
    assert broken.code == 1
    assert "does not fit the figure toys (KeyError: 'product')" in broken.err
    (folder / "toys/provenance.json").unlink()
    assert "provenance.json cannot be read (No such file or directory)" in draw(capsys, "toys").err


def describe_table(folder):
    """Make the provenance one of the table that is there."""
    document = json.loads((folder / "provenance.json").read_text())
    document["table_sha256"] = hashlib.sha256((folder / "table.csv").read_bytes()).hexdigest()
    (folder / "provenance.json").write_text(json.dumps(document))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["toys", "times"])
@pytest.mark.parametrize(
    "edit",
    [
        lambda text: "".join(text.splitlines(keepends=True)[:-1]),
        lambda text: text[: 3 * len(text) // 4],
        lambda text: text.replace("2", "nan", 1),
        lambda text: text + "\n",
    ],
    ids=["row deleted", "cut", "nan", "line added"],
)
def test_edited_tables_are_not_drawn(folder, capsys, name, edit):
    draw(capsys, name)
    before, table = pictures(folder, name), folder / name / "table.csv"
    table.write_text(edit(table.read_text()))
    ran = draw(capsys, name)
    assert ran.code == 1
    assert "the table is not the one that its provenance describes: compute it again with --rerun" in ran.err
    assert pictures(folder, name) == before
    assert draw(capsys, name, "--rerun").json["figures"][0]["status"] == "computed"
    assert draw(capsys, name).code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "value"),
    [("environment", 7), ("description", None), ("seed", "x"), ("table_sha256", 1), ("spec_sha256", [])],
)
def test_an_edited_provenance_stops_its_own_figure_alone(folder, capsys, key, value):
    draw(capsys, "--all")
    path = folder / "toys/provenance.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    ran = draw(capsys, "toys", "times")
    assert ran.code == 1
    assert [entry["status"] for entry in ran.json["figures"]] == ["failed", "redrawn"]
    assert f"provenance.json cannot be read (TypeError: {key} is " in ran.err


def test_every_committed_table_is_the_one_that_its_provenance_describes():
    folder = Path(__file__).parents[2] / "paper_figures"
    for name in catalogue.FIGURES:
        check_table(folder / name, read_provenance(folder / name))


def test_a_full_disk_stops_one_figure_and_names_the_file(folder, capsys, monkeypatch):
    draw(capsys, "--all")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", str(folder / "toys/toys.pdf"))

    monkeypatch.setattr("slth.figures.drawing.save_figure", full)
    ran = draw(capsys, "toys", "times")
    assert ran.code == 1
    assert ran.json["failed"] == 2
    assert f"toys: {folder}/toys/toys.pdf: No space left on device" in ran.err


def test_a_wrong_specification_is_named_by_its_path(folder, capsys):
    (folder / "toys/spec.toml").write_text(SPEC.replace("[grid]", "[gird]"))
    ran = draw(capsys, "toys")
    assert ran.err.startswith("slth: toys: paper_figures/toys/spec.toml ")
    assert "spec='" not in ran.json["figures"][0]["reason"]


def test_failed_items_leave_the_old_table(folder, capsys):
    draw(capsys, "toys")
    before = (folder / "toys/table.csv").read_bytes()
    (folder / "toys/spec.toml").write_text(SPEC.replace("toy-noisy", "toy-failing"))
    ran = draw(capsys, "toys", "--rerun")
    assert ran.code == 1
    assert "3 of 6 items failed (3 x ZeroDivisionError: no luck)" in ran.err
    assert (folder / "toys/table.csv").read_bytes() == before
    (folder / "times/spec.toml").unlink()
    assert "spec.toml" in draw(capsys, "times").err


def test_the_list(folder, capsys):
    draw(capsys, "toys")
    found = run(capsys, "figure", "--json").json["figures"]
    assert [(row["figure"], row["table"], row["picture"]) for row in found] == [
        ("toys", True, True), ("times", False, False), ("none", False, False),
    ]  # fmt: skip
    assert found[0]["description"] == "what <toys> do in [a, b] [/nope]"
    shown = run(capsys, "figure").out
    assert "slth figure --all" in shown
    assert "what <toys> do in [a, b] [/nope]" in shown


def test_bad_names(folder, capsys):
    ran = draw(capsys, "tois")
    assert ran.code == 2
    assert "NAME='tois' is not a figure: did you mean 'toys'?" in ran.err
    elsewhere = draw(capsys, "toys", "--dir", "nowhere")
    assert elsewhere.code == 2
    assert "there is no folder nowhere" in elsewhere.err


def test_out_receives_what_is_made_and_keeps_what_it_has(folder, capsys):
    draw(capsys, "toys")
    before = {path.name: path.read_bytes() for path in (folder / "toys").iterdir()}
    made = draw(capsys, "toys", "times", "--out", "there")
    assert [entry["status"] for entry in made.json["figures"]] == ["redrawn", "computed"]
    assert made.json["index"] == "there/index.html"
    there = folder.parent / "there"
    assert {path.name: path.read_bytes() for path in (there / "toys").iterdir()} == before
    assert {path.name for path in (folder / "times").iterdir()} == {"spec.toml"}
    (there / "toys/spec.toml").write_text(SPEC.replace("[1, 2]", "[2]"))
    draw(capsys, "toys", "--out", "there", "--rerun")
    assert len((there / "toys/table.csv").read_text().splitlines()) == 4
    draw(capsys, "toys", "--out", "there")
    assert len((there / "toys/table.csv").read_text().splitlines()) == 4
    assert {path.name: path.read_bytes() for path in (folder / "toys").iterdir()} == before


def test_without_a_folder_here_figures_are_made_of_those_that_came_along(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "paper_figures").mkdir()  # somebody else's
    made = draw(capsys, "solver_time").json["figures"][0]
    assert (made["status"], made["png"]) == ("redrawn", "runs/figures/solver_time/solver_time.png")
    assert list((tmp_path / "paper_figures").iterdir()) == []
    monkeypatch.setattr("slth.cli.figure.repository_folder", lambda *_: None)
    assert "this installation came without figures" in draw(capsys, "solver_time").err


def test_the_index_page(folder, capsys):
    page = draw(capsys, "toys").json["index"]
    text = (folder / "index.html").read_text()
    assert page == "paper_figures/index.html"
    assert 'src="toys/toys.png"' in text
    assert 'They <code>play</code> &lt; <a href="toys/table.csv">here</a>.' in text
    assert "slth figure toys --rerun" in text
    assert 'id="times"' not in text  # it has no picture yet
    assert "<script" not in text
    assert "http" not in text
    draw(capsys, "toys", "times")
    assert 'id="times"' in (folder / "index.html").read_text()


def test_paragraphs_of_a_readme():
    assert first_paragraph("") == ""
    assert first_paragraph("# T\n\n    code\n\n| a |\n\nText,\nmore.") == "Text, more."
    assert (
        str(inline("**b** [x](https://e.org/?a=1&b=2)", base="n"))
        == '<b>b</b> <a href="https://e.org/?a=1&amp;b=2">x</a>'
    )


def test_every_registered_figure_with_a_module_can_be_resolved():
    from importlib.util import find_spec

    for name, target in catalogue.FIGURES.items():
        if find_spec(target.partition(":")[0]) is not None:
            assert callable(catalogue.resolve_figure(name))

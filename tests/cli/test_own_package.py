"""Another package's studies, bounds, figures, models and data, by the command line in processes of their own."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys

import pytest

from slth.grids.context import Context
from slth.grids.work import Item
from tests.cli.running import run
from tests.own_package import STUDY, install


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    install(folder)
    return folder


@pytest.fixture
def slth(site, tmp_path):
    """The command line where that package is installed, in an empty folder and its own process: JSON and stderr."""
    path = os.pathsep.join([str(site), *filter(None, sys.path)])

    def called(*arguments):
        command = [sys.executable, "-m", "slth", *map(str, arguments), "--json"]
        environment = {**os.environ, "PYTHONPATH": path}
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout), ran.stderr

    return called


@pytest.fixture
def here(site, tmp_path, monkeypatch, capsys):
    """The same in this process, which has loaded already what takes seconds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(site))

    def command(*arguments, code=0):
        ran = run(capsys, *arguments, "--json")
        assert ran.code == code, ran.err
        return ran.json

    return command


def test_its_bounds_join_the_catalogue_and_what_is_broken_is_named(slth):
    listed, said = slth("bound", "ls")
    assert [row["key"] for row in listed["bounds"]][-2:] == ["own2026.width", "own2026.falling"]
    assert listed["bounds"][-1]["family"] == "own2026"
    assert said.count("lost_slth 1.2, and cannot be imported (OSError: no luck): mend or uninstall lost_slth 1.2") == 1


def test_its_bounds_are_evaluated_by_key_and_by_place(here):
    for key in ("own2026.sums", "own_slth.bounds:sums"):
        assert here("bound", "eval", key, "--n", 3, "--eps", 0.4)["value"] == 8
    compared = here("bound", "compare", "--network", "4-3-2", "--eps", 0.5)["demands"]
    assert [one["sizes"] for one in compared if one["key"] == "own2026.width"] == [[8.0, 6.0]]
    wrong = here("bound", "show", "own_slth.study:undeclared", code=2)
    assert "names a function and no bound" in wrong["error"]


def test_its_bounds_are_hunted(here):
    found = here("verify", "own2026.sums", "own2026.falling", "own2026.doubled", "own_slth.bounds:sums", code=1)
    verdicts = [finding["verdict"] for finding in found["findings"]]
    assert verdicts == ["held", "violated", "held", "held"]
    case = found["reproducer"].partition("--case ")[2].strip("'")
    assert here("verify", "own2026.falling", "--case", case, code=1)["violations"] == 1


def test_its_study_runs_in_other_processes(slth, tmp_path):
    (tmp_path / "by_name.toml").write_text('task = "largest-sum"\n[grid]\nn = [1, 2, 4, 8]\n')
    ran, _ = slth("run", "by_name.toml", "--jobs", 1)
    assert (ran["done"], ran["failed"]) == (4, 0)
    assert (tmp_path / "runs/by_name/table.csv").read_text().startswith("n,replicate,largest,law\n")


@pytest.mark.slow
def test_a_study_in_the_folder_is_found_by_the_workers_of_a_cluster(slth, tmp_path):
    (tmp_path / "mine.py").write_text(STUDY)
    (tmp_path / "mine.toml").write_text('task = "mine:largest_sum"\n[grid]\nn = [1, 2]\n')
    ran, _ = slth("run", "mine.toml", "--engine", "dask", "--jobs", 1)
    assert (ran["done"], ran["failed"]) == (2, 0)


def test_a_worker_elsewhere_finds_a_study_in_the_folder_that_the_run_began_in(tmp_path):
    """As on the nodes of a cluster: nothing but the item, which is unpickled in another folder."""
    (tmp_path / "afar.py").write_text(STUDY)
    item = Item("afar:largest_sum", "afar:largest_sum", {"n": 2}, 0, 5, Context(code=tmp_path))
    code = "import pickle, sys; from slth.grids.work import work; print(work(pickle.load(sys.stdin.buffer)).rows)"
    ran = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(item), capture_output=True, check=True)
    assert b"'largest': " in ran.stdout


def test_its_tasks_are_listed_with_what_keeps_one_from_running(here):
    listed = {row["task"]: row for row in here("run", "--tasks")["tasks"]}
    assert listed["largest-sum"]["keys"] == ["n", "scale"]
    assert "lost_slth 1.2, and cannot be imported" in listed["lost"]["problem"]
    told = here("run", "--tasks", "largest-sum")
    assert told["says"] == "The largest sum of a subset: what is positive."
    assert told["keys"][0]["meaning"] == "numbers in a sum"


def test_what_a_specification_gets_wrong_of_it(here, tmp_path):
    for text, words in (
        ('task = "largest-sum"\n[grid]\nn = [0]\n', "give a whole number of at least 1"),
        ('task = "largest-sum"\n[grid]\nn = [1]\nscale = [0.0]\n', "give a number in (0, 10]"),
        ('task = "own_slth.study:undeclared"\n[grid]\nn = [1]\n', "put @slth.studies.study(n=Key(int), ...) above"),
        ('task = "own_slth.study:absent"\n[grid]\nn = [1]\n', "cannot be imported (AttributeError"),
        ('task = "lost"\n[grid]\nn = [1]\n', "is registered by lost_slth 1.2, and cannot be imported (OSError"),
        ('task = "largest-sun"\n[grid]\nn = [1]\n', "did you mean 'largest-sum'?"),
    ):
        (tmp_path / "wrong.toml").write_text(text)
        wrong = here("run", "wrong.toml", code=2)
        assert words in wrong["error"]


def test_its_figure_is_computed_and_drawn(here, tmp_path):
    made = here("figure", "largest_sum", "--engine", "serial")
    assert made["figures"][0]["status"] == "computed"
    assert (tmp_path / "runs/figures/largest_sum/largest_sum.pdf").is_file()
    assert "The largest sum" in (tmp_path / "runs/figures/largest_sum/provenance.json").read_text()


def test_its_model_learns_its_data(here):
    options = ("--data", "signs", "--epochs", 1, "--quiet", "--out", "out")
    ran = here("search", "edge-popup", "--model", "two-layers", *options)
    assert ran["kept"] == (4 * 8 + 8 * 2) // 2
    assert here("data", "ls")["data"][-1] == {"name": "signs", "state": "another package's", "folder": None}
    wrong = here("search", "edge-popup", "--model", "lost", *options, code=2)
    assert "--model='lost' is registered by lost_slth 1.2, and cannot be imported" in wrong["error"]
    wrong = here("search", "edge-popup", "--model", "two-layers", "--data", "own_slth.study:undeclared", code=2)
    assert "gave no data set" in wrong["error"]

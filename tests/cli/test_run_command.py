import importlib.util
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from slth import studies
from slth.cli.progress import remaining
from slth.errors import ResultsError
from slth.grids.store import read_store
from tests.cli.running import run
from tests.grids.toy_studies import REGISTRY
from tests.processes import python

SPEC = 'description = "toys"\ntask = "toy-noisy"\nreplicates = 3\n[grid]\nn = [1, 2]\n[full]\nreplicates = 4\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(studies, "STUDIES", REGISTRY)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toys.toml").write_text(SPEC)
    return tmp_path


def test_from_a_limited_run_to_the_full_grid(folder, capsys):
    partial = run(capsys, "run", "toys.toml", "--engine", "serial", "--limit", "2", "--json")
    assert partial.code == 3
    assert partial.json == {
        "verb": "run", "seed": 0, "cells": 2, "items": 6, "done": 2, "failed": 0, "missing": 4, "left_aside": 0,
        "reasons": {},
        "kept": 0, "table": "runs/toys/table.csv",
    }  # fmt: skip
    assert json.loads((folder / "runs/toys/run.json").read_text()) == partial.json
    done = run(capsys, "run", "toys.toml", "--engine", "serial", "--json")
    assert (done.code, done.json["done"], done.json["kept"]) == (0, 6, 2)
    full = run(capsys, "run", "toys.toml", "--engine", "serial", "--full", "--json")
    assert (full.json["done"], full.json["kept"]) == (8, 6)
    assert json.loads((folder / "runs/toys/provenance.json").read_text())["full"] is True
    anew = run(capsys, "run", "toys.toml", "--engine", "serial", "--no-resume", "--json")
    assert (anew.json["done"], anew.json["kept"]) == (6, 0)
    shown = run(capsys, "run", "toys.toml", "--engine", "serial")
    assert "toys: toys" in shown.out


def test_another_seed_goes_elsewhere(folder, capsys):
    run(capsys, "run", "toys.toml", "--engine", "serial", "--json")
    refused = run(capsys, "run", "toys.toml", "--engine", "serial", "--seed", "5")
    assert refused.code == 2
    assert "--seed=5 is not that of the results" in refused.err
    elsewhere = run(capsys, "run", "toys.toml", "--engine", "serial", "--seed", "5", "--out", "there", "--json")
    assert (elsewhere.code, elsewhere.json["seed"]) == (0, 5)
    assert (folder / "there/table.csv").read_bytes() != (folder / "runs/toys/table.csv").read_bytes()


def test_the_seed_that_is_given_wins_also_where_it_is_0(folder, capsys):
    (folder / "five.toml").write_text("seed = 5\n" + SPEC)
    for arguments, seed in (((), 5), (("--seed", "0"), 0), (("--seed", "7"), 7)):
        ran = run(capsys, "run", "five.toml", "--engine", "serial", *arguments, "--out", f"of{seed}", "--json")
        assert (ran.code, ran.json["seed"]) == (0, seed)
        assert json.loads((folder / f"of{seed}/provenance.json").read_text())["seed"] == seed
    assert "default: 0" not in run(capsys, "run", "--help").out.partition("--seed")[2].partition("--out")[0]


def test_full_without_a_larger_grid_is_said(folder, capsys):
    (folder / "small.toml").write_text('task = "toy-noisy"\n[grid]\nn = [1]\n')
    ran = run(capsys, "run", "small.toml", "--engine", "serial", "--full")
    assert "small.toml has no larger grid: --full changes nothing" in ran.err
    assert "larger grid" not in run(capsys, "run", "toys.toml", "--engine", "serial", "--full").err


def test_what_is_left_aside_is_counted(folder, capsys):
    run(capsys, "run", "toys.toml", "--engine", "serial", "--full")
    plan = run(capsys, "run", "toys.toml", "--dry-run", "--json")
    assert plan.json["left_aside"] == 2
    said = "toys: 2 finished items of cells that left the grid are kept aside"
    assert said in plan.err
    ran = run(capsys, "run", "toys.toml", "--engine", "serial", "--json")
    assert (ran.json["left_aside"], said in ran.err) == (2, True)


def test_a_second_sigterm_lets_the_end_be_told(folder):
    """And one that comes when all is told leaves no traceback either."""
    program = """
import os, signal, sys
import slth.cli.entry as entry
from slth.cli import main
def command(tokens):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        print("tidied up")
entry._run = command
sys.exit(main([]))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (143, "tidied up\n", "slth: terminated\n")
    late = program.replace("    try:\n        os.kill(os.getpid(), signal.SIGTERM)\n    finally:", "    if True:")
    late = late.replace("os.kill(os.getpid(), signal.SIGTERM)", "entry._fail = lambda *_: os.kill(os.getpid(), 15)")
    late = late.replace('print("tidied up")', "raise KeyboardInterrupt")
    ran = subprocess.run([sys.executable, "-c", late], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (143, "", "")


def test_a_damaged_row_is_refused_by_name_and_repaired(folder, capsys):
    assert run(capsys, "run", "toys.toml", "--engine", "serial").code == 0
    table = (folder / "runs/toys/table.csv").read_bytes()
    with sqlite3.connect(folder / "runs/toys/results.sqlite") as store:
        store.execute("UPDATE items SET rows = replace(rows, '40', '41') WHERE cell = '{\"n\":2}' AND replicate = 1")
    store.close()
    for verb in (["run", "toys.toml", "--engine", "serial"], ["results", "show", "toys"]):
        ran = run(capsys, *verb)
        assert ran.code == 1
        assert 'replicate 1 of the cell {"n":2} is damaged' in ran.err
        assert "with --repair" in ran.err
    ran = run(capsys, "run", "toys.toml", "--engine", "serial", "--repair", "--json")
    assert (ran.code, ran.json["kept"], ran.json["done"]) == (0, 5, 6)
    assert (folder / "runs/toys/table.csv").read_bytes() == table
    assert "leave one of the two out" in run(capsys, "run", "toys.toml", "--repair", "--no-resume").err


def test_failures(folder, capsys):
    (folder / "bad.toml").write_text('task = "toy-failing"\n[grid]\nn = [1, 2]\n')
    ran = run(capsys, "run", "bad.toml", "--engine", "serial", "--json")
    assert (ran.code, ran.json["done"], ran.json["failed"]) == (1, 1, 1)
    assert ran.json["reasons"] == {"ZeroDivisionError: no luck": 1}
    assert "bad: 1 failed: ZeroDivisionError: no luck" in ran.err


def test_the_plan(folder, capsys):
    if importlib.util.find_spec("dask_jobqueue") is None:
        pytest.skip("needs dask-jobqueue")
    run(capsys, "run", "toys.toml", "--engine", "serial", "--limit", "2")
    ran = run(capsys, "run", "toys.toml", "--dry-run", "--engine", "slurm", "--queue", "fast", "--json")
    assert (ran.code, ran.json["done"], ran.json["items"]) == (0, 2, 6)
    assert "#SBATCH -p fast" in ran.json["job_script"]
    assert "#SBATCH" in run(capsys, "run", "toys.toml", "--dry-run", "--engine", "slurm").out
    other = run(capsys, "run", "toys.toml", "--dry-run", "--out", "nowhere", "--json")
    assert (other.json["done"], other.json["job_script"]) == (0, None)
    assert not (folder / "nowhere").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.toml"], "is not a file"),
        (["toys.toml", "--limit", "0"], "--limit=0 must be at least 1"),
        (["toys.toml", "--engine", "lok"], "loky"),
        (["toys.toml", "--jobs", "0"], "--jobs=0"),
        (["toys.toml", "--address", "tcp://a:1"], "add --engine dask"),
        (["toys.toml", "--out", "toys.toml"], "is not a folder"),
        (["wrong.toml"], "did you mean 'grid'"),
        (["unread.toml"], "'m' in [fixed], which toy-noisy does not read"),
        (["toys.toml", "--queue", "fast"], "--queue='fast' is of no use to the engine loky: add --engine slurm"),
        (["toys.toml", "--engine", "slurm", "--walltime", "soon"], "--walltime='soon'"),
        (["toys.toml", "--engine", "dask", "--address", "foo://x"], "unknown address scheme 'foo'"),
    ],
)
def test_bad_input(folder, capsys, arguments, words):
    (folder / "wrong.toml").write_text('task = "toy-noisy"\n[gird]\n')
    (folder / "unread.toml").write_text('task = "toy-noisy"\n[grid]\nn = [1]\n[fixed]\nm = 1\n')
    ran = run(capsys, "run", *arguments, "--json")
    assert ran.code == 2
    assert words in ran.err
    assert ran.json["exit_code"] == 2
    assert not (folder / "runs/unread").exists()


def test_show_and_export(folder, capsys):
    run(capsys, "run", "toys.toml", "--engine", "serial")
    shown = run(capsys, "results", "show", "toys", "--json").json
    assert [(row["n"], row["trials"]) for row in shown["table"]] == [(1, 120), (2, 120)]
    assert 0.0 < shown["table"][0]["low"] < shown["table"][0]["rate"] < shown["table"][0]["high"] < 1.0
    assert "successes" in run(capsys, "results", "show", "runs/toys").out
    exported = run(capsys, "results", "export", "toys", "--to", "csv", "--out", "there", "--json").json
    assert (exported["file"], exported["rows"]) == ("there/toys.csv", 6)
    assert (folder / "there/toys.csv").read_bytes() == (folder / "runs/toys/table.csv").read_bytes()
    by_cell = run(capsys, "results", "export", "runs/toys/results.sqlite", "--to", "latex", "--by-cell")
    assert by_cell.out == "runs/toys/toys-by-cell.tex\n"
    assert r"\toprule" in (folder / "runs/toys/toys-by-cell.tex").read_text()
    for place, code, words in (("nowhere", 2, "is no run"), (str(folder), 2, "RUN=")):
        ran = run(capsys, "results", "show", place)
        assert ran.code == code
        assert words in ran.err
    assert run(capsys, "results", "show", "toys", "--confidence", "2").code == 2


DRIVER = """
import sys
from slth import studies
from tests.grids.toy_studies import REGISTRY
from slth.cli import main
if __name__ == "__main__":
    studies.STUDIES = REGISTRY
    sys.exit(main())
"""


def committed(path):
    try:
        return len(list(read_store(path).items))
    except ResultsError:  # not there yet
        return 0


SIGNALS = [(signal.SIGINT, 130, "loky"), (signal.SIGTERM, 143, "serial"), (signal.SIGINT, 130, "dask")]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code", "engine"), SIGNALS)
def test_signals_leave_a_resumable_run(folder, capsys, number, code, engine, pytestconfig):
    """The signal goes to the whole group, as a terminal sends it."""
    (folder / "calls").mkdir()
    (folder / "slow").touch()
    (folder / "long.toml").write_text(
        f'task = "toy-counted"\nreplicates = 500\n[grid]\nn = [1]\n[fixed]\nfolder = "{folder}/calls"\n'
    )
    (folder / "driver.py").write_text(DRIVER)
    environment = {**os.environ, "PYTHONPATH": str(pytestconfig.rootpath)}
    with python("driver.py", "run", "long.toml", "--engine", engine, "--json", env=environment) as process:
        while committed(folder / "runs/long/results.sqlite") < 5:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert json.loads(out)["exit_code"] == code
    assert err.splitlines()[0] == "slth: what is finished is kept in runs/long: run the same command again to go on"
    assert len(err.splitlines()) == 2  # and no noise of the workers
    done = run(capsys, "results", "show", "long", "--json").json["done"]
    assert 5 <= done < 500
    (folder / "slow").unlink()
    resumed = run(capsys, "run", "long.toml", "--engine", "serial", "--limit", "1", "--json")
    assert resumed.json["kept"] == done


def test_what_remains():
    assert remaining(10.0, 10, 10) == ", about 10 s left"
    assert remaining(60.0, 1, 3) == ", about 3 min left"
    assert remaining(3600.0, 1, 3) == ", about 3 h left"
    assert remaining(1.0, 0, 3) == remaining(1.0, 3, 0) == remaining(0.1, 10, 1) == ""


def test_progress_as_lines_says_what_remains(folder, capsys):
    (folder / "slow").touch()
    (folder / "calls").mkdir()
    (folder / "s.toml").write_text(
        f'task = "toy-counted"\nreplicates = 80\n[grid]\nn = [1]\n[fixed]\nfolder = "{folder}/calls"\n'
    )
    err = run(capsys, "run", "s.toml", "--engine", "serial", "--verbose").err
    assert "slth: s 80/80" in err
    assert "s left" in err

"""The checks of devices, on CUDA where there is one, and the whole command at toy size, as a bare machine runs it."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
import torch

from tests.gpu import recipes, run
from tests.gpu.benchmarks import BENCHMARKS, Benchmark, Measured
from tests.gpu.checks import CHECKS
from tests.tools.bare_machine import ROOT, on_a_bare_machine

MAIN = "import sys; from tests.gpu.run import main; sys.exit(main())"


@pytest.mark.gpu
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_holds_on_cuda(check):
    check(torch.device("cuda"), False)


def test_the_whole_command_runs_at_toy_size_where_little_is_installed(tmp_path):
    done = on_a_bare_machine(MAIN, "--toy", "--out", str(tmp_path))
    assert done.returncode == run.DONE, done.stdout + done.stderr
    rows = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert [row["status"] for row in rows] == ["ok"] * len(rows)
    assert {row["name"] for row in rows if row["kind"] == "check"} == {c.__name__.replace("_", " ") for c in CHECKS}
    measured = [row for row in rows if row["kind"] == "benchmark"]
    assert {row["name"] for row in measured} == {benchmark.name for benchmark in BENCHMARKS}
    for row in measured:
        assert row["bytes"] > 0
        assert row["operations"] > 0
        assert row["share_of_copy_bandwidth"] > 0
        assert len(row["model"]) > 100
    facts = json.loads((tmp_path / "environment.json").read_text())
    assert facts["torch"] == torch.__version__
    assert facts["copy_bytes_a_second"] > 0
    assert done.stdout == (tmp_path / "table.txt").read_text()
    assert len(done.stdout.splitlines()) == 2 + len(rows)
    assert len(list(tmp_path.iterdir())) == 3


def test_without_a_gpu_it_says_so():
    done = subprocess.run(
        [sys.executable, "-m", "tests.gpu.run"],
        cwd=ROOT,
        env={"CUDA_VISIBLE_DEVICES": "", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == run.USAGE
    assert "finds no CUDA device: install its CUDA build, or pass --toy" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "two list"], "did you mean 'two lists'"),
        (["--out", "/dev/null/x"], "cannot be written"),
        (["--minutes", "soon"], "invalid float value"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        run.main(["--toy", *arguments])
    assert stopped.value.code == run.USAGE
    assert message in capsys.readouterr().err


def wrong(place, *_):
    raise AssertionError(f"wrong on {place}")


def interrupted(place, *_):
    raise KeyboardInterrupt


def test_a_check_that_fails_is_told_with_its_place_and_the_rest_is_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "CHECKS", (wrong,))
    assert run.main(["--toy", "--out", str(tmp_path)]) == run.FAILED
    rows = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert rows[0]["status"] == "FAILED"
    assert "wrong on cpu" in rows[0]["error"]
    assert rows[-1]["kind"] == "benchmark"
    assert "FAILED" in capsys.readouterr().out


def test_what_time_does_not_allow_is_named(tmp_path, monkeypatch, capsys):
    assert run.main(["--toy", "--out", str(tmp_path), "--minutes", "0"]) == run.PARTIAL
    assert "not run: time is up" in capsys.readouterr().out


def test_an_interruption_leaves_a_table_of_what_was_done(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "CHECKS", (CHECKS[0], interrupted))
    assert run.main(["--toy", "--out", str(tmp_path)]) == run.INTERRUPTED
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_later_cases_are_left_out_where_the_one_before_took_too_long(monkeypatch):
    clock = iter([0.0, 10.0, 10.0, 100.0])
    monkeypatch.setattr(run, "perf_counter", lambda: next(clock))
    slow = Benchmark("slow", "m", lambda place, case: iter([Measured("all", 1.0, 1, 1, 2.0, 4.0)]), ({}, {}), {})
    monkeypatch.setattr(run, "BENCHMARKS", (slow,))
    rows = list(run.run_benchmarks(torch.device("cpu"), False, [], 49.0, 8.0))
    assert [row["status"] for row in rows] == ["ok", "not run: time is up"]
    assert rows[0]["share_of_copy_bandwidth"] == 0.5
    assert rows[0]["operations_a_second"] == 2.0


@pytest.mark.slow
def test_searches_run_at_toy_size(tmp_path):
    command = [sys.executable, "-m", "tests.gpu.searches", "--toy", "--out", str(tmp_path), "--minutes", "15"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "searches.jsonl").read_text().splitlines()]
    assert {row["name"] for row in rows} > {"step", "edge-popup conv-6", "gem-miner resnet-20", "fine-tuned shuffled"}
    assert all(0.0 <= row["test"] <= 1.0 for row in rows if "test" in row)


@pytest.mark.slow
def test_a_data_diet_runs_at_toy_size_and_goes_on(tmp_path):
    command = [sys.executable, "-W", "error", "-m", "tests.gpu.diets", "--toy", "--ways", "easy,none"]
    tables = []
    for _ in range(2):
        done = subprocess.run([*command, "--out", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        tables.append(done.stdout)
    assert tables[0] == tables[1]
    assert tables[0].splitlines()[0].split() == ["level", "density", "easy", "none"]
    assert [line.split()[:2] for line in tables[0].splitlines()[1:]] == [
        ["0", "1.0000"],
        ["1", "0.8000"],
        ["2", "0.6400"],
    ]


def test_a_recipe_is_declined_where_its_data_are_missing(tmp_path, capsys):
    given = ["edge_popup_conv2", "--device", "cpu", "--data-dir", str(tmp_path), "--out", str(tmp_path)]
    assert recipes.main([*given, "--set", "seeds=[1]"]) == 1
    row = json.loads(capsys.readouterr().out)
    assert (row["status"], row["seeds"], row["benchmark"]) == ("declined", 1, "edge_popup_conv2")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["nope"], "is not a benchmark"),
        (["large", "--set", "n=3"], "must be a list"),
        (["large", "--set", "n"], "TOML|="),
    ],
)
def test_wrong_recipes_are_refused(given, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        recipes.main(given)
    assert stopped.value.code == run.USAGE
    assert re.search(message, capsys.readouterr().err)

import csv
import json
import time

import pytest

from slth.benchmarks import runner as benchmarks
from slth.benchmarks.runner import (
    Contender,
    Declined,
    find_benchmarks,
    read_benchmark,
    resolve_task,
    run_benchmark,
    write_table,
)
from slth.errors import ArgumentError

CALLS = []


def task(cell, seed):
    """A task for these tests: what it does is in the cell."""
    if cell["n"] == 3:
        raise Declined("three is too many")

    def ours():
        CALLS.append(("ours", cell["n"], seed, cell.get("threads"), cell["peers"]))
        time.sleep(0.03 if len(CALLS) == 1 else 0.002)
        return {"steps": 1000, "answer": cell["n"] ** 2}

    def peer():
        raise Declined("not installed")

    def broken():
        raise ZeroDivisionError("no luck")

    return [
        Contender("slth", ours, 10),
        Contender("timed", lambda: {"seconds": 1.0}, 1, warm_up=False, replicates=1),
        Contender("peer", peer),
        Contender("broken", broken),
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setitem(benchmarks.TASKS, "test-task", f"{__name__}:task")
    CALLS.clear()
    (tmp_path / "one.toml").write_text(
        'description = "d"\ntask = "test-task"\nseed = 5\nreplicates = 3\n'
        '[grid]\nn = [1, 2, 3]\nflag = ["a"]\nthreads = [4]\n[peers]\nx = 1\n'
    )
    (tmp_path / "two.toml").write_text('task = "test-task"\n[grid]\nn = [2]\n')
    return tmp_path


def test_rows_of_a_run(folder, tmp_path):
    (benchmark,) = find_benchmarks(folder, ["one"])
    seen = []
    rows = run_benchmark(benchmark, extra={"threads": 1, "device": "cpu"}, progress=lambda *report: seen.append(report))
    assert [(row["n"], row["contender"], row["status"]) for row in rows] == [
        (n, contender, status)
        for n in (1, 2)
        for contender, status in (("slth", "ok"), ("timed", "ok"), ("peer", "declined"), ("broken", "failed"))
    ] + [(3, "slth", "declined")]
    assert len({tuple(row) for row in rows}) == 1  # the same columns everywhere
    ours, timed, peer, broken, *_ = rows
    assert len(CALLS) == 2 * (1 + 3)
    assert CALLS[0] == ("ours", 1, 5, 4, {"x": 1})  # the grid wins over what the call says
    assert ours["answer"] == 1
    assert ours["warm_up_seconds"] > 0.025 > ours["seconds"]
    assert ours["compile_seconds"] == pytest.approx(ours["warm_up_seconds"] - ours["seconds"])
    assert ours["ns_per_step"] == pytest.approx(1e9 * ours["seconds"] / 1000)
    assert ours["ratio"] == 1.0
    assert timed["ratio"] == pytest.approx(1.0 / ours["seconds_per_instance"])
    assert timed["warm_up_seconds"] is None
    assert peer["reason"] == "not installed"
    assert broken["reason"] == "ZeroDivisionError: no luck"
    assert rows[-1]["reason"] == "three is too many"
    assert seen[-1] == ("one", 3, 3)


def test_limit_and_seed(folder):
    (benchmark,) = find_benchmarks(folder, ["one"])
    assert len(run_benchmark(benchmark, limit=1, seed=8)) == 4
    assert {call[2] for call in CALLS} == {8}
    with pytest.raises(ArgumentError, match="limit=0"):
        run_benchmark(benchmark, limit=0)


def test_what_is_written(folder, tmp_path):
    (benchmark,) = find_benchmarks(folder, ["one"])
    rows = run_benchmark(benchmark, limit=1)
    write_table(tmp_path / "out", benchmark, rows, seed=5)
    with (tmp_path / "out/table.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [row["contender"] for row in read] == [row["contender"] for row in rows]
    assert float(read[0]["seconds"]) == rows[0]["seconds"]
    assert read[2]["seconds"] == ""
    provenance = json.loads((tmp_path / "out/provenance.json").read_text())
    assert provenance["spec_sha256"] == benchmark.digest
    assert provenance["seed"] == 5
    assert set(provenance["timing_columns"]) >= {"seconds", "ratio"}
    assert "numpy" in provenance["environment"]["packages"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("task = ", "cannot be read"),
        ("name = 'x'", "names no task"),
        ("task = 'nothing'", "unknown task"),
        ("task = 'per-weight'\nreplicate = 3", "unknown key 'replicate'"),
        ("task = 'per-weight'\nreplicates = 0", "replicates = 0"),
        ("task = 'per-weight'\nseed = 1.5", "'seed'"),
        ("task = 'per-weight'\nseed = true", "'seed'"),
        ("task = 'per-weight'\n[grid]\nn = 3", "not a list"),
        ("task = 'per-weight'\n[grid]\nn = []", "not a list"),
    ],
)
def test_wrong_files(tmp_path, text, words):
    path = tmp_path / "b.toml"
    path.write_text(text)
    with pytest.raises(ArgumentError, match=words):
        read_benchmark(path)


def test_wrong_names(folder, tmp_path):
    with pytest.raises(ArgumentError, match="choose from one, two"):
        find_benchmarks(folder, ["three"])
    with pytest.raises(ArgumentError, match="holds no benchmark"):
        find_benchmarks(tmp_path / "nowhere")
    with pytest.raises(ArgumentError, match="choose one of"):
        resolve_task("nothing")


def test_the_repositorys_own_grids_name_tasks_that_exist(pytestconfig):
    folder = pytestconfig.rootpath / "benchmarks"
    for benchmark in find_benchmarks(folder):
        assert callable(resolve_task(benchmark.task))
        assert benchmark.description
        assert list(benchmark.cells())


def test_every_registered_task_exists():
    for name in benchmarks.TASKS:
        assert resolve_task(name).__doc__


def test_the_task_that_draws_weights_draws_the_right_law():
    ours, numpys = resolve_task("generate-weights")({"law": "uniform", "count": 20_000}, 0)
    for contender in (ours, numpys):
        values = contender.run()
        # Mean square 1/3 with standard deviation sqrt(4/45 / 20000) = 0.0021: five of them fail once in two million.
        assert abs(values["mean_square"] - 1 / 3) < 0.011
        assert values["bytes"] == 160_000


def test_the_tasks_of_tickets_on_a_small_problem():
    cell = {"data": "synthetic", "hidden": [6], "epochs": 1, "peers": {"published": 1}}
    ours, published = resolve_task("per-weight")({**cell, "n": 10, "tolerance": 0.0, "lists": "fresh"}, 0)
    values = ours.run()
    assert values["weights"] == ours.instances == 16 * 6 + 6 * 4
    assert 0.0 < values["median_error"] < values["largest_error"]
    assert published.run()["seconds"] == 77_266.0
    with pytest.raises(Declined, match="is not in"):
        resolve_task("per-weight")({**cell, "data": "mnist", "data_dir": "nowhere"}, 0)


def test_what_takes_hours_runs_only_where_it_is_named(tmp_path):
    (tmp_path / "short.toml").write_text('task = "start-up"\n')
    (tmp_path / "hours.toml").write_text('task = "start-up"\nlong = true\n')
    assert [one.name for one in find_benchmarks(tmp_path)] == ["short"]
    assert [one.name for one in find_benchmarks(tmp_path, ["hours"])] == ["hours"]

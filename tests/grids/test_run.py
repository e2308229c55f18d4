import json
import os
import subprocess
import time

import pytest

from slth.errors import ArgumentError, ResultsError
from slth.grids.context import Context
from slth.grids.engines import Loky, Serial
from slth.grids.keys import Key, Study
from slth.grids.run import Computation, run_experiment
from slth.grids.spec import Experiment
from slth.grids.store import BATCH, read_store
from slth.grids.work import Finished, work
from tests.grids.toy_studies import REGISTRY
from tests.processes import python


def compute(experiment, folder, *, progress=None, engine=None, **how):
    how = Computation(engine=engine or Serial(), **how)
    return run_experiment(experiment, folder, REGISTRY, how, progress=progress)


def toy(study, cells, replicates=1, **fixed):
    return Experiment(name="a", task=f"toy-{study}", replicates=replicates, grids=(cells,), fixed=fixed)


def kept(folder):
    return [item for item in read_store(folder / "results.sqlite").items if not item.failed]


def test_the_table_has_its_order_whatever_the_order_of_arrival(tmp_path, monkeypatch):
    class Backwards:
        name = "backwards"

        def compute(self, items):
            yield from Serial().compute(list(items)[::-1])

    experiment = toy("timed", {"n": [3, 1]}, replicates=2)
    there = compute(experiment, tmp_path / "there")
    back = compute(experiment, tmp_path / "back", engine=Backwards())
    assert there.path.read_bytes() == back.path.read_bytes()
    lines = there.path.read_text().splitlines()
    assert lines[0] == "n,replicate,value,further,seconds"
    assert [line.rsplit(",", 1)[0] for line in lines[1:]] == [
        "3,0,3,", "3,0,-3,", "3,1,3,", "3,1,-3,", "1,0,1,", "1,0,-1,", "1,1,1,", "1,1,-1,",
    ]  # fmt: skip
    provenance = json.loads((tmp_path / "there/provenance.json").read_text())
    assert provenance["spec_sha256"] == experiment.digest
    assert provenance["timing_columns"] == ["seconds"]
    assert provenance["items"] == {"done": 4, "failed": 0, "missing": 0}


def test_items_of_a_study_in_the_folder_say_where_that_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = []

    class Looks:
        name = "looks"

        def compute(self, items):
            for item in items:
                seen.append(item.context.code)
                yield Finished(item.key, ({"value": 1},))

    for task in ("somewhere:study", "toy-timed"):
        experiment = Experiment(name="a", task=task, grids=({"n": [1]},))
        studies = {task: Study(task, {"n": Key(int)})}
        run_experiment(experiment, tmp_path / task, studies, Computation(engine=Looks()))
    assert seen == [tmp_path, None]


DRIVER = """
import sys
from pathlib import Path
from slth.grids.engines import make_engine
from slth.grids.run import Computation, run_experiment
from slth.grids.spec import from_document
from tests.grids.toy_studies import REGISTRY
import json
if __name__ == "__main__":
    document, folder, engine = sys.argv[1:]
    jobs = None if engine == "serial" else 2
    how = Computation(engine=make_engine(engine, jobs=jobs))
    run_experiment(from_document(json.loads(document)), Path(folder), REGISTRY, how)
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["serial", "loky"])
def test_kill_9_loses_at_most_the_last_batch(tmp_path, engine, pytestconfig):
    calls = tmp_path / "calls"
    calls.mkdir()
    experiment = toy("counted", {"n": list(range(60))}, replicates=2, folder=str(calls))
    (tmp_path / "slow").touch()
    script, folder = tmp_path / "driver.py", tmp_path / "run"
    script.write_text(DRIVER)
    command = [str(script), json.dumps(experiment.document()), str(folder), engine]
    environment = {**os.environ, "PYTHONPATH": str(pytestconfig.rootpath)}
    deadline = time.monotonic() + 60.0
    with python(*command, env=environment, stderr=subprocess.DEVNULL) as driver:
        while len(list(calls.iterdir())) < 50 and time.monotonic() < deadline:
            time.sleep(0.01)
        driver.kill()
        driver.wait()
    (tmp_path / "slow").unlink()
    time.sleep(1.0)  # its processes notice and go
    begun = len(list(calls.iterdir()))
    assert 50 <= begun < 120  # killed in the middle, and nobody goes on
    survivors = len(kept(folder))
    in_hand = 1 if engine == "serial" else 4
    assert begun - survivors <= BATCH + in_hand
    resumed = compute(experiment, folder)
    assert resumed.kept == survivors > 0
    assert len(list(calls.iterdir())) - begun == 120 - survivors  # nothing that was committed is computed again
    whole = compute(experiment, tmp_path / "whole")
    assert resumed.path.read_bytes() == whole.path.read_bytes()


def test_interrupted_and_limited_runs_end_in_the_same_table(tmp_path):
    experiment = toy("noisy", {"n": [1, 2, 3]}, replicates=5)
    whole = compute(experiment, tmp_path / "whole")
    folder = tmp_path / "parts"
    assert compute(experiment, folder, limit=4).table.missing == 11

    def interrupt(name, done, total):
        if done == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compute(experiment, folder, progress=interrupt)
    assert len(kept(folder)) == 9  # also what had not been committed yet
    seen = []
    last = compute(experiment, folder, engine=Loky(jobs=2), progress=lambda *report: seen.append(report))
    assert (seen[0], seen[-1]) == (("a", 9, 15), ("a", 15, 15))
    assert last.path.read_bytes() == whole.path.read_bytes()
    again = compute(experiment, folder)
    assert again.kept == 15


def test_a_grid_may_grow_and_shrink(tmp_path):
    small = compute(toy("noisy", {"n": [2]}, replicates=2), tmp_path / "a")
    large = compute(toy("noisy", {"n": [1, 2]}, replicates=3), tmp_path / "a")
    assert (small.kept, large.kept, large.table.left_aside) == (0, 2, 0)
    whole = compute(toy("noisy", {"n": [1, 2]}, replicates=3), tmp_path / "b")
    assert large.path.read_bytes() == whole.path.read_bytes()
    back = compute(toy("noisy", {"n": [2]}, replicates=2), tmp_path / "a")
    assert (back.kept, back.table.left_aside) == (2, 4)
    assert back.path.read_bytes() == compute(toy("noisy", {"n": [2]}, replicates=2), tmp_path / "c").path.read_bytes()


def test_failures_are_recorded_and_tried_again(tmp_path):
    experiment = toy("failing", {"n": [1, 2, 4]}, replicates=2)
    table = compute(experiment, tmp_path / "run").table
    assert (table.done, table.failed, table.missing, table.complete) == (4, 2, 0, False)
    assert table.reasons == {"ZeroDivisionError: no luck": 2}
    assert [row["n"] for row in table.rows] == [1, 1, 4, 4]
    (tmp_path / "cured").touch()
    mended = compute(experiment, tmp_path / "run", context=Context(folders=(tmp_path,)))
    assert (mended.kept, mended.table.done, mended.table.complete) == (4, 6, True)


def test_a_limit_is_not_spent_on_what_must_fail(tmp_path):
    experiment = toy("failing", {"n": [2, 1, 4]}, replicates=2)
    for left in (5, 4, 3, 2, 1, 0, 0):
        table = compute(experiment, tmp_path, limit=1).table
        assert table.missing == left
    assert (table.done, table.failed) == (4, 2)


def test_items_are_made_as_they_are_needed(tmp_path):
    """Ten million of them, of which two are computed: nobody lists the others beforehand."""

    class First:
        name = "first"

        def compute(self, items):
            assert not isinstance(items, list | tuple)
            for _, item in zip(range(2), items, strict=False):
                yield work(item)
            raise KeyboardInterrupt

    experiment = toy("timed", {"n": list(range(10_000))}, replicates=1000)
    begin, seen = time.monotonic(), []
    with pytest.raises(KeyboardInterrupt):
        compute(experiment, tmp_path, engine=First(), progress=lambda *report: seen.append(report))
    assert seen[-1] == ("a", 2, 10**7)
    with pytest.raises(KeyboardInterrupt):
        compute(experiment, tmp_path, engine=First(), progress=lambda *report: seen.append(report))
    assert seen[-1] == ("a", 4, 10**7)
    assert time.monotonic() - begin < 5.0


def test_beginning_anew(tmp_path):
    experiment = toy("noisy", {"n": [1]})
    table = compute(experiment, tmp_path).path.read_bytes()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/target").touch()
    assert compute(experiment, tmp_path, resume=False).kept == 0
    assert (tmp_path / "results.1.sqlite").exists()
    assert (tmp_path / "table.1.csv").read_bytes() == table
    assert (tmp_path / "provenance.1.json").exists()
    compute(experiment, tmp_path, resume=False)
    assert (tmp_path / "results.2.sqlite").exists()
    assert (tmp_path / "table.2.csv").exists()
    assert not (tmp_path / "cache").exists()
    changed = Experiment(name="a", task="toy-noisy", seed=1, grids=({"n": [1]},))
    with pytest.raises(ArgumentError, match="seed=1 is not that of the results"):
        compute(changed, tmp_path)


def test_the_cache_of_a_run_lies_in_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = compute(toy("surroundings", {"n": [1]}), tmp_path / "run").table
    assert table.rows[0]["cache"] == str(tmp_path / "run/cache")


def test_bad_arguments(tmp_path):
    with pytest.raises(ArgumentError, match="limit=0"):
        compute(toy("noisy", {"n": [1]}), tmp_path, limit=0)
    with pytest.raises(ArgumentError, match="is not a study"):
        compute(toy("nothing", {"n": [1]}), tmp_path)


def test_a_second_run_is_refused_and_the_first_goes_on(tmp_path):
    experiment, refused = toy("noisy", {"n": [1, 2]}), []

    def again(name, done, total):
        if done == 1:
            with pytest.raises(ResultsError, match="being written") as caught:
                compute(experiment, tmp_path)
            refused.append(caught)

    assert compute(experiment, tmp_path, progress=again).table.complete
    assert len(refused) == 1


def test_processes_end_with_a_killed_driver(tmp_path, pytestconfig):
    psutil = pytest.importorskip("psutil")
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    slow = toy("counted", {"n": list(range(5_000))}, folder=str(tmp_path / "calls"))
    (tmp_path / "calls").mkdir()
    (tmp_path / "slow").touch()
    command = [str(script), json.dumps(slow.document()), str(tmp_path / "run"), "loky"]
    environment = {**os.environ, "PYTHONPATH": str(pytestconfig.rootpath)}
    with python(*command, env=environment, stderr=subprocess.DEVNULL) as driver:
        while len(list((tmp_path / "calls").iterdir())) < 10:
            assert driver.poll() is None
            time.sleep(0.05)
        processes = psutil.Process(driver.pid).children(recursive=True)
        assert len(processes) >= 2
        driver.kill()
        driver.wait()
        _, alive = psutil.wait_procs(processes, timeout=5.0)
    assert not alive

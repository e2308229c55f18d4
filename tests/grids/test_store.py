import signal
import sqlite3
import subprocess
import sys

import pytest

from slth.errors import ArgumentError, ResultsError
from slth.grids import store as stores
from slth.grids import stored_items
from slth.grids.spec import Experiment
from slth.grids.store import BATCH, Store, is_results_file, read_store
from slth.grids.work import Finished
from tests.processes import python

EXPERIMENT = Experiment(name="a", task="t", replicates=100, grids=({"n": [1]},))
CELL = '{"n":1}'


def item(replicate, **values):
    return Finished((CELL, replicate), ({"value": replicate / 3, **values},), seconds=0.5)


def fill(folder, count, experiment=EXPERIMENT):
    with Store(folder, experiment) as store:
        for replicate in range(count):
            store.add(item(replicate))


def replicates(folder):
    return sorted(found.key[1] for found in read_store(folder / "results.sqlite").items)


def test_what_is_written_is_read_to_the_last_bit(tmp_path):
    rows = ({"x": 0.1 + 0.2, "law": "é", "none": None, "nan": float("nan"), "inf": float("inf"), "big": 2**70},)
    with Store(tmp_path, EXPERIMENT) as store:
        store.add(Finished((CELL, 0), rows, seconds=1.5))
        store.add(Finished((CELL, 1), None, "no luck"))
        store.commit()
        assert store.finished() == {(CELL, 0): False, (CELL, 1): True}
    stored = read_store(tmp_path / "results.sqlite")
    first, second = stored.items
    assert repr(first.rows) == repr(rows)
    assert (second.rows, second.reason) == (None, "no luck")
    assert stored.experiment == EXPERIMENT


@pytest.mark.parametrize("resume", [True, False])
def test_no_journal_stays_behind(tmp_path, resume):
    """Nor one that an earlier version of slth left."""
    fill(tmp_path, 3)
    assert {path.name for path in tmp_path.iterdir()} == {"results.sqlite", "results.lock"}
    (tmp_path / "results.sqlite-journal").touch()
    with Store(tmp_path, EXPERIMENT, resume=resume) as store:
        store.add(item(3))
    aside = set() if resume else {"results.1.sqlite", "results.1.sqlite-journal"}  # as it was
    assert {path.name for path in tmp_path.iterdir()} == {"results.sqlite", "results.lock"} | aside


def test_batches_are_committed_and_the_rest_on_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "BATCH_SECONDS", 1e9)

    def interrupted():
        with Store(tmp_path, EXPERIMENT) as store:
            for replicate in range(BATCH - 1):
                store.add(item(replicate))
            assert replicates(tmp_path) == []  # another connection sees what is committed
            store.add(item(BATCH - 1))
            assert len(replicates(tmp_path)) == BATCH
            store.add(item(BATCH))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(replicates(tmp_path)) == BATCH + 1


def test_a_second_writer_is_told_who_writes(tmp_path):
    with Store(tmp_path, EXPERIMENT) as store:
        store.add(item(0))
        with pytest.raises(ResultsError, match=r"being written by another process \(process \d+ on .*--out"):
            Store(tmp_path, EXPERIMENT)
        code = f"""
from pathlib import Path
from slth.grids.store import Store
from slth.grids.spec import Experiment
Store(Path({str(tmp_path)!r}), Experiment(name="a", task="t"))
"""
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "ResultsError" in other.stderr
        assert "being written" in other.stderr
    fill(tmp_path, 2)
    assert replicates(tmp_path) == [0, 1]


def test_a_dead_writers_lock_is_taken_over(tmp_path):
    code = f"""
import time
from pathlib import Path
from slth.grids.store import Store
from slth.grids.spec import Experiment
with Store(Path({str(tmp_path)!r}), Experiment(name="a", task="t")) as store:
    print("locked", flush=True)
    time.sleep(60)
"""
    with python("-c", code) as writer:
        assert writer.stdout.readline() == "locked\n"
        with pytest.raises(ResultsError, match=f"process {writer.pid} "):
            Store(tmp_path, EXPERIMENT)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    fill(tmp_path, 1)
    assert replicates(tmp_path) == [0]


@pytest.mark.parametrize("content", [b"not a database, but long enough to be taken for one" * 40, b"\0" * 4096, b"x"])
def test_files_that_are_no_databases_are_refused_and_kept(tmp_path, content):
    path = tmp_path / "results.sqlite"
    path.write_bytes(content)
    for attempt in (lambda: Store(tmp_path, EXPERIMENT), lambda: read_store(path)):
        with pytest.raises(ResultsError, match=r"results.sqlite.*(corrupt|belongs to another program)"):
            attempt()
    assert path.read_bytes() == content
    with Store(tmp_path, EXPERIMENT, resume=False):
        pass
    assert (tmp_path / "results.1.sqlite").read_bytes() == content


def test_a_damaged_page_is_noticed(tmp_path):
    fill(tmp_path, 100)
    path = tmp_path / "results.sqlite"
    content = bytearray(path.read_bytes())
    content[-4096:] = b"\xff" * 4096
    path.write_bytes(content)
    with pytest.raises(ResultsError, match=r"corrupt.*--repair"):
        Store(tmp_path, EXPERIMENT)
    assert path.read_bytes() == content


def test_other_programs_and_versions(tmp_path):
    path = tmp_path / "results.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(ResultsError, match="belongs to another program"):
        Store(tmp_path, EXPERIMENT)
    path.unlink()
    fill(tmp_path, 1)
    with sqlite3.connect(path) as ours:
        ours.execute("PRAGMA user_version = 99")
    ours.close()
    with pytest.raises(ResultsError, match="version 99"):
        read_store(path)
    with pytest.raises(ResultsError, match="not there"):
        read_store(tmp_path / "nowhere.sqlite")


def test_a_full_disk_loses_nothing_that_was_committed(tmp_path, monkeypatch):
    fill(tmp_path, 3)
    connect = stores._connect

    def small(path, **options):
        """A database that may grow by two pages."""
        connection = connect(path, **options)
        if path.name == "results.sqlite":
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        return connection

    def fill_up():
        with Store(tmp_path, EXPERIMENT) as store:
            for replicate in range(3, 1000):
                store.add(item(replicate, text="x" * 500))

    monkeypatch.setattr(stores, "_connect", small)
    with pytest.raises(ResultsError, match=r"full.*what was committed is kept; make room and run the same"):
        fill_up()
    monkeypatch.undo()
    kept = replicates(tmp_path)
    assert kept == list(range(len(kept)))
    assert 3 <= len(kept) < 100
    assert len(kept) == 3 or len(kept) % BATCH == 3  # whole batches
    fill(tmp_path, 50)
    assert replicates(tmp_path) == list(range(50))


WRONG = [
    ("UPDATE about SET value = '[1]' WHERE key = 'experiment'", "its experiment cannot be read"),
    ("UPDATE about SET value = '{}' WHERE key = 'experiment'", "its experiment cannot be read"),
    ("UPDATE about SET value = replace(value, '100', '0') WHERE key = 'experiment'", "must be at least 1"),
    ("UPDATE about SET value = replace(value, '\"t\"', '3') WHERE key = 'experiment'", "of another type"),
    ("UPDATE about SET value = replace(value, '\"a\"', '\"\\ud800\"') WHERE key = 'experiment'", "cannot be read"),
    (f"UPDATE about SET value = '{'[' * 10**5}' WHERE key = 'experiment'", "nested too deeply"),
    ("DELETE FROM about WHERE key = 'experiment'", "does not say its experiment"),
    ("DROP TABLE items", "no such table"),
    ("DROP TABLE about", "no such table"),
    ("ALTER TABLE items DROP COLUMN reason", "no such column"),
]
ROWS = [
    ("rows", "[1, 2]", "no list of rows"),
    ("rows", "7", "no list of rows"),
    ("rows", "[{", "no JSON"),
    ("rows", '[{"x": [1]}]', "a list as x"),
    ("rows", '[{"successes": "a", "trials": 3}]', "'a' successes in 3 trials"),
    ("rows", '[{"successes": 4, "trials": 3}]', "4 successes in 3 trials"),
    ("rows", '[{"successes": 1, "trials": Infinity}]', "1 successes in inf trials"),
    ("rows", b"\xff", "no JSON"),
    ("rows", '[{"x": "\\ud83d"}]', "no JSON"),
    ("rows", '[{"x": ' * 10**5, "nested too deeply"),
    ("cell", "[" * 10**5, "nested too deeply"),
    ("cell", '{"n": 1}', "not what slth writes"),
    ("cell", '{"n":"\\udfff"}', "no JSON"),
    ("cell", 7, "not what slth writes"),
]


def edited(path, statement, values=()):
    with sqlite3.connect(path) as ours:
        ours.execute(statement, values)
    ours.close()


def refused(path, words):
    for attempt in (lambda: read_store(path), lambda: Store(path.parent, EXPERIMENT)):
        with pytest.raises(ResultsError, match=r"it is corrupt.*with --repair .*--no-resume") as problem:
            attempt()
        assert words in str(problem.value)
        assert len(str(problem.value)) < 1500


@pytest.mark.parametrize("forged", [False, True], ids=["damaged", "forged"])
@pytest.mark.parametrize(("statement", "words"), WRONG)
def test_what_somebody_edited_is_corrupt(tmp_path, monkeypatch, statement, words, forged):
    """With a checksum to match, which no accident writes, the content itself is refused."""
    fill(tmp_path, 2)
    path = tmp_path / "results.sqlite"
    edited(path, statement)
    if forged:
        monkeypatch.setattr(stored_items, "_about_checksum", lambda _: read_about(path)["checksum"])
    refused(path, words if forged or not statement.startswith("UPDATE") else "what it says of its experiment")
    monkeypatch.undo()
    with Store(tmp_path, EXPERIMENT, resume=False) as anew:
        assert anew.finished() == {}


def read_about(path):
    with sqlite3.connect(path) as ours:
        return dict(ours.execute("SELECT key, value FROM about"))


@pytest.mark.parametrize("forged", [False, True], ids=["damaged", "forged"])
@pytest.mark.parametrize(("column", "value", "words"), ROWS)
def test_a_damaged_row_is_named_and_refused_and_computed_again(tmp_path, column, value, words, forged):
    fill(tmp_path, 3)
    path = tmp_path / "results.sqlite"
    edited(path, f"UPDATE items SET {column} = ? WHERE replicate = 1", [value])
    if forged:
        with sqlite3.connect(path) as ours:
            columns = ours.execute("SELECT cell, replicate, rows, reason, seconds FROM items WHERE replicate = 1")
            checksum = stored_items.checksum(EXPERIMENT, next(columns))
        edited(path, "UPDATE items SET checksum = ? WHERE replicate = 1", [checksum])
    refused(path, words if forged else "is damaged, its checksum is another")
    refused(path, "replicate 1 of the cell")
    with Store(tmp_path, EXPERIMENT, repair=True) as store:
        assert set(store.finished()) == {(CELL, 0), (CELL, 2)}
    assert (tmp_path / "results.1.sqlite").exists()


@pytest.mark.parametrize(
    ("column", "value"),
    [("seconds", "long"), ("seconds", 0.25), ("replicate", "a"), ("replicate", 7), ("reason", "none"), ("rows", None)],
)
def test_every_column_is_under_the_checksum(tmp_path, column, value):
    fill(tmp_path, 2)
    edited(tmp_path / "results.sqlite", f"UPDATE items SET {column} = ? WHERE replicate = 1", [value])
    refused(tmp_path / "results.sqlite", "is damaged, its checksum is another")


def test_rows_of_another_seed_or_task_are_not_taken_over(tmp_path):
    for other in (Experiment(name="a", task="t", seed=1), Experiment(name="a", task="u")):
        folder = tmp_path / f"{other.task}{other.seed}"
        fill(folder, 2, other)
        edited(folder / "results.sqlite", "DELETE FROM about")
        with Store(folder, EXPERIMENT, repair=True) as store:
            assert store.finished() == {}


def test_repair_leaves_a_sound_file_alone_and_takes_what_it_can_of_a_torn_one(tmp_path):
    fill(tmp_path, 100)
    path = tmp_path / "results.sqlite"
    before = path.stat().st_ino
    with Store(tmp_path, EXPERIMENT, repair=True) as store:
        assert len(store.finished()) == 100
    assert path.stat().st_ino == before
    content = bytearray(path.read_bytes())
    content[-4096:] = b"\xff" * 4096
    path.write_bytes(content)
    with Store(tmp_path, EXPERIMENT, repair=True) as store:
        assert set(store.finished()) < {(CELL, replicate) for replicate in range(100)}
    assert (tmp_path / "results.1.sqlite").read_bytes() == content
    path.write_bytes(b"not a database, but long enough to be taken for one" * 40)
    with Store(tmp_path, EXPERIMENT, repair=True) as store:
        assert store.finished() == {}


def test_which_files_begin_as_ours(tmp_path):
    fill(tmp_path, 1)
    assert is_results_file(tmp_path / "results.sqlite")
    (tmp_path / "x").write_bytes(b"SQLite format 3\0")
    sqlite3.connect(tmp_path / "y").execute("CREATE TABLE a (b)").connection.close()
    assert not any(is_results_file(tmp_path / name) for name in ("x", "y", "results.lock", "nothing", "."))


def test_other_tasks_and_seeds_are_refused(tmp_path):
    fill(tmp_path, 2)
    for changed in (Experiment(name="a", task="u"), Experiment(name="a", task="t", seed=1)):
        with pytest.raises(ArgumentError, match="--no-resume"):
            Store(tmp_path, changed)
    with Store(tmp_path, Experiment(name="b", task="t", grids=({"n": [1, 2]},))) as store:
        assert store.finished() == {(CELL, 0): False, (CELL, 1): False}
    assert read_store(tmp_path / "results.sqlite").experiment.name == "b"


def test_beginning_anew_keeps_every_earlier_file(tmp_path):
    for count in (1, 2, 3):
        with Store(tmp_path, EXPERIMENT, resume=False) as store:
            for replicate in range(count):
                store.add(item(replicate))
    assert [len(read_store(tmp_path / f"results{number}.sqlite").items) for number in (".1", ".2", "")] == [1, 2, 3]


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "results.lock").mkdir()
    with pytest.raises(ResultsError, match=r"results\.lock cannot be opened .*: see that it is a file"):
        Store(tmp_path, EXPERIMENT)
    (tmp_path / "results.lock").rmdir()
    (tmp_path / "results.lock").write_bytes(b"somebody's notes" * 100)
    with pytest.raises(ResultsError, match=r"results\.lock cannot be locked .*: remove that file.*--out"):
        Store(tmp_path, EXPERIMENT)

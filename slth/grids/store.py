"""Results of a run in one sqlite file with one writer: what was committed survives anything."""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from slth import __version__
from slth.errors import ArgumentError, ResultsError, printable
from slth.grids.spec import Experiment
from slth.grids.stored_items import about_record, as_record, experiment_of, from_record, load_json
from slth.grids.work import Finished, Key

RESULTS_NAME = "results.sqlite"
LOCK_NAME = "results.lock"

BATCH = 32
"""Items after which a batch is committed."""
BATCH_SECONDS = 0.5
"""Seconds after which the next item that arrives commits the batch."""

_APPLICATION = 0x736C7468  # "slth", in the header of the file
_VERSION = 2
_MEND = "put it back from a copy, or compute again what is damaged with --repair (everything: --no-resume)"
_OTHER = "use the slth that wrote it, or begin anew with --no-resume"
_PATIENCE = 30.0  # seconds that a commit waits for somebody who reads

_SCHEMA = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE items (
    cell TEXT NOT NULL, replicate INTEGER NOT NULL, rows TEXT, reason TEXT NOT NULL, seconds REAL NOT NULL,
    checksum TEXT NOT NULL, PRIMARY KEY (cell, replicate)
) WITHOUT ROWID;
"""
_ALL = "SELECT cell, replicate, rows, reason, seconds, checksum FROM items"


@dataclass(frozen=True)
class StoredRun:
    """What a results file holds."""

    experiment: Experiment
    items: tuple[Finished, ...]
    version: str


@dataclass(frozen=True)
class Progress:
    """How far a results file is, without its rows."""

    experiment: Experiment
    finished: Mapping[Key, bool]

    @property
    def done(self) -> int:
        """Items of the experiment that have rows."""
        return sum(not failed for failed in self._own(self.experiment))

    @property
    def failed(self) -> int:
        """Items of the experiment that failed."""
        return sum(self._own(self.experiment))

    def left_aside(self, experiment: Experiment) -> int:
        """Finished items that another experiment of the same task and seed has no place for."""
        return len(self.finished) - len(self._own(experiment))

    def _own(self, experiment: Experiment) -> list[bool]:
        """Of each item that an experiment has, whether it failed."""
        return [failed for (cell, number), failed in self.finished.items() if experiment.holds(load_json(cell), number)]


class Store:
    """The one writer of a run's results file; a context manager that commits what it has on the way out.

    With ``repair`` a damaged file is set aside, and what can be read of it and is as it was written is taken over.
    """

    def __init__(self, folder: Path, experiment: Experiment, *, resume: bool = True, repair: bool = False) -> None:
        self.path, self.experiment = folder / RESULTS_NAME, experiment
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as undo:
            self._lock = undo.enter_context(closing(_lock(folder / LOCK_NAME)))
            saved = _salvage(self.path, experiment) if repair and _is_damaged(self.path) else None
            if saved is not None or not resume:
                _set_aside(self.path)
            self._connection = undo.enter_context(closing(_connect(self.path)))
            with _in_words(self.path):
                self._open()
            self._waiting = saved or []
            self.commit()
            self._close = undo.pop_all().close

    def finished(self) -> dict[Key, bool]:
        """Give the keys of all committed items, and whether each failed."""
        with _in_words(self.path):
            return _finished(self._connection)

    def add(self, finished: Finished) -> None:
        """Take an item; commit if the batch is large or old enough."""
        self._waiting.append(finished)
        if len(self._waiting) >= BATCH or time.monotonic() - self._committed > BATCH_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Write what was taken since the last commit, all or nothing."""
        if self._waiting:
            # Interrupted between the two lines, the same rows are written twice, which changes nothing.
            with _in_words(self.path), _transaction(self._connection) as write:
                records = (as_record(self.experiment, item) for item in self._waiting)
                write.executemany("INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?, ?)", records)
            self._waiting.clear()
        self._committed = time.monotonic()

    def items(self) -> tuple[Finished, ...]:
        """Give all committed items."""
        with _in_words(self.path):
            return _items(self._connection, self.experiment)

    def __enter__(self) -> Self:
        """Give the store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Commit what there is, unless writing is what failed, and let the next writer in."""
        try:
            if not isinstance(problem, ResultsError):
                self.commit()
        finally:
            self._close()

    def _open(self) -> None:
        """Begin a new file, or check that the one that is there can be gone on with."""
        connection = self._connection
        # Not WAL, which does not work on the file systems that the nodes of a cluster share; nor TRUNCATE, which leaves
        # an empty journal beside a file that is finished. A file may come in the mode of another program.
        connection.execute("PRAGMA journal_mode = DELETE")
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        fresh = not tables and not self.path.stat().st_size  # sqlite takes a few foreign bytes for nothing
        if not fresh:
            _check(connection, self.path)
            _check_same(experiment_of(_about(connection)), self.experiment, self.path)
            _items(connection, self.experiment)  # what cannot be read is said now, not after the work
        with _transaction(connection) as write:
            if fresh:
                write.execute(f"PRAGMA application_id = {_APPLICATION}")
                write.execute(f"PRAGMA user_version = {_VERSION}")
                for statement in _SCHEMA.split(";")[:-1]:
                    write.execute(statement)
            about = about_record(self.experiment, __version__, f"{socket.gethostname()} {os.getpid()}")
            write.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", about.items())


def read_store(path: Path) -> StoredRun:
    """Read a results file, also while another process writes to it."""
    with _reading(path) as connection:
        about = _about(connection)
        experiment = experiment_of(about)
        return StoredRun(experiment, _items(connection, experiment), about["slth"])


def read_progress(path: Path) -> Progress:
    """Read how far a results file is, also while another process writes to it."""
    with _reading(path) as connection:
        return Progress(experiment_of(_about(connection)), _finished(connection))


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.is_file() or not path.stat().st_size:
        raise ResultsError(f"{path} is not there, or nothing was finished yet: name the folder of a run")
    with closing(_connect(path)) as connection, _in_words(path):
        _check(connection, path)
        yield connection


def _finished(connection: sqlite3.Connection) -> dict[Key, bool]:
    """The keys of all items, and whether each failed."""
    found = connection.execute("SELECT cell, replicate, rows IS NULL FROM items")
    return {(cell, replicate): bool(failed) for cell, replicate, failed in found}


def _is_damaged(path: Path) -> bool:
    """Whether there is a file that cannot be read."""
    try:
        return os.path.lexists(path) and bool(path.stat().st_size) and not read_store(path)
    except ResultsError:
        return True


def _salvage(path: Path, experiment: Experiment) -> list[Finished]:
    """What is in a damaged file as it was written, up to where it breaks off."""
    saved = []
    with suppress(sqlite3.Error, ValueError), closing(_connect(path)) as connection:  # also of names that are no text
        for record in connection.execute(_ALL):
            with suppress(ValueError):
                saved.append(from_record(experiment, record))
    return saved


def is_results_file(path: Path) -> bool:
    """Whether a file begins as the results files of slth do; what follows may still be damaged."""
    try:
        with path.open("rb") as file:
            head = file.read(72)
    except OSError:
        return False
    return head.startswith(b"SQLite format 3\0") and head[68:] == _APPLICATION.to_bytes(4, "big")


def _lock(path: Path) -> sqlite3.Connection:
    """Hold an empty file as sqlite does: the system lets go when the process ends, however it ends, on any platform."""
    lock = _connect(path, timeout=0.0)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as problem:
        lock.close()
        if "locked" not in str(problem):
            remedy = "remove that file if slth did not make it, or write elsewhere with --out"
            raise ResultsError(f"{path} cannot be locked ({problem}): {remedy}") from problem
        raise ResultsError(
            f"{path.parent} is being written by another process{_writer(path.with_name(RESULTS_NAME))}: "
            "wait for it, or write elsewhere with --out"
        ) from problem
    return lock


def _writer(path: Path) -> str:
    with suppress(sqlite3.Error, KeyError, OSError), closing(_connect(path)) as connection:
        host, _, process = printable(_about(connection)["writer"]).rpartition(" ")
        return f" (process {process} on {host})"
    return ""


def _connect(path: Path, *, timeout: float = _PATIENCE) -> sqlite3.Connection:
    """Open for writing where that is allowed: after a killed writer even a reader has to tidy up."""
    try:
        connection = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    except sqlite3.Error as problem:
        remedy = "see that it is a file that you may write, in a folder that you may write, or use another folder"
        raise ResultsError(f"{path} cannot be opened ({problem}): {remedy}") from problem
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")  # damage is found by its checksum
    return connection


def _set_aside(path: Path) -> None:
    """Rename an earlier run's file, whatever it is: nothing is ever deleted."""
    if not os.path.lexists(path):
        return
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.stem}.{number}{path.suffix}")):
        number += 1
    path.rename(aside)
    journal = path.with_name(f"{path.name}-journal")
    if journal.exists():  # belongs to the file: without it a killed writer's last batch would be half there
        journal.rename(aside.with_name(f"{aside.name}-journal"))


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse files of other programs, of later versions, and damaged ones."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
        raise ResultsError(f"{path} belongs to another program: write elsewhere with --out")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != _VERSION:
        raise ResultsError(f"{path} has version {version} and this slth reads {_VERSION}: {_OTHER}")
    if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise sqlite3.DatabaseError("its pages contradict one another")


def _check_same(before: Experiment, experiment: Experiment, path: Path) -> None:
    for name in ("task", "seed"):
        old, new = getattr(before, name), getattr(experiment, name)
        if old != new:
            rule = f"is not that of the results in {path}, {old!r}"
            remedy = "write elsewhere with --out, or begin anew with --no-resume (the old file is renamed)"
            raise ArgumentError(name, new, rule, remedy)


def _about(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT key, value FROM about").fetchall())


def _items(connection: sqlite3.Connection, experiment: Experiment) -> tuple[Finished, ...]:
    return tuple(from_record(experiment, record) for record in connection.execute(_ALL))


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # a full disk has rolled back already
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Say what sqlite found, and what to do."""
    try:
        yield
    except (sqlite3.Error, KeyError, ValueError, TypeError) as problem:
        if isinstance(problem, ArgumentError):
            raise
        text = printable(problem, most=800)
        if "full" in text:
            advice = "what was committed is kept; make room and run the same command again"
        elif "locked" in text:
            advice = "somebody has been reading it for long; run the same command again"
        elif isinstance(problem, sqlite3.OperationalError) and "no such" not in text:  # a table or column is gone
            advice = "what was committed is kept; check the disk and run the same command again"
        else:
            advice = f"it is corrupt or not a results file; {_MEND}"
        raise ResultsError(f"{path}: {text}: {advice}") from problem

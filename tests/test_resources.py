"""Memory, threads, interruptions: asked before they are taken."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest

from slth import resources
from slth.errors import ArgumentError, ResourceError


def test_available_memory_is_plausible(monkeypatch, tmp_path):
    assert 2**20 < resources.available_memory() < 2**50
    monkeypatch.setattr(resources, "_MEMORY_INFORMATION", tmp_path / "absent")
    assert 2**20 < resources.available_memory() < 2**50


@pytest.mark.parametrize(
    ("limit", "used", "cached", "expected"),
    [("1000", "400", "", 600), ("1000", "400", "anon 7\ninactive_file 300\n", 900), ("100", "400", "", 0)],
)
def test_the_control_group_has_a_say_and_cached_files_do_not_count(
    monkeypatch, tmp_path, limit, used, cached, expected
):
    for name, text in {"memory.max": limit, "memory.current": used, "memory.stat": cached}.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(resources, "_CONTROL_GROUP", tmp_path)
    assert resources.available_memory() == expected


def test_a_group_without_a_limit_says_nothing(monkeypatch, tmp_path):
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("5\n")
    monkeypatch.setattr(resources, "_CONTROL_GROUP", tmp_path)
    assert resources.available_memory() > 2**20


def test_where_nothing_says_how_much_there_is_everything_is_granted(monkeypatch):
    monkeypatch.setattr(resources, "_free_of_system", lambda: None)
    monkeypatch.setattr(resources, "_free_of_control_group", lambda: None)
    assert resources.available_memory() == resources.UNKNOWN_MEMORY
    resources.require_memory(2**60, "n", "pass fewer")


def test_what_does_not_fit_is_refused_with_both_amounts(monkeypatch):
    monkeypatch.setattr(resources, "available_memory", lambda: 10 * 2**30)
    resources.require_memory(8 * 2**30, "n", "pass fewer", value=60)
    with pytest.raises(ResourceError, match=r"n=60 needs 9\.00 GiB and 8\.00 GiB may be taken: pass fewer"):
        resources.require_memory(9 * 2**30, "n", "pass fewer", value=60)
    with pytest.raises(ResourceError, match=r"layers='9\.00 GiB' is more than the 8\.00 GiB of memory"):
        resources.require_memory(9 * 2**30, "layers", "no network is that deep")


def test_little_memory_is_granted_without_asking(monkeypatch):
    monkeypatch.setattr(resources, "available_memory", lambda: 0)
    resources.require_memory(2**20, "n", "pass fewer")
    assert resources.granted(2**20)
    assert not resources.granted(2**30)
    monkeypatch.setattr(resources, "available_memory", lambda: 10 * 2**30)
    assert resources.granted(8 * 2**30)
    assert not resources.granted(9 * 2**30)


def test_threads_are_counted():
    assert resources.thread_count(None) >= 1
    assert resources.thread_count(np.int64(3)) == 3
    for bad in (0, -1, True, 1.5, "2"):
        with pytest.raises(ArgumentError, match=r"threads=.*leave it out for one per core"):
            resources.thread_count(bad)


@pytest.mark.parametrize("threads", [1, 3])
def test_slices_cover_everything_once_and_report(threads):
    seen, reports, lock = np.zeros(10, int), [], threading.Lock()

    def work(start: int, stop: int) -> None:
        with lock:
            seen[start:stop] += 1

    resources.run_slices(
        work, [0, 3, 4, 10], threads=threads, progress=lambda *report: reports.append(report), label="x"
    )
    assert seen.tolist() == [1] * 10
    assert reports[-1] == ("x", 10, 10)
    assert [done for _, done, _ in reports] == sorted(done for _, done, _ in reports)


def test_a_failure_in_a_slice_reaches_the_caller():
    def work(start: int, stop: int) -> None:
        raise ZeroDivisionError(f"{start} {stop}")

    with pytest.raises(ZeroDivisionError):
        resources.run_slices(work, [0, 1, 2], threads=2)


def test_an_interruption_is_pythons_own_and_travels():
    assert isinstance(pickle.loads(pickle.dumps(resources.Interrupted("x"))), KeyboardInterrupt)

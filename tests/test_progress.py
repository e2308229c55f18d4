"""``progress=True`` writes a line on stderr: over itself on a terminal, now and then elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import slth
from slth import resources
from slth.cli.progress import _lines
from slth.errors import ArgumentError
from slth.graphs import Conv
from slth.jobs.pipeline import record_own
from slth.resources import reporter
from slth.training import Examples, Recipe


class Terminal:
    def __init__(self, monkeypatch, *, terminal):
        self.text = ""
        monkeypatch.setattr("sys.stderr", self)
        self.terminal = terminal

    def isatty(self):
        return self.terminal

    def write(self, text):
        self.text += text

    def flush(self):
        pass


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(resources.time, "monotonic", lambda: now[0])
    return now


def test_a_line_is_written_over_on_a_terminal(monkeypatch, clock):
    seen, report = Terminal(monkeypatch, terminal=True), reporter(True)
    for done in range(5):
        report("work", done, 4)
        clock[0] += 1.0
    lines = seen.text.split("\r\033[K")
    assert lines[1:3] == ["work: 0/4 in 0.0 s", "work: 1/4 in 1.0 s, about 3 s left"]
    assert lines[-1] == "work: 4/4 in 4.0 s\n"


def test_elsewhere_lines_stand_seconds_apart(monkeypatch, clock):
    seen, report = Terminal(monkeypatch, terminal=False), reporter(True)
    for done in range(31):
        report("work", done, 30)
        clock[0] += 1.0
    assert seen.text.splitlines() == [
        "work: 10/30 in 10.0 s, about 20 s left",
        "work: 20/30 in 20.0 s, about 10 s left",
        "work: 30/30 in 30.0 s",
    ]


def test_verbs_that_take_long_say_so_now_and_then_where_nobody_watches(clock, capsys):
    report = _lines(30.0)
    for done in range(101):
        report("work", done, 100)
        clock[0] += 1.0
    assert capsys.readouterr().err.splitlines() == [
        f"slth: work {done}/100, about {left}"
        for done, left in ((30, "70 s left"), (60, "40 s left"), (90, "10 s left"))
    ]


def small():
    x = torch.rand(40, 3, generator=torch.Generator().manual_seed(0))
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    return module, Examples(x, (x[:, 0] > 0.5).long())


def target():
    return slth.Graph((2,), [slth.Node("linear", Conv([[0.5, -0.25]]), ("input",))])


CALLS = {
    "construct": lambda shown: slth.construct(target(), method=slth.PerWeight(candidates=6), progress=shown),
    "certify": lambda shown: slth.certify(target(), target(), inputs=[[0.5, 0.5]], radius=0.0, progress=shown),
    "solve_batch": lambda shown: slth.solve_batch(np.ones((2, 8)), [3.0, 4.0], progress=shown),
    "search": lambda shown: slth.search(*small(), slth.EdgePopup(density=0.5), recipe=Recipe(1), progress=shown),
    "train": lambda shown: slth.train(*small(), slth.IMP(levels=1), recipe=Recipe(1), progress=shown),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_show_their_progress_where_it_is_asked_for(name, capsys):
    CALLS[name](False)
    CALLS[name](None)
    assert capsys.readouterr().err == ""
    CALLS[name](True)
    assert "/" in capsys.readouterr().err


def test_what_cannot_be_called_is_refused():
    with pytest.raises(ArgumentError, match="progress"):
        slth.solve([1.0, 2.0], 1.0, progress="yes")


TARGET = slth.Graph((2,), [slth.Node("layer", Conv([[0.5, -0.25], [0.1, 0.2]]), ("input",))])
LONG = {
    "attack": lambda made, told: slth.attack(TARGET, made.ticket, starts=4, steps=2, progress=told),
    "attack_around": lambda made, told: slth.attack_around(
        TARGET, made.ticket, [[0.5, 0.5]], radius=0.1, progress=told
    ),
    "report": lambda made, told: record_own(TARGET, made, (np.eye(2), [0, 1]), title="a report", progress=told),
    "approximate_weights": lambda _, told: slth.approximate_weights(TARGET, n=10, progress=told),
}


@pytest.mark.parametrize("name", LONG)
def test_what_takes_long_tells_how_far_it_is(name):
    made, seen = slth.construct(TARGET, method=slth.PerWeight(candidates=10)), []
    LONG[name](made, lambda *told: seen.append(told))
    assert seen
    assert all(label and 0 <= done <= total for label, done, total in seen)
    assert seen[-1][1] == seen[-1][2]


def test_off_a_terminal_no_tenth_is_too_long_for_a_line(clock, capsys):
    report = _lines(30.0)
    for done in range(1, 100):
        clock[0] += 31.0
        report("work", done, 10_000)
    assert len(capsys.readouterr().err.splitlines()) == 99

"""``progress=True`` writes a line on stderr: over itself on a terminal, now and then elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import rich.progress
import torch

import slth
from slth import resources
from slth.cli.progress import _bars, _lines
from slth.errors import ArgumentError
from slth.graphs import Conv
from slth.jobs.pipeline import record_own
from slth.resources import reporter
from slth.training import Examples, Recipe
from slth.verifier import verify
from slth.verifier.nouns import Effort


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
    "evaluate": lambda shown: slth.evaluate(target(), ([[0.5, 0.5]], None), progress=shown),
    "networks.evaluate": lambda shown: slth.networks.evaluate(target(), [[0.5, 0.5]], progress=shown),
    "outputs_of": lambda shown: slth.networks.outputs_of(small()[0], np.zeros((5, 3)), batch=2, progress=shown),
    "verify": lambda shown: verify(["solution.optimal"], effort=Effort(examples=2), progress=shown),
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
    "evaluate": lambda made, told: slth.evaluate(made.ticket, (np.ones((300, 2)), None), target=TARGET, progress=told),
    "evaluate batches": lambda made, told: slth.evaluate(
        made.ticket, ((np.ones((3, 2)), None) for _ in range(4)), target=TARGET, progress=told
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


def told_of(data, **more):
    seen = []
    slth.evaluate(TARGET, data, **more, progress=lambda *told: seen.append(told))
    assert {label for label, *_ in seen} == {"evaluation"}
    return [told for _, *told in seen]


def test_of_arrays_the_examples_are_counted_and_of_loaders_the_batches():
    x = np.ones((300, 2))
    assert told_of((x, None)) == [[128, 300], [256, 300], [300, 300]]
    assert told_of((x, None), target=TARGET) == [[n, 600] for n in (128, 256, 300, 428, 556, 600)]
    batches = [(x[:200], None), (x[200:], None)]
    assert told_of(batches) == told_of(batches, target=TARGET) == [[1, 2], [2, 2]]
    assert told_of(iter(batches)) == [[1, 2], [2, 2]]
    assert told_of(batch for batch in batches) == [[1, 2], [2, 3], [2, 2]]  # nobody knew that there was no third


def test_what_is_done_makes_room_on_a_terminal(monkeypatch):
    made = []

    class Seen(rich.progress.Progress):
        def __init__(self, *columns, **options):
            super().__init__(*columns, **options)
            made.append(self)

    monkeypatch.setattr("rich.progress.Progress", Seen)
    with _bars() as report:
        for label, done in (("a", 2), ("b", 1), ("c", 2)):
            report(label, 0, 2)
            report(label, done, 2)
        assert [(task.description, task.visible) for task in made[0].tasks] == [("a", False), ("b", True), ("c", True)]


def test_off_a_terminal_no_tenth_is_too_long_for_a_line(clock, capsys):
    report = _lines(30.0)
    for done in range(1, 100):
        clock[0] += 31.0
        report("work", done, 10_000)
    assert len(capsys.readouterr().err.splitlines()) == 99

"""Epochs that take long tell their steps; others tell none; what is trained is the same."""

from __future__ import annotations

import torch
from torch import nn

from slth.training import Examples, Recipe, TrainingRun, long_epochs
from slth.training.long_epochs import STEPS, records_told
from slth.training.turns import together

DATA = Examples(torch.tensor([[-1.0], [1.0]] * 6), [0, 1] * 6)


def run() -> TrainingRun:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return TrainingRun(nn.Linear(1, 2), DATA, Recipe(epochs=2, batch_size=3))


def test_each_step_within_a_long_epoch_is_told(monkeypatch):
    monkeypatch.setattr(long_epochs, "_LONG", 0.0)
    told = []
    records = list(records_told(run(), lambda *what: told.append(what)))
    assert told == 2 * [(STEPS, step, 4) for step in (1, 2, 3, 0)]
    assert [record.loss for record in records] == [record.loss for record in run()]


def test_short_epochs_tell_no_steps():
    told = []
    assert len(list(records_told(run(), lambda *what: told.append(what)))) == 2
    assert not told


def test_a_run_that_is_left_is_set_to_evaluation():
    trained = run()
    for _ in records_told(trained, None):
        break
    assert not trained.module.training


def test_what_runs_tell_together_is_summed_by_label():
    told = []
    first, second = together(lambda *what: told.append(what), 2)
    first("search", 1, 5)
    second("steps", 7, 9)
    second("search", 2, 5)
    assert told == [("search", 1, 10), ("steps", 7, 18), ("search", 3, 10)]

"""Records pass through to TensorBoard where that is installed, and are refused by name where it is not."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
import torch
from torch import nn

from slth.errors import ArgumentError
from slth.training import Examples, Recipe, TrainingRun, to_tensorboard


class Writer:
    """What torch's writer is asked for."""

    def __init__(self, folder):
        self.folder, self.rows, self.closed = folder, [], False
        made.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.closed = True

    def add_scalar(self, name, number, step):
        self.rows.append((name, number, step))


made: list[Writer] = []


def run(validation):
    data = Examples(torch.tensor([[-1.0], [1.0]] * 4), [0, 1] * 4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = nn.Linear(1, 2)
    return TrainingRun(module, data, Recipe(epochs=2, batch_size=4), validation=data if validation else None)


@pytest.mark.parametrize("validation", [True, False])
def test_each_record_is_written_and_passed_on(monkeypatch, validation):
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr("slth.training.tensorboard.find_spec", lambda name: name)
    made.clear()
    records = list(to_tensorboard(run(validation), "logs"))
    assert [record.epoch for record in records] == [1, 2]
    (writer,) = made
    assert (writer.folder, writer.closed) == ("logs", True)
    held = [("validation/loss", "loss"), ("validation/accuracy", "accuracy")] if validation else []
    assert writer.rows == [
        (name, getattr(source, field), record.step)
        for record in records
        for name, source, field in (
            *((field, record, field) for field in ("loss", "rate", "density")),
            *((name, record.validation, field) for name, field in held),
        )
    ]


def test_without_it_nothing_is_trained(monkeypatch):
    monkeypatch.setattr("slth.training.tensorboard.find_spec", lambda name: None)
    started = run(validation=False)
    with pytest.raises(ArgumentError, match="is for TensorBoard, which is not installed: pip install tensorboard"):
        to_tensorboard(started, "logs")
    assert started.step.number == 0

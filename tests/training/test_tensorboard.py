"""Records pass through to TensorBoard where that is installed, and are refused by name where it is not."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from slth.errors import ArgumentError
from slth.training import Examples, Recipe, TrainingRun, to_tensorboard
from tests.cli.running import run as run_command


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


@pytest.fixture
def installed(monkeypatch):
    """A TensorBoard that writes down what it is asked for."""
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr("slth.training.tensorboard.find_spec", lambda name: name)
    made.clear()


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("validation", [True, False])
def test_each_record_is_written_and_passed_on(validation):
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


@pytest.mark.usefixtures("installed")
def test_a_folder_that_cannot_be_made_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr(Writer, "__init__", lambda self, folder: Path(folder).mkdir(parents=True))
    with pytest.raises(ArgumentError, match="cannot be written"):
        list(to_tensorboard(run(validation=False), tmp_path / "file" / "logs"))


QUICK = ["--data", "digits", "--model", "mlp", "--hidden", "8", "--epochs", 2, "--limit", 100, "--json"]


@pytest.mark.usefixtures("installed")
def test_the_command_line_writes_the_trace_of_a_search_and_of_each_level(capsys, tmp_path):
    ran = run_command(
        capsys, "search", "edge-popup", *QUICK, "--checks", 0, "--out", tmp_path / "a", "--tensorboard", tmp_path / "b"
    )
    losses = [row["loss"] for row in ran.json["trace"]]
    assert [Path(writer.folder) for writer in made] == [tmp_path / "b"]
    assert [number for name, number, _ in made[0].rows if name == "loss"] == losses
    made.clear()
    options = ["--levels", 1, "--branches", "random", "--out", tmp_path / "c", "--tensorboard", tmp_path / "d"]
    assert run_command(capsys, "train", "imp", *QUICK, *options).code == 0
    names = ["0-ticket", "1-ticket", "1-random"]
    assert sorted(Path(writer.folder) for writer in made) == sorted(tmp_path / "d" / name for name in names)
    assert all(sum(name == "loss" for name, *_ in writer.rows) == 2 for writer in made)


@pytest.mark.parametrize(
    ("verb", "there", "folder", "said"),
    [
        (("search", "edge-popup"), None, "logs", "is for TensorBoard, which is not installed"),
        (("train", "imp"), None, "logs", "is for TensorBoard, which is not installed"),
        (("search", "random"), "tensorboard", "logs", "trains nothing"),
        (("search", "edge-popup"), "tensorboard", "file", "is not a folder"),
    ],
)
def test_the_command_line_refuses_it_before_anything_is_trained(
    capsys, tmp_path, monkeypatch, verb, there, folder, said
):
    monkeypatch.setattr("slth.training.tensorboard.find_spec", lambda name: there)
    (tmp_path / "file").touch()
    quick = [one for one in QUICK if one not in ("--epochs", 2)]
    ran = run_command(capsys, *verb, *quick, "--tensorboard", tmp_path / folder, "--out", tmp_path / "out")
    assert ran.code == 2
    assert said in " ".join(ran.err.split())
    assert "--tensorboard" in ran.err
    assert not (tmp_path / "out").exists()

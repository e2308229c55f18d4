"""A run that is killed and resumed ends at the same bits; a checkpoint of another run is refused by name."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn

from slth.errors import ArgumentError, DataError
from slth.rng import Stream
from slth.training import (
    CROP_AND_FLIP,
    SGD,
    Adam,
    Constant,
    Cosine,
    CrossEntropy,
    Examples,
    Method,
    MethodState,
    Recipe,
    TrainingRun,
    Warmup,
)
from slth.training.checkpoint import described


@dataclass(frozen=True)
class Clamped(Method):
    """Scores between 0 and 1, of which those above one half keep their weights; lowest ones freeze."""

    low: float = 0.0

    def init(self, weights, seed):
        scores = {
            name: torch.from_numpy(Stream(seed, name).uniform(0, w.numel())).float().reshape(w.shape)
            for name, w in weights.items()
        }
        return MethodState(scores, {name: torch.ones(w.shape, dtype=torch.bool) for name, w in weights.items()})

    def mask(self, state, step):
        return {
            name: ((s.detach() > 0.5).float() + (s - s.detach())) * state.fixed[name]
            for name, s in state.trained.items()
        }

    def penalty(self, state, step):
        return 1e-3 * sum((s**2).sum() for s in state.trained.values())

    def after(self, state, step, weights):
        return MethodState(
            {name: s.clamp(self.low, 1.0) for name, s in state.trained.items()},
            {name: flag & (state.trained[name] > 0.0) for name, flag in state.fixed.items()},
        )


def examples_of(count=60):
    generator = torch.Generator().manual_seed(0)
    return Examples(torch.rand(count, 3, 8, 8, generator=generator), torch.arange(count) % 4)


def module_of():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(), nn.Linear(216, 4)
        )


RECIPES = {
    "sgd": Recipe(epochs=6, batch_size=16, schedule=Warmup(Cosine(0.1), 2), augmentation=CROP_AND_FLIP),
    "adam": Recipe(epochs=6, batch_size=16, schedule=Constant(1e-2), optimizer=Adam(weight_decay=0.1), clip=1.0),
    "search": Recipe(epochs=6, batch_size=16, schedule=Cosine(0.1), augmentation=CROP_AND_FLIP),
}


def run_of(name, **changes):
    method = Clamped() if name == "search" else None
    trained = ["1.weight", "1.bias"] if name == "search" else None  # scores, and the norm's parameters
    options = {"method": method, "trained": trained, "seed": 3, "recipe": RECIPES[name], "data": examples_of()}
    return TrainingRun(module_of(), **{**options, **changes})


CHILD = """
import signal, sys
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)
from pathlib import Path
import torch
torch.set_num_threads(1)
from tests.training.test_checkpoint import run_of
path, name = Path(sys.argv[1]), sys.argv[2]
run = run_of(name)
if path.exists():
    run.resume(path)
for record in run.records(every=1):
    run.save(path)
    print(record.step, flush=True)
print("done", flush=True)
"""


def child(path, name):
    command = [sys.executable, "-c", CHILD, str(path), name]
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    )


@pytest.mark.parametrize("name", ["search", pytest.param("sgd", marks=pytest.mark.slow)])
def test_a_run_killed_at_a_random_step_and_resumed_ends_at_the_same_bits(tmp_path, name):
    path, chance = tmp_path / "run.safetensors", random.Random(name)
    process = child(path, name)
    kill_at = chance.randint(2, 18)
    for line in process.stdout:
        if line.strip() == str(kill_at):
            time.sleep(chance.random() * 0.02)  # in the middle of whatever follows
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    resumed, whole = run_of(name), run_of(name)
    resumed.resume(path)
    assert kill_at <= resumed.step.number <= 24
    list(resumed)
    list(whole)
    ours, expected = resumed.snapshot(), whole.snapshot()
    assert list(ours) == list(expected)
    assert all(torch.equal(ours[tensor], expected[tensor]) for tensor in ours)
    assert list(tmp_path.glob("*.safetensors")) == [path]


@pytest.mark.parametrize("name", RECIPES)
def test_a_run_saved_anywhere_goes_on_as_if_nothing_had_been(tmp_path, name):
    path, whole = tmp_path / "run", run_of(name)
    records = list(whole.records(every=5))
    for stop in (1, 5, 7):  # in the middle of the first epoch, of the second, and at an end
        run = run_of(name)
        for _, record in zip(range(stop), run.records(every=5), strict=False):
            last = record
        run.save(path)
        other = run_of(name)
        other.resume(path)
        rest = list(other.records(every=5))
        assert [replace(record, seconds=0.0) for record in rest] == [
            replace(record, seconds=0.0) for record in records if record.step > last.step
        ]
        assert all(torch.equal(tensor, whole.snapshot()[key]) for key, tensor in other.snapshot().items())
        assert rest[0].seconds > last.seconds


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"recipe": replace(RECIPES["search"], schedule=Cosine(0.2))}, "recipe.schedule.learning_rate"),
        ({"recipe": replace(RECIPES["search"], schedule=Constant(0.1))}, "recipe.schedule.kind"),
        ({"recipe": replace(RECIPES["search"], optimizer=SGD(0.8))}, "recipe.optimizer.momentum"),
        ({"recipe": replace(RECIPES["search"], loss=CrossEntropy(0.1))}, "recipe.loss.label_smoothing"),
        ({"recipe": replace(RECIPES["search"], loss=nn.functional.cross_entropy)}, "recipe.loss"),
        ({"recipe": replace(RECIPES["search"], augmentation=())}, "recipe.augmentation"),
        ({"method": Clamped(0.1)}, "method.low"),
        ({"method": None, "trained": None}, "method"),
        ({"trained": ["1.weight"]}, "trained"),
        ({"data": examples_of(59)}, "data"),
        ({"seed": 4}, "seed"),
        ({"recipe": replace(RECIPES["search"], start=1)}, "recipe.start"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_says_which_field_differs(tmp_path, changes, field):
    run_of("search").save(tmp_path / "run")
    with pytest.raises(ArgumentError, match=f"problem: {field} is"):
        run_of("search", **changes).resume(tmp_path / "run")


def test_a_checkpoint_of_another_module_is_refused_and_says_where(tmp_path):
    run_of("sgd").save(tmp_path / "run")
    module = module_of()
    module[5] = nn.Linear(216, 4, bias=False)
    with pytest.raises(ArgumentError, match=r"5\.bias is missing here"):
        TrainingRun(module, examples_of(), RECIPES["sgd"], seed=3).resume(tmp_path / "run")


def test_what_is_no_checkpoint_is_refused(tmp_path):
    run, path = run_of("sgd"), tmp_path / "run"
    with pytest.raises(DataError, match="cannot be read"):
        run.resume(path)
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(DataError, match="cannot be read"):
        run.resume(path)
    run.save(path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    before = run.snapshot()
    with pytest.raises(DataError, match="damaged"):
        run.resume(path)
    assert all(torch.equal(tensor, before[name]) for name, tensor in run.snapshot().items())
    with pytest.raises(ArgumentError, match="path"):
        run.save(Path("/dev/null/run"))


def test_a_checkpoint_is_tensors_and_json(tmp_path):
    run = run_of("search")
    next(run.records(every=1))
    run.save(tmp_path / "run")
    with safe_open(tmp_path / "run", "pt") as file:
        assert json.loads(file.metadata()["numbers"])["step"] == 1
        assert json.loads(file.metadata()["problem"])["method"] == {"kind": "Clamped", "low": 0.0}
        assert {"module.0.weight", "trained.0.weight", "fixed.0.weight"} <= set(file.keys())


def test_values_are_told_apart_by_what_they_say():
    values = [
        Cosine(0.1),
        Cosine(0.2),
        Constant(0.1),
        partial(CrossEntropy, label_smoothing=0.1),
        partial(CrossEntropy, label_smoothing=0.2),
        nn.functional.cross_entropy,
        torch.zeros(2),
        torch.ones(2),
        {"a": (1, 2)},
        None,
        np.float64,
    ]
    texts = [json.dumps(described(value)) for value in values]
    assert len(set(texts)) == len(values)

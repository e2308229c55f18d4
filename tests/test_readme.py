"""The README's Python runs as it is written, with small stand-ins for what it leaves to the reader."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import slth
import slth.data.datasets
import slth.training
from slth.data.data_set import assemble

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


def shorter(block: str, said: str, instead: str) -> str:
    assert said in block
    return block.replace(said, instead)


def test_the_first_example(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 2, 8, stride=8), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(32, 2)
    )
    given = {
        "rng": rng,
        "values": rng.uniform(-1, 1, (5, 12)),
        "targets": rng.uniform(-0.5, 0.5, 5),
        "module": module,
        "x": rng.uniform(size=(3, 3, 32, 32)),
        "labels": np.arange(3) % 2,
        "examples": slth.training.Examples(rng.uniform(size=(16, 3, 32, 32)), np.arange(16) % 2),
    }
    exec(shorter(BLOCKS[0], "channels=10_000", "channels=300"), given)
    assert given["solution"].status.label == "optimal"
    seen = np.abs(given["ticket"].forward(given["x"]) - module(torch.tensor(given["x"]).float()).detach().numpy()).max()
    assert seen <= given["made"].certificate.error
    assert isinstance(given["ticket"], slth.Ticket)
    assert (tmp_path / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_the_example_of_a_residual_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    arrays = [part for _ in range(2) for part in (rng.integers(0, 256, (40, 3072), dtype=np.uint8), np.arange(40) % 10)]
    monkeypatch.setattr(
        slth.data.datasets, "load", lambda name, data_dir: assemble(name, (3, 32, 32), 10, 255.0, arrays, {})
    )
    given = {"DIR": None, "slth": slth}
    exec(shorter(BLOCKS[1], "resnet_cifar(20, width=4)", "resnet_cifar(8, width=2)"), given)
    with torch.no_grad():
        true = given["module"].eval()(torch.tensor(given["x_test"][:20])).double().numpy()
    seen = np.abs(given["ticket"].forward(given["x_test"][:20]) - true)
    assert (seen <= given["around"].errors.reshape(20, -1).max(axis=1, keepdims=True) + 1e-4).all()  # float32 of `true`

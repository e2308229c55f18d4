"""On a machine with torch, numpy, scipy and safetensors alone, what runs on an accelerator is there, bit for bit."""

from __future__ import annotations

import json

import pytest

from tests.test_package import MODULES
from tests.tools.bare_machine import ABSENT, on_a_bare_machine
from tests.tools.seeded_answers import answers

NEEDS_MORE = tuple(
    f"slth.{room}" for room in ["cli", "figures", "data", "grids", "jobs", "studies", "verifier", "benchmarks"]
)
"""Rooms that speak to users, draw, or file results; nothing below needs what they need."""


@pytest.mark.parametrize("name", ABSENT)
def test_what_is_absent_there_is_not_found(name):
    done = on_a_bare_machine(f"import {name}")
    assert f"ModuleNotFoundError: No module named {name!r}" in done.stderr


def test_every_module_below_the_rooms_is_imported():
    names = [name for name in MODULES if not name.startswith(NEEDS_MORE)]
    assert len(names) > 100
    done = on_a_bare_machine(f"import importlib\nfor name in {names!r}: importlib.import_module(name)")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_kernels_that_are_not_compiled_give_the_same_bits():
    done = on_a_bare_machine(
        "import json; from tests.tools.seeded_answers import answers; print(json.dumps(answers()))"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == answers()


def test_a_batch_is_solved_in_tensors():
    code = """
import numpy as np, torch, slth
from slth.subset_sum import on_device
on_device.resolve_place = lambda device: torch.device("meta")  # in the place of a GPU
lists, pursue = on_device.solve_rows, on_device.pursue_rows
on_device.solve_rows = lambda task, place: lists(task, "cpu")
on_device.pursue_rows = lambda task, place, beam: pursue(task, "cpu", beam=beam)
generator = np.random.default_rng(0)
rows = slth.solve_batch(generator.uniform(-1, 1, (5, 12)), np.zeros(5), device="cuda")
vectors = slth.solve_batch(np.eye(9)[None], np.ones((1, 9)), solver=slth.Pursuit(beam=1), device="cuda")
print(rows.solver, rows.errors.max(), vectors.solver, vectors.errors.max())
"""
    done = on_a_bare_machine(code)
    assert done.stdout.split() == [
        "TorchTwoList(device='meta')",
        "0.0",
        "TorchPursuit(beam=1,",
        "device='meta')",
        "0.0",
    ]

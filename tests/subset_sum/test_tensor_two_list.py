"""The tensor path against the kernels: on torch's CPU backend through the same code, and on CUDA where there is one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ArgumentError, ResourceError
from slth.subset_sum import Status, solve, solve_batch, tensor_two_list
from slth.subset_sum.solver import Task
from slth.subset_sum.tensor_two_list import solve_rows
from tests.oracles import best_subset, error_of
from tests.strategies import instances

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_torch_thread")


def torch_errors(values, targets, place):
    task = Task(np.ascontiguousarray(values), np.ascontiguousarray(targets))
    rows = solve_rows(task, place)
    assert (rows.status == Status.OPTIMAL).all()
    return [error_of(v, s, t) for v, s, t in zip(values, rows.subsets, targets, strict=True)]


@given(instances())
def test_tensor_path_finds_the_oracle_s_optimum(instance):
    values, target = instance
    assert torch_errors(np.array([values]), np.array([target]), CPU) == [best_subset(values, target)[0]]


@given(
    st.integers(11, 18),
    st.integers(1, 20),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["uniform", "normal", "integers"]),
)
def test_tensor_path_equals_the_kernels(n, count, seed, law):
    rng = np.random.default_rng(seed)
    values = {"uniform": rng.uniform(-1, 1, (count, n)), "normal": rng.normal(size=(count, n))}.get(law)
    values = rng.integers(-1000, 1000, (count, n)).astype(float) if values is None else values
    targets = rng.normal(size=count) * np.abs(values).mean()
    kernels = solve_batch(values, targets)
    assert torch_errors(values, targets, CPU) == [
        error_of(v, s, t) for v, s, t in zip(values, kernels.subsets, targets, strict=True)
    ]


def test_chunks_do_not_change_the_answer(monkeypatch):
    rng = np.random.default_rng(1)
    values, targets = rng.uniform(-1, 1, (7, 12)), rng.uniform(-1, 1, 7)
    whole = torch_errors(values, targets, CPU)
    monkeypatch.setattr(tensor_two_list, "_rows_at_once", lambda n, place: 2)
    assert torch_errors(values, targets, CPU) == whole


def test_auto_without_a_gpu_uses_the_kernels(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert solve([1.0, 2.0], 3.0, device="auto").solver == "TwoList()"


@pytest.mark.parametrize("device", ["cuda", "mps", "gpu0", 3, ""])
def test_devices_that_cannot_serve_are_refused(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ArgumentError, match="device"):
        solve([1.0, 2.0], 3.0, device=device)


def test_what_the_device_cannot_do_is_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(ArgumentError, match="size=1"):
        solve([1.0, 2.0], 3.0, size=1, device="cuda")
    with pytest.raises(ResourceError, match="n=41"):
        solve(np.ones(41), 3.0, device="cuda")

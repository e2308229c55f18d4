"""The pursuit in tensors against the compiled one: on torch's CPU backend through the same code, and on CUDA."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.errors import ArgumentError
from slth.subset_sum import Pursuit, Status, VectorTwoList, annealing, on_device, solve, tensor_server
from slth.subset_sum.bands import BandPursuit, band_steps, pursue_many
from slth.subset_sum.on_device import pursue_rows
from slth.subset_sum.pursuit_steps import Descended, Descent, Walks, Window, answer, drive_together
from slth.subset_sum.solver import Task
from slth.subset_sum.tensor_server import TensorServer

CPU = torch.device("cpu")


@pytest.fixture(autouse=True, scope="module")
def _short_walks(one_torch_thread):
    """A quarter of the temperatures, in tensors and kernels alike."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(annealing, "LEVELS_PER_UNIT", 2.0)
        patch.setattr(annealing, "MOST_LEVELS", 60)
        yield


def products(seed, count, n, dimension):
    """Scales, vectors and targets of the law u v."""
    generator = np.random.default_rng(seed)
    scales = np.abs(generator.standard_normal((count, n)))
    vectors = generator.standard_normal((count, n, dimension))
    return scales, vectors, generator.standard_normal((count, dimension))


def in_step(scales, vectors, targets, place=CPU, **options) -> list[BandPursuit]:
    given = {"size": None, "beam": 3, "tolerance": 0.0} | options
    many = [band_steps(s, lambda at, v=v: v[at], t, **given) for s, v, t in zip(scales, vectors, targets, strict=True)]
    return drive_together(many, TensorServer(place))


@pytest.mark.parametrize(
    ("n", "dimension", "size"),
    [
        (200, 3, None),
        (40, 4, 12),
        pytest.param(400, 9, None, marks=pytest.mark.slow),
        pytest.param(60, 9, 20, marks=pytest.mark.slow),
        pytest.param(1000, 6, 40, marks=pytest.mark.slow),
    ],
)
def test_errors_are_those_of_the_kernels(n, dimension, size):
    # Medians of 24 log errors, whose deviation over instances is below 1: a median's deviation is below 0.26, so a
    # difference of two medians beyond log 3 has a probability below 1 %; the seeds are fixed.
    scales, vectors, targets = products(n, 24, n, dimension)
    kernels = pursue_many(scales, lambda k, at: vectors[k][at], targets, size=size, beam=1)
    tensors = in_step(scales, vectors, targets, size=size, beam=1)
    ratio = np.median([found.error for found in tensors]) / np.median([found.error for found in kernels])
    assert 1 / 3 < ratio < 3
    for s, v, t, found in zip(scales, vectors, targets, tensors, strict=True):
        left = t - (s[found.indices, None] * v[found.indices]).sum(axis=0)
        assert abs(np.linalg.norm(left) - found.error) <= 1e-12
        assert size is None or len(found.indices) == size


def test_rejection_free_walks_have_the_energies_of_refused_ones():
    """At one temperature, the mean energy after many sweeps is that of Metropolis walks, by the same start."""
    generator = np.random.default_rng(3)
    rows = generator.standard_normal((64, 8))
    rows = rows[np.argsort((rows * rows).sum(axis=1))] / 8
    window = Window(rows, generator.standard_normal(8) / 8, 0.0, "l2")
    ask = Walks(window, range(64), np.zeros(64, np.bool_), np.full(2, 0.05), 0.0)
    by_kernels = answer(ask, 1)
    kernels = np.log([walk.error for walk in by_kernels])
    (walks,) = TensorServer(CPU)([ask])
    tensors = np.log([walk.error for walk in walks])
    # The logarithms of the least error met have a deviation of about 0.12: five standard errors of the difference of
    # two means of 64 are 0.11, a probability of 6e-7.
    spread = np.sqrt((kernels.var() + tensors.var()) / 64)
    assert abs(kernels.mean() - tensors.mean()) < 5 * spread
    flips = [np.mean([walk.flips for walk in found]) for found in (by_kernels, walks)]
    assert flips[1] == pytest.approx(flips[0], rel=0.05)


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 2**32), st.booleans())
@settings(max_examples=60)
def test_descents_end_where_no_flip_helps(n, dimension, seed, bounded):
    generator = np.random.default_rng(seed)
    asks = []
    for rows in (generator.standard_normal((m, dimension)) for m in (n, max(1, n // 2))):
        count = int(generator.integers(0, len(rows) + 1))
        chosen = np.zeros(len(rows), np.bool_)
        chosen[:count] = True
        least, most = (max(0, count - 1), min(len(rows), count + 1)) if bounded else (0, len(rows))
        asks.append(Descent(rows, chosen, generator.standard_normal(dimension), count, least, most, 10 * n + 64))
    for ask, found in zip(asks, TensorServer(CPU)(asks), strict=True):
        assert isinstance(found, Descended)
        assert found.count == found.chosen.sum()
        assert ask.least <= found.count <= ask.most
        target = ask.residual + ask.rows[ask.chosen].sum(axis=0)
        np.testing.assert_allclose(found.residual, target - ask.rows[found.chosen].sum(axis=0), atol=1e-12)
        assert found.residual @ found.residual <= ask.residual @ ask.residual * (1 + 1e-12)
        squares = (ask.rows**2).sum(axis=1)
        change = squares - 2 * np.where(found.chosen, -1, 1) * (ask.rows @ found.residual)
        free = np.where(found.chosen, found.count > ask.least, found.count < ask.most)
        assert (change[free] > -1e-5 * squares[free]).all()


def test_little_memory_changes_no_descent(monkeypatch):
    scales, vectors, targets = products(5, 7, 200, 4)
    options = {"beam": 0}  # descents alone: walks have random numbers by batch
    whole = in_step(scales, vectors, targets, **options)
    monkeypatch.setattr(tensor_server, "free_memory", lambda place: 1)
    single = in_step(scales, vectors, targets, **options)
    assert [found.indices.tolist() for found in whole] == [found.indices.tolist() for found in single]


@pytest.mark.parametrize("norm", ["l2", "max"])
def test_rows_carry_the_contract(norm):
    scales, vectors, targets = products(6, 3, 30, 5)
    values = scales[:, :, None] * vectors
    task = Task(values, targets, norm=norm, tolerance=0.5)
    rows = pursue_rows(task, CPU, beam=1)
    measure = {"l2": np.linalg.norm, "max": lambda x: np.abs(x).max()}[norm]
    for k in range(3):
        error = measure(targets[k] - values[k][rows.subsets[k]].sum(axis=0))
        assert (rows.status[k] == Status.WITHIN_TOLERANCE) == (error <= 0.5)
    assert rows.work["walk_steps"] > 0


def test_huge_and_tiny_numbers():
    scales, vectors, targets = products(7, 2, 20, 2)
    for factor in (2.0**-600, 2.0**600):
        rows = pursue_rows(Task(factor * scales[:, :, None] * vectors, factor * targets, norm="l2"), CPU, beam=1)
        assert (rows.status == Status.HEURISTIC).all()
        assert rows.subsets.any(axis=1).all()


def test_what_the_device_cannot_do_is_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    values = np.eye(9)
    with pytest.raises(ArgumentError, match="finds no CUDA device"):
        solve(values, np.ones(9), device="cuda")
    assert solve(values, np.ones(9), device="auto").error == 0.0
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(ArgumentError, match="VectorTwoList"):
        solve(values, np.ones(9), solver=VectorTwoList(), device="cuda")
    assert solve(values[:, :2], np.ones(2), device="cuda").status == Status.OPTIMAL  # exact, and so no pursuit


def test_one_coordinate_of_a_vector_task_goes_to_the_device(monkeypatch):
    seen = []
    monkeypatch.setattr(on_device, "resolve_place", lambda device: torch.device("meta"))
    monkeypatch.setattr(
        on_device, "pursue_rows", lambda task, place, *, beam: seen.append(beam) or pursue_rows(task, CPU, beam=beam)
    )
    answer = solve(np.eye(9), np.ones(9), solver=Pursuit(beam=2), device="cuda")
    assert seen == [2]
    assert answer.solver == "TorchPursuit(beam=2, device='meta')"
    assert answer.error == 0.0

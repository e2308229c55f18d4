"""What must hold on every device: plain functions of (device, toy), run by pytest, and by run.py where there is none.

The answers are held against enumeration, identities and measured laws, not against compiled kernels: a bare machine
has none. ``toy`` makes them so small that a processor answers in a moment.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

import slth
from slth.errors import ArgumentError, ResourceError
from slth.kernels.normal import inverse_normal
from slth.subset_sum import Status, tensor_two_list
from slth.subset_sum.bands import pursue_many
from slth.subset_sum.on_device import pursue_rows
from slth.subset_sum.pursuit_steps import Descended, Descent, Walks, Window, answer
from slth.subset_sum.solver import Task
from slth.subset_sum.tensor_server import TensorServer
from slth.subset_sum.tensor_two_list import solve_rows
from tests.oracles import best_subset, error_of
from tests.tools.torch_normal import sample_with_tails, torch_inverse_normal

CPU = torch.device("cpu")


def errors_of(values, targets, place) -> list[float]:
    """Errors of the two lists, added up apart from the solver."""
    rows = solve_rows(Task(values, targets), place)
    assert (rows.status == Status.OPTIMAL).all()
    return [error_of(list(v), s, t) for v, s, t in zip(values, rows.subsets, targets, strict=True)]


def two_lists_find_the_optimum(place: torch.device, toy: bool) -> None:
    """The best of all subsets, by enumeration; also where keys are rounded, and where they are not."""
    generator = np.random.default_rng(0)
    for n in (1, 2, 7) if toy else (1, 2, 7, 10):
        for values in (generator.uniform(-1, 1, (6, n)), generator.integers(-99, 99, (6, n)).astype(float)):
            targets = generator.normal(size=6) * np.abs(values).mean()
            found = errors_of(values, targets, place)
            assert found == [best_subset(list(v), t)[0] for v, t in zip(values, targets, strict=True)]


def two_lists_equal_the_processor(place: torch.device, toy: bool) -> None:
    """The same errors as by torch on the processor, up to the largest n; there, as by the kernels."""
    for n, count in ((9, 20), (13, 20)) if toy else ((9, 200), (21, 200), (30, 3), (40, 1)):
        generator = np.random.default_rng(n)
        values, targets = generator.uniform(-1, 1, (count, n)), generator.uniform(-1, 1, count)
        kernels = slth.solve_batch(values, targets).subsets if place.type == "cpu" else ()
        reference = [error_of(list(v), s, t) for v, s, t in zip(values, kernels, targets, strict=False)]
        assert errors_of(values, targets, place) == (reference or errors_of(values, targets, CPU))


def chunks_change_no_answer(place: torch.device, toy: bool) -> None:
    """Rows that are solved two at a time, as in a small memory, have the answers of all at once."""
    generator = np.random.default_rng(1)
    values, targets = generator.uniform(-1, 1, (7, 12)), generator.uniform(-1, 1, 7)
    whole = errors_of(values, targets, place)
    at_once = tensor_two_list._rows_at_once
    tensor_two_list._rows_at_once = lambda n, place: 2
    try:
        assert errors_of(values, targets, place) == whole
    finally:
        tensor_two_list._rows_at_once = at_once


def descents_end_where_no_flip_helps(place: torch.device, toy: bool) -> None:
    """The residual is that of the subset, is not longer than before, and no candidate alone makes it shorter."""
    for seed in range(3 if toy else 20):
        generator = np.random.default_rng(seed)
        asks = []
        for size in (40, 17, 1):
            rows, chosen = generator.standard_normal((size, 5)), generator.random(size) < 0.3
            count = int(chosen.sum())
            least, most = (max(0, count - 1), min(size, count + 1)) if seed % 2 else (0, size)
            asks.append(Descent(rows, chosen, generator.standard_normal(5), count, least, most, 10 * size + 64))
        for ask, found in zip(asks, TensorServer(place)(asks), strict=True):
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


def walks_have_the_energies_of_refused_ones(place: torch.device, toy: bool) -> None:
    """At one temperature, rejection-free walks come as near as the Metropolis walks of the kernels."""
    walks, levels = (16, 1) if toy else (64, 4)
    generator = np.random.default_rng(3)
    rows = generator.standard_normal((32, 8))
    rows = rows[np.argsort((rows * rows).sum(axis=1))] / 8
    window = Window(rows, generator.standard_normal(8) / 8, 0.0, "l2")
    ask = Walks(window, range(walks), np.zeros(32, np.bool_), np.full(levels, 0.05), 0.0)
    (tensors,) = TensorServer(place)([ask])
    logarithms = [np.log([walk.error for walk in found]) for found in (answer(ask, 1), tensors)]
    # Six standard errors of the difference of two means: a probability of 2e-9 for normal ones, and the seed is fixed.
    spread = np.sqrt(sum(errors.var() for errors in logarithms) / walks)
    assert abs(logarithms[0].mean() - logarithms[1].mean()) < 6 * spread
    for walk in tensors:
        assert abs(window.error(walk.chosen, "l2") - walk.error) <= 1e-12


def pursuits_obey_the_measured_law(place: torch.device, toy: bool) -> None:
    """The relative error of u v with normal targets is about 0.26 D^1.5 / n (bands.py; 0.2 at D = 10, 0.36 at 288)."""
    for n, dimension, count in ((200, 4, 3),) if toy else ((2000, 10, 16), (10_000, 72, 16)):
        generator = np.random.default_rng(n)
        scales = np.abs(generator.standard_normal((count, n)))
        vectors = generator.standard_normal((count, n, dimension))
        targets = generator.standard_normal((count, dimension))
        expected = 0.26 * dimension**1.5 / n
        found = pursue_many(
            scales,
            lambda k, at, all_=vectors: all_[k][at],
            targets,
            beam=0 if toy else 3,  # walks take a processor ten seconds
            serve=TensorServer(place),
        )
        relative = []
        for s, v, t, one in zip(scales, vectors, targets, found, strict=True):
            left = t - (s[one.indices, None] * v[one.indices]).sum(axis=0)
            assert abs(np.linalg.norm(left) - one.error) <= 1e-12
            relative.append(one.error / np.linalg.norm(t))
        # The logarithms of the errors deviate by less than 1, their median of 16 by less than 0.32: log 4 is far off.
        assert np.median(relative) < (0.5 if toy else 4 * expected)
        assert toy or np.median(relative) > expected / 4


def rows_carry_the_contract(place: torch.device, toy: bool) -> None:
    """Statuses say what the errors are, in both norms, at huge and tiny scales, with and without a size."""
    generator = np.random.default_rng(6)
    values, targets = generator.standard_normal((3, 20, 2)), generator.standard_normal((3, 2))
    for norm, factor, size in (("l2", 1.0, None), ("max", 2.0**600, 6), ("l2", 2.0**-600, None)):
        task = Task(factor * values, factor * targets, norm=norm, tolerance=0.3 * factor, size=size)
        rows = pursue_rows(task, place, beam=0 if toy else 2)
        for k in range(3):
            left = targets[k] - values[k][rows.subsets[k]].sum(axis=0)
            error = np.abs(left).max() if norm == "max" else np.linalg.norm(left)
            assert (rows.status[k] == Status.WITHIN_TOLERANCE) == (error <= 0.3)
            assert size is None or rows.subsets[k].sum() == size


def batches_are_answered_through_the_public_name(place: torch.device, toy: bool) -> None:
    """solve_batch(device=) certifies what the device found, and refuses what it does not take."""
    generator = np.random.default_rng(7)
    values, targets = generator.uniform(-1, 1, (5, 12)), generator.uniform(-1, 1, 5)
    rows = slth.solve_batch(values, targets, device=str(place))
    assert rows.errors.tolist() == [float(error) for error in errors_of(values, targets, CPU)]
    assert (rows.lower_bounds == rows.errors).all()
    if place.type == "cpu":  # answered by the kernels, which take the rest as well
        return
    vectors = slth.solve_batch(np.eye(9)[None], np.ones((1, 9)), solver=slth.Pursuit(beam=1), device=str(place))
    assert vectors.errors.tolist() == [0.0]
    for error, options in ((ArgumentError, {"size": 1}), (ArgumentError, {"solver": slth.Greedy()})):
        try:
            slth.solve_batch(values, targets, device=str(place), **options)
        except error:
            continue
        raise AssertionError(f"{options} were taken")
    try:
        slth.solve(np.ones(41), 3.0, device=str(place))
    except ResourceError:
        return
    raise AssertionError("41 values were taken")


def normal_numbers_are_bit_for_bit_those_of_the_streams(place: torch.device, toy: bool) -> None:
    """The inverse normal by eager torch on the device gives the bits of the kernel, tails included."""
    uniforms = sample_with_tails(500 if toy else 20_000, seed=1)
    expected = np.empty(uniforms.size)
    inverse_normal(uniforms, expected)
    found = torch_inverse_normal(torch.from_numpy(uniforms).to(place)).cpu().numpy()
    np.testing.assert_array_equal(found, expected)


Check = Callable[[torch.device, bool], None]

CHECKS: tuple[Check, ...] = (
    two_lists_find_the_optimum,
    two_lists_equal_the_processor,
    chunks_change_no_answer,
    descents_end_where_no_flip_helps,
    walks_have_the_energies_of_refused_ones,
    rows_carry_the_contract,
    batches_are_answered_through_the_public_name,
    normal_numbers_are_bit_for_bit_those_of_the_streams,
    pursuits_obey_the_measured_law,
)

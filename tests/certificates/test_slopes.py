"""Gradient steps on slopes: compiled and as tensors they are the same, alone or side by side."""

from __future__ import annotations

import copy
import threading

import numpy as np
import pytest
import torch

import slth
from slth.certificates import around, lockstep
from slth.certificates.branching import Cases
from slth.certificates.carried import Carried
from slth.certificates.certify import certify
from slth.certificates.correspond import problem_of_both
from slth.certificates.lockstep import Lockstep, steps_on
from slth.certificates.near import Nearby, Walk
from slth.certificates.slopes import improve
from slth.certificates.symbols import negative, stacked
from slth.certificates.tensor_slopes import TensorSteps
from slth.errors import ArgumentError
from tests.certificates.samples import random_ticket
from tests.certificates.test_symbols import deep

ON_CPU = TensorSteps(torch.device("cpu"))


def carried_of(seed, widths, *, cases=False):
    """Rows of the differences of two deep networks around an input, with bounds at the slopes to begin with."""
    rng = np.random.default_rng(seed)
    target = deep(rng, 3, widths)
    ticket = random_ticket(rng, target)
    folded = {node.name: ticket.folded[node.step.path] for node in ticket.graph.weighted}
    x = rng.uniform(0.2, 0.8, target.input_shape)
    problem, _ = problem_of_both(target, ticket.graph, folded, nonnegative=True)
    walk = Walk(Nearby(problem), (x - 0.2, x + 0.2))
    rows = stacked([walk.output.difference, negative(walk.output.difference)])
    if cases:
        every = Cases(walk.symbols, rows, -np.inf)
        signs = np.where(every.open, rng.integers(-1, 2, (len(rows.wrong), len(every.open))), 0).astype(np.int8)
        carried = Carried(walk.symbols, rows, every._limited(signs))
    else:
        carried = Carried(walk.symbols, rows)
    carried.bounds()
    assert len(carried.units) > 1
    return carried


def assert_alike(one, other):
    """Where a gradient is 0 but for rounding, or two points attain a maximum, a step may go either way."""
    near = [
        np.isclose(mine.slopes, theirs.slopes, rtol=1e-3, atol=1e-4).ravel()
        for mine, theirs in zip(one.links, other.links, strict=True)
    ]
    assert np.concatenate(near).mean() > 0.96
    for mine, theirs in zip(one.links, other.links, strict=True):
        assert mine.gaps == pytest.approx(theirs.gaps, rel=1e-2, abs=1e-4)


def bounds_with(carried, chain):
    carried.slopes = {link.first: link.slopes.astype(np.float64) for link in chain.links}
    return carried.bounds()


@pytest.mark.parametrize("cases", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_tensors_take_the_compiled_steps(seed, cases):
    carried = carried_of(seed, (7, 6, 8, 3), cases=cases)
    first = carried.bounds()
    one, other = carried.chain(), carried.chain()
    improve(one, 1)
    ON_CPU([other], 1)
    assert_alike(one, other)
    improve(one, 20)
    ON_CPU([other], 20)
    mine, theirs = bounds_with(carried, one), bounds_with(carried, other)
    assert mine == pytest.approx(theirs, rel=0.02, abs=0.01)
    assert mine.sum() < first.sum()


def test_chains_side_by_side_move_as_each_alone():
    chains = [
        carried_of(seed, widths, cases=cases).chain()
        for seed, widths, cases in ((0, (7, 6, 8, 3), False), (1, (4, 9, 2), True), (2, (5, 12, 6, 6, 5), False))
    ]
    alone = copy.deepcopy(chains)
    ON_CPU(chains, 1)
    for chain in alone:
        ON_CPU([chain], 1)
    for one, other in zip(chains, alone, strict=True):
        assert_alike(one, other)


def test_what_does_not_fit_side_by_side_is_shared_out(monkeypatch):
    chains = [carried_of(seed, (5, 6, 3)).chain() for seed in range(3)]
    alone, sizes = copy.deepcopy(chains), []
    monkeypatch.setattr("slth.certificates.tensor_slopes.free_memory", lambda place: 100)
    monkeypatch.setattr("slth.certificates.tensor_slopes._Batch.hand_back", lambda self, some: sizes.append(len(some)))
    ON_CPU(chains, 1)
    assert sizes == [1, 1, 1]
    assert all((a.slopes == b.slopes).all() for a, b in zip(chains[0].links, alone[0].links, strict=True))


def test_tasks_in_lockstep_are_served_together_until_each_is_done():
    served = []

    def serve(chains, steps):
        served.append((steps, list(chains)))

    def task(name, steps):
        def run(improver):
            for each in steps:
                improver(name, each)
            return name

        return run

    tasks = [task("a", [8, 8, 5]), task("b", [8]), task("c", [8, 10])]
    assert list(Lockstep(serve).run(tasks)) == ["a", "b", "c"]
    assert served == [(8, ["a", "b", "c"]), (8, ["a"]), (10, ["c"]), (5, ["a"])]


def test_a_failure_of_one_task_or_of_all_steps_is_raised_and_nothing_hangs():
    def fails(improver):
        raise ZeroDivisionError

    def asks(improver):
        improver(None, 1)
        return 1

    def broken(chains, steps):
        raise FloatingPointError

    with pytest.raises(ZeroDivisionError):
        list(Lockstep(lambda chains, steps: None).run([asks, fails, asks]))
    for tasks in ([asks, asks], [asks, asks, lambda improver: 2]):
        with pytest.raises(FloatingPointError):
            list(Lockstep(broken).run(tasks))
    assert threading.active_count() < 20


def test_what_is_left_early_stops_the_others():
    runs = Lockstep(lambda chains, steps: None).run([lambda improver: 1, lambda improver: 2])
    assert next(runs) == 1
    runs.close()


def test_an_interruption_before_all_have_begun_leaves_nobody_waiting(monkeypatch):
    class Interrupted(lockstep.ThreadPoolExecutor):
        def submit(self, call, number, task):
            if number == 2:
                raise KeyboardInterrupt
            return super().submit(call, number, task)

    def asks(improver):
        improver(None, 1)

    def run():
        with pytest.raises(KeyboardInterrupt):
            list(Lockstep(lambda chains, steps: None).run([asks, asks, asks]))
        ended.set()

    monkeypatch.setattr(lockstep, "ThreadPoolExecutor", Interrupted)
    ended = threading.Event()
    threading.Thread(target=run, daemon=True).start()
    assert ended.wait(20.0)


def pair(seed):
    rng = np.random.default_rng(seed)
    target = deep(rng, 4, (10, 10, 10, 3))
    ticket = slth.construct(target, method=slth.PerWeight(candidates=16), seed=0).ticket
    return target, ticket, rng.uniform(0.0, 1.0, (5, *target.input_shape))


def test_certificates_whose_steps_are_tensors_hold_and_are_as_tight(monkeypatch):
    target, ticket, x = pair(3)
    usual = certify(target, ticket, inputs=x, radius=0.2)
    monkeypatch.setattr(around, "steps_on", lambda device: ON_CPU)
    together = certify(target, ticket, inputs=x, radius=0.2)
    assert together.errors == pytest.approx(usual.errors, rel=0.05)
    quick = certify(target, ticket, inputs=x, radius=0.2, effort=0)
    assert (together.errors < quick.errors).any()
    rng = np.random.default_rng(0)
    for number, example in enumerate(x):
        points = example + rng.choice([-0.2, 0.2, 0.1], (500, *example.shape))
        found = np.abs(ticket.forward(points) - target.forward(points)).max()
        assert found <= together.errors[number] + 1e-12


def test_places():
    assert steps_on("cpu") is None
    for wrong in ("gpu", 3, "mps"):
        with pytest.raises(ArgumentError, match="device"):
            steps_on(wrong)


@pytest.mark.gpu
def test_an_accelerator_takes_the_same_steps():
    target, ticket, x = pair(3)
    usual = certify(target, ticket, inputs=x, radius=0.2)
    assert certify(target, ticket, inputs=x, radius=0.2, device="cuda").errors == pytest.approx(usual.errors, rel=0.05)

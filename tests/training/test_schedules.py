"""Learning rates agree with torch's own schedulers, step by step."""

from __future__ import annotations

import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ArgumentError
from slth.training import Constant, Cosine, MultiStep, StepDecay, Warmup

PER, EPOCHS = 7, 12
lr = torch.optim.lr_scheduler


def rates_of(make, *, per_step, steps):
    """Rates that torch's scheduler sets, which is moved on after each step or after each epoch."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = make(optimizer)
    found = []
    for step in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if per_step or (step + 1) % PER == 0:
            scheduler.step()
    return found


CASES = {
    "constant": (Constant(0.3), lambda o: lr.LambdaLR(o, lambda _: 1.0), True),
    "step": (StepDecay(0.3, every=4, factor=0.2), lambda o: lr.StepLR(o, 4, 0.2), False),
    "multi-step": (MultiStep(0.3, (3, 8)), lambda o: lr.MultiStepLR(o, [3, 8], 0.1), False),
    "milestones in iterations": (
        MultiStep(0.3, (10 / PER, 30 / PER)),
        lambda o: lr.MultiStepLR(o, [10, 30], 0.1),
        True,
    ),
    "cosine by epoch": (Cosine(0.3, per="epoch"), lambda o: lr.CosineAnnealingLR(o, EPOCHS), False),
    "cosine by step": (Cosine(0.3, last=0.01), lambda o: lr.CosineAnnealingLR(o, EPOCHS * PER, 0.01), True),
    "warm-up, then cosine": (
        Warmup(Cosine(0.3), epochs=2),
        lambda o: lr.SequentialLR(
            o,
            [
                lr.LinearLR(o, 1 / (2 * PER), 1.0, 2 * PER - 1),
                lr.CosineAnnealingLR(o, (EPOCHS - 2) * PER),
            ],
            [2 * PER],
        ),
        True,
    ),
    "warm-up by epoch": (
        Warmup(Cosine(0.3, per="epoch"), epochs=3, per="epoch"),
        lambda o: lr.SequentialLR(o, [lr.LinearLR(o, 1 / 3, 1.0, 2), lr.CosineAnnealingLR(o, EPOCHS - 3)], [3]),
        False,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_rates_are_those_of_torch(name):
    schedule, make, per_step = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SequentialLR calls a deprecated form of its own parts
        expected = rates_of(make, per_step=per_step, steps=PER * EPOCHS)
    found = [schedule.rate(step, PER, EPOCHS) for step in range(PER * EPOCHS)]
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_milestones_stay_where_they_are_beside_a_warm_up():
    beside = Warmup(MultiStep(1.0, (3,)), epochs=2, shift=False)
    behind = Warmup(MultiStep(1.0, (3,)), epochs=2)
    assert [beside.rate(epoch, 1, 6) for epoch in range(6)] == pytest.approx([0.5, 1.0, 1.0, 0.1, 0.1, 0.1])
    assert [behind.rate(epoch, 1, 6) for epoch in range(6)] == pytest.approx([0.5, 1.0, 1.0, 1.0, 1.0, 0.1])


@given(st.integers(1, 40), st.integers(1, 30), st.integers(0, 8), st.sampled_from(["step", "epoch"]))
def test_a_cosine_falls_and_never_leaves_its_range(per, epochs, rise, unit):
    schedule = Warmup(Cosine(0.3, per=unit, last=0.01), epochs=rise, per=unit)
    rates = [schedule.rate(step, per, epochs) for step in range(per * epochs)]
    assert all(0.0 < rate <= 0.3 for rate in rates)
    behind = rates[rise * per :]
    assert behind == sorted(behind, reverse=True)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Constant(0.0),
        lambda: Constant("0.1"),
        lambda: MultiStep(milestones=("a",)),
        lambda: MultiStep(milestones=(-1.0,)),
        lambda: Cosine(float("inf")),
        lambda: Cosine(per="batch"),
        lambda: Cosine(0.1, last=0.2),
        lambda: StepDecay(every=0),
        lambda: StepDecay(factor=0.0),
        lambda: MultiStep(milestones=(5, 3)),
        lambda: MultiStep(factor=2.0),
        lambda: Warmup(Cosine(), epochs=-1),
        lambda: Warmup(Cosine(), epochs=1.5, per="epoch"),
    ],
)
def test_bad_numbers_are_refused(make):
    with pytest.raises(ArgumentError):
        make()

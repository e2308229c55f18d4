"""The attack on solvers finds what is planted."""

from __future__ import annotations

import random

import numpy as np
import pytest

from slth.subset_sum import choice, entry
from slth.subset_sum.solvers import Differencing
from slth.subset_sum.status import Status
from tests.attacks.solvers import _numbers


@pytest.mark.slow
def test_a_wrong_claim_is_found(monkeypatch):
    def boast(self, task):
        rows = honest(self, task)
        rows.status[:] = Status.OPTIMAL
        return rows

    honest = Differencing.run
    monkeypatch.setattr(Differencing, "run", boast)
    assert any("differencing, batch=" in fault and "is possible" in fault for fault in until_found())


def test_a_default_that_is_outdone_is_found(monkeypatch):
    monkeypatch.setattr(choice, "choose", lambda task: (Worst(), "planted"))
    monkeypatch.setattr(entry, "improve", lambda *given, **options: None)
    assert any("where another has" in fault for fault in until_found())


def until_found():
    """The faults of up to 300 instances."""
    rng = random.Random(1)
    return (fault for _ in range(300) for fault in _numbers(rng))


class Worst(Differencing):
    """Chooses the first values, whatever the target."""

    def decline(self, n, size):
        return None

    def run(self, task):
        rows = super().run(task)
        rows.subsets[:] = np.arange(task.n) < (task.size or 0)
        return rows

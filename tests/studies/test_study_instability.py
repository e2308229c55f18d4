"""The study of instability: a row for each step of the dense network and of its ticket."""

from __future__ import annotations

import pytest

from slth.grids.context import Context
from slth.studies.instability import instability

CELL = {
    "model": "lenet-300-100", "data": "digits", "examples": 300, "epochs": 2, "batch_size": 30, "learning_rate": 0.1,
    "levels": 1, "rate": 0.5, "steps": [0, 19], "points": 3,
}  # fmt: skip


def test_each_step_has_a_row_of_both():
    rows = instability(CELL, seed=3, context=Context())
    assert [(row["step"], row["kind"]) for row in rows] == [
        (step, kind) for step in (0, 19) for kind in ("dense", "ticket")
    ]
    assert [row["density"] for row in rows] == pytest.approx([1.0, 0.5] * 2)
    assert all(row["barrier"] >= row["midpoint_barrier"] for row in rows)
    assert rows[2]["barrier"] <= 0.02  # one step apart
    assert 0.0 < rows[2]["error"] < 0.5

"""The study of returning connections: a row for each phase of each cycle."""

from __future__ import annotations

from slth.grids.context import Context
from slth.studies.restored_capacity import restored_capacity

CELL = {"model": "lenet-300-100", "data": "digits", "examples": 300, "epochs": 2, "density": 0.1, "cycles": 2}


def test_each_phase_has_a_row():
    rows = restored_capacity(CELL, seed=3, context=Context())
    assert [(row["level"], row["kind"]) for row in rows] == [
        (0, "dense"), *((cycle, kind) for cycle in (1, 2) for kind in ("sparse", "restored", "fine-tuned"))
    ]  # fmt: skip
    assert [row["kept"] for row in rows] == [50200, *[5020, 50200, 5020] * 2]
    fewer = restored_capacity({**CELL, "cycles": 1}, seed=3, context=Context())
    assert [row["accuracy"] for row in fewer] == [row["accuracy"] for row in rows[:4]]

"""The study of winning tickets: a row for each level and branch, the same for the same seed."""

from __future__ import annotations

from slth.grids.context import Context
from slth.studies.winning_ticket import winning_ticket

CELL = {
    "model": "lenet-300-100", "data": "digits", "examples": 300, "epochs": 3, "rate": 0.5, "levels": 2,
    "branches": ["random"],
}  # fmt: skip


def without_times(rows):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def test_each_level_and_branch_has_a_row():
    rows = winning_ticket(CELL, seed=3, context=Context())
    assert [(row["level"], row["kind"]) for row in rows] == [
        (0, "ticket"), (1, "ticket"), (1, "random"), (2, "ticket"), (2, "random")
    ]  # fmt: skip
    assert [row["kept"] for row in rows] == [50200, 25100, 25100, 12550, 12550]
    assert all(row["stop"] in (5, 10, 15) for row in rows)  # of 270 examples in batches of 60
    again = winning_ticket({**CELL, "levels": 1, "branches": []}, seed=3, context=Context())
    assert without_times(again) == without_times(rows)[:2]


def test_rewinding_leaves_the_steps_of_the_recipe_where_they_are():
    rows = winning_ticket({**CELL, "rewind": 7}, seed=3, context=Context())
    assert all(row["stop"] in (10, 15) for row in rows)

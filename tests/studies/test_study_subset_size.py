"""The study of the data diet: a row for each way and level, with what is connected of the way."""

from __future__ import annotations

import pytest

from slth.grids.context import Context
from slth.studies.subset_size import subset_size

CELL = {
    "model": "lenet-300-100", "data": "digits", "examples": 300, "epochs": 2, "batch_size": 30, "learning_rate": 0.1,
    "levels": 1, "rate": 0.5, "size": 50, "steps": 5, "runs": 1, "score_epochs": 1, "ways": ["easy", "hard", "none"],
}  # fmt: skip


def test_each_way_and_level_has_a_row():
    rows = subset_size(CELL, seed=3, context=Context())
    assert [(row["way"], row["level"]) for row in rows] == [(way, level) for way in CELL["ways"] for level in (0, 1)]
    assert [row["density"] for row in rows] == pytest.approx([1.0, 0.5] * 3)
    assert all(0.0 <= row["connected"] <= 1.0 for row in rows)
    assert rows[0]["connected"] == rows[1]["connected"]
    assert len({row["accuracy"] for row in rows}) > 1
    alone = subset_size({**CELL, "ways": ["none"]}, seed=3, context=Context())
    assert alone == rows[4:]  # ways share the network and the order of the examples

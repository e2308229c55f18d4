"""The study of early pruning: a row for each check of each method, with the density that was asked for."""

from __future__ import annotations

import pytest

from slth.grids.context import Context
from slth.studies.early_pruning import early_pruning

CELL = {"model": "lenet-300-100", "data": "digits", "examples": 300, "epochs": 2, "density": 0.25, "rate": 0.5}


@pytest.mark.parametrize("method", ["random", "snip", "gem-miner", "imp"])
def test_each_check_has_a_row(method):
    rows = early_pruning({**CELL, "method": method}, seed=3, context=Context())
    assert {row["kind"] for row in rows} == {"found", "shuffled", "redrawn"}
    assert all(row["total"] == 50_200 for row in rows)
    assert all(row["kept"] == pytest.approx(12_550, rel=0.01) for row in rows)
    assert all(0.0 <= row["accuracy"] <= 1.0 for row in rows)
    if method == "snip":
        assert early_pruning({**CELL, "method": method}, seed=3, context=Context()) == rows
        assert rows[0]["accuracy"] > 0.3  # trained: masks alone are at chance

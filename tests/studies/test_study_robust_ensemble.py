"""The study of robust ensembles: a row for each ensemble and each of its bins, the same for the same seed."""

from __future__ import annotations

import pytest

from slth.grids.context import Context
from slth.studies.robust_ensemble import BINS, robust_ensemble

CELL = {
    "regime": "quick", "kl_weights": "1,inf", "density": 0.4, "scale": "kept", "rate": 0.5, "model": "lenet-300-100",
    "data": "digits", "examples": 200, "epochs": 2,
}  # fmt: skip


def test_ensembles_of_one_density_and_their_bins_have_rows():
    rows = robust_ensemble(CELL, seed=3, context=Context())
    assert len({tuple(row) for row in rows}) == 1
    whole = {row["kind"]: row for row in rows if row["bin"] is None}
    assert list(whole) == ["robust", "plain", "single"]
    kept = [row["kept"] for row in whole.values()]
    assert max(kept) - min(kept) <= 3 * 2  # each layer of each member rounds up
    for name, row in whole.items():
        bins = [one for one in rows if one["kind"] == name and one["bin"] is not None]
        assert [one["bin"] for one in bins] == list(range(BINS))
        assert sum(one["examples_in_bin"] for one in bins) == row["tested"] == 360
        right = sum(one["examples_in_bin"] * one["accuracy"] for one in bins)
        assert right == pytest.approx(360 * row["accuracy"])
    again = robust_ensemble(CELL, seed=3, context=Context())
    assert [{**row, "seconds": 0} for row in again] == [{**row, "seconds": 0} for row in rows]
    assert not set(CELL) & set(rows[0])

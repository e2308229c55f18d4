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
    assert list(whole) == ["robust", "plain", "single", "dense", "mixup", "magnitude", "deep"]
    kept = [whole[name]["kept"] for name in ("robust", "plain", "single", "magnitude")]
    assert max(kept) - min(kept) <= 3 * 2  # each layer of each member rounds up
    assert all(row["multiply_adds"] == row["kept"] for row in whole.values())
    assert 0.38 * whole["deep"]["total"] < whole["deep"]["kept"] <= whole["robust"]["kept"]
    assert [name for name, row in whole.items() if row["member_wrong_confidence"]] == ["robust", "plain", "deep"]
    for name, row in whole.items():
        bins = [one for one in rows if one["kind"] == name and one["bin"] is not None]
        assert [one["bin"] for one in bins] == list(range(BINS))
        assert sum(one["examples_in_bin"] for one in bins) == row["tested"] == 360
        right = sum(one["examples_in_bin"] * one["accuracy"] for one in bins)
        assert right == pytest.approx(360 * row["accuracy"])
    again = robust_ensemble(CELL, seed=3, context=Context())
    assert [{**row, "seconds": 0} for row in again] == [{**row, "seconds": 0} for row in rows]
    assert not set(CELL) & set(rows[0])


def test_shifts_are_measured_in_the_place_of_bins():
    rows = robust_ensemble(CELL | {"shifts": "digits"}, seed=3, context=Context())
    bins = robust_ensemble(CELL, seed=3, context=Context())
    assert len({tuple(row) for row in [*rows, *bins]}) == 1
    for name in ("magnitude", "deep"):
        (whole,) = (row for row in rows if row["kind"] == name and row["tested"])
        (same,) = (row for row in bins if row["kind"] == name and row["tested"])
        assert {**whole, "seconds": 0} == {**same, "seconds": 0}
        severities = {row["severity"]: row for row in rows if row["kind"] == name and row["severity"]}
        assert list(severities) == [1, 3, 5]
        assert severities[5]["accuracy"] < whole["accuracy"]
        assert severities[1]["auroc"] < severities[5]["auroc"]
        (other,) = (row["auroc"] for row in rows if row["kind"] == name and row["against"])
        assert other == pytest.approx(0.5)  # the same images

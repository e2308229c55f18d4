"""The study of planted tickets: every method looks for the same one, and is told how many weights were planted."""

from __future__ import annotations

import pytest

from slth.errors import ArgumentError, ConstructionError
from slth.grids.context import Context
from slth.studies import plant_and_recover as module
from slth.studies.plant_and_recover import plant_and_recover

CELL = {
    "inputs": 16, "outputs": 16, "units": 4, "ratio": 2, "layers": 1, "density": 0.5, "law": "signed-constant",
    "examples": 256, "epochs": 3, "rate": 0.01, "methods": ["edge-popup magnitude=false", "random", "snip"],
}  # fmt: skip


def test_methods_look_for_one_ticket_with_as_many_weights():
    rows = plant_and_recover(CELL, seed=3, context=Context())
    assert [row["method"] for row in rows] == CELL["methods"]
    for row in rows:
        assert (row["planted"], row["weights"], row["collapsed"]) == (64, 256, 0)
        assert row["share"] == row["found"] / 64
        assert row["kept"] == 64
        assert row["chance"] == 0.25
        assert row["error"] >= 0.0
    assert rows[0]["share"] > rows[1]["share"]
    alone = plant_and_recover({**CELL, "methods": ["snip"]}, seed=3, context=Context())
    assert alone == rows[2:]


def test_two_layers_and_all_ranked_together():
    cell = {**CELL, "layers": 2, "ratio": 1, "methods": ["edge-popup scope=global", "synflow"]}
    rows = plant_and_recover(cell, seed=0, context=Context())
    assert {row["planted"] for row in rows} == {32 + 8 + 32}


def test_a_method_with_a_recipe_of_its_own_is_told_how_many_weights_there_are_in_all():
    rows = plant_and_recover({**CELL, "methods": ["concrete", "gem-miner"]}, seed=1, context=Context())
    assert {(row["planted"], row["weights"]) for row in rows} == {(64, 256)}
    assert all(0.0 <= row["share"] <= 1.0 for row in rows)


def test_a_search_that_loses_a_layer_has_found_nothing(monkeypatch):
    def collapsing(*given, **options):
        raise ConstructionError("no weight of 1.weight is kept after epoch 1: the network has collapsed")

    monkeypatch.setattr(module, "search", collapsing)
    cell = {**CELL, "density": 0.07, "ratio": 1, "methods": ["edge-popup", "random"]}
    collapsed, drawn = plant_and_recover(cell, seed=0, context=Context())
    assert (collapsed["collapsed"], collapsed["share"], collapsed["error"]) == (1, 0.0, None)
    assert (drawn["collapsed"], drawn["planted"]) == (0, 8)


def test_unknown_methods_are_refused_by_name():
    with pytest.raises(ArgumentError, match="edge-popup"):
        plant_and_recover({**CELL, "methods": ["edge-popop"]}, seed=0, context=Context())

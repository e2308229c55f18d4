"""Grids of tickets and of subset sums: what a row says is what the same call says by itself."""

from __future__ import annotations

import numpy as np
import pytest

import slth
from slth.data.datasets import load
from slth.grids.context import Context
from slth.grids.work import Item, work
from slth.jobs.models import model_of, train_target
from slth.rng import Stream
from slth.studies import STUDIES
from slth.studies.subset_sums import subset_sums
from tests.cli.running import run

TARGET = {"model": "mlp", "data": "synthetic", "hidden": [3], "epochs": 1, "target_seed": 1, "examples": 60}


def computed(task, cell, seed=3, **context):
    finished = work(Item(task, STUDIES[task].target, cell, 0, seed, Context(**context)))
    assert finished.rows, finished.reason
    return finished.rows


@pytest.mark.parametrize(
    ("task", "method", "given"),
    [
        ("structured-ticket", slth.Structured(channels=30, gain=2.0, beam=2), {"channels": 30, "gain": "2", "beam": 2}),
        ("per-weight-ticket", slth.PerWeight(candidates=8, gain="unit"), {"candidates": 8, "gain": "unit"}),
    ],
)
def test_a_row_is_what_a_construction_says(tmp_path, task, method, given):
    (row,) = computed(task, {**TARGET, **given}, cache=tmp_path)
    data = load("synthetic")
    model = model_of("mlp", {"hidden": (3,)})
    recipe = slth.training.Recipe(**{**vars(model.recipe(data)), "epochs": 1})
    target = train_target(model, data, recipe=recipe, seed=1, limit=60)
    made = method.construct(target, seed=3)
    x = data.inputs("test", limit=60)
    wanted, found = target.forward(x), made.ticket.forward(x)
    assert row["certified_error"] == made.certificate.error
    assert row["sampled_error"] == pytest.approx(np.abs(found - wanted).max(), rel=1e-9)
    assert row["sampled_error"] <= row["certified_error"]
    assert row["agreement"] == np.mean(found.argmax(axis=1) == wanted.argmax(axis=1))
    assert row["density"] == made.ticket.statistics().density
    assert row["largest_over_spread"] == pytest.approx(row["sampled_error"] / wanted.std(), rel=1e-9)
    assert row["rms_over_spread"] == pytest.approx(np.sqrt(np.mean((found - wanted) ** 2)) / wanted.std(), rel=1e-9)
    assert [float(text) for text in row["layer_gains"].split()] == pytest.approx(made.ticket.gains, rel=1e-5)
    assert [float(text) for text in row["layer_errors"].split()] == pytest.approx(
        [layer.relative_error for layer in made.table], rel=1e-2
    )
    assert row["kept_bytes"] == 4 * row["kept_weights"] == made.summary()["bytes"]
    assert row["kept_multiply_adds"] == made.summary()["multiply_adds"]
    assert row["target_bytes"] == 4 * target.parameters >= row["pruned_bytes"]
    assert row["ticket_bytes"] == len(made.ticket.to_bytes())
    assert len(list(tmp_path.glob("target-*"))) == 1  # for the cells that share it
    (bare,) = computed(task, {**TARGET, **given, "certificate": "none", "ticket_seed": 3}, seed=4, cache=tmp_path)
    assert {**bare, "seconds": 0} == {**row, "certified_error": None, "seconds": 0}
    assert {k: v for k, v in computed(task, {**TARGET, **given}, cache=tmp_path)[0].items() if k != "seconds"} == {
        k: v for k, v in row.items() if k != "seconds"
    }


def test_subset_sums_are_those_of_the_solver():
    cell = {"law": "normal:0:2", "n": 9, "tolerance": 0.01, "instances": 20, "solver": "two-list"}
    (row,) = subset_sums(cell, seed=5, context=Context())
    values = slth.law_from_text("normal:0:2").sample(Stream(5, "subset-sums.values"), 180).reshape(20, 9)
    every = (np.arange(512)[:, None] >> np.arange(9)) & 1
    targets = 2.0 * Stream(5, "subset-sums.targets").uniform(0, 20) - 1.0
    best = np.abs(values @ every.T - targets[:, None]).min(axis=1)
    assert row["successes"] == int((best <= 0.01).sum())
    assert 0 < row["successes"] < row["trials"] == 20
    (exact,) = subset_sums({**cell, "tolerance": 0.0}, seed=5, context=Context())
    assert exact["optimal"] == 20
    assert exact["error_50"] == pytest.approx(np.median(best), rel=1e-9)


def test_vectors_and_one_target_for_all():
    cell = {"law": "uniform", "n": 10, "tolerance": 0.0, "instances": 3, "dimension": 2, "target": 0.25, "size": 4}
    (row,) = subset_sums(cell, seed=1, context=Context())
    assert (row["trials"], row["density"]) == (3, 0.4)


def test_tasks_are_listed_with_what_they_take(capsys):
    listed = run(capsys, "run", "--tasks", "--json").json["tasks"]
    assert [row["task"] for row in listed] == sorted(STUDIES)
    told = run(capsys, "run", "--tasks", "structured-ticket", "--json").json
    channels = told["keys"][0]
    assert (channels["key"], channels["form"], channels["needed"]) == (
        "channels",
        "a whole number of at least 1",
        "no",
    )
    assert "whole channels" in told["says"]
    shown = run(capsys, "run", "--tasks", "quantised").out
    assert "where question is ticket" in shown
    wrong = run(capsys, "run", "--tasks", "nothing")
    assert (wrong.code, "is nothing that slth.studies has" in wrong.err) == (2, True)
    assert run(capsys, "run").code == 2


def test_a_structured_ticket_reaches_the_error_that_is_asked_for(tmp_path):
    (row,) = computed("structured-ticket", {**TARGET, "eps": 2.0, "beam": 2}, cache=tmp_path)
    assert row["certified_error"] <= 2.0

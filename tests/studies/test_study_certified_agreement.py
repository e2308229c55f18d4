"""Certified agreement: rows are what certificates and attacks say, and the curve counts them."""

from __future__ import annotations

import numpy as np
import pytest

import slth
from slth.data.datasets import load
from slth.errors import ArgumentError, DataError
from slth.graphs.file import load_graph
from slth.grids.context import Context
from slth.studies.certified_agreement import certified_agreement, curve, file_digest
from slth.tickets import load_ticket

TARGET = {"model": "mlp", "hidden": [5], "epochs": 2, "target_seed": 1, "examples": 60, "candidates": 9}
WHERE = {"data": "synthetic", "radii": [0.02, 0.0], "first": 2, "count": 3, "starts": 1, "steps": 4}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def rows_of(cache, **given):
    return certified_agreement({**TARGET, **WHERE, **given}, seed=3, context=Context(cache=cache))


def without_times(rows):
    return [{key: value for key, value in row.items() if not key.endswith("seconds")} for row in rows]


def test_rows_are_what_certificates_say(cache):
    rows = rows_of(cache)
    (target,), (ticket,) = cache.glob("target-*"), cache.glob("ticket-*")
    target, ticket = load_graph(target), load_ticket(ticket)
    data = load("synthetic")
    x = data.inputs("test")[2:5].reshape(-1, *target.input_shape).astype(float)
    inside = bool((x >= 0.0).all() and (x <= 1.0).all())
    proved = slth.certify(target, ticket, inputs=x, radius=0.02, input_box=(0.0, 1.0) if inside else None)
    wide = [row for row in rows if row["radius"] == 0.02]
    assert [row["certified_error"] for row in wide] == proved.errors.tolist()
    assert [row["certified_margin"] for row in wide] == proved.margins.tolist()
    assert [row["label"] for row in wide] == data.labels("test")[2:5].tolist()
    assert [row["target_class"] for row in wide] == target.forward(x).reshape(3, -1).argmax(axis=1).tolist()
    for row, zero in zip(wide, (row for row in rows if row["radius"] == 0.0), strict=True):
        assert zero["attack_error"] <= row["attack_error"] <= row["certified_error"] + 1e-9
        assert zero["attack_margin"] >= row["attack_margin"] >= row["certified_margin"] - 1e-9
        assert zero["example"] == row["example"]


def test_files_give_what_their_makers_give(cache):
    made = rows_of(cache)
    (target,), (ticket,) = cache.glob("target-*"), cache.glob("ticket-*")
    cell = {**WHERE, "target": str(target), "ticket": str(ticket), "digest": file_digest(target, ticket)}
    read = certified_agreement(cell, seed=3, context=Context())
    assert without_times(read) == without_times(made)
    with pytest.raises(DataError, match="is not the file that this run began with"):
        certified_agreement({**cell, "digest": "0" * 16}, seed=3, context=Context())


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ({**WHERE}, "model=None is missing"),
        ({**WHERE, "ticket": "a"}, "target=None is missing"),
        ({**WHERE, **TARGET, "channels": 5}, "or candidates must be given, one of the two"),
    ],
)
def test_what_is_missing_is_named(cell, words):
    with pytest.raises(ArgumentError, match=words):
        certified_agreement(cell, seed=0, context=Context())


def row(radius, label, own, certified, attacked, error, found):
    return {
        "radius": radius, "label": label, "target_class": own, "certified_margin": certified,
        "attack_margin": attacked, "certified_error": error, "attack_error": found, "certify_seconds": 2.0,
    }  # fmt: skip


def test_the_curve_counts_inputs():
    rows = [
        row(0.1, 1, 1, 0.5, 0.9, 4.0, 2.0),
        row(0.1, 1, 0, 0.5, 0.9, 3.0, 1.0),
        row(0.1, 2, 2, -0.5, 0.1, 2.0, 2.0),
        row(0.1, 2, 2, -0.5, -0.1, 0.0, 0.0),
        row("0.0", "3", "4", "1.0", "1.0", "inf", "1.0"),  # as a table gives them
    ]
    zero, wide = curve(rows)
    assert (zero["radius"], zero["agreement"], zero["agreement_of_correct"]) == (0.0, 1.0, None)
    assert (zero["certified_error"], zero["median_ratio"]) == (np.inf, np.inf)
    assert (wide["inputs"], wide["correct"], wide["seconds_an_input"]) == (4, 3, 2.0)
    assert (wide["agreement"], wide["attack_agreement"]) == (0.5, 0.75)
    assert (wide["agreement_of_correct"], wide["attack_agreement_of_correct"]) == (1 / 3, 2 / 3)
    assert (wide["certified_error"], wide["attack_error"]) == (4.0, 2.0)
    assert (wide["median_certified_error"], wide["median_attack_error"], wide["median_ratio"]) == (2.5, 1.5, 1.5)

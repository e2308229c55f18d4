"""The catalogue as it was when its table was written: values, refusals and words."""

from __future__ import annotations

import pytest

from slth.theory import bounds
from tests.tools.bound_table import read, refusals, values, words

ROWS = {row["key"]: row for row in read()}
TOLERANCE = {False: 1e-12, True: 1e-9}
"""Relative, for explicit and for solved bounds: libraries round their logarithms and stop their roots differently."""


def test_no_bound_has_gone():
    assert [key for key in bounds if key in ROWS] == list(ROWS)


@pytest.mark.parametrize("key", ROWS)
def test_a_bound_says_what_it_said(key):
    row, bound = ROWS[key], bounds[key]
    said = words(bound)
    assert {name: row[name] for name in said} == said
    for point in [*row["points"], *row["violated"]]:
        found = values(bound, point["given"])
        assert found.keys() == point.keys() - {"given"}, point["given"]
        for name, value in found.items():
            close = value == point[name] or value == pytest.approx(point[name], rel=TOLERANCE[bound.implicit], abs=0.0)
            assert close, (name, point["given"])
    assert refusals(bound, row["points"][0]["given"]) == row["refusals"]

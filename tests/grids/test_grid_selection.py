"""Rows that are looked at, and points that are drawn of them."""

from __future__ import annotations

import numpy as np
import pytest

from slth.errors import ArgumentError
from slth.grids.intervals import clopper_pearson, student
from slth.grids.selection import common_to_all, described, rows_sorted, rows_where
from slth.grids.series import points_of

ROWS = [
    {"law": "uniform", "n": 1, "error": 0.5, "hidden": [3, 4]},
    {"law": "uniform", "n": 2, "error": 0.25},
    {"law": "normal", "n": 10, "error": None},
    {"law": "normal", "n": 2, "error": 0.125},
]
COLUMNS = ["law", "n", "error", "hidden"]


@pytest.mark.parametrize(
    ("conditions", "kept"),
    [
        ((), [0, 1, 2, 3]),
        (("n>=2",), [1, 2, 3]),
        (("n > 2",), [2]),
        (("law=uniform", "n != 1"), [1]),
        (("law!=uniform",), [2, 3]),
        (("error<0.3",), [1, 3]),
        (("error=",), [2]),
        (("n == 2.0",), [1, 3]),
        (("hidden=[3, 4]",), [0]),
    ],
)
def test_conditions(conditions, kept):
    assert rows_where(ROWS, conditions, COLUMNS) == [ROWS[index] for index in kept]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("erorr=2", "did you mean"),
        ("n", "is no condition"),
        ("law<normal", "orders texts"),
        ("", "is no condition"),
    ],
)
def test_conditions_that_mean_nothing(condition, words):
    with pytest.raises(ArgumentError, match=words):
        rows_where(ROWS, (condition,), COLUMNS)


def test_order():
    assert [row["n"] for row in rows_sorted(ROWS, "n", COLUMNS)] == [1, 2, 2, 10]
    assert [row["error"] for row in rows_sorted(ROWS, "-error", COLUMNS)] == [0.5, 0.25, 0.125, None]
    assert [row["law"] for row in rows_sorted(ROWS, "law", COLUMNS)] == ["normal"] * 2 + ["uniform"] * 2
    with pytest.raises(ArgumentError, match="sort='m'"):
        rows_sorted(ROWS, "-m", COLUMNS)


def test_what_is_the_same_and_what_differs():
    assert common_to_all(ROWS[:2], COLUMNS) == {"law": "uniform"}
    assert common_to_all(ROWS[:1], COLUMNS) == {}
    about = {line["column"]: line for line in described(ROWS, COLUMNS)}
    assert about["n"] == {"column": "n", "rows": 4, "different": 3, "least": 1, "median": 2, "largest": 10}
    assert about["law"] == {"column": "law", "rows": 4, "different": 2}


def test_points_have_the_middle_and_the_spread_that_they_say():
    rng = np.random.default_rng(0)
    rows = [{"n": n, "law": law, "y": float(rng.normal())} for n in (10, 2) for law in "ab" for _ in range(7)]
    for spread in ("quartiles", "interval", "range"):
        points = points_of(rows, ["n", "law", "y"], x="n", y="y", by="law", spread=spread)
        assert [(point.line, point.at) for point in points] == [("a", 2), ("a", 10), ("b", 2), ("b", 10)]
        values = np.array([row["y"] for row in rows if (row["n"], row["law"]) == (10, "a")])
        wanted = {
            "quartiles": (np.median(values), *np.quantile(values, (0.25, 0.75))),
            "interval": (values.mean(), *student(values)),
            "range": (np.median(values), values.min(), values.max()),
        }[spread]
        assert (points[1].middle, points[1].low, points[1].high) == pytest.approx(wanted, rel=1e-12)
    (one,) = points_of(rows[:1], ["n", "y"], x="n", y="y", spread="interval")
    assert one.low == one.middle == one.high


def test_rates_have_their_exact_interval():
    rows = [{"n": 1, "successes": 3, "trials": 10}, {"n": 1, "successes": 1, "trials": 10}]
    (point,) = points_of(rows, ["n", "successes", "trials"], x="n", y="rate")
    assert (point.middle, point.low, point.high) == (0.2, *clopper_pearson(4, 20))


@pytest.mark.parametrize(("asked", "words"), [({"y": "law"}, "holds texts"), ({"y": "m"}, "is no column"),
                                              ({"x": "m"}, "x='m'"), ({"by": "m"}, "by='m'")])  # fmt: skip
def test_points_that_cannot_be_made(asked, words):
    with pytest.raises(ArgumentError, match=words):
        points_of(ROWS, COLUMNS, **{"x": "n", "y": "error", **asked})
    with pytest.raises(ArgumentError, match="no finite number"):
        points_of(ROWS[2:3], COLUMNS, x="n", y="error")

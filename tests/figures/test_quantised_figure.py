"""The figure of quantised tickets: its points, its curves, and what its table says."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from slth.figures.quantised import ASSUMED, quantised_figure
from slth.figures.rows import levels, shares, where, with_bars
from slth.grids.tables import read_csv

TABLE = Path(__file__).parents[2] / "paper_figures" / "quantised" / "table.csv"

EMPTY = {"bits": "", "offset": "", "targets": "", "predicted": ""}
ROWS = [
    EMPTY | {"question": "ticket", "bits": "4", "n": str(n), "targets": targets, "trials": "10"}
    | {"replicate": str(k), "successes": str(hits), "predicted": str(hits / 10)}
    for n, hits in ((8, 4), (16, 10))
    for targets in ("one", "all")
    for k in range(2)
] + [
    EMPTY | {"question": "partition", "n": "16", "offset": str(offset), "replicate": "0"}
    | {"successes": str(hits), "trials": "100"}
    for offset, hits in ((-2.0, 96), (0.0, 62), (4.0, 6))
]  # fmt: skip


def _limit(offset: float) -> float:
    mean = math.sqrt(3.0 / (2.0 * math.pi)) * 2.0**-offset
    return 1.0 - 0.5 * math.exp(-mean) * (1.0 + math.exp(-mean))


def test_failures_are_pooled_and_those_never_seen_left_out():
    failure = quantised_figure(ROWS).axes[0]
    for points in failure.containers[:2]:
        assert points.lines[0].get_xydata().tolist() == [[8.0, 0.6]]


def test_window_shows_shares_and_the_limit():
    window = quantised_figure(ROWS).axes[1]
    assert window.containers[0].lines[0].get_xydata() == pytest.approx(np.array([[-2, 0.96], [0, 0.62], [4, 0.06]]))
    curve = window.get_lines()[-1]
    assert curve.get_ydata() == pytest.approx([_limit(offset) for offset in curve.get_xdata()])


def test_says_what_is_assumed_and_what_is_derived():
    drawing = quantised_figure(ROWS)
    words = " ".join(text.get_text() for text in drawing.legends[0].get_texts())
    assert r"$C = 1.5$, $\kappa = 2$ assumed" in words
    assert "derived" in words
    assert "function: derived" in words


def test_window_of_the_table_is_the_limit_for_large_n():
    rows = where(read_csv(TABLE), question="partition")
    largest = levels(rows, "n")[-1]
    offset, successes, trials = shares(where(rows, n=largest), "offset")
    limit = np.array([_limit(place) for place in offset])
    # 4.5 standard deviations at each of some 15 places: a right limit fails with probability 1e-4.
    spread = np.sqrt(limit * (1.0 - limit) / trials)
    assert np.all(np.abs(successes / trials - limit) < 4.5 * spread + 2e-3)


def test_assumed_constants_hold_for_the_whole_table():
    rows = where(read_csv(TABLE), question="ticket", targets="all")
    for bits in (4, 8, 12):
        n, successes, trials = shares(where(rows, bits=bits), "n")
        margin = n - ASSUMED["constant"] * math.log(2.0**bits + 1.0)
        allowed = np.where(margin > 0.0, 2.0 * np.exp(-(margin**2) / (ASSUMED["kappa"] * n)), 1.0)
        share, bars = with_bars(trials - successes, trials)
        assert np.all(share - bars[0] <= np.minimum(allowed, 1.0))

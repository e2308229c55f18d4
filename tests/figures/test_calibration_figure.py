"""The figure of calibration: means over seeds against density and severity, and what its page says."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from slth.figures.calibration import SHOWN, calibration_figure
from slth.figures.calibration_figures import LOOKS
from slth.figures.rows import numbers, where
from slth.grids.tables import read_csv

TABLE = Path(__file__).parents[2] / "paper_figures" / "calibration" / "table.csv"


def row(kind, density, replicate, number, **place):
    empty = {"severity": "", "against": "", "tested": "", "ece": "", "negative_log_likelihood": "", "brier": ""}
    return {
        **empty, "kind": kind, "density": str(density), "replicate": str(replicate), "accuracy": str(1 - number),
        "auroc": str(number), **place,
    }  # fmt: skip


def rows():
    found = []
    for place, (kind, density, replicate) in enumerate(product(LOOKS, (0.06, SHOWN, 0.5), (0, 1))):
        number = (place + 1) / 100
        measures = dict.fromkeys(("ece", "negative_log_likelihood", "brier"), str(number))
        found.append(row(kind, density, replicate, number, tested="10000", **measures))
        found.append(row(kind, density, replicate, 2 * number, against="mnist"))
        found += [row(kind, density, replicate, number * n / 10, severity=str(n), ece=str(number * n)) for n in (1, 5)]
    return found


def test_means_over_the_seeds_stand_at_their_densities_and_severities():
    above, below = (calibration_figure(rows()).axes[place : place + 3] for place in (0, 3))
    labels = [label for label, _, _ in LOOKS.values()]
    assert above[0].get_legend_handles_labels()[1] == labels
    dense, *_, robust = above[0].get_lines()[0], above[0].containers[-1].lines[0]
    assert dense.get_ydata() == pytest.approx([0.035, 0.035])  # of 1 to 6, whose density is 1 everywhere
    assert list(robust.get_xdata()) == [0.06, SHOWN, 0.5]
    assert robust.get_ydata() == pytest.approx([0.375, 0.395, 0.415])
    accuracy, error, told = (axes.containers for axes in below)
    assert list(accuracy[-1].lines[0].get_xdata()) == [0, 1, 5]
    assert accuracy[-1].lines[0].get_ydata() == pytest.approx([0.605, 0.9605, 0.8025])
    assert error[-1].lines[0].get_ydata() == pytest.approx([0.395, 0.395, 1.975])
    severities, other = told[-2:]
    assert severities.lines[0].get_ydata() == pytest.approx([0.0395, 0.1975])
    assert other.lines[0].get_ydata() == pytest.approx([0.79])
    assert [tick.get_text() for tick in below[2].get_xticklabels()][-1] == "MNIST"


def test_the_table_says_what_its_page_says():
    rows = read_csv(TABLE)

    def found(density, kind, column, **place):
        own = where(rows, density=density, kind=kind, **place)
        return numbers([row for row in own if place or row["tested"]], column)

    for kind in ("plain", "single", "deep"):
        assert len(found(0.5, kind, "ece")) == 3
        assert found(0.5, "robust", "ece").max() < found(0.5, kind, "ece").min()
        assert found(0.18, "robust", "ece").min() > found(0.18, kind, "ece").max()
        assert 0.002 < found(0.5, kind, "accuracy").mean() - found(0.5, "robust", "accuracy").mean() < 0.0075
    for density in (0.18, 0.5):
        falls = found(density, "plain", "wrong_confidence") - found(density, "robust", "wrong_confidence")
        assert 0.07 < falls.min() <= falls.max() < 0.13
        own = found(density, "robust", "wrong_confidence") - found(density, "robust", "member_wrong_confidence")
        assert 0.01 < own.mean() < 0.04
        auroc = {kind: found(density, kind, "auroc", against="mnist").mean() for kind in LOOKS}
        assert max(auroc, key=auroc.get) == "deep"
        auroc = {kind: found(density, kind, "auroc", severity=5).mean() for kind in LOOKS}
        assert max(auroc, key=auroc.get) == "mixup"
        assert all(found(density, kind, "ece_scaled").mean() < 0.031 for kind in LOOKS)
    assert found(0.06, "plain", "accuracy").max() < found(0.06, "robust", "accuracy").max() < 0.52
    assert found(0.5, "robust", "ece", severity=5).mean() > found(0.5, "plain", "ece", severity=5).mean()
    for density in (0.06, 0.18, 0.5):
        work = [found(density, kind, "multiply_adds") for kind in ("robust", "plain", "single", "magnitude", "deep")]
        assert all(one.max() <= work[0].min() for one in work)

"""The figure of structured searches: medians and ranges, points, and what its table says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slth.figures.rows import numbers, where
from slth.figures.structured_search import LOOKS, structured_search_figure
from slth.grids.tables import read_csv

TABLE = Path(__file__).parents[2] / "paper_figures" / "structured_search" / "table.csv"


def row(way, structure="", density="", width=4, accuracy=0.5, **more):
    return {
        "way": way, "structure": structure, "density": str(density), "width": str(width), "accuracy": str(accuracy),
        "kept_small": "100", "multiply_adds": "1000", "target_accuracy": "0.95", "target_parameters": "200",
        "target_multiply_adds": "3000", **more,
    }  # fmt: skip


ROWS = [
    *(row("search", "weights", density, 4, value) for density in (0.25, 0.5) for value in (0.5, 0.6, 0.9)),
    *(row("search", "weights", 0.5, 8, value) for value in (0.7, 0.8, 0.8)),
    *(row(way, "weights", density) for way in ("random", "magnitude") for density in (0.25, 0.5)),
    *(row("construction", width=width, accuracy=value) for width, value in ((2, 0.1), (512, 0.6))),
]


def test_lines_are_medians_and_bars_reach_from_least_to_most():
    by_density, by_width, by_size, by_work = structured_search_figure(ROWS).axes
    assert by_density.get_lines()[0].get_xydata() == pytest.approx(np.array([[0.25, 60.0], [0.5, 60.0]]))
    (bars,) = by_density.containers[0].lines[2]
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [pytest.approx([50.0, 90.0])] * 2
    assert by_width.get_lines()[0].get_xydata() == pytest.approx(np.array([[4.0, 60.0], [8.0, 80.0]]))
    assert len(by_size.get_lines()[0].get_xdata()) == 9
    assert by_work.get_lines()[0].get_xdata().tolist() == [1000.0] * 9


def test_construction_and_trained_target_stand_beside_them():
    _, by_width, by_size, _ = structured_search_figure(ROWS).axes
    assert [2.0, 512.0] in [line.get_xdata().tolist() for line in by_width.get_lines()]
    assert [200.0] in [np.atleast_1d(line.get_xdata()).tolist() for line in by_size.get_lines()]


TABLE_ROWS = read_csv(TABLE) if TABLE.exists() else []


def test_the_small_networks_of_the_table_are_the_same_functions():
    searched = where(TABLE_ROWS, way="search")
    assert numbers(searched, "difference").max() < 1e-12
    assert (numbers(searched, "kept_small") <= numbers(searched, "kept")).all()
    assert {found["structure"] for found in searched} == set(LOOKS)


def medians(way, **equal):
    return {
        structure: float(np.median(numbers(where(TABLE_ROWS, way=way, structure=structure, **equal), "accuracy")))
        for structure in LOOKS
    }


def test_every_search_of_the_table_beats_its_random_mask():
    found, untrained = medians("search", width=4.0, density=0.5), medians("random", width=4.0, density=0.5)
    assert all(found[structure] > untrained[structure] for structure in LOOKS)


def test_coarser_groups_of_the_table_are_worse_at_equal_density():
    found = medians("search", width=4.0, density=0.5)
    assert found["weights"] > found["kernels"] > found["input-channels"] > found["output-channels"]

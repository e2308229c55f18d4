"""The figure of LeNet-5: medians and bands of the rows, and the published points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slth.figures.lenet_weights import PUBLISHED, PUBLISHED_N, lenet_weights_figure
from slth.figures.rows import numbers, quantiles, where
from slth.grids.tables import read_csv

TABLE = Path(__file__).parents[2] / "paper_figures" / "lenet_weights" / "table.csv"
ERRORS = ("weight_error", "train_output_error", "test_output_error")

ROWS = [
    {"data": data, "n": str(n), "replicate": str(k)}
    | {column: str((k + 1) * 2.0**-n * (place + 1)) for place, column in enumerate(ERRORS)}
    for data in ("mnist", "fashion-mnist")
    for n in (5, 10)
    for k in range(3)
]


def lines(axes):
    return {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()}


def test_lines_are_medians_and_published_values():
    axes = lenet_weights_figure(ROWS).axes
    drawn = lines(axes[0])
    assert drawn["median of 3 repetitions"] == [[5.0, 2 * 2.0**-5], [10.0, 2 * 2.0**-10]]
    published = drawn["published, one repetition (digitised)"]
    assert published == [list(point) for point in zip(PUBLISHED_N, PUBLISHED["mnist", "weight_error"], strict=True)]
    outputs = lines(axes[3])
    assert outputs["test images"] == [[5.0, 6 * 2.0**-5], [10.0, 6 * 2.0**-10]]
    wanted = PUBLISHED["fashion-mnist", "test_output_error"]
    assert [y for _, y in outputs["published, one repetition, test (digitised)"]] == list(wanted)


def test_bands_reach_from_least_to_most():
    bands = lenet_weights_figure(ROWS).axes[0].collections
    heights = [np.unique(band.get_paths()[0].vertices[:, 1]) for band in bands]
    assert heights[0].min() == 2.0**-10
    assert heights[0].max() == 3 * 2.0**-5
    assert heights[0].min() < heights[1].min() < heights[1].max() < heights[0].max()


def test_one_data_set_is_enough():
    assert len(lenet_weights_figure(where(ROWS, data="mnist")).axes) == 2


@pytest.mark.parametrize("data", ["mnist", "fashion-mnist"])
def test_table_has_twenty_repetitions_that_fall_as_published(data):
    rows = where(read_csv(TABLE), data=data)
    assert len({row["replicate"] for row in rows}) >= 20
    n, ((*medians,),) = quantiles(rows, "n", "weight_error", (0.5,))
    assert n.tolist() == list(PUBLISHED_N)
    assert (np.diff(medians) < 0.0).all()
    # A repetition is within about a decade of another, so the one that was published is within two of our median.
    published = PUBLISHED[data, "weight_error"]
    assert np.abs(np.log10(np.array(medians) / published)).max() < 2.0
    assert (numbers(rows, "weight_error") > 0.0).all()

"""The study of structured searches: what is kept, what stays of it, and what it is compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.grids.spec import read_experiment
from slth.networks import NOfM, small_cnn
from slth.studies import STUDIES
from slth.studies.structured_search import STRUCTURES, method_for, structured_search

SPEC = Path(__file__).parents[2] / "paper_figures" / "structured_search" / "spec.toml"
CELL = {"data": "digits", "channels": [4, 8], "epochs": 1, "target_seed": 0, "width": 1}
INNER = {"0.weight": 4 * 9, "3.weight": 8 * 4 * 9, "7.weight": 10 * 8 * 4}


def row_of(**cell):
    (row,) = structured_search({**CELL, **cell}, seed=5, context=Context())
    return row


@pytest.mark.parametrize("way", ["random", "magnitude"])
@pytest.mark.parametrize(
    ("structure", "kept", "parameters"),
    [
        ("weights", sum(INNER.values()) // 2, None),
        ("n:m", 4 * 9 + (8 * 4 * 9 + 10 * 8 * 4) // 2, sum(INNER.values())),
        ("input-channels", 4 * 9 + (8 * 4 * 9 + 10 * 8 * 4) // 2, None),
        ("output-channels", (4 * 9 + 8 * 4 * 9) // 2 + 10 * 8 * 4, 2 * 9 + 4 * 2 * 9 + 10 * 4 * 4),
    ],
)
def test_so_many_weights_are_kept_and_removed_channels_are_gone(way, structure, kept, parameters):
    row = row_of(way=way, structure=structure, density=0.5)
    assert row["kept"] == kept
    assert row["random_parameters"] == sum(INNER.values())
    assert row["kept_small"] <= row["parameters"] <= row["random_parameters"]
    assert parameters in (None, row["parameters"])
    assert row["multiply_adds"] <= row["random_multiply_adds"] == 64 * 4 * 9 + 16 * 8 * 4 * 9 + 320
    assert row["difference"] < 1e-12


def test_half_of_the_input_channels_leave_half_of_the_channels_in_front_of_them():
    row = row_of(way="random", structure="input-channels", density=0.5)
    # An input channel of the linear layer is one number of 4 that a channel has: a channel goes if all of its four do.
    assert row["parameters"] < sum(INNER.values()) - 2 * 9 - 8 * 2 * 9 + 1


def test_a_search_learns_something():
    """Chance is 0.1; one epoch from random masks of weights of a network twice as wide."""
    found = row_of(way="search", structure="weights", density=0.5, width=4, epochs=3)
    untrained = row_of(way="random", structure="weights", density=0.5, width=4)
    assert found["accuracy"] > 0.5 > untrained["accuracy"] + 0.2


def test_magnitudes_are_those_of_the_groups():
    """The mean magnitude that is kept is above that of a random mask."""
    rows = [row_of(way=way, structure="kernels", density=0.25) for way in ("magnitude", "random")]
    assert rows[0] != rows[1]
    assert rows[0]["kept"] == rows[1]["kept"]


def test_half_of_the_middle_channels_of_each_block_are_gone():
    row = row_of(way="random", structure="middle-channels", density=0.5, block=4)
    firsts, seconds = 4 * (1 + 4 + 8 * 4), 4 * sum(INNER.values())
    assert row["random_parameters"] == firsts + seconds
    assert row["kept"] == firsts + seconds // 2
    assert row["parameters"] == row["kept_small"] == (firsts + seconds) // 2
    assert row["difference"] < 1e-12


def test_the_construction_counts_what_it_keeps():
    row = row_of(way="construction", width=8)
    assert row["kept"] == row["parameters"] < row["random_parameters"]
    assert row["target_parameters"] == sum(INNER.values())
    assert row["target_multiply_adds"] == 64 * 4 * 9 + 16 * 8 * 4 * 9 + 320
    assert row["multiply_adds"] > row["target_multiply_adds"] / 8
    assert 0.0 <= row["accuracy"] <= 1.0


@pytest.mark.parametrize(("density", "n", "m"), [(0.125, 1, 8), (0.25, 1, 4), (0.5, 2, 4), (0.75, 3, 4)])
def test_a_density_is_n_of_m(density, n, m):
    method = method_for(small_cnn(), "n:m", density)
    assert (method.structure, method.spared) == (NOfM(n, m), ("0.weight",))


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ({"way": "training"}, "way='training'"),
        ({"way": "search", "structure": "rows", "density": 0.5}, "structure='rows'"),
        ({"way": "search", "density": 0.5}, "structure"),
        ({"way": "construction", "width": 3}, "width=3"),
        ({"way": "search", "structure": "middle-channels", "density": 0.5}, "structure='middle-channels'"),
        ({"way": "random", "structure": "middle-channels", "density": 0.3, "block": 4}, "density=0.3"),
    ],
)
def test_what_is_unknown_is_refused(cell, words):
    with pytest.raises(ArgumentError, match=words):
        row_of(**cell)


def test_the_specification_of_blocks_is_read():
    experiment = read_experiment(SPEC.with_name("blocks.toml"), STUDIES)
    assert {cell["structure"] for cell in experiment.cells} == {"middle-channels", "weights"}
    assert experiment.replicates >= 3


def test_the_specification_has_every_structure_at_every_density():
    experiment = read_experiment(SPEC, STUDIES)
    searched = [cell for cell in experiment.cells if cell["way"] == "search"]
    assert {cell["structure"] for cell in searched} == set(STRUCTURES)
    assert experiment.replicates >= 3
    assert np.all([cell["width"] % 2 == 0 for cell in experiment.cells if cell["way"] == "construction"])

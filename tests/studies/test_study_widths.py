"""The study of widths: formulas recomputed by hand, every bound of the specification evaluated."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import pytest

from slth.errors import ArgumentError
from slth.grids.context import Context
from slth.grids.spec import read_experiment
from slth.studies import STUDIES
from slth.studies.widths import widths
from slth.theory import bounds
from slth.theory.network_demands import THEOREMS

TARGET = {"width": 32, "depth": 3, "eps": 0.01, "kernel": 3, "channels": 8, "density": 0.1, "perturbation": 1.0}
SPEC = Path(__file__).parents[2] / "paper_figures" / "widths" / "spec.toml"


def row_of(key, **change):
    (row,) = widths({"bound": key, **TARGET, **change}, seed=0, context=Context())
    return row


@pytest.mark.parametrize(
    ("key", "per_unit", "overhead"),
    [
        # Each by the formula of the paper for d = 32, l = 3, eps = delta = 0.01, 3 x 3 kernels and 8 channels.
        ("pensia2020.width", math.ceil(32 * math.log(32**2 * 3 / 0.01)) / 32, lambda b: 2 * b),
        ("malach2020.width", math.ceil(32**5 * 9 / 1e-4 * math.log(32 * 3 / 0.01)) / 32, lambda b: 2 * b),
        ("kumar2025.shallow_width", 32 * 7**2 / 32, lambda b: (b + b * b + b * b + b) / 3),
        ("dacunha2022.candidates", 2 * math.ceil(math.log(64 * 9 * 3 / 0.01)), lambda b: b * 10 / 9),
        (
            "dacunha2023.structured.channels",
            2 * math.ceil(3**12 * 8**6 * math.log(9 * 64 * 3 / 0.01) ** 3),
            lambda b: b * 10 / 9,
        ),
        (
            "sreenivasan2022.width",
            math.ceil(32 * math.log(96 / 0.01) ** 2) / 32,
            lambda b: (2 * b + (math.ceil(3 * math.log(96 / 0.01)) - 2) * b * b) / 3,
        ),
        (
            "xiong2023.width",
            math.ceil(32 * (math.log(32**2 * 3 / 0.01) / 2 + math.log(4 * 32**2 * 3 / 0.01))) / 32,
            lambda b: 2 * b,
        ),
        (
            "otsuka2025.head_width",
            (math.ceil(32 * math.log(8 * 32**3 / 0.01)) + math.ceil(32 * math.log(2 * 32**2 / 0.01))) / 64,
            lambda b: b,
        ),
    ],
)
def test_numbers_are_the_formulas(key, per_unit, overhead):
    row = row_of(key)
    assert row["per_unit"] == pytest.approx(per_unit, rel=1e-12)
    assert row["overhead"] == pytest.approx(overhead(per_unit), rel=1e-12)
    assert row["constant"] == 1.0
    assert row["provenance"] == bounds[key].provenance


def test_structured_overhead_is_the_catalogue_s():
    row = row_of("dacunha2023.structured.channels")
    n = int(row["value"])
    scale = bounds["derived.structured.overhead"](n=10**6, kernel=3, outputs=8, inputs=8) / 10**6
    assert row["overhead"] == pytest.approx(n * scale, rel=1e-12)


def test_source_of_one_more_layer_is_counted_matrix_by_matrix():
    """With one layer there are two matrices d -> b d -> d; with l of them the inner ones are b d x b d."""
    assert row_of("burkholz2022a.width", depth=1)["overhead"] == 2 * row_of("burkholz2022a.width", depth=1)["per_unit"]
    row, d = row_of("burkholz2022a.width", depth=5), 32
    layers = [d, *[row["value"]] * 5, d]
    weights = sum(below * above for below, above in pairwise(layers))
    assert row["overhead"] == pytest.approx(weights / (5 * d * d))


def test_perturbed_share_of_the_failures_is_the_error():
    """2 d^2 l e^-K of Theorem 2 is half of the probability; the other term is not covered by C = 1, as is said."""
    row = row_of("xiong2023.width")
    excess = row["per_unit"] - math.log(32**2 * 3 / 0.01) / 2
    assert 2 * 32**2 * 3 * math.exp(-excess) == pytest.approx(0.01 / 2, rel=0.05)  # the width is rounded up
    given = {"d_in": 32, "d_out": 32, "layers": 3, "eps": 1.0}
    exact = math.log(4 * 32**2 * 3 / 0.01)
    enough = math.ceil(exact + 8 * exact)
    assert bounds["xiong2023.network_failure"](**given, n=enough, excess=exact) <= 0.01
    assert bounds["xiong2023.network_failure"](**given, n=int(row["per_unit"]), excess=exact) == 1.0


def test_no_constant_is_assumed_where_it_is_known():
    for key in THEOREMS:
        assert (row_of(key)["constant"] is None) == (bounds[key].constant is None)


def test_widths_grow_with_precision_and_needs_stay_below():
    for key in THEOREMS:
        at = [row_of(key, eps=eps)["per_unit"] for eps in (1e-2, 1e-3, 1e-5)]
        assert at == sorted(at)
    # Two layers, the same class of targets: what is needed is below what is enough.
    for eps in (1e-2, 1e-5):
        assert row_of("derived.two_layer.width", eps=eps)["overhead"] < row_of("pensia2020.width", eps=eps)["overhead"]


def test_the_specification_names_every_bound_and_each_has_a_value():
    experiment = read_experiment(SPEC, STUDIES)
    assert {cell["bound"] for cell in experiment.cells} == set(THEOREMS)
    for cell in experiment.cells:
        (row,) = widths(cell, seed=0, context=Context())
        assert math.isfinite(row["per_unit"])
        assert math.isfinite(row["overhead"])


def test_bounds_that_are_no_widths():
    with pytest.raises(ArgumentError, match="is no bound on a width"):
        row_of("xiong2023.failure")

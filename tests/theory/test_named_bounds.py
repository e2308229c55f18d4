"""Bounds by name against numbers by hand, identities and experiments."""

from __future__ import annotations

import math

import numpy as np
import pytest

from slth.theory import bounds, structured_error


@pytest.mark.parametrize(
    ("key", "given", "value"),
    [
        ("lueker1998.candidates", {"eps": 0.2, "delta": 0.02, "constant": 1 / math.log(10)}, 2),
        ("lueker1998.products", {"eps": 0.02, "constant": 1 / math.log(10)}, 2),
        ("dacunha2023.subset_sum.candidates", {"eps": 0.125, "constant": 1 / math.log(2)}, 3),
        ("becchetti2022.candidates", {"dimension": 2, "eps": 0.5, "constant": 1 / math.log(2) ** 2}, 16),
        ("becchetti2022.fixed_target", {"dimension": 2, "eps": 0.5, "constant": 1 / math.log(2)}, 8),
        ("becchetti2022.lower", {"dimension": 3, "eps": 0.25, "constant": 1 / math.log(2)}, 6),
        ("derived.covering.candidates", {"eps": 2.0**-7, "length": 1.0}, 6),
        ("pensia2020.width", {"d_in": 4, "d_out": 2, "layers": 2, "eps": 0.25, "delta": 0.5,
                              "constant": 1 / math.log(2)}, 24),
        ("pensia2020.network.width", {"d_in": 2, "d_out": 2, "layers": 1, "eps": 0.5, "constant": 1 / math.log(2)}, 10),
        ("pensia2020.layer.width", {"d_in": 2, "d_out": 2, "eps": 0.5, "constant": 1 / math.log(2)}, 8),
        ("pensia2020.bilinear.width", {"d_in": 2, "d_out": 2, "eps": 0.5, "constant": 1 / math.log(2)}, 6),
        ("pensia2020.lower.width", {"d": 3, "eps": 0.125, "constant": 1 / math.log(2)}, 9),
        ("pensia2020.lower.deep_width", {"d": 3, "depth": 3, "eps": 0.125, "constant": 1 / math.log(2) ** 0.5}, 3),
        ("malach2020.width", {"d": 2, "layers": 1, "eps": 0.5, "delta": 0.5, "constant": 1 / math.log(4)}, 128),
        ("orseau2020.neurons", {"d": 4, "eps": 0.5, "delta": 0.25, "constant": 1 / math.log(2)}, 4),
        ("dacunha2023.structured.size", {"dimension": 2, "eps": 0.25, "constant": 1 / math.log(2)}, 24),
        ("dacunha2023.structured.candidates", {"dimension": 2, "eps": 0.25, "constant": 1 / math.log(2)}, 576),
        ("dacunha2023.structured.channels", {"kernel": 1, "outputs": 2, "inputs": 1, "eps": 0.5, "layers": 2,
                                             "constant": 1 / math.log(2) ** 3}, 1728),
    ],
)  # fmt: skip
def test_by_hand(key, given, value):
    """Base-2 logarithms of powers of two: rounding may lift a whole value to the next one, and no further."""
    assert bounds[key](**given) in {value, value + 1}


def test_density_below_which_pensia_tickets_do_not_exist():
    """The equation holds at the solution, and with all weights kept it would have less to do."""
    density = bounds["pensia2020.lower.density"](d=10, m=1000, eps=0.01)
    needed = bounds["pensia2020.lower.parameters"](d=10, eps=0.01)
    kept = density * 1000
    assert kept * math.log2(math.e / density) == pytest.approx(100 * math.log2(50) - 1)
    assert kept < needed
    assert bounds["pensia2020.lower.density"](d=1, m=1000, eps=0.4) == 0.0
    assert bounds["pensia2020.lower.density"](d=10, m=391, eps=0.01) == pytest.approx(1.0, abs=0.1)


def test_subnetworks_of_the_lower_bound_are_counted():
    """The count by binomials, of which the bound's is a relaxation: never more weights than it demands."""
    for d, eps in ((1, 1e-3), (3, 0.01), (5, 0.1)):
        m = int(bounds["pensia2020.lower.parameters"](d=d, eps=eps))
        assert 2 ** (m - 1) < 0.5 * (1 / (2 * eps)) ** (d * d) <= 2**m
        density = bounds["pensia2020.lower.density"](d=d, m=2 * m, eps=eps)
        chosen = sum(math.comb(2 * m, k) for k in range(math.ceil(density * 2 * m) - 1))
        assert chosen < 0.5 * (1 / (2 * eps)) ** (d * d)


def test_two_layers_have_the_weights_that_are_needed():
    w = bounds["derived.two_layer.width"](d=7, eps=1e-3)
    needed = bounds["pensia2020.lower.parameters"](d=7, eps=1e-3)
    assert 2 * 7 * w >= needed > 2 * 7 * (w - 1)


def test_structured_error_inverts_the_main_theorem():
    n = bounds["dacunha2023.structured.channels"](kernel=3, outputs=8, inputs=4, eps=0.01, layers=3, constant=2.0)
    assert structured_error(n, 3, 8, 4, layers=3, constant=2.0) == pytest.approx(0.01)
    layer = bounds["dacunha2023.structured.layer_channels"](kernel=3, outputs=8, inputs=4, eps=0.01, constant=2.0)
    assert layer == bounds["dacunha2023.structured.channels"](
        kernel=3, outputs=8, inputs=4, eps=0.01, layers=1, constant=2.0
    )


def test_tolerance_of_entries_bounds_the_error_of_a_layer():
    """Entries off by the tolerance for x+ and for x-, and the input in [-1, 1] that makes the most of it."""
    kernel, inputs, eps = 3, 4, 0.1
    entry = bounds["derived.structured.tolerance"](kernel=kernel, inputs=inputs, eps=eps)
    off = np.random.default_rng(0).choice([-entry, entry], size=(2, inputs, kernel, kernel))
    worst = np.maximum(np.abs(off[0]), np.abs(off[1])).sum()
    assert 0.99 * eps < worst <= eps * (1 + 1e-12)


def test_overhead_counts_weights():
    n, kernel, outputs, inputs = 5, 3, 7, 2
    first, second = np.zeros((1, 1, inputs, 2 * n * inputs)), np.zeros((kernel, kernel, 2 * n * inputs, outputs))
    found = bounds["derived.structured.overhead"](n=n, kernel=kernel, outputs=outputs, inputs=inputs)
    assert found == pytest.approx((first.size + second.size) / np.zeros((kernel, kernel, inputs, outputs)).size)


def test_parameters_of_the_dense_construction_are_counted():
    d_in, d_out, n = 3, 4, 5
    hidden = 2 * d_in * n
    assert bounds["pensia2020.parameters"](d_in=d_in, d_out=d_out, n=n) == d_in * hidden + hidden * d_out


def test_growth_of_the_covered_fraction():
    """The average over x of the growth, by a grid of 2e-3, for random covered sets: at least the bound."""
    rng = np.random.default_rng(0)
    step = 2e-3
    inner = slice(250, 750)
    for _ in range(5):
        covered = np.zeros(3000, bool)  # [-3, 3], nothing far out
        for start in rng.integers(1100, 1800, 6):
            covered[start : start + int(rng.integers(10, 120))] = True
        own = covered[1000:2000][inner]
        growth = np.mean([(~own & covered[1000 - shift : 2000 - shift][inner]).mean() for shift in range(-500, 500)])
        assert growth >= bounds["lueker1998.growth"](covered=own.mean()) - 2 * step


def test_recurrence_is_iterated():
    found = bounds["derived.covered_fraction"]
    assert found(n=0, eps=0.01) == 0.02
    assert found(n=2, eps=0.01) == pytest.approx(0.0298 + 0.5 * (1 - 0.0298) * 0.0298)
    assert found(n=10_000, eps=0.01) == pytest.approx(1.0)


def test_measured_coverage():
    """Twelve values, 200 samples: the n of the median of the worst error is 12, within half a value."""
    rng = np.random.default_rng(5)
    subsets = (np.arange(2**12)[:, None] >> np.arange(12)) & 1
    worst = []
    for _ in range(200):
        sums = np.sort(subsets @ rng.uniform(-1, 1, 12))
        ends = np.concatenate([[-0.5], sums[(sums > -0.5) & (sums < 0.5)], [0.5]])
        worst.append(max(np.diff(ends)[1:-1].max() / 2, np.abs(sums - 0.5).min(), np.abs(sums + 0.5).min()))
    assert bounds["derived.interval.measured"](eps=float(np.median(worst))) == pytest.approx(12, abs=0.5)


def test_practical_constant():
    n = bounds["derived.interval.measured"]
    assert n(eps=0.0102) / math.log2(1 / 0.0102) == pytest.approx(1.51, abs=0.005)
    assert n(eps=8.7e-6) / math.log2(1 / 8.7e-6) == pytest.approx(1.31, abs=0.005)

"""Convolutional, equivariant, shallow and sparse sources: identities, limits and numerical checks of explicit forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from slth.errors import ArgumentError
from slth.theory import bounds, burkholz, convolutional, sparse_source

LENET = {"c_in": 6, "c_out": 16, "kernel": 5, "layers": 2, "eps": 0.01, "delta": 0.01}


def test_lenet_number():
    assert bounds["dacunha2022.candidates"](**LENET, constant=1.0) == math.ceil(math.log(480_000))
    assert bounds["dacunha2022.candidates"](**LENET, constant=100.0) == math.ceil(100 * math.log(480_000))


def test_the_smaller_of_error_and_failure_counts():
    bound = bounds["dacunha2022.candidates"]
    values = {bound(**LENET | {"eps": eps, "delta": delta}, constant=1e6) for eps, delta in ((1e-3, 0.1), (0.1, 1e-3))}
    assert len(values) == 1
    assert values.pop() == pytest.approx(1e6 * math.log(4_800_000), abs=1.0)


def test_a_cnn_is_an_equivariant_network():
    """The shifts of a d x d kernel are a basis of d^2 elements, and Ferbach's width is n_in times da Cunha's n."""
    wide = convolutional.equivariant_width.formula(
        n_in=6, n_out=16, basis=25, basis_norm=25.0, layers=2, eps=0.01, delta=0.02, constant=3.0
    )
    assert wide == pytest.approx(
        6 * convolutional.convolutional_candidates.formula(**LENET | {"delta": 0.02}, constant=3.0)
    )


@pytest.mark.parametrize("n", [1, 4, 32])
@pytest.mark.parametrize("basis", [1, 9, 100])
@pytest.mark.parametrize("eps", [0.5, 1e-3, 1e-12])
def test_equivariant_sources_are_larger_than_they_must_be(n, basis, eps):
    """Parameters of a pair of layers: n times the width on the identity, then n times the width times the basis."""
    width = bounds["ferbach2023.width"](
        n_in=n, n_out=n, basis=basis, basis_norm=float(basis), layers=1, eps=eps, delta=0.5, constant=1.0
    )
    assert convolutional.equivariant_parameters.formula(n=n, basis=basis, eps=eps, constant=2.0) == pytest.approx(
        2 * n * n * basis * math.log(1 / eps)
    )
    assert n * width * (1 + basis) >= bounds["ferbach2023.parameters"](n=n, basis=basis, eps=eps, constant=1.0)


def test_layer_errors_keep_the_output_within_eps():
    """Every parameter of a ReLU network moved by its layer's error, by random signs and by all plus: 80 networks."""
    rng = np.random.default_rng(0)
    worst = 0.0
    for _ in range(40):
        layers, width, eps = int(rng.integers(1, 5)), 6, float(rng.uniform(0.05, 0.5))
        weights = [rng.uniform(-1, 1, (width, width)) * rng.uniform(0.1, 0.5) for _ in range(layers)]
        biases = [rng.uniform(-0.3, 0.3, width) for _ in range(layers)]
        inputs = rng.uniform(-1, 1, (width, 300))
        signals = [np.abs(inputs).sum(axis=0).max()]
        hidden = inputs
        for index, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            hidden = weight @ hidden + bias[:, None]
            hidden = np.maximum(hidden, 0.0) if index < layers - 1 else hidden
            signals.append(np.abs(hidden).sum(axis=0).max())
        norm = max(np.abs(weight).sum(axis=1).max() for weight in weights)
        for draw in (lambda shape: rng.choice([-1.0, 1.0], shape), np.ones):
            moved = inputs
            for index, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
                step = bounds["burkholz2022a.layer_error"](
                    eps=eps,
                    layers=layers,
                    layer=index + 1,
                    signal=float(signals[index]),
                    norm=float(norm),
                    fan_in=width,
                )
                moved = (weight + step * draw(weight.shape)) @ moved + (bias + step * draw(bias.shape))[:, None]
                moved = np.maximum(moved, 0.0) if index < layers - 1 else moved
            worst = max(worst, float(np.abs(moved - hidden).max()) / eps)
    assert 0.2 < worst <= 1.0


@pytest.mark.parametrize(
    ("width", "published", "mended"),
    [(1, 0.0951, 0.0951), (10, 0.1146, 0.0526), (100, 0.3089, 0.0481), (1000, 2.2505, 0.0477)],
)
def test_many_small_errors_of_a_wide_layer_add_up(width, published, mended):
    """Two layers, one input, weights and constants of 1e-6 and then 1/w: all entries raised by what is allowed.

    The published form alone, which is that of a fan-in of 1, breaks its promise from width 10 on.
    """
    eps = 0.1

    def moved(fan_in):
        first, second = (
            bounds["burkholz2022a.layer_error"](
                eps=eps, layers=2, layer=layer, signal=signal, norm=1.0, fan_in=min(fan_in, inputs)
            )
            for layer, signal, inputs in ((1, 1.0, 1), (2, 2e-6 * width, width))
        )
        hidden, still = 2.0 * (1e-6 + first), 2e-6
        return width * (1.0 / width + second) * hidden + 1e-6 + second - (still + 1e-6)

    assert moved(1) == pytest.approx(published, rel=2e-3)
    assert moved(width) == pytest.approx(mended, abs=1e-4)
    assert moved(width) <= eps


def test_layer_error_of_one_layer():
    error = bounds["burkholz2022a.layer_error"]
    assert error(eps=0.5, layers=1, layer=1, signal=3.0, norm=9.0, fan_in=1) == pytest.approx(0.5 / (4.0 * 1.5))
    assert error(eps=0.5, layers=2, layer=1, signal=3.0, norm=0.75, fan_in=4) == pytest.approx(0.25 / (4.0 * 1.25))
    assert error(eps=0.5, layers=2, layer=1, signal=3.0, norm=0.75, fan_in=40) == pytest.approx(0.25 / 40.0)


def test_layers_beyond_the_last_are_refused():
    with pytest.raises(ArgumentError, match="layer is at most layers"):
        bounds["burkholz2022a.layer_error"](eps=0.1, layers=2, layer=3, signal=1.0, norm=1.0, fan_in=1)


def test_units_grow_by_the_logarithm_of_the_problems():
    one, many = (
        bounds["burkholz2022a.width"](units=1000, eps=0.5, delta=0.1, problems=problems, constant=1.0)
        for problems in (1.0, 1e6)
    )
    assert many - one == pytest.approx(1000 * math.log(1e6), abs=1.0)
    arguments = {"units": 7, "eps": 0.01, "delta": 0.1, "problems": 50.0, "constant": 2.0}
    assert bounds["burkholz2022b.channels"](**arguments) == bounds["burkholz2022a.width"](**arguments)


def test_small_targets_need_no_more_than_targets_of_one():
    small, one, two = (
        burkholz.universal_candidates.formula(largest=m, eps=0.01, delta=0.1, constant=1.0) for m in (0.2, 1.0, 2.0)
    )
    assert small == one == pytest.approx(-math.log(0.01))
    assert two == pytest.approx(2.0 * (one + math.log(2.0)))


@pytest.mark.parametrize(("density", "edges", "delta"), [(0.5, 1, 0.125), (0.1, 1000, 0.01), (0.9, 50, 1e-6)])
def test_copies_are_as_few_as_the_union_bound_allows(density, edges, delta):
    n = bounds["gadhikar2023.copies"](density=density, edges=edges, delta=delta)
    assert edges * (1 - density) ** n <= delta * (1 + 1e-9)
    assert edges * (1 - density) ** (n - 1) > delta


def test_copies_keep_all_edges_in_simulation():
    """4,000 random masks: with 50 edges and delta = 0.1 more than 500 losses have probability below 1e-6."""
    n = int(bounds["gadhikar2023.copies"](density=0.2, edges=50, delta=0.1))
    kept = np.random.default_rng(1).random((4000, 50, n)) < 0.2
    losses = int((~kept.any(axis=2)).any(axis=1).sum())
    assert 100 < losses <= 500


def test_the_factor_of_a_sparse_source():
    factor = bounds["gadhikar2023.factor"]
    assert factor(density=1e-6, constant=1.0) == pytest.approx(1e6, rel=1e-6)
    assert factor(density=1.0 - math.exp(-1.0), constant=3.0) == pytest.approx(3.0)
    arguments = {"units": 100, "eps": 0.01, "delta": 0.1, "problems": 10.0, "constant": 1.0}
    dense = burkholz.shallow_units.formula(**arguments)
    assert sparse_source.sparse_units.formula(**arguments, density=0.3) == pytest.approx(
        dense * factor(density=0.3, constant=1.0)
    )


@pytest.mark.parametrize(
    ("key", "arguments"),
    [
        ("dacunha2022.candidates", LENET),
        ("dacunha2022.candidates", LENET | {"eps": 1.0, "constant": 1.0}),
        ("dacunha2022.candidates", LENET | {"kernel": 2.5, "constant": 1.0}),
        ("gadhikar2023.factor", {"density": 1.0, "constant": 1.0}),
        ("gadhikar2023.copies", {"density": 0.5, "edges": 1, "delta": 0.1, "constant": 1.0}),
        ("ferbach2023.parameters", {"n": 0, "basis": 1, "eps": 0.1, "constant": 1.0}),
    ],
)
def test_bad_arguments_are_refused(key, arguments):
    with pytest.raises(ArgumentError):
        bounds[key](**arguments)

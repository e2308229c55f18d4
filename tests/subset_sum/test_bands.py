"""Pursuit over bands of scales: what it promises, and how near it comes at fixed seeds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ArgumentError
from slth.rng import Stream
from slth.subset_sum.bands import pursue_bands, pursue_many


class Instance:
    """Candidates |u| v with normal u and v, drawn on demand, and the vectors that were asked for."""

    def __init__(self, n, dimension, seed=0):
        self.dimension, self.asked = dimension, 0
        self.stream = Stream(seed, f"{n} {dimension}")
        self.scales = np.abs(Stream(seed, "scales").normal(0, n))
        self.target = Stream(seed, "target").normal(0, dimension)

    def vectors_at(self, indices):
        self.asked += len(indices)
        return self.stream.normal_at(indices[:, None] * self.dimension + np.arange(self.dimension))

    def error(self, indices):
        """|target - sum| with every coordinate correctly rounded."""
        chosen = self.scales[indices, None] * self.vectors_at(indices)
        return math.hypot(
            *(math.fsum([t, *(-v for v in x)]) for t, x in zip(self.target.tolist(), chosen.T.tolist(), strict=True))
        )

    def pursue(self, **options):
        return pursue_bands(self.scales, self.vectors_at, self.target, **options)

    def relative(self, **options):
        return self.pursue(**options).error / np.linalg.norm(self.target)


@given(st.integers(1, 400), st.integers(1, 12), st.integers(0, 1000), st.data())
def test_reported_error_is_that_of_the_subset(n, dimension, seed, data):
    instance = Instance(n, dimension, seed)
    size = data.draw(st.none() | st.integers(0, n))
    found = instance.pursue(size=size, beam=2)
    assert found.indices.tolist() == sorted(set(found.indices.tolist()))
    assert instance.error(found.indices) == pytest.approx(found.error, rel=1e-9, abs=1e-11)
    if size is None:
        assert found.error <= np.linalg.norm(instance.target) * (1.0 + 1e-15)
    else:
        assert len(found.indices) == size


def test_same_subset_on_any_number_of_threads():
    instance = Instance(3000, 20)
    one, two = (instance.pursue(threads=threads) for threads in (1, 2))
    assert one.indices.tolist() == two.indices.tolist()


@pytest.mark.parametrize("size", [None, 40])
def test_many_instances_are_solved_as_if_alone(size):
    instances = [Instance(600, 10, seed) for seed in range(6)]
    scales = np.array([instance.scales for instance in instances])
    targets = np.array([instance.target for instance in instances])
    calls = []
    for threads in (1, 2, 12):
        found = pursue_many(
            scales,
            lambda i, indices: instances[i].vectors_at(indices),
            targets,
            size=size,
            threads=threads,
            progress=lambda *call: calls.append(call),
        )
        for instance, result in zip(instances, found, strict=True):
            assert result.indices.tolist() == instance.pursue(size=size).indices.tolist()
    assert calls[-1] == ("pursuit", 6, 6)


def test_scales_that_are_not_positive_are_never_chosen():
    instance = Instance(500, 6)
    instance.scales[::2] *= -1.0
    instance.scales[1::6] = 0.0
    assert (instance.scales[instance.pursue().indices] > 0.0).all()
    usable = int((instance.scales > 0.0).sum())
    assert len(instance.pursue(size=usable).indices) == usable
    with pytest.raises(ArgumentError, match="usable"):
        instance.pursue(size=usable + 1)


def test_nothing_to_choose_from():
    found = pursue_bands(np.zeros(5), lambda indices: np.zeros((len(indices), 3)), np.ones(3))
    assert found.indices.tolist() == []
    assert found.error == pytest.approx(math.sqrt(3.0))
    assert found.generated == 0


def test_a_tolerance_ends_the_search():
    instance = Instance(20_000, 10)
    length = float(np.linalg.norm(instance.target))
    assert instance.pursue(tolerance=length).generated == 0
    careful, quick = instance.pursue(), instance.pursue(tolerance=0.2 * length)
    assert quick.error <= 0.2 * length
    assert quick.flips < careful.flips


def test_generates_few_of_many_vectors():
    instance = Instance(300_000, 10)
    found = instance.pursue()
    assert found.generated == instance.asked < 1500


# Bounds on the medians are about a third above what was measured; the other seeds tried lay within 10 % of that.
@pytest.mark.parametrize(
    ("n", "dimension", "seeds", "bound"),
    [
        (300, 10, 20, 0.04),
        (2_000, 10, 40, 0.005),
        (20_000, 10, 20, 0.0006),
        (10_000, 72, 4, 0.028),
        (60_000, 72, 4, 0.006),
        (10_000, 144, 2, 0.078),
    ],
)
def test_error_at_fixed_seeds(n, dimension, seeds, bound):
    assert np.median([Instance(n, dimension, seed).relative() for seed in range(seeds)]) <= bound


@pytest.mark.parametrize("size", [150, 400, 5_000])
def test_error_with_a_size(size):
    assert np.median([Instance(10_000, 36, seed).relative(size=size) for seed in range(3)]) <= 0.02


def test_more_candidates_help():
    medians = [np.median([Instance(n, 10, seed).relative() for seed in range(15)]) for n in (30, 100, 1000, 10_000)]
    assert all(b < 0.7 * a for a, b in itertools.pairwise(medians))

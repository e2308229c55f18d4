"""Exactly k are kept, whatever the scores: ties, halves, layouts, extremes."""

from __future__ import annotations

import math
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ArgumentError
from slth.networks.selection import _by_order as by_order
from slth.networks.selection import kept_count, kth_largest, top_k

TIED = st.lists(st.sampled_from([-2.0, -0.0, 0.0, 0.5, 0.5, 1.0, 3.0, math.inf, -math.inf]), max_size=24)
ANY = st.lists(st.floats(width=32, allow_nan=False), max_size=24)


def naive(values, k):
    """Sort by falling score, then by index, and take the first k."""
    chosen = sorted(range(len(values)), key=lambda i: (-values[i], i))[:k]
    return [i in chosen for i in range(len(values))]


@given(st.one_of(TIED, ANY), st.data())
def test_the_mask_is_that_of_a_stable_sort(values, data):
    k = data.draw(st.integers(0, len(values)))
    scores = torch.tensor(values)
    assert top_k(scores, k).tolist() == naive(values, k)
    assert by_order(scores, k).tolist() == naive(values, k)  # what other devices use
    if k:
        assert kth_largest(scores, k).item() == sorted(values, reverse=True)[k - 1]


@given(st.sampled_from([torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.int16]), st.data())
def test_every_dtype_is_exact(dtype, data):
    values = data.draw(st.lists(st.integers(-100, 100), min_size=1, max_size=30))
    k = data.draw(st.integers(1, len(values)))
    scores = torch.tensor(values).to(dtype)
    assert top_k(scores, k).tolist() == naive(scores.tolist(), k)
    found = kth_largest(scores, k)
    assert found.dtype == dtype
    assert found.item() == sorted(scores.tolist(), reverse=True)[k - 1]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_counted_as_they_are_sorted(dtype):
    bits = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16)
    numbers = bits.view(dtype)
    every = numbers[~numbers.isnan()]  # each number there is, zeros and infinities of both signs too
    drawn = every[torch.randint(len(every), (5_000,), generator=torch.Generator().manual_seed(0))]
    for scores in (every, drawn, -drawn.abs(), drawn[:1]):
        ordered = scores.double().sort(descending=True).values
        for k in sorted(
            {1, 2, len(scores) // 3 + 1, len(scores) // 2 + 1, len(scores)} & set(range(1, len(scores) + 1))
        ):
            assert kth_largest(scores, k).double() == ordered[k - 1]
            assert int(top_k(scores, k).sum()) == k


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_hundred_million_scores_take_one_copy_at_most(dtype):
    code = (
        "import resource, torch; from slth import kth_largest\n"
        "scores = torch.empty(10**8, dtype=torch.DTYPE)\n"
        "for part in scores.split(10**7): part.uniform_()\n"
        "kth_largest(scores[:1000], 5)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "found = kth_largest(scores, 3 * 10**7)\n"
        "after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert int((scores > found).sum()) < 3 * 10**7 <= int((scores >= found).sum())\n"
        "assert abs(float(found) - 0.7) < 0.01, found\n"
        "print((after - before) * 1024 / (scores.numel() * scores.element_size()))"
    ).replace("DTYPE", dtype)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(ran.stdout) < 1.1


@given(st.integers(0, 2**32), st.integers(0, 120))
def test_the_memory_format_does_not_matter(seed, k):
    scores = torch.from_numpy(np.random.default_rng(seed).integers(0, 4, (2, 3, 4, 5)).astype(np.float32))
    last = scores.contiguous(memory_format=torch.channels_last)
    sliced = torch.stack([scores, scores], dim=-1)[..., 0]
    masks = [top_k(given_scores, k) for given_scores in (scores, last, sliced)]
    assert torch.equal(masks[0], masks[1])
    assert torch.equal(masks[0], masks[2])
    assert masks[1].dtype == torch.bool
    assert int(masks[1].sum()) == k
    assert masks[0].flatten().tolist() == naive(scores.flatten().tolist(), k)


def test_scores_are_neither_changed_nor_followed():
    scores = torch.tensor([3.0, 1.0, 2.0], requires_grad=True)
    assert not kth_largest(scores, 2).requires_grad
    assert not top_k(scores, 2).requires_grad
    assert scores.tolist() == [3.0, 1.0, 2.0]


def test_what_cannot_be_selected_is_refused():
    for k in (-1, 4, True):
        with pytest.raises(ArgumentError, match="k="):
            top_k(torch.zeros(3), k)
    for k in (0, 4):
        with pytest.raises(ArgumentError, match="k="):
            kth_largest(torch.zeros(3), k)
    with pytest.raises(ArgumentError, match="diverged"):
        top_k(torch.tensor([1.0, math.nan, 0.0, 2.0]), 2)


@given(st.decimals(0, 1, places=3), st.integers(0, 10**7))
def test_a_density_is_the_decimal_number_that_it_is_written_as(density, total):
    exact = density * total
    assert kept_count(float(density), total, rounding="down") == math.floor(exact)
    assert kept_count(float(density), total, rounding="up") == math.ceil(exact)
    assert kept_count(float(density), total) == math.floor(exact + Decimal("0.5"))


def test_edge_popups_own_count_is_the_one_rounded_up():
    """``n - int((1 - k) n)`` wherever the float product does not round: the published code keeps 3 of 5 at one half."""
    for total in (5, 7, 432, 2304):
        for density in (0.25, 0.5, 0.75, 1.0):
            assert kept_count(density, total, rounding="up") == total - int((1 - density) * total)


@pytest.mark.parametrize("density", [-0.1, 1.1, math.nan, True])
def test_bad_densities_are_refused(density):
    with pytest.raises(ArgumentError, match="density"):
        kept_count(density, 10)
    with pytest.raises(ArgumentError, match="rounding"):
        kept_count(0.5, 10, rounding="even")
    with pytest.raises(ArgumentError, match="total"):
        kept_count(0.5, -1)


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_numbers_of_eight_bits(dtype):
    values = torch.tensor([0.5, -2.0, 1.0, 448.0, -0.0, 2.0**-9]).to(dtype)
    ranked = sorted(values.float().tolist(), reverse=True)
    assert [kth_largest(values, k).float().item() for k in range(1, 7)] == ranked
    assert kth_largest(values, 1).dtype == dtype


def test_negated_views():
    values = torch.complex(torch.zeros(3), torch.tensor([1.0, -5.0, 2.0])).conj().imag
    assert values.is_neg()
    assert [kth_largest(values, k).item() for k in (1, 2, 3)] == [5.0, -1.0, -2.0]

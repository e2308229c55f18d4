"""Counting digits selects what a stable sort selects: on CUDA, and elsewhere by Triton's interpreter."""

import math
import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.networks.selection import top_k_each

pytest.importorskip("triton")
PLACE = "cuda" if torch.cuda.is_available() else "cpu"
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"  # which Triton reads when it is imported
runs = pytest.mark.skipif(PLACE == "cpu" and not INTERPRETED, reason="kernels need a GPU, or Triton's interpreter")
NUMBERS = st.one_of(
    st.sampled_from([-2.0, -0.0, 0.0, 0.5, 1.0, 3.0, math.inf, -math.inf, 1e-45, -1e-45]),
    st.floats(width=32, allow_nan=False),
)


def by_sorting(values, k):
    flat = values.reshape(-1)
    places = flat.sort(descending=True, stable=True).indices[:k]
    return torch.zeros(len(flat), dtype=torch.bool, device=flat.device).scatter_(0, places, True).reshape(values.shape)


def same(tensors, kept):
    from slth.networks.digits import largest_of_each

    tensors = [one.to(PLACE) for one in tensors]
    masks = largest_of_each(tensors, kept)
    return all(torch.equal(mask, by_sorting(one, k)) for mask, one, k in zip(masks, tensors, kept, strict=True))


@pytest.mark.skipif(PLACE == "cuda" or INTERPRETED, reason="this file runs by itself there")
def test_by_the_interpreter_of_a_process_of_its_own():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", __file__],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


@runs
@settings(max_examples=20)
@given(st.lists(st.lists(NUMBERS, min_size=1, max_size=12), min_size=1, max_size=4), st.data())
def test_masks_are_those_of_stable_sorts(lists, data):
    kept = [data.draw(st.integers(1, len(one))) for one in lists]
    assert same([torch.tensor(one) for one in lists], kept)


@runs
def test_ties_are_kept_in_their_order_across_blocks():
    generator = torch.Generator().manual_seed(0)
    tied = torch.randint(-2, 3, (100, 100), generator=generator) * 0.5
    tensors = [tied, torch.zeros(9000), torch.randn(7, 3, generator=generator), tied.T]
    for share in (1e-9, 0.31, 0.5, 1.0):
        kept = [max(1, int(share * one.numel())) for one in tensors]
        assert same(tensors, kept)


@pytest.mark.gpu
def test_millions_on_cuda():
    generator = torch.Generator("cuda").manual_seed(0)
    tensors = [torch.randn(n, device="cuda", generator=generator).abs() for n in (3, 4096, 147_456, 2_359_296)]
    tensors.append(torch.randint(0, 9, (3_000_000,), device="cuda", generator=generator).float())
    for share in (0.001, 0.5, 0.98):
        assert same(tensors, [max(1, int(share * len(one))) for one in tensors])


@pytest.mark.gpu
def test_named_tensors_are_selected_together_on_cuda():
    scores = {name: torch.randn(n, device="cuda") for name, n in (("a", 5), ("b", 10_000), ("empty", 0), ("all", 4))}
    kept = {"a": 2, "b": 7_000, "empty": 0, "all": 4}
    for name, mask in top_k_each(scores, kept).items():
        assert torch.equal(mask, by_sorting(scores[name], kept[name]))

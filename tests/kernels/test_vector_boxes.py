"""Pairs of points in boxes against all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from slth.kernels.vector_boxes import pairs_in_boxes
from tests.kernels.test_vector_kernels import POINTS, planted


@pytest.mark.parametrize("kind", POINTS)
@pytest.mark.parametrize("d", [1, 3])
def test_pairs_in_the_inner_box_are_counted_and_those_in_the_outer_one_alone_are_listed(kind, d):
    rng = np.random.default_rng(d)
    first, second = (POINTS[kind](rng, n, d) for n in (150, 90))
    a, b = planted(first, np.ones(d))[0], planted(second, np.ones(d))[0]
    gaps = a[0][:, None] - b[0][None]
    inner = np.quantile(gaps, [0.3, 0.6], axis=(0, 1)).astype(np.int64)
    outer = np.quantile(gaps, [0.25, 0.62], axis=(0, 1)).astype(np.int64)
    is_inner = ((inner[0] <= gaps) & (gaps <= inner[1])).all(axis=2)
    is_outer = ((outer[0] <= gaps) & (gaps <= outer[1])).all(axis=2)
    pairs = np.empty((first.shape[0] * second.shape[0], 2), np.int64)
    root = np.zeros((1, 2), np.int64)
    count, listed = pairs_in_boxes(a, b, root, inner, outer, pairs)
    assert count == is_inner.sum()
    assert sorted(map(tuple, pairs[:listed].tolist())) == list(zip(*np.nonzero(is_outer & ~is_inner), strict=True))
    if listed:
        assert pairs_in_boxes(a, b, root, inner, outer, pairs[: listed - 1])[1] == listed
    nothing = np.stack([np.ones(d, np.int64), np.zeros(d, np.int64)])
    assert pairs_in_boxes(a, b, root, nothing, outer, pairs) == (0, is_outer.sum())

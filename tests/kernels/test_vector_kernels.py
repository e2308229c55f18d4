"""Trees of points, and the nearest pairs of two of them, against all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from slth.kernels.vector import LEAF, grow, nearest, pairs_within

POINTS = {
    "spread": lambda rng, n, d: rng.integers(-(2**40), 2**40, (n, d)),
    "lattice": lambda rng, n, d: rng.integers(-2, 3, (n, d)),
    "one axis": lambda rng, n, d: rng.integers(-(2**30), 2**30, (n, 1)) * (np.arange(d) == d - 1),
    "equal": lambda rng, n, d: np.full((n, d), 7),
    "sorted": lambda rng, n, d: np.repeat(np.arange(n)[:, None], d, axis=1),
}


def planted(points, weights):
    n, d = points.shape
    height = max(0, (-(-n // LEAF) - 1).bit_length())
    points, ids, nodes = points.astype(np.int64), np.arange(n), (2 << height) - 1
    tree = points, np.empty((nodes, 2, d), np.int64), np.full((nodes, 3), -1), np.empty(nodes)
    tree[2][0] = 0, n, height
    grow(points, ids, 0, 64, *tree[1:], weights)
    return tree, ids


@pytest.mark.parametrize("kind", POINTS)
@pytest.mark.parametrize(("n", "d"), [(1, 2), (9, 1), (200, 3), (333, 4)])
def test_a_tree_holds_every_point_once_and_its_boxes_fit(kind, n, d):
    points = POINTS[kind](np.random.default_rng(n), n, d)
    (rows, boxes, spans, widths), ids = planted(points, np.ones(d))
    assert sorted(ids.tolist()) == list(range(n))
    assert (points[ids] == rows).all()
    leaves = []
    for box, (start, stop, height), width in zip(boxes, spans.tolist(), widths, strict=True):
        assert (box[0] == rows[start:stop].min(axis=0)).all()
        assert (box[1] == rows[start:stop].max(axis=0)).all()
        assert width == (box[1] - box[0]).max()
        if height == 0:
            assert 1 <= stop - start <= LEAF
            leaves += range(start, stop)
    assert sorted(leaves) == list(range(n))


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("kind", POINTS)
@pytest.mark.parametrize("d", [1, 2, 4])
def test_the_nearest_pair_and_all_within_a_limit(kind, squared, d):
    rng = np.random.default_rng(d)
    first, second = (POINTS[kind](rng, n, d) for n in (150, 90))
    goal = rng.integers(-5, 6, d)
    weights = 2.0 ** -np.arange(d)
    a, b = planted(first, weights)[0], planted(second, weights)[0]
    gaps = np.abs(a[0][:, None] - goal - b[0][None]) * weights
    apart = (gaps**2).sum(axis=2) if squared else gaps.max(axis=2)
    root, found = np.zeros((1, 2), np.int64), np.zeros(2, np.int64)
    least = nearest(a, b, goal, root, 0, 1, weights, squared, -1.0, np.full(1, np.inf), found)
    assert least == pytest.approx(apart.min(), rel=1e-14)
    assert apart[tuple(found)] == pytest.approx(least, rel=1e-14)
    limit = 1.5 * least + 1.0
    room = np.empty((apart.size, 2), np.int64)
    count = pairs_within(a, b, goal, root, weights, squared, limit, room)
    assert sorted(map(tuple, room[:count].tolist())) == list(
        zip(*(i.tolist() for i in np.nonzero(apart <= limit)), strict=True)
    )
    if count > 1:
        assert pairs_within(a, b, goal, root, weights, squared, limit, room[: count - 1]) == count


def test_a_bound_known_to_others_is_respected():
    rng = np.random.default_rng(0)
    a, b = (planted(rng.integers(-99, 99, (50, 2)), np.ones(2))[0] for _ in range(2))
    root, found = np.zeros((1, 2), np.int64), np.zeros(2, np.int64)
    goal = np.array([1000, 0])
    alone = nearest(a, b, goal, root, 0, 1, np.ones(2), False, -1.0, np.full(1, np.inf), found)
    assert nearest(a, b, goal, root, 0, 1, np.ones(2), False, -1.0, np.full(1, alone), found) == np.inf

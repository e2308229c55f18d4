"""Pairs of points of two trees (of ``kernels.vector``) whose differences lie in a box: counted, or listed."""

from __future__ import annotations

import numpy as np

from slth.kernels._jit import inline_kernel, kernel
from slth.kernels.vector import DEEP

OUTSIDE, INSIDE, BETWEEN = 0, 1, 2


@inline_kernel
def place_of(first, second, inner, outer):
    """Whether all differences of points of two boxes lie outside the outer box, inside the inner one, or neither."""
    inside = True
    for c in range(first.shape[1]):
        low = first[0, c] - second[1, c]
        high = first[1, c] - second[0, c]
        if high < outer[0, c] or low > outer[1, c]:
            return OUTSIDE
        if low < inner[0, c] or high > inner[1, c]:
            inside = False
    return INSIDE if inside else BETWEEN


@inline_kernel
def place_of_points(first, second, inner, outer):
    """The same of one difference."""
    inside = True
    for c in range(len(first)):
        gap = first[c] - second[c]
        if gap < outer[0, c] or gap > outer[1, c]:
            return OUTSIDE
        if gap < inner[0, c] or gap > inner[1, c]:
            inside = False
    return INSIDE if inside else BETWEEN


@kernel
def pairs_in_boxes(a, b, tasks, inner, outer, pairs):
    """Count the pairs with a difference in the inner box; list those that are in the outer one alone.

    Shapes: tasks int64[T, 2]; inner, outer int64[2, d], lowest and highest; pairs int64[room, 2]. An inner box that is
    empty has its lowest above its highest. Returns the count and the number listed, which is room + 1, and the count
    unfinished, if there are more.
    """
    waiting = np.empty((DEEP, 2), np.int64)
    count = 0
    listed = 0
    for task in range(len(tasks)):
        waiting[0, 0], waiting[0, 1] = tasks[task, 0], tasks[task, 1]
        top = 1
        while top > 0:
            top -= 1
            i, j = waiting[top, 0], waiting[top, 1]
            place = place_of(a[1][i], b[1][j], inner, outer)
            if place == OUTSIDE:
                continue
            if place == INSIDE:
                count += (a[2][i, 1] - a[2][i, 0]) * (b[2][j, 1] - b[2][j, 0])
                continue
            height_a = a[2][i, 2]
            height_b = b[2][j, 2]
            if height_a > 0 and (height_b == 0 or a[3][i] >= b[3][j]):
                waiting[top, 0], waiting[top, 1] = i + (np.int64(1) << height_a), j
                waiting[top + 1, 0], waiting[top + 1, 1] = i + 1, j
                top += 2
                continue
            if height_b > 0:
                waiting[top, 0], waiting[top, 1] = i, j + (np.int64(1) << height_b)
                waiting[top + 1, 0], waiting[top + 1, 1] = i, j + 1
                top += 2
                continue
            for k in range(a[2][i, 0], a[2][i, 1]):
                for m in range(b[2][j, 0], b[2][j, 1]):
                    place = place_of_points(a[0][k], b[0][m], inner, outer)
                    if place == INSIDE:
                        count += 1
                    elif place == BETWEEN:
                        if listed == len(pairs):
                            return count, listed + 1
                        pairs[listed, 0], pairs[listed, 1] = k, m
                        listed += 1
    return count, listed

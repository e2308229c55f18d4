"""The two nearest points of two lists of integer vectors: meeting in the middle in d dimensions.

Each list is put in order as a tree: a node is a stretch of the list with the box that encloses it, and its two children
are the halves of the stretch, on either side of the median along the box's widest axis. Pairs of nodes are then split,
nearest first, and dropped as soon as their boxes are as far apart as the best pair of points is. That needs no cell
width and takes ties, clusters and axes of any scale as they come.

Points are fixed-point keys, int64, so that differences are exact; a distance is made of them in floating point, by
steps that never reverse an order: the distance of two boxes as computed is never above that of points in them as
computed. Squares are left as they are where the norm is the Euclidean one.

A tree of height h has 2**(h + 1) - 1 nodes, numbered so that the children of a node of height k are node + 1 and
node + 2**k. `spans` holds start, stop and height of every node, `boxes` its lowest and highest coordinates.
"""

from __future__ import annotations

import numpy as np

from slth.kernels._jit import inline_kernel, kernel

LEAF = 8  # most points of a node that is not split: measured
DEEP = 128  # pairs of nodes that wait at a time: at most one for each level of either tree


@inline_kernel
def swap_rows(points, ids, i, j):
    """Exchange two points and what they stand for."""
    for c in range(points.shape[1]):
        points[i, c], points[j, c] = points[j, c], points[i, c]
    ids[i], ids[j] = ids[j], ids[i]


@inline_kernel
def select(points, ids, start, stop, middle, axis):
    """Rearrange so that no point before `middle` lies beyond one from `middle` on, along the axis."""
    low = start
    high = stop - 1
    while low < high:
        first, half, last = points[low, axis], points[(low + high) >> 1, axis], points[high, axis]
        pivot = max(min(first, half), min(max(first, half), last))
        i = low
        j = high
        while i <= j:
            while points[i, axis] < pivot:
                i += 1
            while points[j, axis] > pivot:
                j -= 1
            if i <= j:
                swap_rows(points, ids, i, j)
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            break


@inline_kernel
def enclose(points, start, stop, box, weights):
    """Write the box of points[start:stop]; returns its widest axis and how wide that is."""
    widest = 0
    width = -1.0
    for c in range(points.shape[1]):
        low = points[start, c]
        high = low
        for i in range(start + 1, stop):
            low = min(low, points[i, c])
            high = max(high, points[i, c])
        box[0, c] = low
        box[1, c] = high
        wide = np.float64(high - low) * weights[c]
        if wide > width:
            width = wide
            widest = c
    return widest, width


@kernel
def grow(points, ids, node, levels, boxes, spans, widths, weights):
    """Build so many levels of the tree below a node whose span is known; the spans of the next level are written."""
    nodes = np.empty(DEEP, np.int64)
    left = np.empty(DEEP, np.int64)
    nodes[0] = node
    left[0] = levels
    top = 1
    while top > 0:
        top -= 1
        here = nodes[top]
        start, stop, height = spans[here, 0], spans[here, 1], spans[here, 2]
        axis, widths[here] = enclose(points, start, stop, boxes[here], weights)
        if height == 0:
            continue
        middle = (start + stop) >> 1
        select(points, ids, start, stop, middle, axis)
        below = here + 1
        above = here + (np.int64(1) << height)
        spans[below, 0], spans[below, 1], spans[below, 2] = start, middle, height - 1
        spans[above, 0], spans[above, 1], spans[above, 2] = middle, stop, height - 1
        if left[top] > 1:
            further = left[top] - 1
            nodes[top], left[top] = above, further
            nodes[top + 1], left[top + 1] = below, further
            top += 2


@inline_kernel
def boxes_apart(first, second, goal, weights, squared, limit):
    """How far the points of first - goal are from those of second, at least; stops counting above the limit."""
    total = 0.0
    for c in range(len(goal)):
        gap = max(first[0, c] - goal[c] - second[1, c], second[0, c] + goal[c] - first[1, c])
        if gap > 0:
            x = np.float64(gap) * weights[c]
            total = total + x * x if squared else max(total, x)
            if total > limit:
                break
    return total


@inline_kernel
def point_from_box(point, box, goal, weights, squared, limit):
    """How far point - goal is from a box; stops counting above the limit."""
    total = 0.0
    for c in range(len(goal)):
        at = point[c] - goal[c]
        gap = max(at - box[1, c], box[0, c] - at)
        if gap > 0:
            x = np.float64(gap) * weights[c]
            total = total + x * x if squared else max(total, x)
            if total > limit:
                break
    return total


@inline_kernel
def points_apart(first, second, goal, weights, squared, limit):
    """How far first - goal is from second; stops counting above the limit."""
    total = 0.0
    for c in range(len(goal)):
        x = np.float64(abs(first[c] - goal[c] - second[c])) * weights[c]
        total = total + x * x if squared else max(total, x)
        if total > limit:
            break
    return total


@inline_kernel
def split(a, b, i, j, goal, weights, squared, limit, waiting, gaps, top):
    """Replace a pair of nodes by the pairs of the wider one's children, the nearer on top; returns how many wait."""
    height_a = a[2][i, 2]
    height_b = b[2][j, 2]
    if height_b == 0 or (height_a > 0 and a[3][i] >= b[3][j]):
        i1, i2, j1, j2 = i + 1, i + (np.int64(1) << height_a), j, j
    else:
        i1, i2, j1, j2 = i, i, j + 1, j + (np.int64(1) << height_b)
    gap1 = boxes_apart(a[1][i1], b[1][j1], goal, weights, squared, limit)
    gap2 = boxes_apart(a[1][i2], b[1][j2], goal, weights, squared, limit)
    if gap1 < gap2:
        i1, i2, j1, j2, gap1, gap2 = i2, i1, j2, j1, gap2, gap1
    if gap1 <= limit:
        waiting[top, 0], waiting[top, 1], gaps[top] = i1, j1, gap1
        top += 1
    if gap2 <= limit:
        waiting[top, 0], waiting[top, 1], gaps[top] = i2, j2, gap2
        top += 1
    return top


@kernel
def nearest(a, b, goal, tasks, first, last, weights, squared, enough, best, found):
    """The nearest pair of points below the pairs of nodes tasks[first:last], if nearer than best[0].

    Shapes: goal int64[d]; tasks int64[T, 2]; weights float64[d]; best float64[1]; found int64[2].
    """
    waiting = np.empty((DEEP, 2), np.int64)
    gaps = np.empty(DEEP, np.float64)
    own = np.inf
    for task in range(first, last):
        waiting[0, 0], waiting[0, 1] = tasks[task, 0], tasks[task, 1]
        gaps[0] = 0.0
        top = 1
        while top > 0:
            top -= 1
            limit = min(own, best[0])
            i, j = waiting[top, 0], waiting[top, 1]
            if gaps[top] >= limit:
                continue
            if a[2][i, 2] > 0 or b[2][j, 2] > 0:
                top = split(a, b, i, j, goal, weights, squared, limit, waiting, gaps, top)
                continue
            for k in range(a[2][i, 0], a[2][i, 1]):
                if point_from_box(a[0][k], b[1][j], goal, weights, squared, limit) >= limit:
                    continue
                for m in range(b[2][j, 0], b[2][j, 1]):
                    apart = points_apart(a[0][k], b[0][m], goal, weights, squared, limit)
                    if apart < limit:
                        limit = own = apart
                        found[0], found[1] = k, m
            if own < best[0]:
                best[0] = own
            if own <= enough:
                return own
    return own


@kernel
def pairs_within(a, b, goal, tasks, weights, squared, limit, pairs):
    """Positions of the pairs of points not further apart than the limit, in an order of their own; at most len(pairs).

    Returns their number, or len(pairs) + 1 where there are more.
    """
    waiting = np.empty((DEEP, 2), np.int64)
    gaps = np.empty(DEEP, np.float64)
    count = 0
    for task in range(len(tasks)):
        waiting[0, 0], waiting[0, 1] = tasks[task, 0], tasks[task, 1]
        gaps[0] = 0.0
        top = 1
        while top > 0:
            top -= 1
            i, j = waiting[top, 0], waiting[top, 1]
            if gaps[top] > limit:
                continue
            if a[2][i, 2] > 0 or b[2][j, 2] > 0:
                top = split(a, b, i, j, goal, weights, squared, limit, waiting, gaps, top)
                continue
            for k in range(a[2][i, 0], a[2][i, 1]):
                if point_from_box(a[0][k], b[1][j], goal, weights, squared, limit) > limit:
                    continue
                for m in range(b[2][j, 0], b[2][j, 1]):
                    if points_apart(a[0][k], b[0][m], goal, weights, squared, limit) <= limit:
                        if count == len(pairs):
                            return count + 1
                        pairs[count, 0], pairs[count, 1] = k, m
                        count += 1
    return count

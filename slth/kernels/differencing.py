"""Largest differencing: replace the two largest numbers by their difference until one is left.

Putting two numbers on opposite sides of a partition leaves their difference. Which side each is on follows from the
tree of these decisions, coloured from its root with two colours.
"""

from __future__ import annotations

import numpy as np

from slth.kernels._jit import inline_kernel, kernel


@inline_kernel
def sift_down(keys, nodes, size, start):
    """Restore the heap order (largest first) of keys[:size] below position `start`; nodes move along."""
    key, node = keys[start], nodes[start]
    at = start
    child = 2 * at + 1
    while child < size:
        if child + 1 < size and keys[child + 1] > keys[child]:
            child += 1
        if keys[child] <= key:
            break
        keys[at], nodes[at] = keys[child], nodes[child]
        at = child
        child = 2 * at + 1
    keys[at], nodes[at] = key, node


@kernel
def difference(keys, signs):
    """Fill signs (+1 or -1) with the largest-differencing partition of nonnegative keys; returns what is left.

    Overwrites the keys. What is left is the sum of signs * keys; its sign is positive.
    """
    n = len(keys)
    nodes = np.arange(n).astype(np.int32)
    removed = np.empty(n, np.int32)
    opposite = np.empty(n, np.int32)
    for start in range(n // 2 - 1, -1, -1):
        sift_down(keys, nodes, n, start)
    size = n
    while size > 1:
        largest, node = keys[0], nodes[0]
        size -= 1
        keys[0], nodes[0] = keys[size], nodes[size]
        sift_down(keys, nodes, size, 0)
        removed[size] = nodes[0]
        opposite[size] = node
        # The larger one stays, as the difference: the place of the smaller one is taken without another descent.
        keys[0], nodes[0] = largest - keys[0], node
        sift_down(keys, nodes, size, 0)
    signs[nodes[0]] = 1
    for step in range(1, n):
        # A removed number hangs on one that left later or never, so this order meets every parent first.
        signs[removed[step]] = -signs[opposite[step]]
    return keys[0]

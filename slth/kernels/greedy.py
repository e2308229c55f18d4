"""Greedy descent, and the best exchange of one or two values, found among all n^2 by two pointers.

The *effect* of a value is what flipping it adds to the sum: the value itself if it is outside, minus the value if it is
inside. With the effects sorted, the pair of effects whose sum is nearest to the residual is met by two positions that
move towards each other.
"""

from __future__ import annotations

from slth.kernels._jit import kernel

NO_ITEM = -1  # the effect 0 among the effects: a pair with it is a single flip


@kernel
def descend(values, order, subset, residual):
    """Flip each value in turn, in the given order, if that brings the sum nearer; residual = target - sum."""
    for i in order:
        effect = -values[i] if subset[i] else values[i]
        if abs(residual - effect) < abs(residual):
            subset[i] = not subset[i]
            residual -= effect


@kernel
def put_in_order(keys, items, at, key):
    """Change keys[at] to `key` and move it, with its item, to where it belongs in the increasing order."""
    item = items[at]
    while at > 0 and keys[at - 1] > key:
        keys[at], items[at] = keys[at - 1], items[at - 1]
        at -= 1
    last = len(keys) - 1
    while at < last and keys[at + 1] < key:
        keys[at], items[at] = keys[at + 1], items[at + 1]
        at += 1
    keys[at], items[at] = key, item


@kernel
def flip_pairs(effects, items, residual, passes, subset):
    """Make the best flip of one or two values while it brings |residual| down; returns (residual, passes used).

    The effects are increasing keys and contain one 0 whose item is NO_ITEM. Fewer passes than allowed means that no
    flip of one or two values improves the result.
    """
    for done in range(passes):
        i, j = 0, len(effects) - 1
        best = abs(residual)
        best_i = best_j = -1
        while i < j:
            rest = residual - effects[i] - effects[j]
            if abs(rest) < best:
                best = abs(rest)
                best_i, best_j = i, j
            if rest > 0:
                i += 1
            else:
                j -= 1
        if best_i < 0:
            return residual, done
        residual -= effects[best_i] + effects[best_j]
        first, second = items[best_i], items[best_j]
        # The second is found by its item after the first has moved: equal effects are told apart by nothing else.
        for item in (first, second):
            if item != NO_ITEM:
                subset[item] = not subset[item]
                at = 0
                while items[at] != item:
                    at += 1
                put_in_order(effects, items, at, -effects[at])
    return residual, passes


@kernel
def swap_pairs(inside, inside_items, outside, outside_items, residual, passes, subset):
    """Make the best exchange of a value inside for one outside while it helps; returns (residual, passes used)."""
    for done in range(passes):
        i = j = 0
        best = abs(residual)
        best_i = best_j = -1
        while i < len(inside) and j < len(outside):
            rest = residual - (outside[j] - inside[i])
            if abs(rest) < best:
                best = abs(rest)
                best_i, best_j = i, j
            if rest > 0:
                j += 1
            else:
                i += 1
        if best_i < 0:
            return residual, done
        leaving, entering = inside[best_i], outside[best_j]
        residual -= entering - leaving
        subset[inside_items[best_i]] = False
        subset[outside_items[best_j]] = True
        inside_items[best_i], outside_items[best_j] = outside_items[best_j], inside_items[best_i]
        put_in_order(inside, inside_items, best_i, entering)
        put_in_order(outside, outside_items, best_j, leaving)
    return residual, passes

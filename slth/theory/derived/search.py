"""The smallest whole number from which on something holds."""

from __future__ import annotations

from collections.abc import Callable

LARGEST = 2**1000
"""Where the search gives up: beyond it nothing fits a double."""


def smallest(holds: Callable[[int], bool], least: int) -> int:
    """Return the smallest n of at least ``least`` for which a condition holds that stays true for larger n.

    >>> smallest(lambda n: n * n >= 50, 1)
    8
    """
    if holds(least):
        return least
    step = 1
    while not holds(least + step):
        step *= 2
        if step > LARGEST:
            raise OverflowError(f"holds nowhere below {LARGEST:g}")
    low, high = least + step // 2, least + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high

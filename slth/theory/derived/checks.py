"""Checks of the functions that are called without their bound."""

from __future__ import annotations

import math

import numpy as np

from slth.errors import ArgumentError


def at_least_one(**sizes: int) -> None:
    """Refuse what is no integer of at least 1."""
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise ArgumentError(name, size, "must be an integer of at least 1", "pass a positive integer")


def between(name: str, value: float, most: float = math.inf) -> None:
    """Refuse what is no number between 0 and ``most``, both excluded."""
    if not 0.0 < value < most:
        rule = "must be positive and finite" if math.isinf(most) else f"must lie between 0 and {most:g}"
        raise ArgumentError(name, value, rule, "choose another value")

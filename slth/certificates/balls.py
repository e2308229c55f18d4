"""The balls around given inputs, in the largest norm and clipped to a box: what certificates and attacks are about."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import Floats, finite_array, finite_number
from slth.certificates.certificate import Box, as_box
from slth.errors import ArgumentError
from slth.graphs.graph import examples_of

Ball: TypeAlias = tuple[Floats, Floats]


def balls_around(
    shape: tuple[int, ...], inputs: ArrayLike, radius: float | None, input_box: Box | None
) -> tuple[Floats, list[Ball]]:
    """Return checked inputs float64[inputs, *shape] and, for each, smallest and largest input of the ball around it."""
    examples = examples_of(finite_array(inputs, "inputs"), shape, "inputs")
    if not len(examples):
        raise ArgumentError("inputs", list(examples.shape), "hold no input", "pass at least one")
    width = finite_number(radius, "radius", remedy="pass 0.0 or more, such as 1 / 255")
    if width < 0.0:
        raise ArgumentError("radius", radius, "must not be negative", "pass 0.0 for the inputs themselves")
    limits = None if input_box is None else as_box(input_box, shape)
    if limits is not None and not ((examples >= limits[0]) & (examples <= limits[1])).all():
        raise ArgumentError("inputs", list(examples.shape), "lie outside the box", "leave input_box out, or widen it")
    return examples, [_ball(example, width, limits) for example in examples]


def _ball(example: Floats, radius: float, limits: Ball | None) -> Ball:
    """Return the box around an input: every double within the radius is in it."""
    if radius == 0.0:
        return example, example
    low, high = np.nextafter(example - radius, -np.inf), np.nextafter(example + radius, np.inf)
    return (low, high) if limits is None else (np.maximum(low, limits[0]), np.minimum(high, limits[1]))

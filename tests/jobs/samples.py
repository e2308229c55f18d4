"""A small target."""

from __future__ import annotations

import numpy as np

from slth.tickets import DenseLayer, DenseNetwork


def small_target(*, negative: bool = False) -> DenseNetwork:
    """From 16 inputs, as those of the synthetic data, to 4 outputs."""
    generator = np.random.default_rng(3)
    first = DenseLayer(
        generator.uniform(-1, 1, (5, 16)), generator.uniform(-1, 1, 5), "identity" if negative else "relu"
    )
    return DenseNetwork([first, DenseLayer(generator.uniform(-1, 1, (4, 5)), None, "identity")])

"""Which test images a report shows, beside what target and ticket say of each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.arrays import Floats, Indices
from slth.jobs.record import Pictured

FIRST, APART = 6, 2
"""Images: the first of the test set, and of the others on which the two networks disagree, the farthest apart."""
_COLOURS = (1, 3)


def pictured(inputs: NDArray[Any], shape: tuple[int, ...], wanted: Floats, found: Floats) -> Pictured | None:
    """Choose images of test inputs [examples, prod(shape)], grey or in colours; None where they are no images."""
    if len(shape) != 3 or shape[0] not in _COLOURS or min(shape[1:]) < 2:
        return None
    chosen = _chosen(wanted, found)
    images = inputs[chosen].reshape(-1, *shape).transpose(0, 2, 3, 1).astype(np.float64)
    low, high = float(images.min()), float(images.max())
    if low < 0.0 or high > 1.0:  # numbers of another scale, such as standardised ones: the darkest is black
        images = (images - low) / max(high - low, 1e-300)
    return Pictured(chosen, images[..., 0] if shape[0] == 1 else images)


def _chosen(wanted: Floats, found: Floats) -> Indices:
    """Return the first examples, and behind them some on which the largest outputs are not at the same place."""
    apart = np.flatnonzero(wanted.argmax(axis=1) != found.argmax(axis=1))
    later = apart[apart >= FIRST]
    farthest = np.argsort(-np.abs(found - wanted)[later].max(axis=1, initial=0.0), kind="stable")[:APART]
    chosen: Indices = np.concatenate([np.arange(min(FIRST, len(wanted))), np.sort(later[farthest])])
    return chosen

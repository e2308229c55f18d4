"""How far a ticket's weights are from the target's, enclosed: measured on what its random layers fold to."""

from __future__ import annotations

import numpy as np

from slth.arrays import Floats
from slth.constructions.layout import Work
from slth.tickets.folded import Folded


def weight_errors(work: Work, folded: Folded) -> list[Floats]:
    """Return for each half float64[sources, dimensions]: upper ends of |ticket's weight - target's weight|."""
    halves = [folded.positive]
    if work.halves == 2:
        assert folded.negative is not None, "a pair of two halves folds to two kernels"
        halves.append(folded.negative)
    errors = []
    for number, kernels in enumerate(halves):
        constants = folded.constant or (None, None)
        lower = _slices(work, kernels[0], constants[0], outward=-1.0)
        upper = _slices(work, kernels[1], constants[1], outward=1.0)
        distance = np.maximum(np.nextafter(np.abs(upper - work.slices), np.inf),
                              np.nextafter(np.abs(lower - work.slices), np.inf))  # fmt: skip
        if number:
            distance[work.conv.geometry.inputs :] = 0.0  # a constant is never negative
        errors.append(distance)
    return errors


def _slices(work: Work, kernel: Floats, constant: Floats | None, *, outward: float) -> Floats:
    """Return one end of the folded weights as slices; of a plain layer, all copies of a source together."""
    shape, sources = work.layer.geometry, len(work.slices)
    rows = shape.slices_of(kernel)
    if constant is not None:
        return np.concatenate([rows, constant.reshape(shape.groups, -1)])
    copies = len(rows) // sources
    if copies == 1:
        return rows
    stacked = rows.reshape(copies, sources, -1)
    allowance = np.abs(stacked).sum(axis=0) * (copies * 2.0**-51)  # more than the additions may round
    total: Floats = stacked.sum(axis=0) + outward * allowance
    return total

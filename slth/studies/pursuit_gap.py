"""How far the structured pursuit is from what exists: its errors beside those of the best subsets, by first moments."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from slth.arrays import Floats
from slth.constructions import Structured
from slth.graphs import Conv, Graph, Node
from slth.grids.context import Context
from slth.rng import Stream
from slth.studies.expected_subsets import Expected, largest_entry_bits, typical_bits
from slth.tickets.blocks import draw, draw_first


def pursuit_gap(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    r"""Construct a structured layer, and hold the error of each source against the least error that can be expected.

    The layer has `instances` sources, slices of D standard normal numbers, and 2n random channels each; beam and gain
    are those of the construction. Thresholds are relative to the slice, in bits, :math:`\log_2(|z| / \epsilon)`:
    `first_moment_bits` where one subset is expected given the scales, `typical_bits` for the very channels drawn.
    """
    del context
    dimension, instances = cell["dimension"], cell["instances"]
    slices = Stream(seed, "pursuit-gap.target").normal(0, dimension * instances).reshape(dimension, instances, 1, 1)
    target = Graph((instances, 1, 1), [Node("layer", Conv(slices), ("input",))])
    begin = time.perf_counter()
    ticket, (row,) = Structured(channels=cell["n"], gain=cell["gain"]).ticket(target, seed=seed)
    seconds = (time.perf_counter() - begin) / instances
    pair: Any = ticket.graph_layers[0]
    found = []
    for source in range(instances):
        goal = slices[:, source, 0, 0] / row.gain
        usable = np.flatnonzero(draw_first(pair, ticket.law, seed, source, np.arange(pair.units)) > 0.0)
        scales, vectors = draw(pair, ticket.law, seed, source, usable)
        vectors *= scales[:, None]
        kept, squares = ticket.mask["layer.units"][usable, source], scales**2
        left = goal - vectors[kept].sum(axis=0)
        length, error = float(np.linalg.norm(goal)), float(np.linalg.norm(left))
        counted = Expected.of(squares, length, dimension)
        bits = counted.threshold_bits()
        largest, spread = float(np.abs(left).max()), float(np.abs(goal).max())
        largest_bits = largest_entry_bits(counted, goal)
        found.append(
            {
                "instance": source,
                "usable": len(usable),
                "kept": int(np.count_nonzero(kept)),
                "factor": row.gain,
                "target_length": length,
                "relative_error": error / length,
                "first_moment_bits": bits,
                "typical_bits": typical_bits(vectors, goal),
                "gap_bits": bits + math.log2(error / length),
                "largest_error": largest / spread,
                "largest_first_moment_bits": largest_bits,
                "largest_gap_bits": largest_bits + math.log2(largest / spread),
                "enough": enough(squares, length, dimension, error),
                "seconds": seconds,
            }
        )
    return found


def enough(squares: Floats, length: float, dimension: int, error: float) -> int:
    """Return the fewest of the channels, in the order in which they are drawn, of which one subset is expected."""
    low, high = 0, 1
    while high < len(squares) and Expected.of(squares[:high], length, dimension).log_number(error) < 0.0:
        low, high = high, min(2 * high, len(squares))
    while high - low > 1:
        middle = (low + high) // 2
        reached = Expected.of(squares[:middle], length, dimension).log_number(error) >= 0.0
        low, high = (low, middle) if reached else (middle, high)
    return high

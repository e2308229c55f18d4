"""The benchmark task of drawing random weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slth.benchmarks.contenders import Cell, Contender
from slth.rng import Stream, WeightLaw


def generate_weights(cell: Cell, seed: int) -> Sequence[Contender]:
    """Draw weights that can be regenerated anywhere, beside numpy's own generator of the same kind."""
    count, law = cell["count"], WeightLaw(cell["law"], 1.0)
    stream = Stream(seed, "benchmark.weights")

    def ours() -> Mapping[str, Any]:
        weights = law.weights(stream, 0, count)
        return {"bytes": weights.nbytes, "mean_square": float(np.mean(weights**2))}

    def numpys() -> Mapping[str, Any]:
        generator = np.random.Generator(np.random.Philox(seed))
        weights = np.asarray(
            generator.uniform(-1.0, 1.0, count) if cell["law"] == "uniform" else generator.normal(0.0, 1.0, count)
        )
        return {"bytes": weights.nbytes, "mean_square": float(np.mean(weights**2))}

    return [Contender("slth stream", ours, count), Contender(f"numpy {np.__version__} Philox", numpys, count)]

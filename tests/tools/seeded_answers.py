"""What every solver and stream answers to fixed questions, as digests: the same bits wherever they are asked."""

from __future__ import annotations

from hashlib import sha256

import numpy as np

import slth
from slth.errors import SlthError
from slth.subset_sum.choice import every_solver
from slth.subset_sum.laws import Integers


def digest(*arrays) -> str:
    return sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()[:16]


def answers() -> dict[str, str]:
    generator = np.random.default_rng(0)
    stream = slth.Stream(seed=2**64 - 1, path="a")
    found = {
        "words": digest(stream.raw(5, 100), stream.raw_at([7, 2**61])),
        "numbers": digest(stream.uniform(0, 100), stream.normal(0, 100), stream.normal_at([5, 2**61])),
        "integers": digest(Integers(-5, 2**40).sample(stream, 20)),
    }
    lists = {
        "uniform": generator.uniform(-1, 1, (3, 11)),
        "integers": generator.integers(-1000, 1000, (3, 11)).astype(float),
        "wide": generator.uniform(-1, 1, (3, 11)) * 2.0 ** generator.integers(-60, 60, (3, 11)),
    }
    for law, values in lists.items():
        targets = np.rint(generator.normal(size=3) * np.abs(values).mean())
        for name, solver in every_solver().items():
            for size in (None, 4) if name != "pursuit" else ():
                try:
                    rows = slth.solve_batch(values, targets, solver=solver, size=size)
                except SlthError as refusal:
                    found[f"{law} {name} {size}"] = type(refusal).__name__
                else:
                    found[f"{law} {name} {size}"] = digest(rows.subsets, rows.errors, rows.lower_bounds, rows.status)
    vectors, goals = generator.standard_normal((1, 10, 2)), generator.standard_normal((1, 2))
    for solver in (slth.VectorTwoList(), slth.Pursuit(beam=1)):
        rows = slth.solve_batch(vectors, goals, solver=solver, norm="l2")
        found[f"vectors {solver}"] = digest(rows.subsets, rows.errors, rows.lower_bounds, rows.status)
    return found

"""Instances that break solvers: mixed scales, ties, zeros, duplicates, negatives, subnormals."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

ordinary = st.floats(-1.0, 1.0, allow_subnormal=False)
dyadic = st.integers(-64, 64).map(lambda k: k / 32)
integers = st.integers(-(2**40), 2**40).map(float)
scaled = st.builds(lambda m, e: m * 2.0**e, st.floats(-1.0, 1.0, allow_subnormal=False), st.integers(-200, 200))
extreme = st.builds(
    lambda m, e: m * 2.0**e, st.integers(-3, 3), st.sampled_from([-1070, -600, -60, 0, 60, 600, 1000])
).map(float)
tiny_alphabet = st.sampled_from([0.0, 0.5, -0.5, 1.0, 1.0 + 2.0**-52])

kinds = st.sampled_from([ordinary, dyadic, integers, scaled, extreme, tiny_alphabet])


@st.composite
def value_lists(draw: st.DrawFn, max_n: int = 10, min_n: int = 1) -> list[float]:
    """A list of values of one kind or of several."""
    n = draw(st.integers(min_n, max_n))
    if draw(st.booleans()):
        kind = draw(kinds)
        return draw(st.lists(kind, min_size=n, max_size=n))
    return [draw(draw(kinds)) for _ in range(n)]


@st.composite
def instances(draw: st.DrawFn, max_n: int = 10, min_n: int = 1) -> tuple[list[float], float]:
    """Values and a target: anywhere, on a subset sum, or a hair off one."""
    values = draw(value_lists(max_n=max_n, min_n=min_n))
    how = draw(st.sampled_from(["anywhere", "planted", "near"]))
    if how == "anywhere":
        return values, draw(draw(kinds))
    chosen = draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    target = float(np.sum(np.array(values)[np.array(chosen)]))
    if how == "near":
        target = float(np.nextafter(target, np.inf))
    return values, target


@st.composite
def sized_instances(draw: st.DrawFn, max_n: int = 10) -> tuple[list[float], float, int]:
    """An instance with a subset size."""
    values, target = draw(instances(max_n=max_n))
    return values, target, draw(st.integers(0, len(values)))


@st.composite
def vector_instances(
    draw: st.DrawFn, max_n: int = 8, max_d: int = 4, min_n: int = 1
) -> tuple[list[list[float]], list[float], int | None]:
    """Vectors, a target (anywhere, on a sum or a hair off one) and perhaps a size.

    Each coordinate has its own kind of numbers, or all have one; vectors are repeated and zero now and then.
    """
    n, d = draw(st.integers(min_n, max_n)), draw(st.integers(1, max_d))
    one = draw(st.none() | st.just(draw(kinds)))
    axes = [draw(kinds) if one is None else one for _ in range(d)]
    rows = st.tuples(*axes).map(list)
    values = [draw(rows) for _ in range(n)]
    for k in range(1, n):
        how = draw(st.sampled_from(["own", "own", "own", "again", "zero"]))
        values[k] = {"own": values[k], "again": values[k - 1], "zero": [0.0] * d}[how]
    target = draw(rows)
    if draw(st.booleans()):
        chosen = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
        target = np.array(values)[chosen].sum(axis=0).tolist()
        if draw(st.booleans()):
            target[0] = float(np.nextafter(target[0], np.inf))
    return values, target, draw(st.none() | st.integers(0, n))

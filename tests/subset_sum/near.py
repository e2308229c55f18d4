"""Instances with a tolerance that some sum reaches exactly, or misses by a rounding."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.strategies import vector_instances


@st.composite
def near_instances(draw: st.DrawFn, max_n: int = 7):
    """Values (numbers where d is 1, now and then), a target, a tolerance for each coordinate, a size or None."""
    values, target, size = draw(vector_instances(max_n=max_n, max_d=3))
    chosen = np.array(draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))))
    gaps = np.abs(np.array(values)[chosen].sum(axis=0) - target)
    how = draw(st.sampled_from(["none", "reached", "below", "above", "wide"]))
    tolerance = {
        "none": 0.0 * gaps,
        "reached": gaps,
        "below": np.nextafter(gaps, 0.0),
        "above": np.nextafter(gaps, np.inf),
        "wide": 3.0 * gaps + 1.0,
    }[how]
    return np.array(values), np.array(target), tolerance, size

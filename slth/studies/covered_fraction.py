"""How the covered share of an interval grows with every value: the quantity that Lueker's proof follows."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from slth.grids.context import Context
from slth.rng import Stream
from slth.subset_sum.coverage import coverage_growth
from slth.subset_sum.elementary_laws import Uniform


def covered_fraction(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Follow ``p_k``, the share of [-1/2, 1/2] within ``2**-bits`` of a subset sum of the first k values.

    With f_0(z) = 1 for ``|z| <= 2**-bits`` and else 0, and ``f_{k+1}(z) = f_k(z) + (1 - f_k(z)) f_k(z - x_{k+1})``,
    ``p_k`` is the integral of f_k over the interval. Values are uniform on [-1, 1].

    For every history, ``E[p_{k+1} - p_k] >= p_k (1 - p_k) / 2`` (Lueker 1998, through Xiong et al. 2023): of the
    targets z in [-1/2, 1/2], each sees the covered ones of the interval at a distance below 1.
    """
    del context
    values = Uniform(-1.0, 1.0).sample(Stream(seed, "covered-fraction.values"), cell["n"])
    shares = coverage_growth(values, (-0.5, 0.5), tolerance=2.0 ** -cell["bits"])
    return [
        {"k": k, "covered_before": before, "covered": after}
        for k, (before, after) in enumerate(pairwise(shares.tolist()), start=1)
    ]

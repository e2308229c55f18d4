"""How far the worst target of an interval is from the subset sums of the first n values, for every n."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from slth.grids.context import Context
from slth.rng import Stream
from slth.subset_sum.coverage import coverage
from slth.subset_sum.elementary_laws import Uniform
from slth.subset_sum.prediction import predict_errors

PLACES = 33
"""Where the density of the sums is evaluated; it varies on the scale of all values together."""


def interval_coverage(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Draw values uniform on [-1, 1] one after the other and measure the worst error over an interval each time.

    The error is ``max over z in [-half_width, half_width] of min over S of |sum of S - z|``. It never rises as values
    are added, so the interval is covered within eps from the first n on whose error is at most eps.
    """
    del context
    ends = (-float(cell["half_width"]), float(cell["half_width"]))
    values = Uniform(-1.0, 1.0).sample(Stream(seed, "interval-coverage.values"), cell["most_n"])
    return [
        {
            "n": n,
            "worst_error": coverage(values[:n], ends).worst_error,
            "predicted_median": predicted_median(values[:n], *ends),
        }
        for n in range(cell["least_n"], cell["most_n"] + 1)
    ]


def predicted_median(values: npt.NDArray[np.float64], low: float, high: float) -> float:
    """Predict the worst error over an interval that is exceeded with probability one half.

    The subset sums are taken as Poisson points of density rho, by the saddlepoint approximation that
    :func:`slth.subset_sum.prediction.predict_errors` uses. A stretch without error at most e begins at ``low``, or
    after a point that is followed by none for 2 e: ``exp(-2 e rho(low)) + integral of rho exp(-2 e rho)`` of them are
    expected. A subset and its complement lie symmetrically around half of the sum of all values, so a place counts one
    half if its mirror image lies in the interval too. None has probability exp(-(number expected)). Derived in this
    project, not from a paper.

    Shapes: values float64[n].
    """
    places = np.linspace(low, high, PLACES)
    mirrored = float(np.sum(values)) - places
    weight = np.where((low <= mirrored) & (mirrored <= high), 0.5, 1.0)
    rho = predict_errors(values, places, density="saddlepoint").rate / 2.0

    def stretches(log_error: float) -> float:
        alone = np.exp(-2.0 * math.exp(log_error) * rho)
        return float(alone[0] + np.trapezoid(weight * rho * alone, places)) - math.log(2.0)

    most = math.log(max(abs(low), abs(high)))
    if stretches(most) >= 0.0:
        return math.exp(most)
    return math.exp(brentq(stretches, math.log(1e-3 / float(np.max(rho))), most, xtol=1e-9))

r"""How much floating-point evaluation of target and ticket can add to their difference.

A result that goes through k roundings of relative size u is the true one times a factor within
:math:`1 \pm \gamma_k`, :math:`\gamma_k = k u / (1 - k u)` (Higham, "Accuracy and Stability of Numerical Algorithms",
lemma 3.1; unverified), and in a sum each term goes through at most (number of nonzero terms - 1) additions whatever the
order: adding the exact zero of a removed connection changes nothing. So with :math:`\delta` the error of a layer's
inputs, :math:`|x|` their size, :math:`A` the folded weights and :math:`M` the sums of absolute products behind them,

.. math:: \delta_{out} \le |A| \delta + \gamma_k\, M (|x| + \delta) + underflow,

because an input's error is common to all products that it enters. Every operation may lose the format's smallest normal
number besides (flush to zero). Roundings counted for a term of the target: storing the weight, one product, the
additions.

The ticket is evaluated as :func:`slth.to_torch` does, and the bound is the larger of two. In its small and its masked
form u and v are stored in the format (two roundings of each :math:`|u v x|`), all products and sums are binary64's (u x
of two binary32 numbers is exact there; :math:`\gamma_k` of binary64, thousands of terms and all), and what comes out is
multiplied by the stored gain and rounded once. Multiplied out, a layer sums as many terms as its geometry has, in the
format; its numbers lie where folding encloses them, for all of which the certificate holds. Whoever sums thousands of
terms in binary32 himself, as a runtime of ONNX files does, is not covered. Formats are IEEE binary64 and binary32 with
rounding to nearest; arithmetic of fewer digits (TF32, bfloat16) and convolutions that transform images first (Winograd,
Fourier) are not covered where the format sums. The input is a vector that the format holds exactly, the same for both
networks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from slth.certificates.interval import Array, Interval, up
from slth.certificates.problem import Problem
from slth.certificates.ranges import Ranges
from slth.certificates.rule import BINARY32, BINARY64, Evaluation, Format

FORMATS = {53: BINARY64, 24: BINARY32}


def evaluation_allowance(problem: Problem, ranges: Sequence[Ranges], error: Array, *, digits: int) -> float:
    """Return a bound on what rounding adds to the observed difference of the outputs, whatever the order of sums.

    Shapes: error float64[outputs].
    """
    form = FORMATS[digits]
    target = _evaluation_error(problem, [each.target for each in ranges], form, of_ticket=False)
    ticket = _evaluation_error(problem, [each.ticket for each in ranges], form, of_ticket=True)
    if target is None or ticket is None:
        return math.inf
    total = up(target + ticket)
    allowance = float(np.max(up(total + up(2.0 * form.unit * up(error + total)))))
    return math.inf if math.isnan(allowance) else allowance


def _evaluation_error(problem: Problem, values: Sequence[Interval], form: Format, *, of_ticket: bool) -> Array | None:
    """Return bounds of what one network's evaluation is off by at its outputs, or None where it may overflow."""
    wrong = [np.zeros(values[0].shape)]
    peaks = [float(values[0].magnitude.max())]
    for number, place in enumerate(problem.places, start=1):
        taken = tuple(wrong[source] for source in place.sources)
        seen = tuple(values[source] for source in place.sources)
        off, peak = place.rule.rounding(Evaluation(taken, seen, values[number], form, of_ticket))
        peaks += [peak, float(np.max(up(values[number].magnitude + off)))]
        wrong.append(off)
    # Not "above": NaN must count, and Python's max would pass over it.
    return wrong[problem.output] if np.max(peaks) < form.largest / 4.0 else None

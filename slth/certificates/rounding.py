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

**Carried back.** A product of absolute weights for each layer would be all that is left of a deep network. Errors pass
on as linear functions instead: by the weights, by 1 or 0 through a ReLU whose sign no error can change, by a slope in
[0, 1] through any other, by the entry of a window that leads in spite of errors. So what each node adds itself,
:math:`\gamma_k M (|x| + \delta)`, is weighed by rows carried back from the outputs; in binary32 from each value whose
sign is open too, since a bound of its error counts. The bound above is kept where it is the lower one.

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

from slth.arrays import Indices
from slth.certificates.interval import Array, Interval, up
from slth.certificates.problem import Problem
from slth.certificates.ranges import Ranges
from slth.certificates.rule import BINARY32, BINARY64, Back, Evaluation, Format
from slth.certificates.symbols import TINY, slack

_ROWS = 512  # carried back at a time
_MOST_WORK = 4.0e8  # multiplications for so many outputs: some seconds
FORMATS = {53: BINARY64, 24: BINARY32}


def evaluation_allowance(problem: Problem, ranges: Sequence[Ranges], error: Array, *, digits: int) -> float:
    """Return a bound on what rounding adds to the observed difference of the outputs, whatever the order of sums.

    Shapes: error float64[outputs].
    """
    form = FORMATS[digits]
    target = _Evaluated(problem, [each.target for each in ranges], form, of_ticket=False)
    ticket = _Evaluated(problem, [each.ticket for each in ranges], form, of_ticket=True)
    # Not "above": NaN must count, and Python's max would pass over it.
    if not np.max(target.peaks + ticket.peaks) < form.largest / 4.0:
        return math.inf
    total = up(target.at_output() + ticket.at_output())
    allowance = float(np.max(up(total + up(2.0 * form.unit * up(error + total)))))
    return math.inf if math.isnan(allowance) else allowance


class _Evaluated:
    """What one network's evaluation is off by, node after node; ``peaks`` bound the numbers that it meets."""

    def __init__(self, problem: Problem, values: Sequence[Interval], form: Format, *, of_ticket: bool) -> None:
        self.problem, nothing = problem, np.zeros(values[0].shape)
        self.wrong, self.peaks, self.work = [nothing], [float(values[0].magnitude.max())], _MOST_WORK
        self.backs, self.lost = [Back(lambda rows: (), nothing)], [nothing]
        for number, place in enumerate(problem.places, start=1):
            seen = tuple(values[source] for source in place.sources)
            if form != BINARY64:  # there what is known is little enough
                for source, each in zip(place.sources, seen, strict=True):
                    self._narrow(source, np.flatnonzero(place.rule.unclear(each, self.wrong[source])))
            wrong = tuple(self.wrong[source] for source in place.sources)
            at = Evaluation(wrong, seen, values[number], form, of_ticket)
            carried, own, peak = place.rule.rounding(at)
            back = place.rule.back(at, carried)
            self.backs.append(back)
            self.wrong.append(up(carried + own))
            # What the sums of rows round, and what they lose to underflow, besides.
            self.lost.append(up(up(own + back.lost) + (slack(len(problem.places)) * self.wrong[-1] + TINY)))
            self.peaks += [peak, float(np.max(up(values[number].magnitude + self.wrong[-1])))]

    def at_output(self) -> Array:
        """Return bounds of what the outputs are off by."""
        number = self.problem.output
        self._narrow(number, np.arange(len(self.wrong[number])))
        return self.wrong[number]

    def _narrow(self, number: int, some: Indices) -> None:
        """Narrow what some of a node's values are off by: what each node adds itself, carried on to them."""
        work = sum(back.work for back in self.backs[: number + 1])
        count = min(len(some), int(self.work / max(work, 1.0)))
        self.work -= count * work
        wrong = self.wrong[number].copy()
        for first in range(0, count, _ROWS):
            chosen = some[first : first + min(_ROWS, count - first)]
            rows = np.zeros((len(chosen), len(wrong)))
            rows[np.arange(len(chosen)), chosen] = 1.0
            wrong[chosen] = np.fmin(wrong[chosen], self._carried_back(number, rows))
        self.wrong[number] = wrong

    def _carried_back(self, number: int, rows: Array) -> Array:
        """Return upper bounds of the absolute values of rows times the errors of a node."""
        pending, total = {0: rows, number: rows}, np.zeros(len(rows))  # the input, 0, is exact
        while number := max(pending):
            taken, lost = pending.pop(number), self.lost[number]
            total = up(total + np.abs(taken) @ lost * (1.0 + slack(len(lost))))
            sources = self.problem.places[number - 1].sources
            behind = self.backs[number].rows(taken) if any(sources) else ()
            for source, each in zip(sources, behind, strict=False):  # an opaque node hands nothing on
                if source:
                    pending[source] = pending[source] + each if source in pending else each
        return up(total + TINY)

r"""How far softmax moves when scores do: the lemma of the theorem, and a sharper bound.

Let :math:`p_s \propto e^{z_s}` and :math:`p'_s \propto e^{z_s + \varepsilon_s}` with all :math:`\varepsilon_s` in an
interval of length :math:`\delta`. For every set S of tokens the odds :math:`p(S) / (1 - p(S))` change by a factor
within :math:`e^{\pm \delta}`, so :math:`p'(S) - p(S) \le \max_a \{\sigma(a + \delta/2) - \sigma(a - \delta/2)\} =
\tanh(\delta / 4)`, :math:`\sigma` the logistic function; this is the total variation distance:

.. math:: \tfrac12 \sum_s |p'_s - p_s| \le \tanh(\delta / 4) \le \min(\delta / 4, 1).

Because both sum to 1, :math:`\sum_s (p'_s - p_s) x_s` lies within
:math:`\pm\tanh(\delta/4)\,(\max_s x_s - \min_s x_s)`. It does not change when the same number is added to all scores of
a row. The theorem has :math:`\|softmax(z) X - softmax(z + \varepsilon) X\| \le 4 \sqrt{d}\, \alpha\,
\varepsilon_{max}` for :math:`\varepsilon_{max} \le 1/2`, rows of X within :math:`\alpha`; with
:math:`\delta \le 2 \varepsilon_{max}` the sharper bound is at most :math:`\sqrt{d}\, \alpha\, \varepsilon_{max}`.

Source of the lemma: Otsuka et al. 2025 (arXiv 2511.04217), as restated in this project's theory notes; the sharper one
is proved here.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from slth.constructions.interval import Array, Interval, up, upper_product, upper_total


@dataclass(frozen=True)
class SoftmaxBounds:
    r"""What attention does to the errors of its scores, over the whole input box.

    Parameters
    ----------
    score_error : float
        Bound on the largest error of any score: the theorem's :math:`\varepsilon_{max}`.
    score_spread : float
        Bound on the largest difference between the errors of two scores of one row: :math:`\delta`, at most twice
        ``score_error``; less where errors have a part in common, which softmax does not see.
    token_norm : float
        Bound on the largest Euclidean norm of an embedded token, at least the root of their size: :math:`\alpha`.
    lemma : float
        :math:`4 \sqrt d \alpha \varepsilon_{max}`, infinite where the lemma does not hold.
    sharp : float
        :math:`\tanh(\delta / 4)` times the Euclidean norm of the ranges of the tokens' coordinates.
    """

    score_error: float
    score_spread: float
    token_norm: float
    lemma: float
    sharp: float

    def as_dict(self) -> dict[str, float]:
        """Return the numbers by name."""
        return asdict(self)


def total_variation(spread: Array) -> Array:
    """Return upper bounds of tanh(spread / 4), the largest share that moves from token to token.

    Examples
    --------
    >>> total_variation(np.array([0.5, 100.0])).round(12).tolist()
    [0.125, 1.0]
    """
    return np.minimum(up(np.asarray(spread) * 0.25), 1.0)


def lemma_bound(width: int, token_norm: float, score_error: float) -> float:
    """Return the lemma's bound on the Euclidean norm of the change of a row, rounded up; infinite outside its reach.

    Examples
    --------
    >>> round(lemma_bound(4, 2.0, 0.01), 12), lemma_bound(4, 2.0, 0.6)
    (0.16, inf)
    """
    if not score_error <= 0.5:
        return math.inf
    return 4.0 * math.sqrt(width) * token_norm * score_error * (1.0 + 2.0**-50)


def norm_above(largest: Array) -> Array:
    """Return upper bounds of Euclidean norms over the last axis, of vectors with coordinates up to ``largest``."""
    return up(np.sqrt(upper_total(upper_product(largest, largest))))


def spreads(errors: Interval) -> Array:
    """Return upper bounds of the differences within the last axis."""
    return up(errors.upper.max(axis=-1) - errors.lower.min(axis=-1))


def ranges(values: Interval) -> Array:
    """Return upper bounds of the largest less the smallest value over the first axis, the tokens."""
    return up(values.upper.max(axis=0) - values.lower.min(axis=0))


def hull_of_tokens(values: Interval) -> Interval:
    """Return ranges of all averages over the first axis, the tokens, with nonnegative weights of sum 1: exact."""
    return Interval(values.lower.min(axis=0), values.upper.max(axis=0))

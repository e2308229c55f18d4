r"""How far softmax moves when scores do: the lemma of the theorem, and a sharper bound.

Let :math:`p_s \propto e^{z_s}` and :math:`p'_s \propto e^{z_s + \varepsilon_s}` with all :math:`\varepsilon_s` in an
interval of length :math:`\delta`. For every set S of tokens the odds :math:`p(S) / (1 - p(S))` change by a factor
within :math:`e^{\pm \delta}`, so :math:`p'(S) - p(S) \le \max_a \{\sigma(a + \delta/2) - \sigma(a - \delta/2)\} =
\tanh(\delta / 4)`, :math:`\sigma` the logistic function; this is the total variation distance:

.. math:: \tfrac12 \sum_s |p'_s - p_s| \le \tanh(\delta / 4) \le \min(\delta / 4, 1).

Because both sum to 1, :math:`\sum_s (p'_s - p_s) x_s` lies within
:math:`\pm\tanh(\delta/4)\,(\max_s x_s - \min_s x_s)`. It does not change when the same number is added to all scores of
a row. The theorem has :math:`\|softmax(z) X - softmax(z + \varepsilon) X\| \le 4 \sqrt{d}\, \alpha\,
\varepsilon_{max}` for :math:`\varepsilon_{max} \le 1/2`, rows of X within :math:`\alpha`; for each number by itself
(d = 1) that is :math:`4 \max_s |x_s|\, \varepsilon_{max}`, and with :math:`\delta \le 2 \varepsilon_{max}` the sharper
bound is at most a quarter of it.

Source of the lemma: Otsuka et al. 2025 (arXiv 2511.04217), as restated in this project's theory notes; the sharper one
is proved here.
"""

from __future__ import annotations

import numpy as np

from slth.certificates.interval import Array, Interval, up


def total_variation(spread: Array) -> Array:
    """Return upper bounds of tanh(spread / 4), the largest share that moves from token to token."""
    return np.minimum(up(np.asarray(spread) * 0.25), 1.0)


def lemma_share(score_error: float) -> float:
    """Return the lemma's bound on the change of a number, for values up to 1; beyond its reach what any shares give."""
    return min(4.0 * score_error, 2.0) if score_error <= 0.5 else 2.0


def spreads(errors: Interval) -> Array:
    """Return upper bounds of the differences between two of the last axis, infinite where a range left the doubles."""
    low, high = errors.lower, errors.upper
    if low.shape[-1] == 1:
        return np.zeros(low.shape[:-1])
    least, second = np.moveaxis(np.partition(low, 1, axis=-1)[..., :2], -1, 0)
    alone = np.arange(low.shape[-1]) == low.argmin(axis=-1)[..., None]
    others = np.where(alone, second[..., None], least[..., None])
    spread = np.maximum(up((high - others).max(axis=-1)), 0.0)
    return np.where(np.isnan(low).any(axis=-1) | np.isnan(spread), np.inf, spread)


def hull_of_tokens(values: Interval) -> Interval:
    """Return ranges of all averages over the last axis, the tokens, with nonnegative weights of sum 1: exact."""
    return Interval(values.lower.min(axis=-1), values.upper.max(axis=-1))

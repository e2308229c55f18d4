"""How small the best subset-sum error will be, before any solver runs.

The ``2**k`` subset sums of ``k`` values that are not zero are spread like a normal with mean ``m = sum(x) / 2`` and
variance ``V = sum(x**2) / 4``, so their density at a target z is ``rho = 2**k exp(-(z - m)**2 / (2 V)) / sqrt(2 pi V)``
sums per unit length. Near z they behave like a Poisson process: the smallest error is exponential with rate ``2 rho``,
and never more than ``|z|``, the error of the empty subset. Derived in this project and held against simulation; not
from a paper. It is meant for laws with a density: it knows nothing of the ties between integers or constants, nor that
values far below the error hardly help.

Where the target is far out in the sums' distribution, the normal has more sums than there are: failures of one in a
hundred are then several times as frequent as it says. ``density="saddlepoint"`` is right there too, for values at hand.

:func:`predict_error` uses the values at hand. The other functions average over values yet to be drawn, of which only
the first two moments matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import gammaln

from slth.arrays import Floats, finite_array, finite_number, one_of, whole
from slth.errors import ArgumentError, ConstructionError
from slth.subset_sum.saddlepoint import log_density

Density: TypeAlias = Literal["normal", "saddlepoint"]

LARGEST_COUNT = 4096
SMALLEST_FAILURE = 1e-20
# The mean over m is a trapezoidal sum over t = (m - E[m]) / sd(m). The integrand is smooth on the scale of 0.1 and
# analytic, so the error of the sum is far below the mass beyond 12 standard deviations, 4e-33.
STEP = 1.0 / 64.0
REACH = 12.0


@dataclass(frozen=True)
class ErrorPrediction:
    """The law of the best error of one instance, or of each instance of a batch: ``min(Exponential(rate), ceiling)``.

    Attributes
    ----------
    log_rate : float64 or float64[B]
        Natural logarithm of the rate ``2 rho``; the rate itself overflows near n = 1000.
    ceiling : float64 or float64[B]
        ``|target|``, the error of the empty subset.
    """

    log_rate: Floats
    ceiling: Floats

    @property
    def rate(self) -> Floats:
        """``2 rho``, per unit of the values; infinite where it overflows."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.log_rate))[()]

    @property
    def median(self) -> Floats:
        """The error that is exceeded with probability 1/2, in the unit of the values."""
        return self.quantile(0.5)

    @property
    def mean(self) -> Floats:
        """``(1 - exp(-rate * ceiling)) / rate``, in the unit of the values."""
        with np.errstate(all="ignore"):
            x = np.exp(
                self.log_rate + np.log(self.ceiling)
            )  # rate * ceiling, which may be finite where the rate is not
            share = np.where(x > 0.0, -np.expm1(-x) / x, 1.0)
            return np.where(x < 1.0, self.ceiling * share, -np.expm1(-x) * np.exp(-self.log_rate))[()]

    def quantile(self, level: float) -> Floats:
        """The error that stays below with probability ``level``: ``min(-log(1 - level) / rate, ceiling)``."""
        level = _probability("level", level)
        with np.errstate(over="ignore", under="ignore"):
            return np.minimum(np.exp(math.log(-math.log1p(-level)) - self.log_rate), self.ceiling)[()]


def predict_error(values: ArrayLike, target: float, *, density: Density = "normal") -> ErrorPrediction:
    """Predict the best error of one instance from its own values.

    Parameters
    ----------
    values : float64[n]
        Finite. Zeros offer no new sums and are not counted.
    target : float
        In the unit of the values.
    density : {"normal", "saddlepoint"}
        How the density of the sums is approximated; the saddlepoint takes some 10 us an instance.

    Returns
    -------
    ErrorPrediction
        Its numbers are scalars.

    Raises
    ------
    ArgumentError
        If the values are not a list of finite numbers, the target is not finite, or the density is another one.

    Examples
    --------
    >>> values = [0.81, -0.47, 0.36, -0.92, 0.15, 0.58, -0.33, 0.77]
    >>> f"{slth.predict_error(values, 0.3).median:.5f}"
    '0.00296'
    """
    numbers = _values(values, dimensions=(1,))
    batch = _prediction(numbers[None, :], np.array([finite_number(target, "target")]), density)
    return ErrorPrediction(batch.log_rate[0], batch.ceiling[0])


def predict_errors(values: ArrayLike, targets: ArrayLike, *, density: Density = "normal") -> ErrorPrediction:
    """Predict the best errors of a batch, as :func:`predict_error` does for each instance.

    Shapes: values float64[B, n] or float64[n]; targets float64[B].
    """
    numbers = _values(values, dimensions=(1, 2))
    goals = finite_array(targets, "targets", axes=(1,))
    if numbers.ndim == 2 and len(numbers) != len(goals):
        rule = f"has shape {goals.shape}, which does not fit values of shape {numbers.shape}"
        raise ArgumentError("targets", targets, rule, "give one target for each row of values")
    return _prediction(np.broadcast_to(numbers, (len(goals), numbers.shape[-1])), goals, density)


def failure_probability(
    second_moment: float, count: int, target: float, error: float, *, mean: float = 0.0, usable: float = 1.0
) -> float:
    """Probability that the best error exceeds ``error``, over values yet to be drawn.

    ``P = E_m[exp(-2 error rho(m))]`` with ``V = n second_moment / 4`` and ``m`` normal of mean ``n mean / 2`` and
    variance ``n (second_moment - mean**2) / 4``; 0 if ``error >= |target|``.

    An estimate, and a low one for targets that the values can only just reach. In 4,000 samples or more of products of
    two uniforms on (-1, 1), and error 0.01, 0.9 % failed where it says 0.5 % (target 0.1, 12 values), 3 % where it says
    0.6 % (target 0.5, 14 values), and 7 % where it says 0.8 % (target 1, 17 values).
    """
    law = _Marginal.checked(second_moment, target, mean=mean, usable=usable)
    return law.failures(finite_number(error, "error"), _count(count))[-1]


def error_quantile(
    second_moment: float, count: int, target: float, level: float, *, mean: float = 0.0, usable: float = 1.0
) -> float:
    """The error that stays below with probability ``level``, over values yet to be drawn; in their unit.

    The inverse of :func:`failure_probability` in ``error``, whose other arguments it shares.
    """
    law = _Marginal.checked(second_moment, target, mean=mean, usable=usable)
    count = _count(count)
    failure = 1.0 - _probability("level", level)

    def excess(log_error: float) -> float:
        return law.poisson_failures(log_error, count)[-1] - failure

    if law.ceiling == 0.0 or excess(high := math.log(law.ceiling)) >= 0.0:
        return law.ceiling
    low = high - 1.0
    while excess(low) < 0.0:
        low -= high - low
        if low < math.log(5e-324):
            return 0.0
    return min(math.exp(brentq(excess, low, high, xtol=1e-10)), law.ceiling)


def candidates_for_error(
    second_moment: float, target: float, error: float, failure: float, *, mean: float = 0.0, usable: float = 1.0
) -> int:
    """The smallest number of values whose best error exceeds ``error`` with probability at most ``failure``."""
    law = _Marginal.checked(second_moment, target, mean=mean, usable=usable)
    error = finite_number(error, "error")
    failure = finite_number(failure, "failure")
    if not SMALLEST_FAILURE <= failure < 1.0:
        raise ArgumentError("failure", failure, f"must lie in [{SMALLEST_FAILURE}, 1)", "use 0.01 for one in a hundred")
    count = 32
    while count <= LARGEST_COUNT:
        failures = law.failures(error, count)
        if failures[-1] <= failure:
            # Failure may rise before it falls when the mean carries the sums away from the target: take the last rise.
            enough = np.flatnonzero(np.asarray(failures) > failure)
            return int(enough[-1]) + 1 if enough.size else 0
        count *= 2
    reached = f"reach error {error!r} at failure probability {failure!r} for target {target!r}"
    raise ConstructionError(f"{LARGEST_COUNT} values do not {reached}: ask for a larger error or a smaller target")


@dataclass(frozen=True)
class _Marginal:
    """The law of one value, and the target, for averages over values yet to be drawn."""

    second_moment: float
    mean: float
    usable: float
    target: float

    @classmethod
    def checked(cls, second_moment: float, target: float, *, mean: float, usable: float) -> _Marginal:
        law = cls(
            finite_number(second_moment, "second_moment"),
            finite_number(mean, "mean"),
            finite_number(usable, "usable"),
            finite_number(target, "target"),
        )
        if law.second_moment <= 0.0:
            raise ArgumentError("second_moment", second_moment, "must be positive", "pass E[X**2], not the variance")
        if law.mean * law.mean > law.second_moment * (1.0 + 1e-12):
            rule = f"is larger than second_moment={second_moment!r} allows"
            raise ArgumentError("mean", mean, rule, "pass E[X] and E[X**2] of the same law")
        if not 0.0 < law.usable <= 1.0:
            raise ArgumentError("usable", usable, "must lie in (0, 1]", "use 1.0 where every value can be used")
        return law

    @property
    def ceiling(self) -> float:
        return abs(self.target)

    def failures(self, error: float, count: int) -> list[float]:
        """P(best error > error) for 0, 1, ..., count values."""
        if error < 0.0:
            raise ArgumentError(
                "error", error, "must not be negative", "use 0.0 for the probability of an inexact optimum"
            )
        if error >= self.ceiling:
            return [0.0] * (count + 1)
        return self.poisson_failures(math.log(error) if error > 0.0 else -math.inf, count)

    def poisson_failures(self, log_error: float, count: int) -> list[float]:
        """The same from the density of the sums alone, without what the empty subset is good for."""
        t = np.arange(-REACH, REACH + STEP / 2.0, STEP)
        weights = np.exp(-0.5 * t * t)
        weights /= weights.sum()
        spread = math.sqrt(max(self.second_moment - self.mean * self.mean, 0.0))
        given = [1.0]  # no values, no sum but 0
        for n in range(1, count + 1):
            m = n * self.mean / 2.0 + math.sqrt(n) / 2.0 * spread * t
            log_rate = _log_rate(n, self.target - m, math.log(n * self.second_moment / 4.0))
            with np.errstate(over="ignore", under="ignore"):
                given.append(float(weights @ np.exp(-np.exp(log_rate + log_error))))
        return given if self.usable == 1.0 else _binomial_mixture(given, self.usable)


def _binomial_mixture(given: list[float], usable: float) -> list[float]:
    """Mean of ``given[k]`` over k Binomial(n, usable), for n = 0, 1, ..., len(given) - 1."""
    mixed = []
    values = np.asarray(given)
    for n in range(len(given)):
        k = np.arange(n + 1)
        log_weight = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        log_weight += k * math.log(usable) + (n - k) * math.log1p(-usable)
        mixed.append(float(np.exp(log_weight) @ values[: n + 1]))
    return mixed


def _log_rate(count: Any, distance: Any, log_variance: Any) -> Any:
    """log(2 rho): ``2**count`` sums, normal around a point ``distance`` from the target."""
    with np.errstate(all="ignore"):
        exponent = 0.5 * np.square(distance) * np.exp(-log_variance)
    return (count + 1) * math.log(2.0) - 0.5 * (math.log(2.0 * math.pi) + log_variance) - exponent


def _prediction(values: Floats, targets: Floats, density: Density) -> ErrorPrediction:
    if not one_of(density, get_args(Density)):
        raise ArgumentError("density", density, "is not a known approximation", 'use "normal" or "saddlepoint"')
    scale = np.max(np.abs(values), axis=1)
    usable = scale > 0.0  # where all values are zero, the empty subset is all there is
    log_rate = np.full(len(targets), -np.inf)
    with np.errstate(all="ignore"):  # values of extreme scale: an infinite distance is a density of zero
        relative, goals = values[usable] / scale[usable, None], targets[usable] / scale[usable]
        if density == "saddlepoint":
            scaled = math.log(2.0) + log_density(relative, goals)
        else:
            distance = goals - np.sum(relative, axis=1) / 2.0
            log_variance = np.log(np.sum(np.square(relative), axis=1) / 4.0)
            scaled = _log_rate(np.count_nonzero(relative, axis=1), distance, log_variance)
        log_rate[usable] = scaled - np.log(scale[usable])
    return ErrorPrediction(log_rate, np.abs(targets))


def _values(given: Any, *, dimensions: tuple[int, ...]) -> Floats:
    values = finite_array(given, "values", axes=dimensions)
    if values.shape[-1] == 0:
        raise ArgumentError("values", given, "must hold at least one value", "pass n >= 1 candidates")
    return values


def _probability(name: str, value: float) -> float:
    probability = finite_number(value, name)
    if not 0.0 < probability < 1.0:
        raise ArgumentError(name, value, "must lie strictly between 0 and 1", "use 0.5 for the median")
    return probability


def _count(count: int) -> int:
    return whole(count, "count", 0, LARGEST_COUNT, remedy="count the values")

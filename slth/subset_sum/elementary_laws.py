"""The elementary laws of values; :mod:`slth.subset_sum.laws` has them all and says what a law is."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from slth.arrays import Floats, finite_number, positive_number, whole
from slth.errors import ArgumentError
from slth.kernels.philox import integers_from_words
from slth.rng import LawName, Stream, WeightLaw

LARGEST_INTEGER = 2**53  # up to here every integer is a float64


class _Described:
    name: ClassVar[str]

    def describe(self: Any) -> dict[str, Any]:
        """The law and its parameters as a JSON object."""
        return {"law": self.name} | {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class Uniform(_Described):
    """Uniform on [low, high]; on (-a, a) the same numbers as ``WeightLaw("uniform", a)``."""

    name: ClassVar[str] = "uniform"
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        _store_floats(self)
        if not self.low < self.high:
            raise ArgumentError("high", self.high, f"must exceed low={self.low!r}", "exchange the bounds")
        if not math.isfinite(self.high - self.low):
            raise ArgumentError("high", self.high, f"is too far from low={self.low!r}", "scale the values down")

    @property
    def mean(self) -> float:
        """``(low + high) / 2``."""
        return self.low / 2.0 + self.high / 2.0

    @property
    def second_moment(self) -> float:
        """``(low**2 + low * high + high**2) / 3``."""
        return (_square(self.low) + self.low * self.high + _square(self.high)) / 3.0

    def sample(self, stream: Stream, count: int, start: int = 0) -> Floats:
        """Values ``start`` to ``start + count - 1`` of the stream, as float64[count]."""
        values = WeightLaw("uniform", (self.high - self.low) / 2.0).weights(stream, start, count)
        values += self.mean
        return np.clip(values, self.low, self.high, out=values)  # the addition may round past a bound


@dataclass(frozen=True)
class Normal(_Described):
    """Normal with the given mean and standard deviation."""

    name: ClassVar[str] = "normal"
    mean: float = 0.0
    standard_deviation: float = 1.0

    def __post_init__(self) -> None:
        _store_floats(self, positive=("standard_deviation",))

    @property
    def second_moment(self) -> float:
        """``mean**2 + standard_deviation**2``."""
        return _square(self.mean) + _square(self.standard_deviation)

    def sample(self, stream: Stream, count: int, start: int = 0) -> Floats:
        """Values ``start`` to ``start + count - 1`` of the stream, as float64[count]."""
        return WeightLaw("normal", self.standard_deviation).weights(stream, start, count) + self.mean


@dataclass(frozen=True)
class _Product(_Described):
    """Product of two independent values of a law about zero."""

    factor: ClassVar[LawName]
    factor_variance: ClassVar[float]
    scale_first: float = 1.0
    scale_second: float = 1.0
    mean: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        _store_floats(self, positive=("scale_first", "scale_second"))

    @property
    def second_moment(self) -> float:
        """``(scale_first * scale_second)**2`` times the square of the variance of a factor of scale 1."""
        return _square(self.scale_first * self.scale_second) * self.factor_variance**2

    def sample(self, stream: Stream, count: int, start: int = 0) -> Floats:
        """Values from ``start`` on, their factors from ``path.first`` and ``path.second``; as float64[count]."""
        first, second = (Stream(stream.seed, stream.path + name) for name in (".first", ".second"))
        values = WeightLaw(self.factor, self.scale_first).weights(first, start, count)
        values *= WeightLaw(self.factor, self.scale_second).weights(second, start, count)
        return values


class ProductUniform(_Product):
    """Product of two independent uniforms, on (-scale_first, scale_first) and (-scale_second, scale_second)."""

    name, factor, factor_variance = "product-uniform", "uniform", 1.0 / 3.0


class ProductNormal(_Product):
    """Product of two independent centred normals of standard deviations ``scale_first`` and ``scale_second``."""

    name, factor, factor_variance = "product-normal", "normal", 1.0


@dataclass(frozen=True)
class SignedConstant(_Described):
    """Either ``-magnitude`` or ``magnitude``, with probability 1/2 each."""

    name: ClassVar[str] = "signed-constant"
    magnitude: float = 1.0

    def __post_init__(self) -> None:
        _store_floats(self, positive=("magnitude",))

    @property
    def mean(self) -> float:
        """Zero."""
        return 0.0

    @property
    def second_moment(self) -> float:
        """``magnitude**2``."""
        return _square(self.magnitude)

    def sample(self, stream: Stream, count: int, start: int = 0) -> Floats:
        """Values ``start`` to ``start + count - 1`` of the stream, as float64[count]."""
        return np.where(stream.uniform(start, count) < 0.5, -self.magnitude, self.magnitude)


@dataclass(frozen=True)
class Integers(_Described):
    """Integers from ``low`` to ``high``, both included, each with probability ``1 / (high - low + 1)``.

    Drawn as ``low + floor(raw * span / 2**64)``: without rejection, so that value ``i`` stays word ``i``. No
    probability is wrong by more than ``2**-64``.
    """

    name: ClassVar[str] = "integers"
    low: int
    high: int

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            remedy = "integers beyond 2**53 are not exact in float64"
            number = whole(getattr(self, name), name, -LARGEST_INTEGER, LARGEST_INTEGER, remedy=remedy)
            object.__setattr__(self, name, number)
        if self.low > self.high:
            raise ArgumentError("high", self.high, f"must not be below low={self.low}", "exchange the bounds")

    @property
    def mean(self) -> float:
        """``(low + high) / 2``."""
        return (self.low + self.high) / 2

    @property
    def second_moment(self) -> float:
        """``((low + high) / 2)**2 + (span**2 - 1) / 12`` with ``span = high - low + 1``."""
        span = self.high - self.low + 1
        return (3 * (self.low + self.high) ** 2 + span**2 - 1) / 12

    def sample(self, stream: Stream, count: int, start: int = 0) -> Floats:
        """Values ``start`` to ``start + count - 1`` of the stream, integers as float64[count]."""
        words = stream.raw(start, count)
        offsets = np.empty(words.size, np.int64)
        integers_from_words(words, np.uint64(self.high - self.low + 1), offsets)
        return (offsets + self.low).astype(np.float64)


def _square(x: float) -> float:
    return x * x  # x**2 raises where the square overflows


def _store_floats(law: Any, positive: tuple[str, ...] = ()) -> None:
    for name in (field.name for field in fields(law)):
        value = getattr(law, name)
        if name in positive:
            value = positive_number(value, name, remedy="use 1.0 for the standard law")
        object.__setattr__(law, name, finite_number(value, name))

"""Laws of the values of a random subset-sum instance.

A law turns a :class:`~slth.rng.Stream` into values: value ``i`` depends on the stream and on ``i`` alone, so a larger
sample extends a smaller one. A law of two factors, or of a choice and a value, draws them from streams of its own
whose paths are the given path with ``.first``, ``.second``, ``.zero`` or ``.value`` appended.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from slth.arrays import Floats, finite_number
from slth.errors import ArgumentError, as_written
from slth.rng import Stream
from slth.subset_sum.elementary_laws import (
    Integers,
    Normal,
    ProductNormal,
    ProductUniform,
    SignedConstant,
    Uniform,
)

__all__ = [
    "Integers",
    "Law",
    "MixtureWithZero",
    "Normal",
    "ProductNormal",
    "ProductUniform",
    "ScipyLaw",
    "SignedConstant",
    "Uniform",
    "law_from_text",
]


@runtime_checkable
class Law(Protocol):
    """What every law of values offers."""

    @property
    def mean(self) -> float:
        """E[X]."""

    @property
    def second_moment(self) -> float:
        """E[X**2]: what the error prediction needs, not the variance."""

    def sample(self, stream: Stream, count: int, start: int = 0) -> Floats:
        """Values ``start`` to ``start + count - 1``, as float64[count]."""

    def describe(self) -> dict[str, Any]:
        """The law and its parameters as a JSON object."""


@dataclass(frozen=True)
class MixtureWithZero:
    """Zero with the given probability, otherwise a value of another law.

    With probability 1/2 it is the law of a candidate ``relu(u) v`` of the dense construction: a unit of the wrong
    sign contributes nothing.
    """

    name: ClassVar[str] = "zero-mixture"
    law: Law
    zero_probability: float = 0.5

    def __post_init__(self) -> None:
        if not isinstance(self.law, Law):
            raise ArgumentError("law", self.law, "is not a law of values", "pass one such as Uniform(-1.0, 1.0)")
        probability = finite_number(self.zero_probability, "zero_probability")
        if not 0.0 <= probability <= 1.0:
            raise ArgumentError("zero_probability", probability, "must lie in [0, 1]", "use 0.5 for half zeros")
        object.__setattr__(self, "zero_probability", probability)

    @property
    def mean(self) -> float:
        """``(1 - zero_probability) * law.mean``."""
        return (1.0 - self.zero_probability) * self.law.mean

    @property
    def second_moment(self) -> float:
        """``(1 - zero_probability) * law.second_moment``."""
        return (1.0 - self.zero_probability) * self.law.second_moment

    def sample(self, stream: Stream, count: int, start: int = 0) -> Floats:
        """Values of ``law`` from ``path.value``, replaced by 0 where ``path.zero`` says so; as float64[count]."""
        values = self.law.sample(Stream(stream.seed, stream.path + ".value"), count, start)
        choice = Stream(stream.seed, stream.path + ".zero").uniform(start, count)
        values[choice < self.zero_probability] = 0.0
        return values

    def describe(self) -> dict[str, Any]:
        """The law and its parameters as a JSON object."""
        return {"law": self.name, "zero_probability": self.zero_probability, "of": self.law.describe()}


@dataclass(frozen=True, eq=False)
class ScipyLaw:
    """Any frozen distribution of scipy, continuous or discrete, through its quantile function.

    The bits are as stable as scipy's ``ppf``, that is, not across its versions: never use it for a ticket.
    """

    name: ClassVar[str] = "scipy"
    distribution: Any

    def __post_init__(self) -> None:
        # An unfrozen distribution has these methods too, but is called to be frozen.
        if callable(self.distribution) or not all(hasattr(self.distribution, name) for name in ("ppf", "mean", "var")):
            remedy = "pass one with its parameters fixed, such as scipy.stats.laplace(0.0, 1.0)"
            raise ArgumentError("distribution", self.distribution, "is not a frozen scipy distribution", remedy)
        if not np.isfinite(self.distribution.ppf(0.5)):
            remedy = "see which shapes and scales the distribution allows"
            raise ArgumentError("distribution", self.describe(), "has parameters outside their range", remedy)

    @property
    def mean(self) -> float:
        """The distribution's mean; infinite or nan where it has none."""
        return float(self.distribution.mean())

    @property
    def second_moment(self) -> float:
        """The distribution's variance plus the square of its mean."""
        return float(self.distribution.var()) + self.mean**2

    def sample(self, stream: Stream, count: int, start: int = 0) -> Floats:
        """Quantiles of uniforms ``start`` to ``start + count - 1`` of the stream, as float64[count]."""
        return np.asarray(self.distribution.ppf(stream.uniform(start, count)), np.float64)

    def describe(self) -> dict[str, Any]:
        """The distribution's name in scipy and its parameters as a JSON object."""
        name = getattr(getattr(self.distribution, "dist", None), "name", type(self.distribution).__name__)
        arguments = [float(value) for value in getattr(self.distribution, "args", ())]
        keywords = {key: float(value) for key, value in getattr(self.distribution, "kwds", {}).items()}
        return {"law": self.name, "distribution": name, "arguments": arguments, "keywords": keywords}


LAWS: dict[str, type[Any]] = {
    law.name: law
    for law in (
        Uniform,
        Normal,
        ProductUniform,
        ProductNormal,
        SignedConstant,
        Integers,
        MixtureWithZero,
        ScipyLaw,
    )
}


def law_from_text(text: str) -> Law:
    """Read a law from a command line: its name and then its parameters, separated by colons.

    ``uniform:-0.5:0.5``, ``normal:0:2``, ``product-uniform:1:0.5``, ``product-normal``, ``signed-constant:2``,
    ``integers:1:1000``, ``zero-mixture:0.5:uniform:0:1`` (the probability, then a law), ``scipy:laplace:0:1`` (a
    distribution of ``scipy.stats``, then its shape, location and scale). Parameters left out have their defaults.

    Parameters
    ----------
    text : str

    Returns
    -------
    Law
        With ``sample``, ``mean``, ``second_moment`` and ``describe``.

    Raises
    ------
    ArgumentError
        If the law is unknown, has other parameters, or a parameter breaks its rule.

    Examples
    --------
    >>> slth.law_from_text("uniform:-0.5:0.5")
    Uniform(low=-0.5, high=0.5)
    >>> slth.law_from_text("zero-mixture:0.25:normal")
    MixtureWithZero(law=Normal(mean=0.0, standard_deviation=1.0), zero_probability=0.25)
    """
    with as_written(law="text"):
        return law_named(text)


def law_named(text: str) -> Law:
    """Do the same for those who call the text a law, as options and specifications do."""
    name, *parameters = text.split(":") if isinstance(text, str) else [""]
    if name not in LAWS:
        raise ArgumentError("law", text, "is not a known law", "use one of " + ", ".join(LAWS))
    if name == "zero-mixture":
        if len(parameters) < 2:
            raise ArgumentError("law", text, "needs a probability and a law", 'write "zero-mixture:0.5:uniform:0:1"')
        return MixtureWithZero(law_named(":".join(parameters[1:])), _numbers(text, parameters[:1])[0])
    if name == "scipy":
        return _scipy_law(text, parameters)
    names = [field.name for field in fields(LAWS[name])]
    if len(parameters) > len(names) or (name == "integers" and len(parameters) != 2):
        raise ArgumentError("law", text, "has other parameters", f'write "{":".join([name, *names])}" with numbers')
    law: Law = LAWS[name](*_numbers(text, parameters, integers=name == "integers"))
    return law


def _scipy_law(text: str, parameters: list[str]) -> ScipyLaw:
    import scipy.stats  # here, because it takes half a second

    distribution = getattr(scipy.stats, parameters[0], None) if parameters else None
    if not isinstance(distribution, scipy.stats.rv_continuous | scipy.stats.rv_discrete):
        raise ArgumentError("law", text, "names no distribution of scipy.stats", 'write "scipy:laplace:0:1"')
    try:
        return ScipyLaw(distribution(*_numbers(text, parameters[1:])))
    except TypeError as error:
        raise ArgumentError(
            "law", text, f"has other parameters ({error})", "see the page of the distribution"
        ) from None


def _numbers(text: str, parameters: list[str], *, integers: bool = False) -> list[Any]:
    try:
        return [(int if integers else float)(parameter) for parameter in parameters]
    except ValueError:
        kind, example = ("integers", "integers:1:1000") if integers else ("numbers", "uniform:-0.5:0.5")
        raise ArgumentError("law", text, f"has parameters that are not {kind}", f'write "{example}"') from None

"""Numbers and arrays as they come from outside, checked in one place: aliases of types, frozen arrays, ranges."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator, Mapping
from numbers import Integral, Real
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError

Floats: TypeAlias = NDArray[np.float64]
Singles: TypeAlias = NDArray[np.float32]
Bools: TypeAlias = NDArray[np.bool_]
Indices: TypeAlias = NDArray[np.int64]
Words: TypeAlias = NDArray[np.uint64]

_Scalar = TypeVar("_Scalar", bound=np.generic)

_Value = TypeVar("_Value")


class ReadOnly(Mapping[str, _Value]):
    """A mapping that nobody can write to; unlike :class:`types.MappingProxyType` it can be pickled and copied."""

    def __init__(self, held: Mapping[str, _Value]) -> None:
        self._held = dict(held)

    def __getitem__(self, name: str) -> _Value:
        return self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __or__(self, other: Mapping[str, _Value]) -> dict[str, _Value]:
        return {**self._held, **other}

    def __repr__(self) -> str:
        return repr(self._held)


EXACT_INTEGERS = 2**53
"""Up to here float64 holds every integer."""


def frozen(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """Return the array, contiguous, after taking away the right to write: for arrays that nobody else holds."""
    contiguous = np.asarray(array, order="C")
    contiguous.flags.writeable = False
    return contiguous


def finite_array(
    value: Any, name: str, *, axes: int | tuple[int, ...] | None = None, empty: bool = True, remedy: str = "reshape it"
) -> Floats:
    """Return a contiguous, finite, read-only float64 copy in which every number is the one that was given.

    Shapes: result float64[...].
    """
    array = _plain(value, name)
    allowed = (axes,) if isinstance(axes, int) else axes
    if allowed is not None and array.ndim not in allowed:
        counts = " or ".join(str(count) for count in allowed)
        raise ArgumentError(name, f"array of shape {array.shape}", f"must have {counts} dimension(s)", remedy)
    if not empty and array.size == 0:
        raise ArgumentError(name, f"array of shape {array.shape}", "must have no empty axis", remedy)
    try:
        floats: Floats = np.array(array, np.float64, order="C")
    except OverflowError:
        raise ArgumentError(name, value, "holds an integer beyond the largest double", "scale it down") from None
    if array.dtype.itemsize > 8:
        _check_long(array, floats, name)
    if not np.abs(floats).max(initial=0.0) < EXACT_INTEGERS:  # NaN and inf, too, are in nobody's usual arrays
        _check_large(value, array, floats, name)
    return frozen(floats)


def _plain(value: Any, name: str) -> NDArray[Any]:
    """A numpy array of floats, of integers, or of Python's own numbers where integers need more than 64 bits."""
    if isinstance(value, np.ma.MaskedArray):
        remedy = "pass given.compressed(), or fill what is masked"
        raise ArgumentError(name, "a masked array", "must have every value present", remedy)
    try:
        array = np.asarray(value)
    except ValueError:
        raise ArgumentError(name, value, "has rows of different lengths", "pass a rectangular array") from None
    except (RuntimeError, TypeError) as problem:  # a tensor that needs a gradient, lives on a GPU, or is no plain array
        rule = f"does not become a numpy array ({problem})"
        remedy = "pass tensor.detach().cpu().to_dense().double().numpy(), of a tensor that has values"
        raise ArgumentError(name, type(value).__name__, rule, remedy) from None
    if array.dtype.kind in "buif":
        return array
    if array.dtype != object or not all(isinstance(entry, int | float) for entry in array.flat):
        given = array.dtype if array.dtype != object or array.ndim else value
        remedy = "pass floats or integers in a numpy array or list"
        raise ArgumentError(name, given, "must hold real numbers", remedy)
    return array


def _check_long(array: NDArray[Any], floats: Floats, name: str) -> None:
    """Refuse floats of more than 64 bits that float64 rounds."""
    if np.isfinite(floats).all() and not np.array_equal(array, floats):
        remedy = "pass array.astype(numpy.float64) if their rounding is meant"
        raise ArgumentError(name, array.dtype, "holds numbers with more digits than float64", remedy)


def _check_large(value: Any, array: NDArray[Any], floats: Floats, name: str) -> None:
    """Refuse NaN and inf, and integers that float64 rounds.

    Those of a mixed list numpy has rounded already, so its entries are asked.
    """
    finite = np.isfinite(floats)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        place = f"{name}[{', '.join(map(str, where))}]" if where else name
        raise ArgumentError(place, float(floats[where]), "must be finite", "remove or replace it")
    for entry in _entries(value) if array.dtype.kind == "f" else array.flat:
        if isinstance(entry, int | np.integer) and int(float(entry)) != int(entry):
            rule = "is an integer that float64 cannot hold exactly"
            raise ArgumentError(name, int(entry), rule, "scale it down, or pass floats if their rounding is meant")


def _entries(value: Any) -> Iterator[Any]:
    """The numbers in lists within lists, each as what it was given; an array of floats has nothing to tell."""
    if isinstance(value, list | tuple):
        for part in value:
            yield from _entries(part)
    elif not isinstance(value, np.ndarray):
        yield from np.asarray(value).flat
    elif value.dtype.kind != "f":
        yield from value.flat


def whole(
    value: object, name: str, low: int = 1, high: int | None = None, *, remedy: str = "pass an integer in that range"
) -> int:
    """Return an integer from ``low`` to ``high`` as Python's own; truth values are no integers.

    Raises
    ------
    ArgumentError
        If it is none, or outside its range.

    Examples
    --------
    >>> whole(np.int64(20), "candidates", 1, 48)
    20
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or number < low or (high is not None and number > high):
        rule = f"must be an integer of at least {low}" if high is None else f"must be an integer from {low} to {high}"
        raise ArgumentError(name, value, rule, remedy)
    return number


def one_of(value: object, known: Iterable[object]) -> bool:
    """Whether a value is one of those known: an array, whose comparison is an array again, is none."""
    return any(isinstance(value, type(one)) and bool(value == one) for one in known)


def truth(value: object, name: str) -> bool:
    """Return a truth value, and refuse what is only taken for one: an array, a number, a text."""
    if not isinstance(value, bool | np.bool_):
        raise ArgumentError(name, value, "must be True or False", "pass a bool")
    return bool(value)


def as_double(value: object) -> float:
    """Return a number as a double, and NaN for what is none: NaN lies in no range."""
    single = isinstance(value, Real) or getattr(value, "shape", None) == ()
    if isinstance(value, bool | np.bool_) or not single:
        return math.nan
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        return math.inf if value > 0 else -math.inf  # type: ignore[operator]
    except (RuntimeError, TypeError, ValueError):  # a tensor without values among them
        return math.nan


def finite_number(value: object, name: str, *, remedy: str = "give it as a float") -> float:
    """Return a finite number as a double."""
    number = as_double(value)
    if not math.isfinite(number):
        raise ArgumentError(name, value, "must be a finite number", remedy)
    if isinstance(value, Integral) and int(number) != value:
        raise ArgumentError(name, value, "is an integer that float64 cannot hold exactly", "pass a float")
    return number


def positive_number(value: object, name: str, *, remedy: str = "pass a number above 0") -> float:
    """Return a positive, finite number as a double."""
    number = as_double(value)
    if not 0.0 < number < math.inf:
        raise ArgumentError(name, value, "must be positive and finite", remedy)
    return number

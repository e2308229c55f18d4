"""Randomness that can be regenerated anywhere: number ``i`` of a stream depends on (seed, path, i) alone.

A weight, a channel or a block can be drawn by itself, in any order, on any number of threads. The words come from
Philox 4x64-10, whose bits numpy guarantees; the uniform and the normal are made from them with exact or correctly
rounded operations only, so they too are the same bits on every machine.

This module draws independent numbers from a description. It is not a security device: a seed can be searched for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import Floats, Indices, Words, one_of, positive_number, whole
from slth.errors import ArgumentError
from slth.kernels.normal import inverse_normal
from slth.kernels.philox import fill_words, gather_words, uniform_from_words

LawName: TypeAlias = Literal["uniform", "normal", "signed-constant"]

STREAM_LENGTH = 2**62  # far beyond any network; leaves int64 room for positions a tile past the end
PIECE = 2**14  # words in flight between two kernels: 128 KiB, which stays in the second-level cache


@dataclass(frozen=True)
class Stream:
    """An endless list of random numbers, addressed by index, one for each layer or list of values.

    Word ``4 i + j`` is lane ``j`` of the Philox 4x64-10 block with counter ``i + 1`` under the key
    ``(seed, first 8 bytes, little-endian, of sha256(path))``: the words of
    ``numpy.random.Philox(key=stream.key).random_raw(...)``.

    Parameters
    ----------
    seed : int
        ``0 <= seed < 2**64``.
    path : str
        Name of what is drawn, such as ``"layer0.hidden"``. Streams of different paths are independent.

    Raises
    ------
    ArgumentError
        If the seed is outside its range, or the path is not a string.

    Examples
    --------
    >>> stream = slth.Stream(seed=0, path="example")
    >>> bool((stream.uniform(2, 3) == stream.uniform(0, 5)[2:]).all())
    True
    >>> bool((stream.normal_at([4, 0]) == stream.normal(0, 5)[[4, 0]]).all())
    True
    """

    seed: int
    path: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", whole(self.seed, "seed", 0, 2**64 - 1, remedy="use a seed that fits 64 bits"))
        if not isinstance(self.path, str):
            raise ArgumentError("path", self.path, "must be a string", 'name the layer, such as "layer0.hidden"')

    @cached_property
    def key(self) -> tuple[np.uint64, np.uint64]:
        """The two words of the Philox key; Python's ``hash`` differs between processes and is not used."""
        digest = sha256(self.path.encode("utf-8")).digest()
        return np.uint64(self.seed), np.uint64(int.from_bytes(digest[:8], "little"))

    def raw(self, start: int, count: int) -> Words:
        """Words ``start`` to ``start + count - 1`` of the stream, as uint64[count].

        Raises
        ------
        ArgumentError
            If ``start`` or ``count`` is negative, or their sum exceeds ``2**62``.
        """
        start, count = _range(start, count)
        words = np.empty(count, np.uint64)
        fill_words(*self.key, start, words)
        return words

    def raw_at(self, indices: ArrayLike) -> Words:
        """Words at ``indices`` (integers of any shape, in any order), as uint64 of the same shape.

        Raises
        ------
        ArgumentError
            If an index is not an integer, is negative, or is ``2**62`` or more.
        """
        places = _indices(indices)
        words = np.empty(places.size, np.uint64)
        gather_words(*self.key, places.ravel(), words)
        return words.reshape(places.shape)

    def uniform(self, start: int, count: int) -> Floats:
        """Uniform numbers in (0, 1), ``u = (2 (raw >> 12) + 1) 2**-53``, exactly; as float64[count].

        Raises
        ------
        ArgumentError
            As :meth:`raw`.
        """
        return self._filled(start, count, uniform_from_words)

    def uniform_at(self, indices: ArrayLike) -> Floats:
        """The numbers of :meth:`uniform` at ``indices``, as float64 of the same shape; errors as :meth:`raw_at`."""
        return self._gathered(indices, uniform_from_words)

    def normal(self, start: int, count: int) -> Floats:
        """Standard normal numbers, the inverse distribution function (AS 241) of :meth:`uniform`; as float64[count].

        They lie within -8.21 and 8.21, the quantiles of ``2**-53`` and ``1 - 2**-53``.

        Raises
        ------
        ArgumentError
            As :meth:`raw`.
        """
        return self._filled(start, count, _normal_from_words)

    def normal_at(self, indices: ArrayLike) -> Floats:
        """The numbers of :meth:`normal` at ``indices``, as float64 of the same shape; errors as :meth:`raw_at`."""
        return self._gathered(indices, _normal_from_words)

    def _filled(self, start: int, count: int, convert: Callable[[Words, Floats], None]) -> Floats:
        start, count = _range(start, count)
        result = np.empty(count)
        words = np.empty(min(PIECE, count), np.uint64)
        for low in range(0, count, PIECE):
            part = result[low : low + PIECE]
            fill_words(*self.key, start + low, words[: part.size])
            convert(words[: part.size], part)
        return result

    def _gathered(self, indices: ArrayLike, convert: Callable[[Words, Floats], None]) -> Floats:
        places = _indices(indices)
        flat = places.ravel()
        result = np.empty(flat.size)
        words = np.empty(min(PIECE, flat.size), np.uint64)
        for low in range(0, flat.size, PIECE):
            part = result[low : low + PIECE]
            gather_words(*self.key, flat[low : low + PIECE], words[: part.size])
            convert(words[: part.size], part)
        return result.reshape(places.shape)


@dataclass(frozen=True)
class WeightLaw:
    """The law of the weights of a random network: ``(2 u - 1) scale``, ``scale z`` or ``sign(2 u - 1) scale``.

    u and z are the uniform and normal numbers of a stream.

    Parameters
    ----------
    name : {"uniform", "normal", "signed-constant"}
        Uniform on (-scale, scale); normal with mean 0 and standard deviation ``scale``; or -scale and scale with equal
        probability, as networks whose supermask is trained have it (Ramanujan et al. 2020, "What's Hidden in a Randomly
        Weighted Neural Network?"; unverified). It has no density: constructions by subset sums refuse it.
    scale : float
        Positive and finite.

    Raises
    ------
    ArgumentError
        If the name is another one, or the scale is not positive and finite.

    Examples
    --------
    >>> law = slth.WeightLaw("uniform", 0.5)
    >>> law == slth.WeightLaw.from_description(law.describe())
    True
    >>> weights = law.weights(slth.Stream(seed=0, path="example"), 0, 1000)
    >>> bool(abs(weights).max() < 0.5)
    True
    """

    name: LawName
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not one_of(self.name, get_args(LawName)):
            raise ArgumentError("name", self.name, "is not a law of weights", f"use one of {get_args(LawName)}")
        scale = positive_number(self.scale, "scale", remedy="use 1.0 for the standard law")
        object.__setattr__(self, "scale", scale)

    @property
    def second_moment(self) -> float:
        """E[weight**2]: ``scale**2 / 3`` of the uniform law, ``scale**2`` of the others."""
        square = self.scale * self.scale  # scale**2 would raise where the square overflows
        return square / 3.0 if self.name == "uniform" else square

    def weights(self, stream: Stream, start: int, count: int) -> Floats:
        """Weights ``start`` to ``start + count - 1`` of a stream, as float64[count]; errors as :meth:`Stream.raw`."""
        return self._scaled((stream.normal if self.name == "normal" else stream.uniform)(start, count))

    def weights_at(self, stream: Stream, indices: ArrayLike) -> Floats:
        """Weights at ``indices``, as float64 of the same shape; errors as :meth:`Stream.raw_at`."""
        return self._scaled((stream.normal_at if self.name == "normal" else stream.uniform_at)(indices))

    def weights_across(self, streams: Sequence[Stream], counts: Sequence[int], indices: ArrayLike) -> Floats:
        """Weights of several streams, one behind the other: the first ``counts[0]`` of the indices are of the first.

        Shapes: indices int64[n]; result float64[n].
        """
        places, start = _indices(indices), 0
        words, numbers = np.empty(places.size, np.uint64), np.empty(places.size)
        for stream, count in zip(streams, counts, strict=True):
            gather_words(*stream.key, places[start : start + count], words[start : start + count])
            start += count
        (_normal_from_words if self.name == "normal" else uniform_from_words)(words, numbers)
        return self._scaled(numbers)

    def describe(self) -> dict[str, Any]:
        """The law as a JSON object; Python writes a float64 so that it reads back exactly."""
        return {"name": self.name, "scale": self.scale}

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> WeightLaw:
        """Read what :meth:`describe` wrote.

        Raises
        ------
        ArgumentError
            If a key is missing or unknown, or a value breaks a rule of the class.
        """
        if not isinstance(description, Mapping) or set(description) != {"name", "scale"}:
            remedy = 'write it as {"name": "uniform", "scale": 1.0}'
            raise ArgumentError("description", description, "does not describe a law of weights", remedy)
        return cls(description["name"], description["scale"])

    def _scaled(self, numbers: Floats) -> Floats:
        if self.name != "normal":
            numbers *= 2.0  # exact, as is the subtraction: one rounding in all, in the product with the scale
            numbers -= 1.0  # never 0, for u has an odd numerator
        if self.name == "signed-constant":
            np.sign(numbers, out=numbers)
        numbers *= self.scale
        return numbers


def _normal_from_words(words: Words, numbers: Floats) -> None:
    uniforms = words.view(np.float64)  # the words are not needed afterwards, and each is read before it is replaced
    uniform_from_words(words, uniforms)
    inverse_normal(uniforms, numbers)


def _range(start: object, count: object) -> tuple[int, int]:
    first = whole(start, "start", 0, STREAM_LENGTH, remedy="the first number has index 0")
    return first, whole(count, "count", 0, STREAM_LENGTH - first, remedy="ask for fewer numbers")


def _indices(indices: ArrayLike) -> Indices:
    places = np.asarray(indices)
    if places.size == 0:
        return np.zeros(places.shape, np.int64)
    if places.dtype.kind not in "iu":
        raise ArgumentError("indices", indices, "must be integers", "convert them with .astype(int64)")
    if places.min() < 0 or places.max() >= STREAM_LENGTH:
        raise ArgumentError("indices", indices, f"must lie in 0 .. {STREAM_LENGTH - 1}", "the first number has index 0")
    return np.ascontiguousarray(places, np.int64).reshape(places.shape)

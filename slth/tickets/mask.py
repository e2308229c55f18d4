"""Masks: named arrays of small integers that say what is kept of a random network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError
from slth.tickets.coding import LARGEST_ALPHABET, multinomial_bits

Structure: TypeAlias = Literal["weight", "channel", "block"]
Reading: TypeAlias = Literal["factor", "choice", "members", "mixture"]
OF_MEMBERS: tuple[Reading, ...] = ("members", "mixture")
"""Readings of an ensemble's masks."""

_LARGEST = 2**31  # beyond, integers of both signs have no common type
KEEP = (0, 1)
"""The alphabet of masks that keep or remove."""


@dataclass(frozen=True, eq=False)
class Mask:
    """Named arrays over one declared alphabet of integers, 0 meaning removed.

    Parameters
    ----------
    arrays : mapping of str to array
        Bool where the alphabet is {0, 1}, otherwise integers of the alphabet. Copied, and read-only from then on;
        the order of the mapping is kept.
    alphabet : tuple of int
        Different integers, 0 among them: ``(0, 1)`` to keep, ``(-1, 0, 1)`` signed, ``(0, 1, 2, ...)`` for coats.
    structure : {"weight", "channel", "block"}
        What one entry stands for.
    reading : {"factor", "choice", "members", "mixture"}
        What an entry says: what a random weight is multiplied by, or which one of K random numbers the weight is, the
        alphabet being ``(0, 1, ..., K)``. Entry c >= 1 at position i of n chooses number :math:`i + (c - 1) n` of the
        layer's stream, so that more candidates extend the same network. Of an ensemble's members, bit b of an entry
        says whether member b keeps the weight; the alphabet is ``(0, 1, ..., 2**M - 1)``; of a mixture the members'
        probabilities are averaged, otherwise their outputs. Only tickets of a :class:`Layout` choose or have members.

    Raises
    ------
    ArgumentError
        For an array of another type, a value outside the alphabet, an unknown structure or reading, or choices with
        another alphabet.

    Examples
    --------
    >>> import numpy as np
    >>> mask = slth.Mask({"a": np.array([True, False, False, True])})
    >>> mask.kept, mask.total, mask.density
    (2, 4, 0.5)
    >>> round(mask.entropy_bound_bits, 3)  # log2 of the 6 ways to keep 2 of 4
    2.585
    """

    arrays: Mapping[str, NDArray[Any]]
    alphabet: tuple[int, ...] = KEEP
    structure: Structure = "weight"
    reading: Reading = "factor"

    def __post_init__(self) -> None:
        alphabet = tuple(self.alphabet)
        whole = all(type(value) is int and abs(value) < _LARGEST for value in alphabet)
        if not whole or len(set(alphabet)) != len(alphabet):
            raise ArgumentError("alphabet", alphabet, "must be different integers below 2**31", "use (0, 1)")
        if 0 not in alphabet or not 2 <= len(alphabet) <= LARGEST_ALPHABET:
            rule = f"must hold 0 and have 2 .. {LARGEST_ALPHABET} values"
            raise ArgumentError("alphabet", alphabet, rule, "use (0, 1)")
        for name, known in (("structure", get_args(Structure)), ("reading", get_args(Reading))):
            if getattr(self, name) not in known:
                raise ArgumentError(name, getattr(self, name), "is not known", f"use one of {known}")
        if self.reading != "factor" and alphabet != tuple(range(len(alphabet))):
            raise ArgumentError(
                "alphabet", alphabet, "must be 0, 1, ..., K for choices", "number the candidates from 1"
            )
        if self.reading in OF_MEMBERS and len(alphabet) & (len(alphabet) - 1):
            rule = "must have 2**M values for M members"
            raise ArgumentError("alphabet", alphabet, rule, "join tickets with slth.tickets.joined")
        arrays = {name: _checked(name, array, alphabet) for name, array in dict(self.arrays).items()}
        object.__setattr__(self, "alphabet", alphabet)
        object.__setattr__(self, "arrays", MappingProxyType(arrays))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle through the constructor: a read-only mapping has no pickle of its own."""
        return type(self), (dict(self.arrays), self.alphabet, self.structure, self.reading)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return one array."""
        return self.arrays[name]

    @property
    def kept(self) -> int:
        """Number of entries that are not 0."""
        return sum(int(np.count_nonzero(array)) for array in self.arrays.values())

    @property
    def total(self) -> int:
        """Number of entries."""
        return sum(array.size for array in self.arrays.values())

    @property
    def density(self) -> float:
        """Kept / total."""
        return self.kept / self.total if self.total else 0.0

    @property
    def candidates(self) -> int:
        """Random numbers that each entry is about: K where it chooses, otherwise 1."""
        return len(self.alphabet) - 1 if self.reading == "choice" else 1

    @property
    def members(self) -> int:
        """Masks that each entry is about: M where bits say which of an ensemble's members keep it, otherwise 1."""
        return (len(self.alphabet) - 1).bit_length() if self.reading in OF_MEMBERS else 1

    @property
    def entropy_bound_bits(self) -> float:
        r"""Bits that the arrays need for how often each value occurs, :math:`\sum \log_2 \binom{n}{n_0, n_1, ...}`.

        One term an array; no code of all masks with these counts is shorter on average.
        """
        return sum(
            multinomial_bits([int(np.count_nonzero(array == value)) for value in self.alphabet])
            for array in self.arrays.values()
        )


def drawn_places(entries: NDArray[Any], reading: Reading) -> NDArray[np.int64]:
    """Return the numbers of the stream that flat entries keep, in the order of the entries."""
    places = np.flatnonzero(entries)
    return places if reading != "choice" else places + (entries[places].astype(np.int64) - 1) * entries.size


def _checked(name: str, array: Any, alphabet: tuple[int, ...]) -> NDArray[Any]:
    kind = array.dtype.kind if isinstance(array, np.ndarray) else type(array).__name__
    if alphabet == KEEP:
        if kind != "b":
            raise ArgumentError(f"mask {name}", array, "must be a bool array", "use array != 0")
        checked = np.array(array, np.bool_, order="C")
    else:
        if kind not in {"b", "i", "u"}:
            raise ArgumentError(f"mask {name}", array, "must be an integer array", "use array.astype(int16)")
        if not np.isin(array, alphabet).all():
            raise ArgumentError(f"mask {name}", array, f"has values outside {alphabet}", "declare a larger alphabet")
        smallest = np.result_type(*(np.min_scalar_type(value) for value in alphabet))
        checked = np.array(array, smallest, order="C")
    checked.flags.writeable = False
    return checked

"""All bounds under their keys, read from the families when the first one is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any

from slth.arrays import ReadOnly
from slth.errors import ArgumentError
from slth.theory.nouns import Bound

DERIVED = (
    "uniform", "best_error", "first_moment", "scaled_moment", "vector_error", "second_moment", "counting", "volume",
)  # fmt: skip
"""The families whose bounds no paper states: modules of :mod:`slth.theory.derived`."""

FAMILIES = (
    "one_dimension",
    "uniform",
    "best_error",
    "fixed_size",
    "multidimensional",
    "first_moment",
    "scaled_moment",
    "vector_error",
    "second_moment",
    "counting",
    "volume",
    "early",
    "dense",
    "dense_lower",
    "sparsity",
    "structured",
    "convolutional",
    "burkholz",
    "sparse_source",
    "binary",
    "perturbation",
    "quantised",
    "discrete",
    "memory",
    "attention",
    "classical",
    "differencing",
)
"""Modules of this package that define bounds, in the order of lists."""


class Catalogue(Mapping[str, Bound]):
    """Every bound of the package by its key; it cannot be changed.

    A key that is not there raises an ArgumentError that names the nearest keys.
    """

    def __getitem__(self, key: str) -> Bound:
        found = _all().get(key)
        if found is None:
            near = get_close_matches(str(key), _all(), n=3, cutoff=0.4)
            remedy = f"did you mean {' or '.join(near)}?" if near else "`slth bound ls` lists all keys"
            raise ArgumentError("key", key, "is no bound of the catalogue", remedy)
        return found

    def __contains__(self, key: object) -> bool:
        return key in _all()

    def __iter__(self) -> Iterator[str]:
        return iter(_all())

    def __len__(self) -> int:
        return len(_all())

    def __repr__(self) -> str:
        return f"<{len(self)} bounds, as {', '.join(list(self)[:3])}>"

    def get(self, key: str, default: Any = None) -> Any:
        """Return the bound, or the default where there is none of that key."""
        return _all().get(key, default)

    def family(self, key: str) -> str:
        """Return the name of the family that a bound belongs to, one of :data:`FAMILIES`.

        >>> bounds.family("pensia2020.width")
        'dense'
        """
        return next(name for name in FAMILIES if self[key] in _family(name))


@cache
def _family(name: str) -> tuple[Bound, ...]:
    """The bounds that a module defines, in its order."""
    module = import_module(f"slth.theory.derived.{name}" if name in DERIVED else f"slth.theory.{name}")
    made = (value for value in vars(module).values() if isinstance(value, Bound))
    return tuple(one for one in made if one.__module__ == module.__name__)  # and none that it imports


@cache
def _all() -> Mapping[str, Bound]:
    joined: dict[str, Bound] = {}
    for name in FAMILIES:
        for bound in _family(name):
            if bound.key in joined:
                raise ArgumentError("key", bound.key, "is the key of two bounds", f"rename the one in {name}")
            joined[bound.key] = bound
    return ReadOnly(joined)


bounds = Catalogue()
"""``bounds["pensia2020.width"]``; also exported as ``slth.bounds``."""

"""All bounds under their keys, read from the families when the first one is asked for; other packages' on demand."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from slth.arrays import ReadOnly
from slth.errors import ArgumentError
from slth.extensions import ExtensionWarning, installed, is_place, own
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


_GROUP = "slth.bounds"


class Catalogue(Mapping[str, Bound]):
    """Every bound of the package by its key, then those of other packages; it cannot be changed.

    Another package registers a bound, or a module with bounds, as an entry point of the group ``slth.bounds``, under
    the name of their family. A bound that is registered nowhere is found as ``package.module:name``. A key that is not
    there raises an ArgumentError that names the nearest keys; what cannot be imported, lists leave out with an
    :class:`ExtensionWarning`.
    """

    def __getitem__(self, key: str) -> Bound:
        found = _known().get(key)
        if found is not None:
            return found
        if is_place(key):
            return _checked(own(_GROUP, key, argument="key"), key)
        everything = _everything()
        if key in everything:
            return everything[key]
        near = get_close_matches(str(key), everything, n=3, cutoff=0.4)
        remedy = f"did you mean {' or '.join(near)}?" if near else "`slth bound ls` lists all keys"
        raise ArgumentError("key", key, "is no bound of the catalogue", remedy)

    def __contains__(self, key: object) -> bool:
        return key in _known() or key in _everything()

    def __iter__(self) -> Iterator[str]:
        return iter(_everything())

    def __len__(self) -> int:
        return len(_everything())

    def __repr__(self) -> str:
        return f"<{len(self)} bounds, as {', '.join(list(self)[:3])}>"

    def get(self, key: str, default: Any = None) -> Any:
        """Return the bound, or the default where there is none of that key."""
        return self[key] if key in self else default  # noqa: SIM401 - this is that method

    def family(self, key: str) -> str:
        """Return the name of the family that a bound belongs to: one of :data:`FAMILIES`, or of another package.

        >>> bounds.family("pensia2020.width")
        'dense'
        """
        bound = self[key]
        families = {**{name: _family(name) for name in FAMILIES}, **_others(_registered())}
        return next((name for name, several in families.items() if bound in several), bound.__module__)


@cache
def _family(name: str) -> tuple[Bound, ...]:
    """The bounds that a module of this package defines, in its order."""
    return _defined(import_module(f"slth.theory.derived.{name}" if name in DERIVED else f"slth.theory.{name}"))


def _defined(module: ModuleType) -> tuple[Bound, ...]:
    made = (value for value in vars(module).values() if isinstance(value, Bound))
    return tuple(one for one in made if one.__module__ == module.__name__)  # and none that it imports


@cache
def _known() -> Mapping[str, Bound]:
    """The bounds of this package."""
    joined: dict[str, Bound] = {}
    for name in FAMILIES:
        for bound in _family(name):
            if bound.key in joined:
                raise ArgumentError("key", bound.key, "is the key of two bounds", f"rename the one in {name}")
            joined[bound.key] = bound
    return ReadOnly(joined)


def _everything() -> dict[str, Bound]:
    """The bounds of this package and of all others."""
    others = (bound for several in _others(_registered()).values() for bound in several)
    return {**_known(), **{bound.key: bound for bound in others}}


def _registered() -> tuple[str, ...]:
    return tuple(installed(_GROUP))


@cache
def _others(families: tuple[str, ...]) -> Mapping[str, tuple[Bound, ...]]:
    """The bounds that other packages register, by family; each family that is not usable is warned of, once."""
    taken, found = set(_known()), {}
    for family in families:
        try:
            value = own(_GROUP, family, argument="bounds")
            several = _defined(value) if isinstance(value, ModuleType) else (_checked(value, family),)
            for bound in several:
                if bound.key in taken:
                    raise ArgumentError("bounds", family, f"has a bound {bound.key}, as others have", "rename it")
        except ArgumentError as problem:
            warnings.warn(f"bounds left out: {problem}", ExtensionWarning, stacklevel=2)
            continue
        taken |= {bound.key for bound in several}
        found[family] = several
    return ReadOnly(found)


def _checked(value: Any, name: str) -> Bound:
    if not isinstance(value, Bound):
        rule, remedy = f"names a {type(value).__name__} and no bound", "name a function under @slth.theory.bound(...)"
        raise ArgumentError("key", name, rule, remedy)
    return value


bounds = Catalogue()
"""``bounds["pensia2020.width"]``; also exported as ``slth.bounds``."""

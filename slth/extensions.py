"""What other packages add to this one: names that they register as entry points, and ``package.module:attribute``.

Nothing is imported before its name is asked for. What cannot be imported is refused by the name of the distribution
that it came with, and keeps nothing else from being found.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from slth.errors import ArgumentError, did_you_mean, printable

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Value = TypeVar("Value")

GROUPS = ("slth.studies", "slth.figures", "slth.bounds", "slth.checks", "slth.models", "slth.data")
"""Groups of entry points that are read."""


class ExtensionWarning(UserWarning):
    """Something that another package registers cannot be used; all else can."""


class Registry(Mapping[str, Value], Generic[Value]):
    """What is known by a name: what comes with slth, what other packages register, and ``package.module:attribute``.

    Lists name what is registered without importing it; what has a name here cannot be registered again.
    """

    def __init__(self, group: str, argument: str, known: Mapping[str, Value], made: Callable[[str], Value]) -> None:
        """Take what comes with slth, and what makes a value of a name that does not."""
        self.group, self.argument, self.known, self.made = group, argument, known, made

    def __getitem__(self, name: str) -> Value:
        """Return what has the name; others than those that come with slth are imported now."""
        if name in self.known:
            return self.known[name]
        if name not in self:
            remedy = did_you_mean(name, self, own="package.module:attribute")
            raise ArgumentError(self.argument, name, f"is nothing that {self.group} has", remedy)
        return self.made(name)

    def __contains__(self, name: object) -> bool:
        """Whether something has the name, be it loadable or not."""
        return name in self.known or is_own(self.group, name)

    def __iter__(self) -> Iterator[str]:
        """Give the names that come with slth, then those that other packages register."""
        yield from self.known
        yield from (name for name in installed(self.group) if name not in self.known)

    def __len__(self) -> int:
        """Count the names."""
        return sum(1 for _ in self)


def is_place(name: object) -> bool:
    """Whether a name says where something is to be imported from, as ``package.module:attribute``."""
    return isinstance(name, str) and ":" in name


def is_own(group: str, name: object) -> bool:
    """Whether a name is a place, or one that another package registers."""
    return is_place(name) or (isinstance(name, str) and name in installed(group))


def installed(group: str) -> Mapping[str, tuple[EntryPoint, ...]]:
    """Return what packages on Python's path register in a group, by name: one entry point, unless several claim it."""
    return _installed(group, tuple((place, _changed(place)) for place in sys.path))


def _changed(place: str) -> int:
    """When a folder of Python's path was last installed into; 0 where it is none."""
    try:
        return os.stat(place or ".").st_mtime_ns  # noqa: PTH116 - no path of ours, and asked for often
    except OSError:
        return 0


@cache
def _installed(group: str, path: tuple[tuple[str, int], ...]) -> Mapping[str, tuple[EntryPoint, ...]]:
    from importlib.metadata import entry_points

    del path  # what is found depends on it
    found: dict[str, dict[str, EntryPoint]] = {}
    for point in entry_points(group=group):
        found.setdefault(point.name, {}).setdefault(point.value, point)
    return {name: tuple(found[name].values()) for name in sorted(found)}


def place_of(group: str, name: str, *, argument: str) -> str:
    """Return where a name of other packages is imported from."""
    if is_place(name):
        return name
    points = installed(group)[name]
    if len(points) > 1:
        rule = f"is registered by {' and by '.join(map(_distribution, points))}"
        raise ArgumentError(argument, name, rule, "uninstall one, or name what you mean as package.module:attribute")
    return points[0].value


def own(group: str, name: str, *, argument: str) -> Any:
    """Import what a name of other packages stands for."""
    if is_place(name):
        return imported(name, argument=argument, name=name, folder=Path.cwd())
    place = place_of(group, name, argument=argument)
    return imported(place, argument=argument, name=name, source=_distribution(installed(group)[name][0]))


def imported(place: str, *, argument: str, name: str, folder: Path | None = None, source: str = "") -> Any:
    """Import ``package.module:attribute``, or a module; with a folder, that is on Python's path from now on."""
    if folder is not None and str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    module, _, attribute = place.partition(":")
    registered = f"is registered by {source}, and " if source else ""
    remedy = "name an importable module and what is in it, as package.module:attribute"
    if source:
        remedy = f"mend or uninstall {source}"
    try:
        found: Any = import_module(module)
        for part in attribute.split(".") if attribute else ():
            found = getattr(found, part)
    except (Exception, SystemExit) as problem:  # whatever a stranger's code raises while it is imported
        rule = f"{registered}cannot be imported ({printable(f'{type(problem).__name__}: {problem}')})"
        raise ArgumentError(argument, name, rule, remedy) from problem
    return found


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else "an unnamed distribution"

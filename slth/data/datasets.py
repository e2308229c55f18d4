"""Data sets by name: two that need no file, three that are read from a folder, and the user's own by path.

Nothing is ever downloaded here; :mod:`slth.data.fetching` does that, and only when it is told to.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from slth.data import bundled
from slth.data.catalogue import CATALOGUE, NAMES
from slth.data.data_set import DataSet as DataSet
from slth.data.data_set import assemble
from slth.data.official import Verdict, read_files
from slth.data.own import GROUP, SUFFIX, made_by, read_own
from slth.errors import ArgumentError, DataError
from slth.extensions import installed, is_own, own

Folders = Path | str | Sequence[Path | str] | None


class DataWarning(UserWarning):
    """A data set has the right structure but not the official bytes."""


def load(name: str, *, data_dir: Folders = None, seed: int = 0) -> DataSet:
    """Load a data set by name.

    ``digits`` are scikit-learn's 1,797 images of 8 x 8 with a fixed split (1,437 train, 360 test); ``synthetic`` is a
    teacher-student problem drawn from ``seed``; ``mnist``, ``fashion-mnist`` and ``cifar10`` are read from the first
    of the given folders that has them. A path that ends in ``.npz`` is the user's own data, see
    :func:`slth.data.own.read_own`; another package's name of the group ``slth.data``, or ``package.module:function``,
    is a function that returns the same arrays, see :func:`slth.data.own.made_by`.
    """
    if name == "digits":
        return assemble(name, (1, 8, 8), 10, 16.0, bundled.digits(), {"source": "scikit-learn", "verdict": "bundled"})
    if name == "synthetic":
        arrays = bundled.teacher_student(seed=seed)
        return assemble(name, (16,), 4, 1.0, arrays, {"source": "generated", "seed": seed, "verdict": "bundled"})
    if name.lower().endswith(SUFFIX):
        return read_own(Path(name))
    if name not in CATALOGUE and is_own(GROUP, name):
        return made_by(own(GROUP, name, argument="name"), name, folders=search_folders(data_dir), seed=seed)
    if name not in CATALOGUE:
        names = ", ".join([*NAMES, *installed(GROUP)])
        remedy = f"choose one of {names}, or name a file of your own, *{SUFFIX}, or package.module:function"
        raise ArgumentError("name", name, "is not a known data set", remedy)
    entry = CATALOGUE[name]
    found = read_files(entry, search_folders(data_dir))
    if found.arrays is None:
        raise DataError(found.advice())
    if found.verdict is Verdict.OTHER_BYTES:
        warnings.warn(found.advice(), DataWarning, stacklevel=2)
    return assemble(name, entry.shape, entry.classes, entry.scale, found.arrays, found.provenance())


def default_folder() -> Path:
    """Folder that is searched when none is given: ``~/.local/share/slth``."""
    return Path.home() / ".local" / "share" / "slth"


def search_folders(data_dir: Folders) -> tuple[Path, ...]:
    """Normalise what a caller gave as ``data_dir`` to folders in order of preference."""
    if data_dir is None:
        return (default_folder(),)
    if isinstance(data_dir, str | Path):
        return (Path(data_dir),)
    return tuple(Path(folder) for folder in data_dir)

"""Data sets by name: two that need no file (``digits``, ``synthetic``) and three that are read from a folder.

Nothing is ever downloaded here; :mod:`slth.data.fetching` does that, and only when it is told to.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from slth.data import bundled
from slth.data.catalogue import CATALOGUE, NAMES
from slth.data.official import Verdict, read_files
from slth.errors import ArgumentError, DataError

Folders = Path | str | Sequence[Path | str] | None
Split = Literal["train", "test"]


class DataWarning(UserWarning):
    """A data set has the right structure but not the official bytes."""


@dataclass(frozen=True)
class DataSet:
    """Inputs and labels, and where they came from.

    Parameters
    ----------
    name : str
    shape : tuple of int
        Of one input, without the batch axis: (channels, height, width) for images, (features,) else.
    classes : int
    scale : float
        Stored inputs divided by this lie in [0, 1].
    train_inputs, test_inputs : ndarray [N, prod(shape)]
        uint8 as stored in files, or float32.
    train_labels, test_labels : ndarray of int64 [N]
    provenance : dict
        JSON-able: source, verdict, file hashes, and a sha256 of the arrays themselves.
    """

    name: str
    shape: tuple[int, ...]
    classes: int
    scale: float
    train_inputs: NDArray[Any]
    train_labels: NDArray[np.int64]
    test_inputs: NDArray[Any]
    test_labels: NDArray[np.int64]
    provenance: dict[str, Any] = field(compare=False)

    def __post_init__(self) -> None:
        """Make the arrays read-only: a data set is shared by everything that runs on it."""
        for array in (self.train_inputs, self.train_labels, self.test_inputs, self.test_labels):
            array.setflags(write=False)

    @property
    def features(self) -> int:
        """Length of one flat input."""
        return int(self.train_inputs.shape[1])

    def inputs(self, split: Split, *, limit: int | None = None) -> NDArray[np.float32]:
        """Flat inputs scaled to [0, 1].

        Parameters
        ----------
        split : {"train", "test"}
        limit : int, optional
            At most so many, from the front.

        Returns
        -------
        ndarray of float32 [N, prod(shape)]

        Raises
        ------
        slth.errors.ArgumentError
            The split has no such name, or the limit is below 1.

        Examples
        --------
        >>> load("synthetic").inputs("test", limit=2).shape
        (2, 16)
        """
        stored = self._split(split, limit, self.train_inputs, self.test_inputs)
        return stored.astype(np.float32) / np.float32(self.scale)

    def labels(self, split: Split, *, limit: int | None = None) -> NDArray[np.int64]:
        """Labels of a split, int64 [N], cut like :meth:`inputs`.

        Examples
        --------
        >>> len(load("synthetic").labels("test", limit=2))
        2
        """
        labels: NDArray[np.int64] = self._split(split, limit, self.train_labels, self.test_labels)
        return labels

    @staticmethod
    def _split(split: str, limit: int | None, train: NDArray[Any], test: NDArray[Any]) -> NDArray[Any]:
        if split not in {"train", "test"}:
            raise ArgumentError("split", split, "is not a split", "choose train or test")
        if limit is not None and limit < 1:
            raise ArgumentError("limit", limit, "must be at least 1", "pass a positive number of examples or none")
        return (train if split == "train" else test)[:limit]


def load(name: str, *, data_dir: Folders = None, seed: int = 0) -> DataSet:
    """Load a data set by name.

    ``digits`` are scikit-learn's 1,797 images of 8 x 8 with a fixed split (1,437 train, 360 test); ``synthetic`` is a
    teacher-student problem drawn from ``seed``; ``mnist``, ``fashion-mnist`` and ``cifar10`` are read from the first
    of the given folders that has them.

    Parameters
    ----------
    name : {"digits", "synthetic", "mnist", "fashion-mnist", "cifar10"}
    data_dir : path or sequence of paths, optional
        Folders to search, in order, in the layout that torchvision writes (``MNIST/raw/...``,
        ``cifar-10-batches-bin/...``). Without it :func:`default_folder`.
    seed : int
        Of the synthetic problem; the others do not depend on it.

    Returns
    -------
    DataSet

    Raises
    ------
    slth.errors.ArgumentError
        No such data set.
    slth.errors.DataError
        The files are missing or have the wrong structure.

    Warns
    -----
    DataWarning
        The files have the right structure but other bytes than the official ones.

    Examples
    --------
    >>> digits = load("digits")
    >>> digits.shape, len(digits.train_labels), len(digits.test_labels)
    ((1, 8, 8), 1437, 360)
    """
    if name == "digits":
        return _assemble(name, (1, 8, 8), 10, 16.0, bundled.digits(), {"source": "scikit-learn", "verdict": "bundled"})
    if name == "synthetic":
        arrays = bundled.teacher_student(seed=seed)
        return _assemble(name, (16,), 4, 1.0, arrays, {"source": "generated", "seed": seed, "verdict": "bundled"})
    if name not in CATALOGUE:
        raise ArgumentError("name", name, "is not a known data set", f"choose one of {', '.join(NAMES)}")
    entry = CATALOGUE[name]
    found = read_files(entry, search_folders(data_dir))
    if found.arrays is None:
        raise DataError(found.advice())
    if found.verdict is Verdict.OTHER_BYTES:
        warnings.warn(found.advice(), DataWarning, stacklevel=2)
    return _assemble(name, entry.shape, entry.classes, entry.scale, found.arrays, found.provenance())


def default_folder() -> Path:
    """Folder that is searched when none is given: ``~/.local/share/slth``.

    Examples
    --------
    >>> default_folder().name
    'slth'
    """
    return Path.home() / ".local" / "share" / "slth"


def search_folders(data_dir: Folders) -> tuple[Path, ...]:
    """Normalise what a caller gave as ``data_dir`` to folders in order of preference.

    Parameters
    ----------
    data_dir : path, sequence of paths or None

    Returns
    -------
    tuple of Path

    Examples
    --------
    >>> [folder.name for folder in search_folders("data")]
    ['data']
    """
    if data_dir is None:
        return (default_folder(),)
    if isinstance(data_dir, str | Path):
        return (Path(data_dir),)
    return tuple(Path(folder) for folder in data_dir)


def _assemble(
    name: str,
    shape: tuple[int, ...],
    classes: int,
    scale: float,
    arrays: tuple[NDArray[Any], NDArray[np.int64], NDArray[Any], NDArray[np.int64]],
    provenance: dict[str, Any],
) -> DataSet:
    content = hashlib.sha256()
    for array in arrays:
        content.update(np.ascontiguousarray(array).data)
    return DataSet(name, shape, classes, scale, *arrays, {**provenance, "arrays_sha256": content.hexdigest()})

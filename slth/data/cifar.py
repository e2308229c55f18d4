"""CIFAR-10 in its two official versions: records of bytes, and Python pickles opened without executing anything.

A record of the binary version is one label byte and 3,072 pixel bytes: 1,024 red, 1,024 green, 1,024 blue, row by row.
"""

from __future__ import annotations

import io
import pickle

import numpy as np
from numpy.typing import NDArray

from slth.errors import DataError

PIXELS = 3 * 32 * 32
RECORD = 1 + PIXELS
CLASSES = 10


def parse_cifar_binary(content: bytes, *, source: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read one batch of the binary version.

    Shapes: result ndarray of uint8 [N, 3072]; result ndarray of int64 [N].
    """
    if not content or len(content) % RECORD:
        raise DataError(f"{source}: {len(content)} bytes are not a positive multiple of a record of {RECORD}")
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, RECORD)
    return _checked(records[:, 1:], records[:, 0].astype(np.int64), source)


def parse_cifar_pickled(content: bytes, *, source: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read one batch of the Python version through an unpickler that can build numpy arrays and nothing else.

    Shapes: result ndarray of uint8 [N, 3072]; result ndarray of int64 [N].
    """
    try:
        batch = _ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()
    except DataError as problem:
        raise DataError(f"{source}: {problem}") from problem
    except Exception as problem:  # a damaged pickle can raise almost anything
        raise DataError(f"{source}: damaged pickle ({type(problem).__name__}: {problem})") from problem
    if not isinstance(batch, dict) or not {b"data", b"labels"} <= batch.keys():
        raise DataError(f"{source}: the pickle is not a dictionary with data and labels")
    images, labels = batch[b"data"], batch[b"labels"]
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 2 or images.shape[1] != PIXELS:
        raise DataError(f"{source}: data is not an array of bytes with {PIXELS} columns")
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise DataError(f"{source}: labels is not a list of integers")
    if len(labels) != len(images) or not labels:
        raise DataError(f"{source}: {len(images)} images and {len(labels)} labels")
    return _checked(images, np.array(labels, dtype=np.int64), source)


class _ArrayUnpickler(pickle.Unpickler):
    """An unpickler to which the rest of Python is invisible."""

    def find_class(self, module: str, name: str) -> object:
        """Give numpy's array constructors and refuse every other name."""
        if (module, name) in {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
        }:
            return _empty_array
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        raise DataError(f"the pickle asks for {module}.{name}; only numpy arrays are admitted")


def _empty_array(kind: type, shape: tuple[int, ...], dtype: bytes | str) -> NDArray[np.uint8]:
    """Stand in for numpy's private constructor: an empty array, whose state the pickle then sets."""
    if kind is not np.ndarray or shape != (0,) or dtype not in (b"b", "b"):
        raise DataError("the pickle builds an unusual array; only numpy arrays are admitted")
    return np.ndarray.__new__(np.ndarray, shape, np.uint8)


def _checked(
    images: NDArray[np.uint8], labels: NDArray[np.int64], source: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    if labels.min() < 0 or labels.max() >= CLASSES:
        raise DataError(f"{source}: label outside 0 to {CLASSES - 1}")
    return images, labels

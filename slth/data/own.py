"""The user's own data: one ``.npz`` file with four arrays, none of which is ever executed."""

from __future__ import annotations

import hashlib
import inspect
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.data.data_set import DataSet, assemble
from slth.errors import ArgumentError

GROUP = "slth.data"
"""Entry points of other packages' data sets."""

SUFFIX = ".npz"

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
"""Names in the file; further arrays are not read."""

MOST_TOKENS = 2**31
"""Beyond them an index is a mistake."""

SAVE = "numpy.savez(file, x_train=..., y_train=..., x_test=..., y_test=...)"

CHANNELS = (1, 3, 4)
"""Numbers of channels that images usually have, to recognise those that come last."""


def read_own(path: Path) -> DataSet:
    """Read a data set from a file of the user's own.

    The file holds ``x_train``, ``y_train``, ``x_test`` and ``y_test``, as ``numpy.savez`` and
    ``numpy.savez_compressed`` write them.

    - Inputs have the shape [N, features], [N, height, width] for images of one channel, or
      [N, channels, height, width], the same after N in both arrays, and N is at least 1.
    - Inputs are bytes (uint8, divided by 255 when they are used) or floats in [0, 1], kept as float32; or other
      integers of shape [N, places], token indices from 0, kept as int64. Both arrays of one type, without NaN.
    - Labels are whole numbers of shape [N], from 0 to the number of classes - 1. Each class occurs in ``y_train``, and
      there are at least two.
    """
    source = _Source(str(path))
    arrays, content = _read(source, path)
    return _data_set(source, arrays, path.stem, {"source": path.name, "verdict": "own", "file_sha256": content})


def made_by(function: Any, name: str, *, folders: Sequence[Path], seed: int) -> DataSet:
    """Call a function of the user's own for a data set.

    It is called with ``folders``, those in which data sets are searched, and ``seed``, as far as it has parameters of
    these names, and returns a mapping with the arrays that :func:`read_own` asks of a file.
    """
    source = _Source(name)
    try:
        parameters = inspect.signature(function).parameters
        known = {"folders": folders, "seed": seed}
        made = function(**{key: value for key, value in known.items() if key in parameters})
        arrays = {key: np.asarray(made[key]) for key in ARRAYS}
    except Exception as problem:
        rule = f"gave no data set ({type(problem).__name__}: {problem})"
        raise source.wrong(rule, f"return a mapping with {', '.join(ARRAYS)}") from problem
    return _data_set(source, arrays, name.rpartition(":")[2], {"source": name, "verdict": "own"})


def _data_set(source: _Source, arrays: Mapping[str, NDArray[Any]], name: str, provenance: dict[str, Any]) -> DataSet:
    x_train, x_test = (source.inputs(name, arrays[name]) for name in ("x_train", "x_test"))
    if x_train.shape[1:] != x_test.shape[1:]:
        rule = f"holds inputs of shape {list(x_train.shape[1:])} in x_train and {list(x_test.shape[1:])} in x_test"
        raise source.wrong(rule, "give both the same")
    if x_train.dtype != x_test.dtype:
        rule = f"holds {arrays['x_train'].dtype} in x_train and {arrays['x_test'].dtype} in x_test"
        raise source.wrong(rule, "give both as bytes, as floats, or as integers where they are token indices")
    y_train = source.labels("y_train", arrays["y_train"], len(x_train))
    y_test = source.labels("y_test", arrays["y_test"], len(x_test))
    classes = source.classes(y_train, y_test)
    flat = (x_train.reshape(len(x_train), -1), y_train, x_test.reshape(len(x_test), -1), y_test)
    scale = 255.0 if x_train.dtype == np.uint8 else 1.0
    return assemble(name, x_train.shape[1:], classes, scale, flat, provenance)


def _read(source: _Source, path: Path) -> tuple[Mapping[str, NDArray[Any]], str]:
    """The four arrays and the sha256 of the file."""
    if not path.is_file():
        raise source.wrong("is not a file", "check the path")
    try:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
            if not zipfile.is_zipfile(file):
                raise source.wrong("is no .npz file", SAVE)
            file.seek(0)
            with np.load(file, allow_pickle=False) as stored:
                names = set(stored.files)
                if missing := [name for name in ARRAYS if name not in names]:
                    raise source.wrong(f"holds no {' and no '.join(missing)}", SAVE)
                return {name: _one(source, stored, name) for name in ARRAYS}, content
    except ArgumentError:
        raise
    except OSError as problem:
        raise source.wrong(f"cannot be read ({problem.strerror or problem})", "check the file") from problem
    except Exception as problem:  # numpy and zipfile raise many kinds for damaged files
        raise source.wrong(f"is damaged ({' '.join(str(problem).split())})", "save it again") from problem


def _one(source: _Source, stored: Any, name: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = stored[name]
    except MemoryError as problem:
        raise source.wrong(f"holds more in {name} than memory does", "keep fewer examples") from problem
    except Exception as problem:
        objects = "allow_pickle" in str(problem)
        reason = "Python objects" if objects else f"something damaged ({' '.join(str(problem).split())})"
        remedy = "save numbers: objects are never opened" if objects else "save it again"
        raise source.wrong(f"holds {reason} in {name}", remedy) from problem
    return array


@dataclass(frozen=True)
class _Source:
    """Where arrays come from, and errors that name it."""

    name: str

    def wrong(self, rule: str, remedy: str) -> ArgumentError:
        return ArgumentError("data", self.name, rule, remedy)

    def inputs(self, name: str, array: NDArray[Any]) -> NDArray[Any]:
        """Checked inputs with the axis of channels that images have: uint8 as stored, floats as float32, or int64."""
        if array.ndim not in (2, 3, 4) or 0 in array.shape:
            remedy = "give [N, features], [N, height, width] or [N, channels, height, width], none of them 0"
            raise self.wrong(f"holds {name} of shape {list(array.shape)}", remedy)
        if array.ndim == 4 and array.shape[3] in CHANNELS and array.shape[1] not in CHANNELS:
            rule = f"holds {name} of shape {list(array.shape)}, with the channels last"
            raise self.wrong(rule, f"save numpy.moveaxis({name}, 3, 1)")
        if array.dtype != np.uint8 and array.dtype.kind in "iu" and array.ndim == 2:
            return self._tokens(name, array)
        if array.ndim == 3:
            array = array[:, None]
        if array.dtype == np.uint8:
            return array
        if array.dtype.kind != "f":
            remedy = f"save {name}.astype(numpy.uint8) for bytes of 0 to 255, or floats in [0, 1]"
            raise self.wrong(f"holds {array.dtype} in {name}", remedy)
        inside = (array >= 0.0) & (array <= 1.0)  # NaN is not
        if not inside.all():
            at = tuple(int(i) for i in np.unravel_index(int(inside.argmin()), array.shape))
            rule = f"holds {array[at]} in {name}, at {list(at)}"
            raise self.wrong(rule, "scale inputs to [0, 1] and leave no NaN, or save bytes")
        return array.astype(np.float32)

    def _tokens(self, name: str, array: NDArray[Any]) -> NDArray[np.int64]:
        """Checked indices of tokens."""
        least, most = int(array.min()), int(array.max())
        if least < 0 or most >= MOST_TOKENS:
            rule = f"holds {least if least < 0 else most} in {name}, which is no token index"
            raise self.wrong(rule, "number tokens from 0, or save bytes or floats where they are numbers")
        return array.astype(np.int64)

    def labels(self, name: str, array: NDArray[Any], count: int) -> NDArray[np.int64]:
        """Checked labels, but for what they say together."""
        if array.dtype.kind not in "iu":
            raise self.wrong(f"holds {array.dtype} in {name}", f"save {name}.astype(int): whole numbers from 0")
        if array.shape != (count,):
            remedy = f"save {name}.argmax(axis=1) if each row marks a class, or {name}.ravel()"
            inputs = name.replace("y", "x", 1)
            raise self.wrong(f"holds {name} of shape {list(array.shape)} for {count} inputs of {inputs}", remedy)
        least, most = int(array.min()), int(array.max())
        if least < 0 or most > np.iinfo(np.int64).max:
            raise self.wrong(f"holds the label {least if least < 0 else most} in {name}", "number classes from 0")
        return array.astype(np.int64)

    def classes(self, train: NDArray[np.int64], test: NDArray[np.int64]) -> int:
        """How many classes there are, each of them in ``y_train``."""
        known = np.unique(train)
        if (gaps := np.flatnonzero(known != np.arange(len(known)))).size:
            rule = f"holds no label {int(gaps[0])} in y_train, and larger ones"
            raise self.wrong(rule, "number the classes 0, 1, 2, ...: numpy.unique(y, return_inverse=True)[1]")
        if len(known) < 2:
            raise self.wrong("holds one class in y_train", "give examples of two or more")
        if (largest := int(test.max())) >= len(known):
            raise self.wrong(f"holds the label {largest} in y_test, which y_train has not", "train on every class")
        return len(known)

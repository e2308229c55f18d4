"""Reading subset-sum values from files, without ever executing what is in them."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError

SUFFIXES = (".npy", ".npz", ".csv", ".txt")
_SEPARATORS = re.compile(r"[,;\s]+")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_NAME = re.compile(r"""["'(\[]*[^\W\d]\w*["')\]]*""")  # of a column, perhaps in quotes; 1.O and O.5 are mistyped
_NUMPY_FILES = (b"\x93NUMPY", b"PK")  # how .npy and .npz begin


def read_values(path: Path) -> NDArray[Any]:
    r"""Read the values of an instance from a file."""
    if path.suffix.lower() not in SUFFIXES:
        raise ArgumentError("values", str(path), "has an unknown suffix", f"use one of {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise ArgumentError("values", str(path), "is not a file", "check the path")
    if path.suffix.lower() in {".npy", ".npz"}:
        return _read_numpy(path)
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets begin their files with a byte order mark
    except (OSError, UnicodeDecodeError) as problem:
        raise ArgumentError(
            "values", str(path), f"cannot be read ({problem})", "give a text file in UTF-8"
        ) from problem
    return _read_text(text, str(path))


def _read_numpy(path: Path) -> NDArray[Any]:
    remedy = "save an array of numbers with numpy.save"
    try:
        with path.open("rb") as file:
            if not file.read(6).startswith(_NUMPY_FILES):
                raise ArgumentError("values", str(path), "is not a NumPy file", remedy)
        content = np.load(path, allow_pickle=False)
        array = content if isinstance(content, np.ndarray) else _only_array(content, path)
    except ArgumentError:
        raise
    except OSError as problem:
        raise ArgumentError("values", str(path), f"cannot be read ({problem.strerror or problem})", remedy) from problem
    except Exception as problem:  # numpy raises many kinds for damaged files, and one of them for pickled objects
        reason = "holds Python objects" if "allow_pickle" in str(problem) else f"is damaged ({problem})"
        raise ArgumentError("values", str(path), reason, remedy) from problem
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        with np.errstate(over="ignore"):
            doubles = array.astype(np.float64)
        if not np.array_equal(doubles, array, equal_nan=True):
            rule = f"holds {array.dtype} numbers with more digits than float64 has"
            raise ArgumentError("values", str(path), rule, "save array.astype(numpy.float64) if rounding is meant")
    return array


def _only_array(content: Any, path: Path) -> NDArray[Any]:
    """Read the array of an opened .npz file that is meant."""
    with content:
        names = content.files
        if not names:
            raise ArgumentError("values", str(path), "holds no array", "save one with numpy.savez(file, values=...)")
        if "values" not in names and len(names) != 1:
            rule = f"holds several arrays ({', '.join(names)})"
            raise ArgumentError("values", str(path), rule, "name the one to use 'values', or keep one")
        values: NDArray[Any] = content["values" if "values" in names else names[0]]
        return values


def _read_text(text: str, source: str) -> NDArray[np.float64]:
    rows: list[list[float]] = []
    header_allowed = True
    for number, line in enumerate(text.splitlines(), start=1):
        words = [word for word in _SEPARATORS.split(line.partition("#")[0].strip()) if word]
        if not words:
            continue
        for word in words:
            if _WHOLE.fullmatch(word) and math.isfinite(float(word)) and int(float(word)) != int(word):
                rule = f"has {word} in line {number}, an integer that float64 cannot hold exactly"
                raise ArgumentError("values", source, rule, "scale it down, or write 1.0e20 if rounding is meant")
        try:
            rows.append([float(word) for word in words])
        except ValueError:
            if header_allowed and all(_NAME.fullmatch(word) and not _is_number(word) for word in words):
                header_allowed = False
                continue
            wrong = [cell for cell, word in enumerate(words) if not _is_number(word)]
            cell = next((cell for cell in wrong if not _NAME.fullmatch(words[cell])), wrong[0])
            rule = f"has {words[cell]!r} in line {number}, cell {cell + 1}, which is no number"
            raise ArgumentError("values", source, rule, "write numbers such as 0.25 or 1e-3") from None
        header_allowed = False
    widths = {len(row) for row in rows}
    if len(rows) <= 1 or widths == {1}:
        return np.array([value for row in rows for value in row])
    if len(widths) > 1:
        raise ArgumentError(
            "values",
            source,
            f"has lines of {min(widths)} and of {max(widths)} numbers",
            "give each line as many numbers",
        )
    return np.array(rows)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True

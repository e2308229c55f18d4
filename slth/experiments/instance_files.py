"""Reading subset-sum values from files, without ever executing what is in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError

SUFFIXES = (".npy", ".npz", ".csv", ".txt")
_SEPARATORS = re.compile(r"[,;\s]+")


def read_values(path: Path) -> NDArray[Any]:
    r"""Read the values of an instance from a file.

    Parameters
    ----------
    path : Path
        ``.npy``: the array. ``.npz``: its only array, or the one named ``values``. ``.csv`` and ``.txt``: numbers
        separated by commas, semicolons, spaces or line ends; ``#`` starts a comment; one header line may come first.

    Returns
    -------
    ndarray
        As stored; one axis, or two where a text file has several lines of several numbers.

    Raises
    ------
    slth.errors.ArgumentError
        No such file, another kind of file, objects instead of numbers, or a word where a number should be.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "values.csv"
    >>> _ = path.write_text("0.5, -0.25\n1e-3, 2\n")
    >>> read_values(path)
    array([[ 5.0e-01, -2.5e-01],
           [ 1.0e-03,  2.0e+00]])
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ArgumentError("values", str(path), "has an unknown suffix", f"use one of {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise ArgumentError("values", str(path), "is not a file", "check the path")
    if path.suffix.lower() in {".npy", ".npz"}:
        return _read_numpy(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise ArgumentError(
            "values", str(path), f"cannot be read ({problem})", "give a text file in UTF-8"
        ) from problem
    return _read_text(text, str(path))


def _read_numpy(path: Path) -> NDArray[Any]:
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return content
        with content:
            if "values" not in content.files and len(content.files) != 1:
                names = ", ".join(content.files) or "none"
                raise ArgumentError(
                    "values", str(path), f"holds several arrays ({names})", "name the one to use 'values', or keep one"
                )
            values: NDArray[Any] = content["values" if "values" in content.files else content.files[0]]
            return values
    except ArgumentError:
        raise
    except Exception as problem:  # numpy raises many kinds for damaged files, and one of them for pickled objects
        reason = "holds Python objects" if "allow_pickle" in str(problem) else f"is damaged ({problem})"
        raise ArgumentError("values", str(path), reason, "save an array of numbers with numpy.save") from problem


def _read_text(text: str, source: str) -> NDArray[np.float64]:
    rows: list[list[float]] = []
    header_allowed = True
    for number, line in enumerate(text.splitlines(), start=1):
        words = [word for word in _SEPARATORS.split(line.partition("#")[0].strip()) if word]
        if not words:
            continue
        try:
            rows.append([float(word) for word in words])
        except ValueError:
            if header_allowed and not any(_is_number(word) for word in words):
                header_allowed = False
                continue
            wrong = next(word for word in words if not _is_number(word))
            raise ArgumentError(
                "values",
                source,
                f"has {wrong!r} in line {number}, which is no number",
                "write numbers such as 0.25 or 1e-3",
            ) from None
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

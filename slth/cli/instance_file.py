"""Reading subset-sum values from files, without ever executing what is in them."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError

SUFFIXES = (".npy", ".npz", ".csv", ".txt")
_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf|infinity|nan)", re.ASCII | re.IGNORECASE)
_ONE_OR_SEVERAL = re.compile(
    r"[+-]?(?:\d+,\d+(?:[eE][+-]?\d+)?|\d{1,3}(?:[, ]\d{3})+(?:\.\d+)?|[1-9]\d{0,2}(?:\.\d{3})+,\d+)", re.ASCII
)  # 12,34 and 1 234 and 1.234,5
_POINT = "1234.56 for 1.234,56 and 1,234.56"
_NAME = re.compile(r"""["'(\[]*[^\W\d]\w*["')\]]*""")  # of a column, perhaps in quotes; 1.O and O.5 are mistyped
_QUOTED = re.compile(r'"[^"]*"')
_QUOTES = re.compile(r"""(["'])(.*)\1""")
_COMMENT = re.compile(r'^((?:[^"#]|"[^"]*")*)#.*')
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
    lines = [(at, bare) for at, line in enumerate(text.splitlines(), 1) if (bare := _COMMENT.sub(r"\1", line)).strip()]
    unquoted = "".join(_QUOTED.sub("", line) for _, line in lines)
    separator = next((mark for mark in ";,\t" if mark in unquoted), None)
    table = [(at, _cells(line, separator, at, source)) for at, line in lines]
    header = table[0] if table and _is_header(table[0][1]) else None
    rows = table if header is None else table[1:]
    if not rows:
        raise ArgumentError("values", source, "holds no number", "write one or more, each on its line")
    if header is None and all(_ONE_OR_SEVERAL.fullmatch(line.strip()) for _, line in lines):
        rule = f"has {lines[0][1].strip()!r} in line {lines[0][0]}, which is one number or several"
        raise ArgumentError("values", source, rule, f"write {_POINT}, and ', ' or ';' between numbers")
    values = [_numbers(words, at, source) for at, words in rows]
    widths = {len(row) for row in values}
    if header is not None and (separator is not None or min([len(header[1]), *widths]) > 1):  # else it is a title
        widths.add(len(header[1]))
    if len(widths) > 1:
        rule = f"has lines of {min(widths)} and of {max(widths)} cells" + ", its header included" * (header is not None)
        raise ArgumentError("values", source, rule, f"give each line as many; write {_POINT}")
    return np.array([x for row in values for x in row]) if len(values) <= 1 or widths == {1} else np.array(values)


def _cells(line: str, separator: str | None, at: int, source: str) -> list[str]:
    """The words of a line, without the quotes of spreadsheets."""
    try:
        marked = csv.reader([line], delimiter=separator or ",", strict=True, skipinitialspace=True)
        words = line.strip(" ").split(" ") if separator is None else next(marked)
    except csv.Error as problem:
        rule = f"cannot be read in line {at} ({problem})"
        raise ArgumentError("values", source, rule, "close every quote in its cell") from None
    return [_QUOTES.sub(r"\2", word.strip()).strip() for word in words if word or separator]


def _is_header(words: list[str]) -> bool:
    return all(_NAME.fullmatch(part) and not _NUMBER.fullmatch(part) for word in words for part in word.split() or [""])


def _numbers(words: list[str], at: int, source: str) -> list[float]:
    values, wrong = [], []
    for cell, word in enumerate(words, 1):
        try:
            values.append(number_of(word))
        except ValueError as problem:
            wrong.append((bool(_NAME.fullmatch(word)), cell, word, str(problem)))
    if not wrong:
        return values
    _, cell, word, reason = min(wrong)  # a mistyped number before a name
    remedy = f"write {_POINT}" if "," in word else "write numbers such as 0.25 or 1e-3, rounded integers as 1.0e20"
    rule = f"has {f'{word!r}' if word else 'nothing'} in line {at}, cell {cell}, {reason}"
    raise ArgumentError("values", source, rule, remedy)


def number_of(word: str) -> float:
    """The double nearest to what is written; a ValueError says, as a clause, what is wrong with it."""
    if not _NUMBER.fullmatch(word):
        raise ValueError("which is no number" if word else "where a number is missing")
    value = float(word)
    if word.lstrip("+-").isdigit() and math.isfinite(value) and int(value) != int(word):
        raise ValueError("an integer that float64 cannot hold exactly")
    if value == 0.0 and re.search("[1-9]", re.split("[eE]", word)[0]):
        raise ValueError("which is too small for float64")
    return value

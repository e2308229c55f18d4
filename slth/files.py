"""Files that results are written to: JSON that every reader accepts, and no file that is ever half there."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np


def dumps(document: Mapping[str, Any], *, indent: int | None = None) -> str:
    """JSON text in which numbers that JSON lacks are the strings "nan", "inf" and "-inf"."""
    return json.dumps(plain(document), allow_nan=False, indent=indent)


def plain(value: Any) -> Any:
    """Rebuild a value from what JSON has: dictionaries, lists, strings, numbers, truth values, null."""
    if isinstance(value, Enum):
        return plain(getattr(value, "label", value.value))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):  # names of files may hold bytes that are no text
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return plain(str(value))
    raise TypeError(f"{type(value).__name__} has no JSON form")


def write_text(path: Path, text: str) -> None:
    """Write a text file under a temporary name in the same folder and rename it."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file under a temporary name in the same folder and rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        # mkstemp makes files for the owner alone; results are for whoever may read the folder.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException as problem:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(problem, OSError):
            problem.filename = str(path)  # a full disk names no file, and the temporary one says little
        raise


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write :func:`dumps` of a document as :func:`write_text` does."""
    write_text(path, dumps(document, indent=1) + "\n")

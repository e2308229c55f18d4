"""What a table was made of and with: written beside it, without dates, as ``provenance.json``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slth.errors import ResultsError
from slth.files import write_json
from slth.grids.environment import describe_environment

TABLE_NAME, PROVENANCE_NAME = "table.csv", "provenance.json"
TABLE_FILES = (TABLE_NAME, PROVENANCE_NAME)
"""What a finished table consists of."""

_KINDS = {"spec_sha256": str, "seed": int, "description": str, "table_sha256": str, "environment": dict}


def write_provenance(folder: Path, about: Mapping[str, Any]) -> None:
    """Write what the folder's table is about, its sha256, and this machine's environment."""
    document = {**about, "table_sha256": table_digest(folder), "environment": describe_environment()}
    write_json(folder / PROVENANCE_NAME, document)


def table_digest(folder: Path) -> str:
    """Give the sha256 of a folder's ``table.csv``."""
    return hashlib.sha256((folder / TABLE_NAME).read_bytes()).hexdigest()


def check_table(folder: Path, provenance: Mapping[str, Any]) -> None:
    """Refuse a table that was edited or cut since its provenance was written."""
    if table_digest(folder) != provenance["table_sha256"]:
        raise ResultsError(
            f"{folder / TABLE_NAME}: the table is not the one that its provenance describes: "
            "compute it again with --rerun"
        )


def read_provenance(folder: Path) -> dict[str, Any]:
    """Read what a table is about."""
    path = folder / PROVENANCE_NAME
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        for key, kind in _KINDS.items():
            if not isinstance(document[key], kind) or isinstance(document[key], bool):
                raise TypeError(f"{key} is {str(document[key])[:40]!r}")
    except (OSError, ValueError, KeyError, TypeError) as problem:
        reason = (problem.strerror if isinstance(problem, OSError) else None) or f"{type(problem).__name__}: {problem}"
        raise ResultsError(f"{path} cannot be read ({reason}): compute the table again with --rerun") from problem
    return dict(document)

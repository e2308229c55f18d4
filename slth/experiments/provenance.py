"""What a table was made of and with: written beside it, without dates, as ``provenance.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slth.errors import ResultsError
from slth.experiments.environment import describe_environment
from slth.experiments.files import write_json

TABLE_NAME, PROVENANCE_NAME = "table.csv", "provenance.json"
TABLE_FILES = (TABLE_NAME, PROVENANCE_NAME)
"""What a finished table consists of."""


def write_provenance(folder: Path, about: Mapping[str, Any]) -> None:
    """Write what a table is about, and this machine's environment.

    Parameters
    ----------
    folder : Path
    about : mapping
        JSON-able; at least ``task``, ``description``, ``spec_sha256`` and ``seed``.

    Raises
    ------
    OSError
    """
    write_json(folder / PROVENANCE_NAME, {**about, "environment": describe_environment()})


def read_provenance(folder: Path) -> dict[str, Any]:
    """Read what a table is about.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    dict

    Raises
    ------
    slth.errors.ResultsError
        It is missing or damaged.
    """
    path = folder / PROVENANCE_NAME
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        for key in ("spec_sha256", "seed", "description", "environment"):
            document[key]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        reason = (problem.strerror if isinstance(problem, OSError) else None) or f"{type(problem).__name__}: {problem}"
        raise ResultsError(f"{path} cannot be read ({reason}): compute the table again with --rerun") from problem
    return dict(document)

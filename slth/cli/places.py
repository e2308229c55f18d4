"""Where things of the user's lie, and whether the network may be asked: what the environment says."""

from __future__ import annotations

import os
from pathlib import Path


def user_folder(variable: str, fallback: str) -> Path:
    """One of the user's XDG folders for this program, from its variable or below the home folder."""
    base = os.environ.get(variable)
    return (Path(base) if base else Path.home() / fallback) / "slth"


def data_folders(data_dir: Path | None) -> tuple[Path, ...]:
    """Folders in which data sets are searched: the given one (or $SLTH_DATA_DIR), then the user's data folder.

    Parameters
    ----------
    data_dir : Path or None

    Returns
    -------
    tuple of Path
    """
    own = user_folder("XDG_DATA_HOME", ".local/share")
    return (own,) if data_dir is None else (data_dir, own)


def is_offline() -> bool:
    """Whether SLTH_OFFLINE forbids downloads."""
    return os.environ.get("SLTH_OFFLINE", "").lower() not in {"", "0", "false", "no"}

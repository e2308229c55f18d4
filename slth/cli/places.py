"""Where things lie: the user's data and configuration, and the repository's grids and tables."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path


def user_folder(variable: str, fallback: str) -> Path:
    """One of the user's XDG folders for this program, from its variable or below the home folder."""
    base = os.environ.get(variable)
    return (Path(base) if base else Path.home() / fallback) / "slth"


def data_folders(data_dir: Path | None) -> tuple[Path, ...]:
    """Folders in which data sets are searched: the given one (or $SLTH_DATA_DIR), then the user's data folder."""
    own = user_folder("XDG_DATA_HOME", ".local/share")
    return (own,) if data_dir is None else (data_dir, own)


def is_offline() -> bool:
    """Whether SLTH_OFFLINE forbids downloads."""
    return os.environ.get("SLTH_OFFLINE", "").lower() not in {"", "0", "false", "no"}


def repository_folder(name: str, pattern: str) -> Path | None:
    """Find a folder of the repository: here, in the installed package, or in the checkout that the package lies in."""
    package = Path(str(files("slth")))
    places = [Path(name), package / "shipped" / name]
    if (package.parent / "pyproject.toml").is_file():
        places.append(package.parent / name)
    return next((place for place in places if any(place.glob(pattern))), None)

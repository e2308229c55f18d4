"""What the work of one cell may use, and none of its values may depend on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Context:
    """Places and processors for one cell of an experiment.

    Parameters
    ----------
    folders : tuple of Path
        Where data sets are searched.
    cache : Path or None
        Folder for what several cells need and can be made again, such as a trained target; None keeps nothing.
    threads : int
        Threads that one cell may use.
    device : str
        A torch device, or "auto".

    Examples
    --------
    >>> Context().threads
    1
    """

    folders: tuple[Path, ...] = ()
    cache: Path | None = None
    threads: int = 1
    device: str = "cpu"

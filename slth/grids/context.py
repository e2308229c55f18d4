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
        Folder for what several cells need.
    threads : int
        How many the work may use.
    device : str
        Where tensors are, where it makes no difference to values.
    code : Path or None
        The folder that studies named by ``package.module:function`` are imported from.

    Examples
    --------
    >>> slth.studies.Context().threads
    1
    """

    folders: tuple[Path, ...] = ()
    cache: Path | None = None
    threads: int = 1
    device: str = "cpu"
    code: Path | None = None

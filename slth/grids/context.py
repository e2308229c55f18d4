"""What the work of one cell may use, and none of its values may depend on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Context:
    """Places and processors for one cell of an experiment."""

    folders: tuple[Path, ...] = ()
    cache: Path | None = None
    threads: int = 1
    device: str = "cpu"

"""A folder of made pages: what is equal stays as it is, what nobody makes any more goes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write_pages(folder: Path, pages: Mapping[str, bytes | str]) -> None:
    """Write pages by their paths in the folder; Sphinx reads only those again that changed."""
    wanted = {
        folder / name: content.encode() if isinstance(content, str) else content for name, content in pages.items()
    }
    for path in folder.rglob("*"):
        if path.is_file() and path not in wanted:
            path.unlink()
    for path, content in wanted.items():
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

"""How much memory may be taken: asked before sizes that a file states are believed."""

from __future__ import annotations

import os
from pathlib import Path

from slth.errors import ResourceError

_ALWAYS_GRANTED = 2**26  # 64 MiB: below it the question is not worth an answer
_MEMORY_INFORMATION = Path("/proc/meminfo")


def available_memory() -> int | None:
    """Return the bytes that can be taken without swapping, or None where the system does not say."""
    try:
        for line in _MEMORY_INFORMATION.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def require_memory(argument: str, needed: int, remedy: str) -> None:
    """Raise ResourceError, naming ``argument``, when ``needed`` bytes are more than there are."""
    if needed <= _ALWAYS_GRANTED:
        return
    available = available_memory()
    if available is not None and needed > available:
        rule = f"is more than the {available / 2**30:.1f} GiB of memory that are free"
        raise ResourceError(argument, f"{needed / 2**30:.1f} GiB", rule, remedy)

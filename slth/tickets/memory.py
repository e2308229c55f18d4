"""How much memory may be taken: asked before sizes that a file states are believed."""

from __future__ import annotations

import os
from pathlib import Path

from slth.errors import ResourceError

_ALWAYS_GRANTED = 2**26  # 64 MiB: below it the question is not worth an answer
_MEMORY_INFORMATION = Path("/proc/meminfo")
_CONTROL_GROUP = Path("/sys/fs/cgroup")


def available_memory() -> int | None:
    """Return the bytes that can be taken by the system's and the control group's account, or None if neither says."""
    accounts = [account for account in (_free_of_system(), _free_of_control_group()) if account is not None]
    return max(0, min(accounts)) if accounts else None


def _free_of_control_group() -> int | None:
    try:
        limit = (_CONTROL_GROUP / "memory.max").read_text(encoding="ascii")
        used = (_CONTROL_GROUP / "memory.current").read_text(encoding="ascii")
        return int(limit) - int(used)
    except (OSError, ValueError):  # no control group, or the limit "max", which is none
        return None


def _free_of_system() -> int | None:
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

"""One command at a time into a folder: a lock that ends with the process that holds it, however that ends."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from slth.cli.streams import LONGEST
from slth.errors import ArgumentError, printable

_HELD: ContextVar[ExitStack | None] = ContextVar("held", default=None)
"""What the command that runs has locked."""


@contextmanager
def claims() -> Iterator[None]:
    """Let go at the end of every folder that a command inside has locked."""
    with ExitStack() as held:
        token = _HELD.set(held)
        try:
            yield
        finally:
            _HELD.reset(token)


def hold(folder: Path, name: str, command: str) -> None:
    """Keep other processes from a folder until the command has ended, or refuse it if another one has it.

    Notes
    -----
    The system lets go of the lock where the process is killed; the file that is left then locks nothing. Where a file
    system has no locks, or the system none of this kind, nothing is locked. Of the processes that torchrun starts for
    one command, the first locks for all.
    """
    held = _HELD.get()
    if held is None or sys.platform == "win32" or os.environ.get("RANK", "0") != "0":
        return
    import fcntl

    held.callback(_remove_empty, [place for place in (folder, *folder.parents) if not place.exists()])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    while True:
        # Not flock: NFS knows these locks, and processes that are forked do not have them.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            os.close(descriptor)
            raise ArgumentError("out", str(folder), *_in_use(path)) from None
        except OSError:  # no locks here
            _let_go(path, descriptor)
            return
        if _is_at(path, descriptor):
            break
        os.close(descriptor)  # whoever held it has just let go and removed it
    held.callback(_let_go, path, descriptor)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{command}\n{os.getpid()} {socket.gethostname()}\n".encode("utf-8", "backslashreplace"))


def _let_go(path: Path, descriptor: int) -> None:
    """Remove the file of a lock, which is nobody else's yet, and end the lock."""
    with suppress(OSError):
        if _is_at(path, descriptor):
            path.unlink()
    os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether an open file is still the one of a name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _in_use(path: Path) -> tuple[str, str]:
    """Return what is said of a folder that another command has, and what to do."""
    remedy = "wait for it to end, or name another folder with --out"
    with suppress(OSError, ValueError):
        command, where = path.read_text(encoding="utf-8").splitlines()
        number, host = where.split(" ", 1)
        rule = f"is in use by `{printable(command, most=LONGEST)}`, process {number} on {printable(host)}"
        return rule, remedy
    return "is in use by another command of slth that still runs", remedy


def _remove_empty(folders: list[Path]) -> None:
    """Remove folders that were made for a lock alone."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()

"""What can be known to fail before any work is done: files that are not there, places that cannot be written."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from slth.cli.claims import hold
from slth.errors import ArgumentError

if TYPE_CHECKING:
    from slth.data.datasets import DataSet

MOST_PARTS, LONGEST_NAME = 200, 255
"""Of the path of a folder."""


def check_file(argument: str, path: Path) -> None:
    """Refuse an input file that is not there."""
    if path.is_dir():
        raise ArgumentError(argument, str(path), "is a folder", "name a file in it")
    if not path.is_file():
        raise ArgumentError(argument, str(path), "is not a file", "check the path")


def check_out(folder: Path, names: Iterable[str], *, argument: str = "out") -> None:
    """Refuse a folder for results that cannot be one, or in which a result could not be written."""
    if len(folder.parts) > MOST_PARTS or any(len(os.fsencode(part)) > LONGEST_NAME for part in folder.parts):
        rule = f"has more than {MOST_PARTS} folders in each other, or a name of more than {LONGEST_NAME} bytes"
        raise ArgumentError(argument, str(folder), rule, "name a folder that the system can hold")
    present = next((place for place in (folder, *folder.parents) if os.path.lexists(place)), Path())
    if not present.is_dir():
        rule = "is not a folder" if present == folder else f"lies in {present}, which is not a folder"
        raise ArgumentError(argument, str(folder), rule, "name a folder; it is created where missing")
    if not os.access(present, os.W_OK | os.X_OK):
        rule = "cannot be written" if present == folder else f"lies in {present}, which cannot be written"
        raise ArgumentError(argument, str(folder), rule, "name a folder of your own")
    try:  # permissions do not say all: of /proc, of file systems that are full or read only
        with TemporaryDirectory(dir=present):
            pass
    except OSError as problem:
        where = "cannot be written" if present == folder else f"lies in {present}, which cannot be written"
        rule = f"{where} ({problem.strerror})"
        raise ArgumentError(argument, str(folder), rule, "name another folder") from None
    for name in names:
        if (folder / name).is_dir():
            rule = f"has a folder where the file {name} is to be written"
            raise ArgumentError(argument, str(folder), rule, "name another folder, or move that one away")


BESIDE = (
    "bound-*.json", "solve.json", "ticket-eval.json", "ticket-export.json", "ticket-info.json", "ticket-shrink.json",
    "ticket-verify.json", "verify.json",
)  # fmt: skip
"""Summaries of commands that write over nothing but their own: these may stand beside other results."""


def check_unclaimed(folder: Path, command: str, *, grows: Sequence[str] = ()) -> None:
    """Refuse a folder with results of another command, which this one would write over; options that grow may differ.

    A folder in which a command is at work is refused too, whatever that command is, and this one holds it from here on.

    A command is known by what its JSON summary says to type to make the same again. Those that read a ticket, look at a
    bound, solve or verify may write beside those that make one, whose files have other names.
    """
    words = command.split()
    stem = "-".join(words[1 : 3 if words[1] in ("bound", "ticket") else 2])
    own = any(fnmatch(f"{stem}.json", name) for name in BESIDE)
    hold(folder, f".{stem}.lock" if own else ".slth.lock", command)
    summaries = folder.glob(f"{stem}.json" if own else "*.json")
    for path in sorted(path for path in summaries if own or not any(map(path.match, BESIDE))):
        before = _command_of(path)
        differ = _difference(before or command, command, grows)
        if differ:
            rule = f"holds what `{before}` made{differ}, which this command would write over"
            remedy = "name another folder with --out, or remove that one"
            raise ArgumentError("out", str(folder), rule, remedy)


def _difference(before: str, command: str, grows: Sequence[str]) -> str:
    """Return how two commands differ, as it is said behind the first; nothing where they make the same."""
    there, here = _options(before), _options(command)
    if there[""] != here[""]:
        return f" (and this is {here['']})"
    names = [name for name in {**there, **here} if name not in grows and there.get(name) != here.get(name)]
    both = (f"{name} {there.get(name, 'by default')}, not {here.get(name, 'by default')}" for name in names)
    return f" ({', '.join(both)})" if names else ""


def _command_of(path: Path) -> str | None:
    """Return the command that a JSON summary names, if it is one."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    command = found.get("command") if isinstance(found, dict) else None
    return command if isinstance(command, str) else None


def _options(command: str) -> dict[str, str]:
    """Return each option of a command with its value, and what stands before them under no name."""
    words = [part for word in shlex.split(command) for part in (word.split("=", 1) if word[:2] == "--" else (word,))]
    first = next((place for place, word in enumerate(words) if word.startswith("--")), len(words))
    found = {"": " ".join(words[:first])}
    for name, value in zip(words[first:], [*words[first + 1 :], "--"], strict=True):
        if name.startswith("--no-"):
            found[f"--{name.removeprefix('--no-')}"] = "off"
        elif name.startswith("--"):
            found[name] = "on" if value.startswith("--") else value
    return found


def check_tensorboard(folder: Path | None) -> None:
    """Refuse a folder for TensorBoard that cannot be one, or any where TensorBoard is not installed."""
    if folder is not None:
        from slth.training.tensorboard import require_tensorboard

        check_out(folder, (), argument="tensorboard")
        require_tensorboard("tensorboard", folder)


def load_data(name: str, folders: Sequence[Path], *, seed: int) -> DataSet:
    """Load a data set, which must be bundled or in one of the folders."""
    from slth.data.datasets import load
    from slth.data.official import missing

    advice = missing(name, folders)
    if advice is not None:
        raise ArgumentError("name", name, *advice)
    return load(name, data_dir=folders or None, seed=seed)

"""TOML files with a fixed set of keys, read with one kind of message, and what the table ``[full]`` replaces."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from slth.errors import ArgumentError, did_you_mean

FULL_KEYS = ("replicates", "grid", "fixed")
"""What ``[full]`` may replace."""

Wrong = Callable[[str, str], ArgumentError]


def wrong_file(argument: str, path: Path) -> Wrong:
    """Give what makes an error about a file from a rule and a remedy.

    Parameters
    ----------
    argument : str
        What the file is to the caller.
    path : Path

    Returns
    -------
    callable
    """

    def wrong(rule: str, remedy: str) -> ArgumentError:
        return ArgumentError(argument, str(path), rule, remedy)

    return wrong


def read_toml(argument: str, path: Path, known: Mapping[str, type | tuple[type, ...]]) -> tuple[dict[str, Any], bytes]:
    """Read a TOML file that may have certain keys, each of a certain type.

    Parameters
    ----------
    argument : str
        What the file is to the caller, for messages.
    path : Path
    known : mapping
        Key to the type or types of its value.

    Returns
    -------
    tuple
        The document and the bytes of the file.

    Raises
    ------
    slth.errors.ArgumentError
        The file cannot be read, is not TOML, has a whole number of more than 64 bits, an unknown key or a value of
        another type.
    """
    wrong = wrong_file(argument, path)
    try:
        content = path.read_bytes()
        document = tomllib.loads(content.decode("utf-8-sig"))  # some editors put a mark in front
    except (OSError, ValueError) as problem:  # also of undecodable bytes, of bad TOML, of numbers with too many digits
        raise wrong(f"cannot be read ({problem})", "give a TOML file, see benchmarks/ and paper_figures/") from problem
    except RecursionError as problem:
        raise wrong("is nested too deeply to be read", "write lists of numbers or texts") from problem
    _check_sizes(wrong, document)
    check_keys(wrong, document, known)
    return document, content


def _check_sizes(wrong: Wrong, document: dict[str, Any]) -> None:
    """Refuse whole numbers beyond 64 bits, wherever they are: neither tables nor other programs hold them."""
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value
        elif isinstance(value, int) and not -(2**63) <= value < 2**64:
            rule = f"has a whole number of {value.bit_length()} bits"
            raise wrong(rule, "use numbers of at most 64, or a fraction such as 1e30")


def check_keys(
    wrong: Wrong, document: Mapping[str, Any], known: Mapping[str, type | tuple[type, ...]], *, place: str = ""
) -> None:
    """Refuse unknown keys and values of another type; a truth value is no number.

    Parameters
    ----------
    wrong : callable
    document : mapping
    known : mapping
        Key to the type or types of its value.
    place : str
        Words after the key in messages, such as " in [full]".

    Raises
    ------
    slth.errors.ArgumentError
    """
    for key, value in document.items():
        if key not in known:
            raise wrong(f"has the unknown key {key!r}{place}", did_you_mean(key, known))
        wanted = known[key]
        kinds = wanted if isinstance(wanted, tuple) else (wanted,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            names = " or ".join(kind.__name__ for kind in kinds)
            raise wrong(f"has a {type(value).__name__} for {key!r}{place}", f"give a {names}")


def with_full(
    wrong: Wrong, document: Mapping[str, Any], known: Mapping[str, type | tuple[type, ...]], *, full: bool
) -> dict[str, Any]:
    """Give a document without its table ``[full]``, replaced by that table's values where they are asked for.

    Parameters
    ----------
    wrong : callable
    document : mapping
        Checked but for what is in ``full``.
    known : mapping
        Key to the type or types of its value.
    full : bool

    Returns
    -------
    dict

    Raises
    ------
    slth.errors.ArgumentError
        ``[full]`` holds a key that it may not replace, or of another type.

    Examples
    --------
    >>> wrong = wrong_file("spec", Path("spec.toml"))
    >>> document = {"replicates": 3, "full": {"replicates": 20}}
    >>> with_full(wrong, document, {"replicates": int}, full=True)
    {'replicates': 20}
    """
    larger = document.get("full", {})
    check_keys(wrong, larger, {key: known[key] for key in FULL_KEYS if key in known}, place=" in [full]")
    rest = {key: value for key, value in document.items() if key != "full"}
    return {**rest, **larger} if full else rest


def check_registered(wrong: Wrong, document: Mapping[str, Any], registry: Iterable[str]) -> str:
    """Give the task that a document names.

    Parameters
    ----------
    wrong : callable
    document : mapping
    registry : iterable of str
        The tasks that there are.

    Returns
    -------
    str

    Raises
    ------
    slth.errors.ArgumentError
        It names none, or an unknown one.
    """
    names = sorted(registry)
    if "task" not in document:
        raise wrong("names no task", f"choose one of {', '.join(names)}")
    task = document["task"]
    if task not in names:
        raise wrong(f"names the unknown task {task!r}", did_you_mean(task, names))
    return str(task)


def import_registered(target: str, *, argument: str, name: str) -> Any:
    """Import the function behind a registered name.

    Parameters
    ----------
    target : str
        "module:function", from a registry.
    argument, name : str
        What the name is to the caller, and the name itself, for messages.

    Returns
    -------
    object

    Raises
    ------
    slth.errors.ArgumentError
        The module or the function is not there.

    Examples
    --------
    >>> import_registered("math:sqrt", argument="task", name="root")(4.0)
    2.0
    """
    module, _, function = target.partition(":")
    remedy = "this installation of slth lacks it: install a version that has it"
    try:
        found = import_module(module)
    except ModuleNotFoundError as problem:
        if problem.name is None or not (module == problem.name or module.startswith(problem.name + ".")):
            raise
        raise ArgumentError(argument, name, f"is registered, and its module {module} is not there", remedy) from None
    if not hasattr(found, function):
        raise ArgumentError(argument, name, f"is registered, and {module} has no {function}", remedy)
    return getattr(found, function)

"""What can go wrong, said so that the reader can act on it.

Every message names the argument, its value, the rule that it breaks and the way out. The command line turns
``exit_code`` into its exit status and prints the message alone: a user's mistake never shows a traceback.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_LONGEST = 2000


class SlthError(Exception):
    """Base of every error that this package raises on purpose; strangers' text in a message is made printable."""

    exit_code: int = 1

    def __init__(self, *arguments: object) -> None:
        super().__init__(
            *(printable(each, most=_LONGEST, lines=True) if isinstance(each, str) else each for each in arguments)
        )


class ArgumentError(SlthError, ValueError):
    """An argument breaks a rule: nothing was computed and nothing was written.

    Parameters
    ----------
    argument : str
        Name of the argument as the caller wrote it.
    value : object
        What was given; long values are shortened in the message.
    rule : str
        The rule, as a clause that follows the value ("must not be negative").
    remedy : str
        What to do instead.

    Examples
    --------
    >>> print(slth.ArgumentError("tolerance", -1.0, "must not be negative", "pass 0.0 for the exact optimum"))
    tolerance=-1.0 must not be negative: pass 0.0 for the exact optimum
    """

    exit_code = 2

    def __init__(self, argument: str, value: object, rule: str, remedy: str) -> None:
        self.argument, self.value, self.rule, self.remedy = argument, value, rule, remedy
        super().__init__(f"{argument}={printable(repr(value), most=200)} {rule}: {remedy}")

    def __reduce__(self) -> tuple[type, tuple[str, object, str, str]]:
        """Pickle with all four fields, so that the error survives a process boundary."""
        return type(self), (self.argument, self.value, self.rule, self.remedy)


@contextmanager
def as_written(**names: str) -> Iterator[None]:
    """Let what is called inside name arguments as the caller wrote them: its own name for each, and the caller's.

    Examples
    --------
    >>> with as_written(seed="order"):
    ...     raise ArgumentError("seed", -1, "must be at least 0", "leave it out")
    Traceback (most recent call last):
    slth.errors.ArgumentError: order=-1 must be at least 0: leave it out
    """
    try:
        yield
    except ArgumentError as problem:
        name, bracket, place = problem.argument.partition("[")  # as in inputs[3, 0]
        if names.get(name, name) == name:
            raise
        argument = names[name] + bracket + place
        raise type(problem)(argument, problem.value, problem.rule, problem.remedy) from problem.__cause__


class ResourceError(ArgumentError):
    """The request is well formed and too large: the message says what would fit."""


class TicketError(SlthError):
    """A ticket file is damaged, foreign, of another version, or does not regenerate its weights."""


class DataError(SlthError):
    """A data set is missing or is not what its name says."""


class ConstructionError(SlthError):
    """A construction cannot reach what was asked of it."""


class ResultsError(SlthError):
    """A results file is corrupt, foreign, in use by another writer, or cannot be written."""


class EngineError(SlthError):
    """The workers of a run are gone or cannot be started; what was finished before is kept."""


def unwritable(path: object, problem: OSError) -> SlthError:
    """Return what to raise for a file that cannot be written: a full disk is no fault of the path that was given."""
    rule = f"cannot be written ({problem.strerror})"
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return SlthError(f"{printable(path)} {rule}: make room there, or choose another folder")
    return ArgumentError("path", str(path), rule, "choose another file")


def printable(value: object, *, most: int = 300, lines: bool = False) -> str:
    r"""Give a stranger's text as a terminal may have it: on one line, or in its lines; escaped, its middle cut.

    Examples
    --------
    >>> printable("a\x1b[31mred\n")
    'a\\x1b[31mred'
    """
    text = str(value)
    if len(text) > 4 * most:  # not all of what may be long is looked at
        text = text[: 2 * most] + text[-2 * most :]
    text = text if lines else " ".join(text.split())
    if not text.isprintable():
        kept = "\n" if lines else ""
        text = "".join(sign if sign.isprintable() or sign in kept else repr(sign)[1:-1] for sign in text)
    return text if len(text) <= most else f"{text[: most - 20]} ... {text[-15:]}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Give the known name that was probably meant, if there is one."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, sorted(known), n=1, cutoff=0.7)), None)


def did_you_mean(name: str, known: Iterable[str], own: str = "") -> str:
    """Give a remedy for an unknown name: the nearest known one, or all of them, or one's own where that is possible.

    Examples
    --------
    >>> did_you_mean("solv", ["demo", "solve"])
    "did you mean 'solve'?"
    >>> did_you_mean("x", ["demo", "solve"])
    'choose one of demo, solve'
    >>> did_you_mean("solv", ["demo", "solve"], own="package.module:function")
    "did you mean 'solve'? Or name your own as package.module:function"
    """
    names = list(known)
    near = nearest(name, names)
    if near:
        return f"did you mean {near!r}?" + (f" Or name your own as {own}" if own else "")
    return f"choose one of {', '.join(names)}" + (f", or name your own as {own}" if own else "")

"""Turns the library's errors into the words of the command line: ``--tolerance -1.0 must not be negative: ...``."""

from __future__ import annotations

from collections.abc import Sequence

from slth.errors import ArgumentError, SlthError

SPELLINGS = {"values": "FILE", "path": "FILE", "name": "NAME", "n": "--n"}
"""Arguments of the library that the command line calls something else than ``--argument``."""


def in_words_of_the_command_line(problem: SlthError, tokens: Sequence[str]) -> str:
    """Give the error's message on one line, naming options as they are typed.

    Parameters
    ----------
    problem : SlthError
    tokens : sequence of str
        The command line.

    Returns
    -------
    str

    Examples
    --------
    >>> problem = ArgumentError("tolerance", -1.0, "must not be negative", "pass 0.0 for the exact optimum")
    >>> in_words_of_the_command_line(problem, ["solve", "a.csv", "--tolerance", "-1"])
    '--tolerance=-1.0 must not be negative: pass 0.0 for the exact optimum'
    """
    message = " ".join(str(problem).split())
    if isinstance(problem, ArgumentError) and message.startswith(f"{problem.argument}="):
        spelled = SPELLINGS.get(problem.argument, "--" + problem.argument.replace("_", "-"))
        return spelled + message[len(problem.argument) :]
    return message

"""Turns the library's errors into the words of the command line: ``--tolerance -1.0 must not be negative: ...``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from slth.errors import ArgumentError, ConstructionError, SlthError

SPELLINGS = {
    "FILE": "FILE",
    "values": "FILE",
    "path": "FILE",
    "benchmark": "FILE",
    "name": "NAME",
    "key": "KEY",
    "spec": "SPEC",
    "run": "RUN",
    "threads": "--jobs",
    "module": "--model",
    "ticket": "FILE",
}
"""Arguments of the library that the command line calls something else than ``--argument``."""

BY_VERB = {
    ("construct", "name"): "--data",
    ("search", "name"): "--data",
    ("train", "name"): "--data",
    ("ticket", "name"): "--data",
    ("search", "values"): "--values",
}
"""What some verbs call by an option, and others by its place."""


def in_words_of_the_command_line(
    problem: SlthError | OSError, tokens: Sequence[str], *, is_option: Callable[[str], bool] = lambda _: True
) -> str:
    """Give the error's message on one line, naming options as they are typed; what is no option keeps its name."""
    if isinstance(problem, OSError):
        return (f"{problem.filename}: " if problem.filename else "") + str(problem.strerror or problem)
    message = " ".join(str(problem).split())
    if isinstance(problem, ConstructionError) and message.startswith("eps="):
        return f"--{message}"
    if not isinstance(problem, ArgumentError) or not message.startswith(f"{problem.argument}="):
        return message
    name, bracket, index = problem.argument.partition("[")
    spelled = SPELLINGS.get(name, "--" + name.replace("_", "-").replace(" ", "-"))
    spelled = BY_VERB.get((tokens[0] if tokens else "", name), spelled)
    if spelled.startswith("--") and not is_option(spelled):
        return message
    rest = message[len(problem.argument) :]
    if problem.value is None and problem.rule.startswith("is missing"):
        rest = rest.removeprefix("=None")
    if spelled.startswith("--"):
        rest = re.sub(rf"(?<=\s){re.escape(problem.argument)}=(?=\S)", f"{spelled} ", rest)
    return spelled + bracket + index + rest

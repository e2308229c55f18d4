"""One command: parsed, run, its result delivered, and whatever ends it told in one line and an exit code."""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from functools import partial
from typing import TYPE_CHECKING

from slth import __version__
from slth.cli.claims import claims
from slth.cli.endings import INTERRUPTED, TERMINATED, Terminated, UsageError, look
from slth.cli.streams import LONGEST, OutputError, printing, provide_streams, say
from slth.errors import SlthError, printable

if TYPE_CHECKING:
    from cyclopts import App

    from slth.cli.outcome import Outcome


NO_MEMORY = ("can't allocate memory", "not enough memory", "Storage size calculation overflowed")
"""How torch, whose kind of error is a general one, says that there is none."""


def enter(arguments: Sequence[str] | None = None) -> int:
    """Run one command and tell how it ended."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    if not provide_streams():
        return _fail(tokens, "standard output is closed: send it to a file, or nowhere", "OutputError", 1)
    with _quiet_warnings(), claims():
        try:
            outcome = _run(tokens)
            look()
            return 0 if outcome is None else outcome.deliver()
        except BrokenPipeError:
            return 1  # the result has not arrived, and whoever left knows that
        except KeyboardInterrupt:
            return _fail(tokens, "interrupted", "Interrupted", INTERRUPTED)
        except Terminated:
            return _fail(tokens, "terminated", "Terminated", TERMINATED)
        except (SlthError, OSError) as problem:
            from slth.cli.failures import in_words_of_the_command_line

            message = in_words_of_the_command_line(problem, tokens, is_option=partial(_is_option, tokens))
            return _fail(tokens, message, type(problem).__name__, getattr(problem, "exit_code", 1))
        except Exception as problem:
            if isinstance(problem, MemoryError) or any(words in str(problem) for words in NO_MEMORY):
                return _fail(tokens, "out of memory: ask for a smaller problem", "MemoryError", 1)
            if "--debug" in tokens:
                traceback.print_exc()
            hint = "" if "--debug" in tokens else "; run with --debug for the traceback"
            message = f"internal error: {type(problem).__name__}: {printable(problem, most=LONGEST)}{hint}"
            return _fail(tokens, message, type(problem).__name__, 1)


def _is_option(tokens: list[str], spelled: str) -> bool:
    """Whether the verb that was typed has the option, or takes any: what has none is no use to who reads of it."""
    from cyclopts import CycloptsError

    from slth.cli.app import build_app

    try:
        _, apps, _ = build_app().parse_commands(tokens)
        names = {name for argument in apps[-1].assemble_argument_collection() for name in argument.names}
    except (CycloptsError, ValueError):
        return True
    return spelled in names or any("[" in name for name in names)


def _run(tokens: list[str]) -> Outcome | None:
    """Parse and run; None where the command has said everything itself (help and version).

    What a command takes and nobody parses is the tree of commands.
    """
    from cyclopts import App, CycloptsError

    from slth.cli.app import build_app, prepare_help

    app = build_app()
    try:
        command, bound, wanted = app.parse_args(tokens, exit_on_error=False, print_error=False)
    except CycloptsError as problem:
        words = _of_what_is_missing(app, problem, tokens) or f"{problem}{_of_flags(problem, tokens)}"
        raise UsageError(printable(words, most=LONGEST)) from problem
    if isinstance(getattr(command, "__self__", None), App):
        prepare_help(app, tokens)
        with suppress(BrokenPipeError), printing():  # whoever has read enough of the help may leave
            if "--json" in tokens and command.__name__ == App.version_print.__name__:
                sys.stdout.write(f'{{"name": "slth", "version": "{__version__}"}}\n')
            else:
                command(*bound.args, **bound.kwargs)
        return None
    from slth.cli.checks import check_out
    from slth.cli.options import COMMON
    from slth.cli.outcome import json_name  # after the help, which must not wait for numpy

    out = bound.arguments.get("common", COMMON).out
    if out is not None:
        verb = " ".join(app.parse_commands(tokens)[0])
        check_out(out, [json_name(verb)])
    try:
        with redirect_stdout(sys.stderr):  # what a user's own code prints is no part of the one JSON object
            result: Outcome | None = command(*bound.args, **bound.kwargs, **dict.fromkeys(wanted, app))
    except SystemExit as problem:  # a user's own code has ended the process: nothing is done, whatever its code says
        message = f"code that was called ended the process (sys.exit({problem.code!r})): remove that call from it"
        raise SlthError(message) from problem
    return result


def _of_what_is_missing(app: App, problem: Exception, tokens: list[str]) -> str:
    """Say of an argument without which a verb cannot do what it is, as its help does."""
    from cyclopts import MissingArgumentError

    if not isinstance(problem, MissingArgumentError) or problem.argument is None:
        return ""
    name = problem.argument.name
    rule = "has no value behind it" if name in tokens else "is missing"
    verbs, apps, _ = app.parse_commands(tokens)
    helps = {one.name: one.parameter.help for one in apps[-1].assemble_argument_collection(parse_docstring=True)}
    return f"{name} {rule}: {helps.get(name) or ''} See slth {' '.join(verbs)} --help"


def _of_flags(problem: Exception, tokens: list[str]) -> str:
    """Say of a flag that was given a value, as ``--bfloat16 False``, how it is written."""
    unused = (getattr(problem, "unused_tokens", None) or [""])[0]
    flag = tokens[tokens.index(unused) - 1] if unused in tokens else ""
    if unused.lower() not in ("true", "false", "yes", "no", "on", "off", "0", "1") or not flag.startswith("--"):
        return ""
    return f" {flag} takes no value: write {flag}, or leave it out"


def _fail(tokens: list[str], message: str, kind: str, code: int) -> int:
    """Say on stderr what went wrong and, where JSON was asked for, on stdout too: one object either way."""
    say(message)
    if "--json" in tokens:
        from slth.files import dumps

        with suppress(BrokenPipeError, OutputError), printing():
            sys.stdout.write(dumps({"error": message, "kind": kind, "exit_code": code}) + "\n")
    return code


@contextmanager
def _quiet_warnings() -> Iterator[None]:
    """Show warnings to users as one line on stderr, without a file name and a line number of ours."""

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        say(f"warning: {printable(message, most=LONGEST)}")

    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = show
        yield

"""The layers below the command line: the environment and TOML files. What they hold and nobody reads is said."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any, get_args

from cyclopts import App, ArgumentCollection
from cyclopts.config import Dict

from slth.cli.options import place_of
from slth.cli.streams import say
from slth.errors import ArgumentError, nearest

PREFIX = "SLTH_"
VARIABLES = ("SLTH_DATA_DIR", "SLTH_OFFLINE")
"""What the environment may say for all verbs; everything else is SLTH_VERB_OPTION."""

Verb = tuple[str, ...]
"""One word, or two."""


def file_named_on_the_command_line(
    verbs: Collection[Verb], app: App, commands: Verb, arguments: ArgumentCollection
) -> None:
    """Read the file that ``--config`` names, as one more layer."""
    option = arguments.get("--config")
    if option is None or not option.tokens:
        return
    path = Path(option.tokens[-1].value)
    if not path.is_file():
        raise ArgumentError("config", str(path), "is not a file", "name a TOML file, see slth.toml.example")
    read_file(verbs, path, app, commands, arguments)


def read_file(verbs: Collection[Verb], path: Path, app: App, commands: Verb, arguments: ArgumentCollection) -> None:
    """Fill in what a TOML file says about this verb and nobody has said yet; no file says nothing."""
    _fill_in(verbs, str(path), _content(path), app, commands, arguments)


def read_project(verbs: Collection[Verb], path: Path, app: App, commands: Verb, arguments: ArgumentCollection) -> None:
    """Do the same with the table [tool.slth] of a pyproject.toml."""
    tools = _content(path).get("tool")
    settings = tools.get("slth", {}) if isinstance(tools, dict) else {}
    if not isinstance(settings, dict):
        raise ArgumentError("config", str(path), "has tool.slth as a value", "write tables such as [tool.slth.solve]")
    _fill_in(verbs, f"{path}, [tool.slth]", settings, app, commands, arguments)


def _content(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise ArgumentError("config", str(path), f"cannot be read ({problem})", "see slth.toml.example") from problem


def _fill_in(
    verbs: Collection[Verb],
    path: str,
    settings: dict[str, Any],
    app: App,
    commands: Verb,
    arguments: ArgumentCollection,
) -> None:
    for name, content in settings.items():
        _check_table(path, name, content, sorted({verb[0] for verb in verbs}))
        groups = [".".join(verb) for verb in verbs if verb[0] == name and len(verb) > 1]
        for inner, options in content.items() if groups else ():
            _check_table(path, f"{name}.{inner}", options, groups)
    if any(argument.field_info.kind is argument.field_info.VAR_KEYWORD for argument in arguments):
        _refuse_free_names(path, settings, commands, arguments)
    Dict(_lists_as_texts(settings, commands, arguments), source=path)(app, commands, arguments)


def _lists_as_texts(settings: dict[str, Any], commands: Verb, arguments: ArgumentCollection) -> dict[str, Any]:
    """Write lists as the command line has them, with commas between, where an option is a text: hidden = [64, 32]."""
    if not commands or not isinstance(inner := settings.get(commands[0]), dict):
        return settings
    if len(commands) > 1:
        return {**settings, commands[0]: _lists_as_texts(inner, commands[1:], arguments)}
    texts = {name.lstrip("-") for each in arguments if _is_text(each.hint) for name in each.names}
    found = {
        name: ",".join(map(str, value)) if isinstance(value, list) and name.replace("_", "-") in texts else value
        for name, value in inner.items()
    }
    return {**settings, commands[0]: found}


def _is_text(hint: Any) -> bool:
    return hint is str or set(get_args(hint)) == {str, type(None)}


def _check_table(path: str, name: str, content: Any, known: Collection[str]) -> None:
    if name not in known:
        near = nearest(name, known)
        remedy = f"did you mean [{near}]?" if near else f"use {', '.join(f'[{table}]' for table in known)}"
        kind = f"the unknown table [{name}]" if isinstance(content, dict) else f"{name!r} outside the table of a verb"
        raise ArgumentError("config", path, f"has {kind}", remedy)
    if not isinstance(content, dict):
        raise ArgumentError("config", path, f"has {name!r} as a value", f"write a table [{name}] with its options")


def _refuse_free_names(path: str, settings: dict[str, Any], commands: Verb, arguments: ArgumentCollection) -> None:
    """Refuse what cyclopts would drop in silence: names beside the options of a verb that takes names of any kind."""
    table: Any = settings
    for word in commands:
        table = table.get(word, {})
    known = {name.lstrip("-") for argument in arguments for name in argument.names}
    for name in table:
        if name.replace("_", "-") not in known:
            rule = f"has {name!r} in [{'.'.join(commands)}], which is read from the command line alone"
            raise ArgumentError("config", path, rule, f"give --{name.replace('_', '-')} there")


def warn_of_unknown_variables(verbs: Collection[Verb], app: App, commands: Verb, arguments: ArgumentCollection) -> None:
    """Say which variables of ours in the environment no verb reads; those of other verbs are left to them."""
    prefix = _prefix(commands)
    known = {prefix + _as_variable(name) for argument in arguments for name in argument.names}.union(VARIABLES)
    others = tuple(_prefix(verb) for verb in verbs if verb != commands)
    for variable in sorted(os.environ):
        if not variable.startswith(PREFIX) or variable in known or variable.startswith(others):
            continue
        meant = prefix + variable.removeprefix(PREFIX)
        near = meant if meant in known else nearest(variable, known)
        say(f"warning: the environment variable {variable} is not read" + (f": did you mean {near}?" if near else ""))


def refuse_fractions(app: App, commands: Verb, arguments: ArgumentCollection) -> None:
    """Refuse 1.5 and 1e3 where a whole number is wanted, whichever layer says so: cyclopts would round the first."""
    for argument in arguments:
        if int not in (argument.hint, *get_args(argument.hint)):
            continue
        for token in argument.tokens:
            if not _is_whole(token.value):
                rule = f"must be a whole number{place_of(token)}"
                raise ArgumentError(argument.name.lstrip("-"), token.value, rule, "write it in digits, such as 1000")


def _prefix(verb: Verb) -> str:
    return PREFIX + "".join(f"{_as_variable(word)}_" for word in verb)


def _as_variable(name: str) -> str:
    return name.lstrip("-").upper().replace("-", "_")


def _is_whole(text: str) -> bool:
    for base in (10, 0):  # 0 reads 0xff
        try:
            int(text, base)
        except ValueError:
            continue
        return True
    return False

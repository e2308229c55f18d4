"""The command line: a page for each verb with its help, its options, and the JSON that it prints."""

from __future__ import annotations

import io
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from making.markup import cell
from rich.console import Console

from slth.cli.app import COMMANDS, GROUPS, build_app, prepare_help

KEYS = Path(__file__).parents[1] / "verbs.toml"
"""What each verb prints with ``--json``; the tests hold every object that they see printed against it."""

INTRODUCTION = """# Command line

`slth VERB --help` says what stands here. With `--json` a verb prints exactly one object on stdout, whose keys its page
lists; `?` marks those that are not always there. Every object has `verb` and `seed` too; where a verb fails, the
object has `error` (the message), `kind` (the name of the error) and `exit_code` in their place. What is no number of
JSON is a text: "nan", "inf", "-inf".

Exit codes: 0 done, 1 failed run or verification, 2 wrong usage or input, 3 partial, 130 / 143 interrupted / terminated.
"""


Known = Mapping[str, Mapping[str, str]]


def verb_pages() -> dict[str, str]:
    """Pages by their paths: an index, and one for each verb or group of verbs."""
    groups = {name: (line, {name: line}) for name, (_, line) in COMMANDS.items()}
    for group, (line, names) in GROUPS.items():
        groups[group] = (line, {f"{group} {name}": said for name, (_, said) in names.items()})
    known = read_keys()
    rows = [f"| [slth {name}]({name}.md) | {cell(groups[name][0])} |" for name in sorted(groups)]
    tree = ["```{toctree}", ":hidden:", "", *sorted(groups), "```", ""]
    index = "\n".join([INTRODUCTION, "| verb | does |", "| --- | --- |", *rows, "", *tree])
    return {"verbs/index.md": index} | {f"verbs/{name}.md": _page(name, *groups[name], known) for name in groups}


def read_keys() -> dict[str, dict[str, str]]:
    """Keys of each verb's object, as ``name`` or ``name?`` where it may be missing, with type and meaning.

    >>> read_keys()["ticket verify"]["bytes"]
    'integer: its bytes'
    """
    tables: dict[str, dict[str, Any]] = tomllib.loads(KEYS.read_text(encoding="utf-8"))

    def whole(name: str) -> dict[str, str]:
        own = dict(tables[name])
        return {key: text for other in own.pop("like", []) for key, text in whole(other).items()} | own

    return {name: whole(name) for name in tables}


def verbs() -> Iterator[str]:
    """Every verb as it is typed."""
    yield from COMMANDS
    yield from (f"{group} {name}" for group, (_, names) in GROUPS.items() for name in names)


def keys_of(known: Known, verb: str) -> Mapping[str, str]:
    """The keys of a verb: its own, or those of all verbs of its group."""
    return known[verb] if verb in known else known[f"{verb.partition(' ')[0]} *"]


def help_text(verb: str) -> str:
    """What ``slth VERB --help`` prints.

    >>> help_text("data ls").splitlines()[0]
    'Usage: slth data ls [OPTIONS]'
    """
    app, out = build_app(), io.StringIO()
    prepare_help(app, verb.split())
    app.help_print(verb.split(), console=Console(file=out, width=96, color_system=None))
    return "\n".join(line.rstrip() for line in out.getvalue().strip().splitlines())


def _page(name: str, summary: str, names: Mapping[str, str], known: Known) -> str:
    lines = [f"# slth {name}", "", summary, ""]
    shared = known.get(f"{name} *", {})
    if shared:
        lines += [
            "## JSON",
            "",
            "What every verb prints, but for those whose section lists all of theirs.",
            "",
            *_keys(shared),
        ]
    for verb in names:
        lines += [f"## slth {verb}", ""] if len(names) > 1 else []
        lines += ["```text", help_text(verb), "```", ""]
        own = known.get(verb, {})
        more = {key: own[key] for key in own if key not in shared} if shared.items() <= own.items() else own
        lines += ["**JSON**" if more is own else "**JSON**, besides", "", *_keys(more)] if more else []
    return "\n".join(lines)


def _keys(keys: Mapping[str, str]) -> list[str]:
    lines = ["| key | type | is |", "| --- | --- | --- |"]
    for key, text in keys.items():
        kind, _, meaning = text.partition(": ")
        lines.append(f"| `{key}` | {cell(kind)} | {cell(meaning)} |")
    return [*lines, ""]

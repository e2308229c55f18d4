"""What a command hands back: one JSON-able dictionary, a way to show it to a person, an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from slth.cli.options import Common
from slth.cli.streams import printing
from slth.errors import printable
from slth.files import dumps, write_json

LONGEST = 2000
"""Characters of a cell."""


@dataclass(frozen=True)
class Outcome:
    """The end of a command."""

    verb: str
    common: Common
    data: dict[str, Any]
    show: Callable[[], list[RenderableType]]
    exit_code: int = 0

    def deliver(self) -> int:
        """Write the JSON file where ``--out`` was given, then stdout; return the exit code."""
        document = self.write()
        with printing():
            if self.common.json:
                sys.stdout.write(dumps(document) + "\n")
            else:
                # Where nobody looks at a terminal, no line is broken: what is printed can be searched.
                width = None if sys.stdout.isatty() else 240
                # Names, descriptions and paths are the user's: nothing in them is markup or an emoji's name.
                console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False, width=width)
                for renderable in self.show():
                    # A script is printed as it is, whatever the width.
                    console.print(renderable, soft_wrap=isinstance(renderable, Text) and bool(renderable.no_wrap))
        return self.exit_code

    def write(self) -> dict[str, Any]:
        """Write the JSON file where ``--out`` was given, and return what is in it."""
        document = {"verb": self.verb, "seed": self.common.seed, **self.data}
        if self.common.out is not None:
            write_json(self.common.out / json_name(self.verb), document)
        return document


def json_name(verb: str) -> str:
    """Name of the JSON file that ``--out`` receives."""
    return f"{verb.replace(' ', '-')}.json"


def key_value_table(rows: Mapping[str, Any], *, title: str | None = None) -> Table:
    """Two columns, a name and a value, without lines."""
    table = Table(show_header=False, pad_edge=False, **_looks(title))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(printable(name), cell(value))
    return table


def table_of(
    rows: Iterable[Iterable[Any]], headings: Sequence[str], *, title: str | None = None, whole: Sequence[str] = ()
) -> Table:
    """Rows under headings, columns of numbers to the right; an empty heading for all means that none is shown.

    Columns named in ``whole`` are never broken, however narrow the terminal is.
    """
    lines = [tuple(row) for row in rows]
    table = Table(show_header=any(headings), **_looks(title))
    for heading, values in zip(headings, zip(*lines, strict=True) if lines else [()] * len(headings), strict=True):
        numbers = bool(lines) and all(isinstance(value, int | float | None) for value in values)
        table.add_column(
            printable(heading), justify="right" if numbers else "left", overflow="fold", no_wrap=heading in whole
        )
    for line in lines:
        table.add_row(*map(cell, line))
    return table


def _looks(title: str | None) -> dict[str, Any]:
    title = None if title is None else printable(title, most=LONGEST)
    return {"box": None, "title": title, "title_justify": "left", "title_style": "bold"}


def cell(value: Any) -> str:
    """A value as a person reads it, whoever wrote it: numbers in six digits, texts escaped and cut."""
    if isinstance(value, float):
        return number(value)
    return "" if value is None else printable(value, most=LONGEST)


def number(value: float) -> str:
    """A number as a person reads it: six significant digits."""
    return f"{value:.6g}"

"""What a command hands back: one JSON-able dictionary, a way to show it to a person, an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table

from slth.cli.options import Common
from slth.cli.streams import printing
from slth.files import dumps, write_json


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
        document = {"verb": self.verb, "seed": self.common.seed, **self.data}
        if self.common.out is not None:
            write_json(self.common.out / json_name(self.verb), document)
        with printing():
            if self.common.json:
                sys.stdout.write(dumps(document) + "\n")
            else:
                # Where nobody looks at a terminal, no line is broken: what is printed can be searched.
                terminal = sys.stdout.isatty()
                # Names, descriptions and paths are the user's: nothing in them is markup or an emoji's name.
                width = None if terminal else 240
                console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False, width=width)
                for renderable in self.show():
                    console.print(renderable)
        return self.exit_code


def json_name(verb: str) -> str:
    """Name of the JSON file that ``--out`` receives."""
    return f"{verb.replace(' ', '-')}.json"


def key_value_table(rows: Mapping[str, Any], *, title: str | None = None) -> Table:
    """Two columns, a name and a value, without lines."""
    table = Table(box=None, show_header=False, title=title, title_justify="left", title_style="bold", pad_edge=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, number(value) if isinstance(value, float) else str(value))
    return table


def number(value: float) -> str:
    """A number as a person reads it: six significant digits."""
    return f"{value:.6g}"

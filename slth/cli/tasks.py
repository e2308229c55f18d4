"""``slth run --tasks``: what a specification can ask for."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType

from slth.cli.options import Common
from slth.cli.outcome import Outcome, key_value_table, table_of
from slth.errors import ArgumentError

if TYPE_CHECKING:
    from slth.grids.keys import Key, Study


def list_tasks(name: str | None, common: Common) -> Outcome:
    """All tasks with the names of their keys, or one with all that it says of itself; nothing is computed."""
    from slth.studies import STUDIES

    common = replace(common, seed=common.seed or 0)
    if name is not None:
        return _task(name, STUDIES[name], common)
    rows: list[dict[str, Any]] = []
    for task in sorted(STUDIES):
        try:
            rows.append({"task": task, "keys": list(STUDIES[task].keys), "problem": None})
        except ArgumentError as problem:  # another package's, which keeps nobody from the rest
            rows.append({"task": task, "keys": [], "problem": str(problem)})

    def show() -> list[RenderableType]:
        lines = ((row["task"], row["problem"] or ", ".join(row["keys"])) for row in rows)
        advice = "slth run --tasks NAME says what each key is; your own study is package.module:function"
        return [table_of(lines, ("task", "keys")), "", advice]

    return Outcome("run", common, {"tasks": rows}, show)


def _task(name: str, study: Study, common: Common) -> Outcome:
    from slth.extensions import imported

    said = inspect.getdoc(imported(study.target, argument="task", name=name)) or ""
    keys = [
        {"key": key, "form": of.form, "needed": _needed(of), "choices": list(of.choices), "meaning": of.meaning}
        for key, of in study.keys.items()
    ]
    data: dict[str, Any] = {"task": name, "says": " ".join(said.split("\n\n")[0].split()), "keys": keys}

    def show() -> list[RenderableType]:
        lines = ((row["key"], row["form"], row["needed"], row["meaning"]) for row in keys)
        about = key_value_table({"task": name, "does": data["says"], "function": study.target})
        return [about, "", table_of(lines, ("key", "takes", "needed", "meaning"))]

    return Outcome("run", common, data, show)


def _needed(key: Key) -> str:
    return f"where {key.when[0]} is {key.when[1]}" if key.when else "yes" if key.needed else "no"

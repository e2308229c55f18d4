"""Which rows and columns of a table are looked at: conditions, order, and what is the same in all rows."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slth.errors import ArgumentError, did_you_mean

Row = Mapping[str, Any]

_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_CONDITION = re.compile(r"\s*(?P<column>.+?)\s*(?P<relation><=|>=|!=|==?|<|>)\s*(?P<value>.*?)\s*")


def check_column(argument: str, name: str, columns: Sequence[str]) -> str:
    """Refuse a column that a table has not."""
    if name not in columns:
        raise ArgumentError(argument, name, "is no column of the table", did_you_mean(name, columns))
    return name


def rows_where(rows: Sequence[Row], conditions: Sequence[str], columns: Sequence[str]) -> list[Row]:
    """Keep the rows that meet all conditions, each ``COLUMN=VALUE`` or with another of != <= >= < >.

    Numbers are compared with numbers; texts, and lists as they are written, only by = and !=. An empty value is what a
    row has not.
    """
    tests = [_test(condition, columns) for condition in conditions]
    return [row for row in rows if all(test(row) for test in tests)]


def _test(condition: str, columns: Sequence[str]) -> Callable[[Row], bool]:
    found = _CONDITION.fullmatch(condition)
    if found is None:
        raise ArgumentError("where", condition, "is no condition", "write n>=10 or law=uniform")
    column, relation, text = found["column"], found["relation"].replace("==", "="), found["value"]
    check_column("where", column, columns)
    compare = _RELATIONS[relation]
    number = _number(text)
    if number is None and relation not in ("=", "!="):
        raise ArgumentError("where", condition, "orders texts", "compare numbers, or write = or !=")

    def test(row: Row) -> bool:
        value = row.get(column)
        if isinstance(value, int | float) and number is not None:
            return compare(value, number)
        return relation in ("=", "!=") and compare("" if value is None else str(value), text)

    return test


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def rows_sorted(rows: Sequence[Row], by: str, columns: Sequence[str]) -> list[Row]:
    """Sort by a column, downwards for ``-COLUMN``; numbers come before texts, and what a row has not comes last."""
    name = by if by in columns else by.removeprefix("-")
    check_column("sort", name, columns)
    given = [row for row in rows if row.get(name) is not None]
    numbers = [row for row in given if isinstance(row[name], int | float)]
    others = [row for row in given if not isinstance(row[name], int | float)]
    down = by != name
    ordered = sorted(numbers, key=lambda row: float(row[name]), reverse=down)
    ordered += sorted(others, key=lambda row: str(row[name]), reverse=down)
    return ordered + [row for row in rows if row.get(name) is None]


def described(rows: Sequence[Row], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Say of each column how many values it has, and of numbers the least, the median and the largest."""
    found = []
    for name in columns:
        values = [row[name] for row in rows if row.get(name) is not None]
        line: dict[str, Any] = {"column": name, "rows": len(values), "different": len(set(map(str, values)))}
        if values and all(isinstance(value, int | float) for value in values):
            ordered = sorted(values)
            line |= {"least": ordered[0], "median": ordered[(len(ordered) - 1) // 2], "largest": ordered[-1]}
        found.append(line)
    return found


def common_to_all(rows: Sequence[Row], columns: Sequence[str]) -> dict[str, Any]:
    """Return the columns that say the same in each of several rows, with what they say."""
    if len(rows) < 2:
        return {}
    return {name: rows[0].get(name) for name in columns if all(row.get(name) == rows[0].get(name) for row in rows)}

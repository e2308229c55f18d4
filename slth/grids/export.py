"""Tables of results as files for other programs and for papers."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from slth.errors import ArgumentError, ResultsError, did_you_mean
from slth.files import dumps, write_bytes
from slth.grids.tables import csv_cell, csv_text

Row = Mapping[str, Any]

DIGITS = 4
"""Significant digits in tables for people."""


def export_rows(path: Path, rows: Sequence[Row], columns: Sequence[str], *, to: str, title: str = "") -> None:
    """Write rows in one of several formats, the file whole or not at all."""
    if to not in FORMATS:
        raise ArgumentError("to", to, "is not a format", did_you_mean(to, FORMATS))
    write_bytes(path, FORMATS[to](rows, columns, title))


def markdown_text(rows: Sequence[Row], columns: Sequence[str]) -> str:
    r"""Write rows as a table in Markdown."""
    lines = [_line(columns), _line(["---:" if _is_number(rows, column) else "---" for column in columns])]
    lines += [_line([shown(row.get(column)) for column in columns]) for row in rows]
    return "\n".join(lines) + "\n"


def latex_text(rows: Sequence[Row], columns: Sequence[str], *, title: str = "") -> str:
    r"""Write rows as a table in LaTeX, with the rules of the package booktabs."""
    kinds = "".join("r" if _is_number(rows, column) else "l" for column in columns)
    body = [" & ".join(_latex_cell(row.get(column)) for column in columns) + r" \\" for row in rows]
    head = " & ".join(map(_escaped, columns)) + r" \\"
    tabular = [
        rf"\begin{{tabular}}{{{kinds}}}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    if title:
        tabular = [r"\begin{table}", r"\centering", rf"\caption{{{_escaped(title)}}}", *tabular, r"\end{table}"]
    return "\n".join([r"% \usepackage{booktabs}", *tabular]) + "\n"


def shown(value: Any) -> str:
    """Give a value as people read it."""
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(csv_cell(value))


def _latex_cell(value: Any) -> str:
    text = shown(value)
    if not isinstance(value, float):
        return _escaped(text)
    mantissa, _, exponent = text.partition("e")
    if exponent:
        power = f"10^{{{int(exponent)}}}"
        return f"${power}$" if mantissa == "1" else rf"${mantissa} \cdot {power}$"
    return {"inf": r"$\infty$", "-inf": r"$-\infty$", "nan": "--"}.get(text, f"${text}$" if value < 0 else text)


def _escaped(text: str) -> str:
    named = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(named.get(sign, "\\" + sign if sign in "&%$#_{}" else sign) for sign in text)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _is_number(rows: Sequence[Row], column: str) -> bool:
    values = [row.get(column) for row in rows]
    return any(value is not None for value in values) and all(isinstance(v, int | float | None) for v in values)


def _parquet_bytes(rows: Sequence[Row], columns: Sequence[str]) -> bytes:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError as problem:
        raise ResultsError("parquet needs pyarrow: pip install 'slth[analysis]', or use --to csv") from problem
    table = pa.table({column: _parquet_column([row.get(column) for row in rows]) for column in columns})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def _parquet_column(values: Sequence[Any]) -> list[Any]:
    """One type a column: whole numbers among others become floats, and texts among numbers make texts of all."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in values]
    if len(kinds) > 1:
        return [None if value is None else str(csv_cell(value)) for value in values]
    return list(values)


def _json_text(rows: Sequence[Row], columns: Sequence[str]) -> str:
    return dumps({"rows": [{column: row.get(column) for column in columns} for row in rows]}, indent=1) + "\n"


FORMATS: dict[str, Callable[[Sequence[Row], Sequence[str], str], bytes]] = {
    "csv": lambda rows, columns, _: csv_text(rows, columns).encode(),
    "md": lambda rows, columns, _: markdown_text(rows, columns).encode(),
    "latex": lambda rows, columns, title: latex_text(rows, columns, title=title).encode(),
    "json": lambda rows, columns, _: _json_text(rows, columns).encode(),
    "parquet": lambda rows, columns, _: _parquet_bytes(rows, columns),
}
"""Format to what makes a file's bytes from rows, columns and a title."""

ENDINGS = {"latex": "tex"}
"""Endings of file names, where they are not the format's name."""

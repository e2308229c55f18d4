"""``slth results plot``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.console import RenderableType

from slth.cli.checks import check_out
from slth.cli.options import COMMON, Common
from slth.cli.outcome import Outcome, table_of
from slth.cli.results import WHERE, Run, about, place_of, read_run
from slth.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slth.grids.series import Point


def plot(
    run: Run,
    /,
    *,
    x: Annotated[str, Parameter(help="Column along the axis below.")],
    y: Annotated[str, Parameter(help="Column to draw, or rate.")],
    by: Annotated[str | None, Parameter(help="Column with a line for each of its values.")] = None,
    log: Annotated[Literal["none", "x", "y", "xy"], Parameter(help="Axes that are logarithmic.")] = "none",
    spread: Annotated[
        Literal["quartiles", "interval", "range"],
        Parameter(help="Median and quartiles, mean and its 95 % interval, or median, least and largest."),
    ] = "quartiles",
    where: WHERE = (),
    common: Common = COMMON,
) -> Outcome:
    """Draw a column of a run against another, as PDF and PNG, into --out or the run's folder.

    Rows with the same x, and the same value of --by, are put together; where there are successes and trials, rate is
    their share with its 95 % interval by Clopper and Pearson. Writes NAME-Y-over-X.pdf and .png.
    """
    from slth.figures.own_run import own_run_figure
    from slth.figures.style import save_figure
    from slth.grids.selection import rows_where
    from slth.grids.series import NAMES, RATE, points_of

    table = read_run(run)
    rows = rows_where(table.rows, where, table.columns)
    points = points_of(rows, table.columns, x=x, y=y, by=by, spread=spread)
    _check_scales(points, log, x, y)
    stem = (common.out or place_of(run).parent) / f"{table.experiment.name}-{y}-over-{x}".replace("/", "-")
    check_out(stem.parent, (f"{stem.name}.pdf", f"{stem.name}.png"))
    bars = "share and its 95 % interval" if y == RATE and RATE not in table.columns else NAMES[spread]
    drawing = own_run_figure(points, x=x, y=y, by=by, log=log, spread=bars)
    title = table.experiment.description or table.experiment.name
    recipe = {"run": table.experiment.name, "spec_sha256": table.experiment.digest, "seed": table.experiment.seed}
    stem.parent.mkdir(parents=True, exist_ok=True)
    pdf, png = save_figure(drawing, stem, title=title, about={**recipe, "where": list(where)})
    data = {**about(table), "rows": len(rows), "bars": bars, "points": [asdict(point) for point in points]}
    data |= {"pdf": pdf, "png": png}

    def show() -> list[RenderableType]:
        headings = ("" if by is None else by, x, y, "from", "to", "rows")
        lines = ((point.line, point.at, point.middle, point.low, point.high, point.rows) for point in points)
        return [table_of(lines, headings, title=bars), "", f"open {png}"]

    return Outcome("results plot", common, data, show)


def _check_scales(points: Sequence[Point], log: str, x: str, y: str) -> None:
    """A logarithmic axis has no place for what is not positive."""
    texts = [point.at for point in points if not isinstance(point.at, int | float)]
    for axis, name, values in (("x", x, [point.at for point in points]), ("y", y, [point.middle for point in points])):
        if axis in log and log != "none" and ((axis == "x" and texts) or min(values) <= 0):
            what = "texts" if axis == "x" and texts else f"{min(values):g}"
            rule = f"has no place for {name}, which holds {what}"
            raise ArgumentError("log", log, rule, "leave the axis out, or choose rows by --where")

"""``report.html``: one file, no script, nothing loaded from anywhere, the same bytes for the same record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from slth.figures import layer_figures, ticket_figures
from slth.figures.pages import page
from slth.figures.pictured import images_figure, images_text
from slth.figures.style import to_svg
from slth.files import dumps, plain, write_text
from slth.jobs.record import LayerRecord, TicketRecord

TEMPLATE = "report.html.j2"
MOST_PICTURES, MOST_HISTOGRAMS, MOST_KERNELS = 12, 30, 3
"""Layers of which the report has pictures of one kind."""


def write_report(record: TicketRecord, path: Path) -> Path:
    """Write the report of one ticket."""
    write_text(path, render_report(record))
    return path


def render_report(record: TicketRecord) -> str:
    """Give the report of one ticket as HTML text; its sections show what the record has."""
    rows = [layer.row for layer in record.layers]
    return page(
        TEMPLATE,
        FILTERS,
        record=record,
        summary=plain(record.summary),
        reach=float(np.abs(record.target_outputs).max()),
        tables=[(caption, *_table(rows, columns)) for caption, columns in _TABLES],
        pictures=_pictures(record),
        law=_law(record.provenance.get("law")),
        provenance=dumps(record.provenance, indent=1),
    )


def _pictures(record: TicketRecord) -> dict[str, list[str]]:
    """Return the SVG texts of the report by the section that shows them; a section without any is left out."""
    certified = _significant(record.summary["certified_error"])
    drawn: dict[str, list[tuple[Figure, str]]] = {
        "images": [] if record.pictured is None else [(images_figure(record), images_text(record))],
        "accuracy": [(ticket_figures.accuracy_figure(record), "Test accuracy of target and ticket on each class")],
        "certificate": [
            (
                ticket_figures.certificate_figure(record),
                "Sampled, attacked, certified and norm-bounded output error on a logarithmic axis",
            )
        ],
        "outputs": [
            (
                ticket_figures.output_figure(record),
                f"Difference of outputs on the test set, inside the certified band of {certified}",
            )
        ],
        "size": [(ticket_figures.size_figure(record), "Bits for each target weight, ticket and bounds")],
        "errors": [
            (
                layer_figures.error_figure(record.layers[:MOST_HISTOGRAMS]),
                "Histograms of the errors of each layer's weights, beside their prediction where there is one",
            )
        ],
        **{name: _layer_pictures(record, name) for name in _OF_LAYERS},
    }
    return {
        name: [to_svg(drawing, name=f"{name}{n}", description=text) for n, (drawing, text) in enumerate(parts)]
        for name, parts in drawn.items()
        if parts
    }


def _layer_pictures(record: TicketRecord, name: str) -> list[tuple[Figure, str]]:
    has, draw, most, text = _OF_LAYERS[name]
    shown = [layer for layer in record.layers if getattr(layer, has) is not None][:most]
    return [(draw(layer), f"{text} of layer {layer.path}") for layer in shown]


_OF_LAYERS: Mapping[str, tuple[str, Callable[[LayerRecord], Figure], int, str]] = {
    "kernels": ("target_slices", layer_figures.kernel_figure, MOST_KERNELS, "Kernels of target and ticket"),
    "masks": ("mask", layer_figures.mask_figure, MOST_PICTURES, "Mask"),
    "channels": ("scales", layer_figures.channel_figure, MOST_PICTURES, "Scales of the kept channels"),
}
"""Pictures that some layers have: the field that they show, how, of how many layers at most, and what is to see."""


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,}"


def _significant(value: float | str | None) -> str:
    if value is None or isinstance(value, str):
        return "-" if value is None else value
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e7 else f"{value:.3g}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100.0 * value:.2f} %"


def _size(value: int) -> str:
    return f"{value:,} B" if value < 10_000 else f"{value / 1000.0:,.1f} kB"


FILTERS: Mapping[str, Callable[[Any], str]] = {
    "count": _count, "significant": _significant, "percent": _percent, "size": _size
}  # fmt: skip
"""How templates write numbers."""


def _layer(row: Mapping[str, Any]) -> str:
    height, width = row["kernel"]
    window = "" if height * width == 1 else f", {height} \N{MULTIPLICATION SIGN} {width}"
    return f"{row['path']} ({row['inputs']} \N{RIGHTWARDS ARROW} {row['outputs']}{window})"


def _removed(row: Mapping[str, Any]) -> str:
    if row["removal"] == "plain":
        return "weights of one matrix"
    return str(row["removal"]) if row["rectified"] else f"{row['removal']}, no ReLU between"


def _law(law: Mapping[str, Any] | None) -> str | None:
    return None if law is None else f"{law['name']}, scale {law['scale']:g}"


def _of(key: str, style: Callable[[Any], str]) -> Callable[[Mapping[str, Any]], str | None]:
    """Return what a cell shows of one entry of a row."""
    return lambda row: None if row[key] is None else style(row[key])


Column = tuple[str, Callable[[Mapping[str, Any]], str | None]]

_TABLES: tuple[tuple[str, tuple[Column, ...]], ...] = (
    (
        "What was offered, and what was kept",
        (
            ("layer", _layer),
            ("removed", _removed),
            ("dimension", _of("dimensions", _count)),
            ("subset sums", _of("instances", _count)),
            ("candidates each", _of("candidates", _count)),
            ("channels n, of either sign", _of("channels", _count)),
            ("kept", _of("kept", _count)),
            ("of open", _of("open_positions", _count)),
            ("density", _of("density", _percent)),
            ("gain", _of("gain", _significant)),
        ),
    ),
    (
        "How near the weights came, and what the certificate knows behind each layer",
        (
            ("layer", _layer),
            ("median error", _of("median_error", _significant)),
            ("predicted", _of("predicted_median", _significant)),
            ("largest error", _of("largest_error", _significant)),
            ("search may stop at", lambda row: _significant(row["tolerance"]) if row["tolerance"] else None),
            ("relative error", _of("relative_error", _significant)),
            ("largest value", _of("value", _significant)),
            ("largest difference", _of("difference", _significant)),
        ),
    ),
)
"""Captions and columns of the tables of layers; a column in which no layer has anything is left out."""


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> tuple[list[str], list[list[str]]]:
    cells = [(heading, [cell(row) for row in rows]) for heading, cell in columns]
    shown = [(heading, texts) for heading, texts in cells if any(text is not None for text in texts)]
    body = [[text if text is not None else "-" for text in line] for line in zip(*(t for _, t in shown), strict=True)]
    return [heading for heading, _ in shown], body

"""``report.html`` of a search: one file that stands alone, the same bytes for the same record."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from slth.figures import search_figures
from slth.figures.pages import page
from slth.figures.report import FILTERS
from slth.figures.style import to_svg
from slth.files import dumps, plain, write_text
from slth.jobs.record import SearchRecord

TEMPLATE = "search.html.j2"
MOST_MASKS = 4
_PROVENANCE = ("method", "options", "recipe", "law", "scale", "normalisation", "seed", "data", "model")


def write_search_report(record: SearchRecord, path: Path, *, title: str, command: str) -> Path:
    """Write the report of one search."""
    write_text(path, render_search_report(record, title=title, command=command))
    return path


def render_search_report(record: SearchRecord, *, title: str, command: str) -> str:
    """Give the report of one search as HTML text; its sections show what the record has."""
    summary = record.summary
    return page(
        TEMPLATE,
        FILTERS,
        title=title,
        command=command,
        summary=plain(summary),
        pictures=_pictures(record),
        provenance=dumps({key: plain(summary[key]) for key in _PROVENANCE if key in summary}, indent=1),
    )


def _pictures(record: SearchRecord) -> dict[str, list[str]]:
    """Return the SVG texts of the report by the section that shows them; a section without any is left out."""
    drawn: dict[str, list[tuple[Figure | None, str]]] = {
        "trace": [(search_figures.trace_figure(record), "Loss and held-out accuracy by epoch")]
        if record.summary["trace"]
        else [],
        "sanity": [(search_figures.sanity_figure(record), "Accuracy of the ticket and of its sanity checks")]
        if record.summary["sanity"]
        else [],
        "densities": [(search_figures.density_figure(record), "Density of each layer")],
        "scores": [(search_figures.score_figure(record), "Histograms of scores, kept and removed")],
        "masks": [
            (search_figures.mask_figure(record, name), f"Mask of {name}") for name in list(record.masks)[:MOST_MASKS]
        ],
        "size": [(search_figures.size_figure(record), "Sizes of the ticket and of checkpoints")],
    }
    texts = {
        name: [to_svg(one, name=f"{name}{n}", description=text) for n, (one, text) in enumerate(parts) if one]
        for name, parts in drawn.items()
    }
    return {name: parts for name, parts in texts.items() if parts}

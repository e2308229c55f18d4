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
_MAGNITUDES = "scores, whose magnitudes are ranked: large ones of both signs stay."
_GATES = "log-odds of the gates; those that are likeliest to be open stay."
_SALIENCY = (
    "what removing a weight is taken to cost, or where there were several rounds the order of removal; large stays."
)
SCORES = {
    "edge-popup": _MAGNITUDES,
    "biprop": _MAGNITUDES,
    "partially-frozen": _MAGNITUDES + " What was kept or removed beforehand has none.",
    "multicoated": "scores, whose magnitudes are ranked: the larger, the more of the nested masks keep the weight.",
    "signed-supermask": "scores; beyond the threshold a weight stays, negated where its score is negative.",
    "slots": "scores of all random numbers; of each weight's the largest chooses.",
    "gem-miner": "scores, which are rounded to 0 or 1.",
    "concrete": _GATES,
    "bernoulli": _GATES,
    "random": "random numbers; the largest stay.",
    "magnitude": "magnitudes of the random weights; the largest stay.",
    "snip": _SALIENCY,
    "grasp": _SALIENCY,
    "synflow": _SALIENCY,
}
"""What the histograms show, by method."""
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
        scores=SCORES.get(summary["method"], "scores; the largest stay."),
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

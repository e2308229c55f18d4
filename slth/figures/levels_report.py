"""``report.html`` of a trainable method: one file that stands alone, the same bytes for the same levels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slth.figures import levels_figures
from slth.figures.pages import page
from slth.figures.report import FILTERS
from slth.figures.style import to_svg
from slth.files import dumps, plain, write_text

TEMPLATE = "levels.html.j2"
_PROVENANCE = ("method", "recipe", "law", "scale", "normalisation", "seed", "data", "model")


def write_levels_report(summary: Mapping[str, Any], path: Path, *, title: str, command: str) -> Path:
    """Write the report of one method's levels."""
    drawn = {
        "levels": (levels_figures.levels_figure, "Test accuracy of each level against its density"),
        "layers": (levels_figures.layers_figure, "Density of each layer, level by level"),
        "stopping": (levels_figures.stopping_figure, "Step and loss at the least held-out loss of each level"),
    }
    pictures = {}
    for name, (draw, description) in drawn.items():
        found = draw(summary["levels"])
        if found is not None:
            pictures[name] = to_svg(found, name=name, description=description)
    text = page(
        TEMPLATE,
        FILTERS,
        title=title,
        command=command,
        summary=plain(summary),
        kinds=levels_figures.KINDS,
        pictures=pictures,
        provenance=dumps({key: plain(summary[key]) for key in _PROVENANCE}, indent=1),
    )
    write_text(path, text)
    return path

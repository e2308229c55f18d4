"""Draws a paper figure from its table alone: the same table gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slth.errors import ResultsError
from slth.figures.catalogue import resolve_figure
from slth.figures.style import save_figure
from slth.grids.provenance import TABLE_NAME, check_table, read_provenance
from slth.grids.tables import read_csv


def draw_figure(name: str, folder: Path) -> tuple[Path, Path]:
    """Draw the pictures of one figure from the table in its folder."""
    draw = resolve_figure(name)
    provenance = read_provenance(folder)
    try:
        check_table(folder, provenance)
        drawing = draw(read_csv(folder / TABLE_NAME))
    except ResultsError:
        raise
    except Exception as problem:  # one figure may fail in any way; the others are drawn
        reason = " ".join(f"{type(problem).__name__}: {problem}".split())
        raise ResultsError(
            f"{folder / TABLE_NAME} does not fit the figure {name} ({reason}): compute it again with --rerun"
        ) from problem
    return save_figure(drawing, folder / name, title=provenance["description"], about=recipe(name, provenance))


def recipe(name: str, provenance: dict[str, Any]) -> dict[str, Any]:
    """Give what it takes to make a figure again, for the metadata of its pictures."""
    full = bool(provenance.get("full"))
    return {
        "seed": provenance["seed"],
        "spec_sha256": provenance["spec_sha256"],
        "slth": provenance["environment"].get("slth"),
        "full": full,
        "redraw": f"slth figure {name}",
        "recompute": f"slth figure {name} --rerun{' --full' if full else ''}",
    }

"""Redraw what this folder holds, from its tables alone: `make figures`."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

from slth.figures.solver_figures import solver_time_figure
from slth.figures.style import save_figure
from slth.figures.vector_figures import structured_error_figure, vector_guarantee_figure

FIGURES = {
    "solver_time": solver_time_figure,
    "structured_error": structured_error_figure,
    "vector_guarantee": vector_guarantee_figure,
}


def main() -> int:
    for name, draw in FIGURES.items():
        folder = Path(__file__).parent / name
        with (folder / "table.csv").open(newline="") as table:
            rows = list(csv.DictReader(table))
        provenance = json.loads((folder / "provenance.json").read_text())
        about = {"seed": provenance["seed"], "spec_sha256": provenance["spec_sha256"], "redraw": "make figures"}
        for path in save_figure(draw(rows), folder / name, title=provenance["description"], about=about):
            sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

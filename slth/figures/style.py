"""How our pictures look: a page's width, colours that the colour-blind and grey printers tell apart, no dates."""

from __future__ import annotations

import io
import json
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

PAGE = 6.75
"""Inches: the text width of a journal's page, at which letters have the size that is set here."""

# Okabe and Ito's hues, distinct for the three kinds of colour blindness, made lighter and darker to differ in grey.
INK = "#22262b"
MUTED = "#6b7480"
GRID = "#e3e6ea"
BLUE = "#00568c"
ORANGE = "#d55e00"
GREEN = "#008760"
SKY = "#5fbaee"
YELLOW = "#f0b92e"
PINK = "#c9709f"

COLORS = (BLUE, ORANGE, GREEN, PINK, YELLOW, SKY)
MARKERS = ("o", "s", "D", "^", "v", "P")

Direction: TypeAlias = Literal["both", "x", "y"]

# matplotlib types its keys as a list of literals that changes with its version.
SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.titlesize": 8.0,
    "axes.titlelocation": "left",
    "axes.labelsize": 8.0,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "legend.title_fontsize": 7.5,
    "lines.linewidth": 1.4,
    "text.color": INK,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in our style inside, whatever the user's own settings are, and leave matplotlib as it was."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(SETTINGS)
        yield


def figure(width: float, height: float) -> Figure:
    """Make an empty figure that belongs to nobody: no window, no list of open figures."""
    return Figure(figsize=(width, height), layout="constrained")


@contextmanager
def panels(
    width: float, height: float, rows: int, columns: int, *, lines: Direction = "y", **options: Any
) -> Iterator[tuple[Figure, Any]]:
    """Make a figure and its grid of axes, in our style inside; in the end they get letters, and light lines behind."""
    with style():
        drawing = figure(width, height)
        grid = drawing.subplots(rows, columns, squeeze=False, **options)
        yield drawing, grid[0] if rows == 1 else grid
        for axes in grid.flat:
            light_grid(axes, axis=lines)
        letter(grid.flat)


def letter(panels: Sequence[Axes]) -> None:
    """Begin the title of each panel, where there are several, with the letter that texts call it by."""
    if len(panels) > 1:
        for name, axes in zip(string.ascii_lowercase, panels, strict=False):
            axes.set_title(f"({name}) {axes.get_title('left')}".rstrip(), loc="left")


def legend_below(drawing: Figure, *panels: Axes, columns: int, title: str | None = None) -> None:
    """Say below the panels, once for all of them, what their looks mean; those that in_legend explains come last."""
    named: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    last = sorted(named, key=lambda label: _is_shown_alone(named[label]))
    drawing.legend([named[label] for label in last], last, loc="outside lower center", ncols=columns, title=title)


def _is_shown_alone(handle: Any) -> bool:
    """Whether a look is in the legend only, as in_legend puts it there."""
    return isinstance(handle, Line2D) and not len(np.asarray(handle.get_xdata()))


def in_legend(axes: Axes, label: str, *line: str, **look: Any) -> None:
    """Say in the legend what a look means, without drawing anything."""
    axes.plot([], [], *line, label=label, **{"color": INK, "linewidth": 1.2, **look})


def light_grid(axes: Axes, *, axis: Direction = "y") -> None:
    """Lay light lines behind the data, along one axis."""
    axes.grid(visible=True, axis=axis)
    axes.tick_params(length=0 if axis == "both" else 3)


def to_svg(drawing: Figure, *, name: str, description: str) -> str:
    """Turn a figure into an SVG element for an HTML page, the same bytes every time."""
    buffer = io.StringIO()
    with style():
        mpl.rcParams["svg.hashsalt"] = f"slth.{name}"  # else matplotlib draws identifiers at random
        FigureCanvasSVG(drawing).print_svg(  # type: ignore[no-untyped-call]
            buffer, metadata={"Date": None, "Creator": None}
        )
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"(?<=\sid=\")", f"{name}-", text)
    text = re.sub(r"(?<=href=\"#)", f"{name}-", text)
    text = re.sub(r"(?<=url\(#)", f"{name}-", text)
    escaped = description.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return text.replace("<svg ", f'<svg role="img" aria-label="{escaped}" ', 1).strip()


def save_figure(drawing: Figure, stem: Path, *, title: str, about: Mapping[str, Any]) -> tuple[Path, Path]:
    """Write a figure as PDF and PNG, the same bytes each time, with what it takes to make it again in the metadata."""
    recipe = json.dumps(dict(about), sort_keys=True)
    metadata = {
        "pdf": {"Title": title, "Subject": recipe, "CreationDate": None, "Producer": None, "Creator": "slth"},
        "png": {"Title": title, "Description": recipe, "Software": "slth"},
    }
    paths = []
    for ending, fields in metadata.items():
        path = stem.with_name(f"{stem.name}.{ending}")
        temporary = path.with_name(path.name + ".part")
        with style():
            drawing.savefig(temporary, format=ending, dpi=200, metadata=fields)
        temporary.replace(path)
        paths.append(path)
    return paths[0], paths[1]

"""The error of attention made of random products, against the width of its heads and the length of the sequence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slth.figures.rows import Row, levels, numbers, quantiles, where
from slth.figures.style import COLORS, INK, MARKERS, MUTED, PAGE, in_legend, legend_below, panels
from slth.theory.catalogue import bounds

BAND = (0.1, 0.5, 0.9)
PUBLISHED = 100
"""Largest inner width of the published fit."""

ASSUMED = 2.0
"""The constant C of the theorem, which nobody knows: assumed, and labelled so."""

FORBIDDEN: Any = {"linestyle": ":", "linewidth": 1.3}


def attention_error_figure(rows: Sequence[Row]) -> Figure:
    """Median error with the range of eight in ten sources, against inner width for one length and against length."""
    long = [row for row in rows if len(_list(row["lengths"])) > 1]
    wide = [row for row in rows if len(_list(row["lengths"])) == 1 and row.get("outputs") in ("", None)]
    published = [row for row in rows if row.get("outputs") not in ("", None)]
    with panels(PAGE, 4.8, 1, 2) as (drawing, (left, right)):
        _against_width(left, wide)
        if published:
            _as_published(left, published)
        _against_length(right, long)
        legend_below(drawing, left, right, columns=3, title="medians; bars: the middle 8 of 10 networks")
    return drawing


def _against_width(axes: Axes, rows: Sequence[Row]) -> None:
    for width, color, marker in zip(levels(rows, "width"), COLORS, MARKERS, strict=False):
        _banded(axes, where(rows, width=width), "inner_width", color, marker, f"$d = {width:g}$")
        theorem = bounds["otsuka2025.head_width"]
        eps = np.geomspace(1e-7, 0.99, 40)
        n = [theorem(d_in=int(width), heads=1, radius=width**0.5, eps=e, constant=ASSUMED) for e in eps]
        axes.semilogy(n, eps, color=color, **FORBIDDEN)
    fit = bounds["otsuka2025.measured_error"]
    whole = range(1, PUBLISHED + 1)
    axes.semilogy(
        whole,
        [fit(n=k) for k in whole],
        color=MUTED,
        linestyle="--",
        label="published fit of means,\n$0.8\\,\\exp(-0.06\\,n)$",
    )
    assumed = f"theorem 3: $n$ enough for $d = 4$\n(others: more), $C = {ASSUMED:g}$ assumed"
    in_legend(axes, assumed, color=COLORS[0], **FORBIDDEN)
    axes.set_xlim(0.0, 1.02 * max([PUBLISHED, *levels(rows, "inner_width")]))
    axes.set_ylim(2e-7, 5.0)
    lengths = ", ".join(f"{tokens:g}" for tokens in levels(rows, "tokens"))
    axes.set(title=f"against head dimension, $T = {lengths}$", xlabel="head dimension $n$ (of keys and of values)")
    axes.set_ylabel("largest error of a token, $\\ell_2$")


def _as_published(axes: Axes, rows: Sequence[Row]) -> None:
    """Means over 100 sources in the paper's setting, as its figure has them."""
    n = levels(rows, "inner_width")
    means = [float(np.mean(numbers(where(rows, inner_width=k), "error"))) for k in n]
    axes.semilogy(
        n, means, "*", color=INK, markersize=6, label="paper's setting ($d = 2$, $T = 4$):\nmean of 100 networks"
    )


def _against_length(axes: Axes, rows: Sequence[Row]) -> None:
    for number, inner in enumerate(levels(rows, "inner_width")):
        place = (number + 3) % len(COLORS)  # colours that the widths do not have
        color, chosen = COLORS[place], where(rows, inner_width=inner)
        _banded(axes, chosen, "tokens", color, MARKERS[place], f"$n = {inner:g}$", beside=1.07**number)
        known = [row for row in chosen if row["lemma_bound"] not in ("", None)]
        if 2 * len(known) > len(chosen):  # else the median source has no bound
            missing = (len(chosen) - len(known)) / len(chosen)
            found = [float(row["lemma_bound"]) for row in known]
            middle = float(np.quantile(found, 0.5 / (1.0 - missing)))
            ends = levels(chosen, "tokens")
            axes.plot([ends[0], ends[-1]], [middle, middle], color=color, linestyle="--", linewidth=1.2,
                      label=f"$n = {inner:g}$: softmax lemma,\nany $T$, median source")  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_ylim(1e-2, 5.0)
    widths = ", ".join(f"{width:g}" for width in levels(rows, "width"))
    axes.set(
        title=f"against sequence length, $d = {widths}$",
        xlabel="tokens $T$",
        ylabel="largest error of a token, $\\ell_2$",
    )


def _banded(
    axes: Axes, rows: Sequence[Row], key: str, color: str, marker: str, label: str, *, beside: float = 1.0
) -> None:
    """Medians and ranges; ``beside`` moves them along a logarithmic axis, so that those of two lines do not meet."""
    at, (low, middle, high) = quantiles(rows, key, "error", BAND)
    axes.errorbar(
        at * beside, middle, [middle - low, high - middle], fmt=marker, linestyle="-", linewidth=1.2, color=color,
        markersize=4.5, elinewidth=0.9, capsize=2, label=label,
    )  # fmt: skip


def _list(value: Any) -> list[Any]:
    return list(json.loads(value)) if isinstance(value, str) else list(value)

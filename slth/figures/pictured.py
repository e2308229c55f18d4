"""Test images, and the classes that target and ticket give to each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slth.figures.style import INK, MUTED, ORANGE, figure, style
from slth.figures.ticket_figures import WIDTH
from slth.jobs.record import TicketRecord

NAMES = ("test image", "label", "target", "ticket", "outputs differ by")
MOST_PIXELS = 128
"""Of a side: of larger images every second or third pixel is drawn, for the file would be megabytes."""
_LEFT, _SIDE, _APART, _TOP = 1.1, 0.7, 0.08, 0.04  # inches
_LINE = 11 / 72  # inches from one line of text to the next


def images_figure(record: TicketRecord) -> Figure:
    """Images in a row; below each its number, its label, the class that either network gives, and their distance."""
    shown = record.pictured
    assert shown is not None, "inputs that are no images have no picture"
    with style():
        height = _TOP + _SIDE + _LINE * (len(NAMES) + 0.5)
        drawing = figure(WIDTH, height)
        drawing.set_layout_engine("none")  # which would make room for texts by making images small
        for place, (image, texts) in enumerate(zip(shown.images, _texts(record), strict=True)):
            left, bottom = _LEFT + (_SIDE + _APART) * place, height - _TOP - _SIDE
            box = (left / WIDTH, bottom / height, _SIDE / WIDTH, _SIDE / height)
            axes = drawing.add_axes(box, anchor="S")
            step = -(-max(image.shape[:2]) // MOST_PIXELS)
            axes.imshow(image[::step, ::step], cmap="gray", vmin=0.0, vmax=1.0, interpolation="none")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(True)
            _, label, target, ticket, _ = texts
            if target != ticket:
                axes.spines[:].set(color=ORANGE, linewidth=3.0)
            for line, text in enumerate(texts):
                is_wrong = line in (2, 3) and text != label
                _below(axes, line, text, weight="bold" if is_wrong else "normal", color=ORANGE if is_wrong else INK)
            if place == 0:
                for line, name in enumerate(NAMES):
                    _below(axes, line, name, x=-0.1, ha="right", color=MUTED)
    return drawing


def images_text(record: TicketRecord) -> str:
    """Say in words what the picture shows, for who cannot see it."""
    said = (
        f"image {image}: label {label}, target {target}, ticket {ticket}" for image, label, target, ticket, _ in
        _texts(record)
    )  # fmt: skip
    return f"Test images and the classes that they are given. {'; '.join(said)}"


def _texts(record: TicketRecord) -> Iterator[tuple[str, ...]]:
    assert record.pictured is not None, "inputs that are no images have no picture"
    for index in record.pictured.indices:
        wanted, found = record.target_outputs[index], record.ticket_outputs[index]
        numbers = (index, record.labels[index], wanted.argmax(), found.argmax())
        yield (*(f"{number}" for number in numbers), f"{np.abs(found - wanted).max():.2g}")


def _below(axes: Axes, line: int, text: str, *, x: float = 0.5, ha: str = "center", **look: Any) -> None:
    """Write a line below a picture."""
    place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "top", "fontsize": 8.0}
    axes.annotate(text, (x, 0.0), xytext=(0, -4 - 72 * _LINE * line), ha=ha, **place, **look)

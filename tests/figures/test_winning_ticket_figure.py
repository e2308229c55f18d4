"""The figures of winning tickets and of returning connections draw means over seeds with their range."""

from __future__ import annotations

import pytest

from slth.figures.restored_capacity import restored_capacity_figure
from slth.figures.winning_ticket import winning_ticket_figure

ROWS = [
    {
        "kind": kind, "level": str(level), "kept": str(1000 // 2**level), "total": "1000",
        "accuracy": str(0.9 + 0.02 * seed - 0.1 * level * (kind != "ticket")), "stop": str(100 * (seed + 1)),
    }
    for level in range(3)
    for kind in (("ticket", "random") if level else ("ticket",))
    for seed in range(3)
]  # fmt: skip


def test_means_with_their_range_at_the_density_of_each_level():
    drawing = winning_ticket_figure(ROWS)
    accuracy, stop = drawing.axes
    assert [text.get_text() for text in drawing.legends[0].get_texts()] == ["the ticket", "random masks", "dense"]
    ticket, random = (container.lines[0] for container in accuracy.containers)
    assert ticket.get_xdata() == pytest.approx([1.0, 0.5, 0.25])
    assert ticket.get_ydata() == pytest.approx([0.92] * 3)
    assert random.get_ydata() == pytest.approx([0.82, 0.72])
    low, high = accuracy.containers[0].lines[2][0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((0.9, 0.94))
    assert stop.containers[0].lines[0].get_ydata() == pytest.approx([200] * 3)
    assert accuracy.lines[-2].get_ydata() == pytest.approx([0.92] * 2)  # dense
    assert accuracy.xaxis_inverted()


def test_each_density_has_a_panel_and_each_kind_its_means():
    rows = [
        {"density": density, "kind": kind, "level": level, "accuracy": 0.8 + 0.1 * density + 0.02 * seed}
        for density in (0.1, 0.2)
        for level in range(3)
        for kind in (("sparse", "restored", "fine-tuned") if level else ("dense",))
        for seed in range(3)
    ]
    drawing = restored_capacity_figure(rows)
    left, right = drawing.axes
    assert [axes.get_title(loc="left") for axes in (left, right)] == ["(a) density 0.1", "(b) density 0.2"]
    assert len(left.containers) == 3
    line = left.containers[1].lines[0]
    assert line.get_xdata() == pytest.approx([1, 2])
    assert line.get_ydata() == pytest.approx([0.83, 0.83])
    assert right.lines[-1].get_ydata() == pytest.approx([0.84, 0.84])  # dense

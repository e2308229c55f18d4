"""The figure of winning tickets draws means over seeds with their range, at the densities of the masks."""

from __future__ import annotations

import pytest

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
    assert [text.get_text() for text in drawing.legends[0].get_texts()] == ["the ticket", "random masks"]
    ticket, random = (container.lines[0] for container in accuracy.containers)
    assert ticket.get_xdata() == pytest.approx([1.0, 0.5, 0.25])
    assert ticket.get_ydata() == pytest.approx([0.92] * 3)
    assert random.get_ydata() == pytest.approx([0.82, 0.72])
    low, high = accuracy.containers[0].lines[2][0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((0.9, 0.94))
    assert stop.containers[0].lines[0].get_ydata() == pytest.approx([200] * 3)
    assert accuracy.lines[-1].get_ydata() == pytest.approx([0.92] * 2)  # dense
    assert accuracy.xaxis_inverted()

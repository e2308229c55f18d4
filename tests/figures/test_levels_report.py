"""The report of levels shows each level at its density, and is the same for the same levels."""

from __future__ import annotations

import pytest

from slth.figures.levels_figures import layers_figure, levels_figure, stopping_figure
from slth.figures.levels_report import write_levels_report

LEVELS = [
    {
        "level": number, "kind": kind, "density": 0.8**number, "kept": int(100 * 0.8**number),
        "accuracy": 0.9 - 0.02 * number * (kind != "ticket"), "validation_accuracy": 0.9, "best_step": 10 * number,
        "best_validation_loss": 0.1, "layers": {"a": 0.7**number, "b": 0.9**number},
    }
    for number in range(4)
    for kind in (("ticket", "shuffled") if number else ("ticket",))
]  # fmt: skip
SUMMARY = {
    "levels": LEVELS, "accuracy": 0.9, "density": 0.512, "dense_accuracy": 0.9, "seconds": 1.5, "data": "digits",
    "model": "mlp", "seed": 0, "family": "trainable", "method": {}, "recipe": {}, "law": None, "scale": None,
    "normalisation": {},
}  # fmt: skip


def lines(axes):
    return {line.get_label(): line.get_xydata().tolist() for line in axes.lines if not line.get_label().startswith("_")}


def test_accuracy_is_drawn_at_its_density():
    (axes,) = levels_figure(LEVELS).axes
    drawn = lines(axes)
    assert drawn["the ticket"] == [[0.8**number, 0.9] for number in range(4)]
    assert drawn["masks shuffled within layers"] == [[0.8**n, 0.9 - 0.02 * n] for n in range(1, 4)]
    assert axes.xaxis_inverted()


def test_layers_and_steps_are_those_of_the_table():
    (axes,) = layers_figure(LEVELS).axes
    assert lines(axes)["a"] == [[0.8**number, 0.7**number] for number in range(4)]
    steps, _ = stopping_figure(LEVELS).axes
    assert lines(steps)["the ticket"] == [[0.8**number, 10 * number] for number in range(4)]
    assert layers_figure(LEVELS[:1]) is None
    assert stopping_figure([{**LEVELS[0], "best_step": None}]) is None


@pytest.mark.parametrize("held_out", [True, False])
def test_the_page_is_the_same_for_the_same_levels(tmp_path, held_out):
    more = {} if held_out else {"best_step": None, "best_validation_loss": None, "validation_accuracy": None}
    summary = {**SUMMARY, "levels": [{**level, **more} for level in LEVELS]}
    pages = [
        write_levels_report(summary, tmp_path / name, title="a < b", command="slth train imp").read_text()
        for name in ("one.html", "two.html")
    ]
    assert pages[0] == pages[1]
    assert "a &lt; b" in pages[0]
    assert pages[0].count("<svg") == (3 if held_out else 2)
    assert pages[0].count("<tr>") == 8

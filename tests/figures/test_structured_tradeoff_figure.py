"""The figure of what structured tickets cost: its lines are those of its table."""

from __future__ import annotations

import numpy as np

from slth.figures.structured_tradeoff import points_lost, structured_tradeoff_figure


def row(model, channels, gain):
    return {
        "model": model, "channels": str(channels), "gain": gain, "accuracy": str(0.9 - 10.0 / channels),
        "target_accuracy": "0.9", "rms_over_spread": str(100.0 / channels), "kept_weights": str(3 * channels),
        "target_parameters": "1000", "ticket_bytes": str(2 * channels), "target_bytes": "4000",
    }  # fmt: skip


ROWS = [row("cnn6", n, gain) for n in (1000, 200) for gain in ("auto", "unit")] + [row("lenet5", 500, "auto")]


def test_lines_rise_with_channels_and_tell_what_is_lost():
    error, lost, weights, file = structured_tradeoff_figure(ROWS).axes
    drawn = [line for line in error.lines if len(line.get_xdata())]
    assert [line.get_xdata().tolist() for line in drawn] == [[500.0], [200.0, 1000.0], [200.0, 1000.0]]
    np.testing.assert_allclose(drawn[1].get_ydata(), [0.5, 0.1])
    np.testing.assert_allclose(lost.lines[1].get_ydata(), [5.0, 1.0])
    np.testing.assert_allclose(weights.lines[1].get_xdata(), [0.6, 3.0])
    np.testing.assert_allclose(file.lines[1].get_xdata(), [0.1, 0.5])
    np.testing.assert_allclose(points_lost(ROWS[:1]), [1.0])


def test_only_models_that_were_run_are_named():
    drawing = structured_tradeoff_figure(ROWS)
    named = [text.get_text() for text in drawing.legends[0].get_texts()]
    assert named == ["LeNet-5 (MNIST)", "six convolutions (CIFAR-10)", "unit gain (filled: auto)", "(b-d) one point"]

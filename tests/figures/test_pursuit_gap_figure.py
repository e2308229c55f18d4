"""The figure of the pursuit's gap: what its points and bars are of."""

from __future__ import annotations

import numpy as np

from slth.figures.pursuit_gap import pursuit_gap_figure, ranges


def row(dimension, n, gain, instance):
    return {
        "dimension": str(dimension), "n": str(n), "gain": gain, "instance": str(instance), "usable": str(n),
        "enough": str(10 + instance), "relative_error": str((1 + instance) * dimension / n),
        "first_moment_bits": str(n / dimension), "gap_bits": str(n / dimension - 3),
        "typical_bits": "" if n < 20 else str(n / dimension - 1),
    }  # fmt: skip


ROWS = [row(d, n, gain, k) for d in (2, 4) for n in (10, 100) for gain in ("unit", "auto") for k in (0, 1)]


def test_points_are_means_and_bars_reach_to_the_ends():
    own = [one for one in ROWS if one["gain"] == "unit" and one["dimension"] == "2"]
    n, (middle, below, above) = ranges(own, "relative_error")
    assert n.tolist() == [10.0, 100.0]
    np.testing.assert_allclose(middle, [0.3, 0.03])
    np.testing.assert_allclose(middle - below, [0.2, 0.02])
    np.testing.assert_allclose(middle + above, [0.4, 0.04])
    np.testing.assert_allclose(ranges(own, "spare")[1][0], [(1.0 + 10 / 11) / 2, (10.0 + 100 / 11) / 2])


def test_what_is_not_told_of_every_instance_is_left_out():
    n, (middle, _, _) = ranges([one for one in ROWS if one["dimension"] == "2"], "typical_gap_bits")
    assert n.tolist() == [100.0]
    assert middle.tolist() == [46.0]


def test_panels_have_their_lines():
    unit, auto, gap, share = pursuit_gap_figure(ROWS).axes
    assert [len(axes.containers) for axes in (unit, auto, gap, share)] == [2, 2, 4, 4]
    dashed = [line for line in auto.lines if line.get_linestyle() == "--" and len(line.get_xdata())]
    np.testing.assert_allclose(dashed[1].get_ydata(), [2.0**-2.5, 2.0**-25])
    np.testing.assert_allclose(gap.containers[0].lines[0].get_ydata(), [2.0, 47.0])

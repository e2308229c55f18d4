"""The data behind the page of width bounds."""

from __future__ import annotations

import numpy as np

from slth.figures.widths import LOOKS, widths_figure
from slth.theory.network_demands import THEOREMS


def row(bound, depth, eps, per_unit, *, provenance="found", constant="1.0"):
    return {
        "bound": bound, "depth": str(depth), "eps": str(eps), "provenance": provenance, "constant": constant,
        "per_unit": str(per_unit), "overhead": str(2 * per_unit),
    }  # fmt: skip


ROWS = [
    *(row("pensia2020.width", 4, eps, -np.log10(eps)) for eps in (1e-3, 1e-2, 1e-4)),
    *(row("pensia2020.width", depth, 1e-2, depth) for depth in (1, 16)),
    *(row("malach2020.width", 4, eps, eps**-2 * 1e4, provenance="recalled") for eps in (1e-2, 1e-3)),
    *(
        row("derived.structured.counting", 4, eps, value, provenance="derived", constant="")
        for eps, value in ((1e-2, 0.0), (1e-3, 7.0))
    ),
]


def drawn(axes):
    return [line for line in axes.lines if len(line.get_xdata())]


def test_lines_are_the_rows():
    steep, steep_depth, _, *between, flat, depth, overhead = widths_figure(ROWS).axes
    assert not any(drawn(axes) for axes in between)
    (malach,) = drawn(steep)
    np.testing.assert_allclose(malach.get_ydata(), [1e10, 1e8])
    assert malach.get_markerfacecolor() == "white"  # recalled
    pensia, counting = drawn(flat)
    np.testing.assert_allclose(pensia.get_xdata(), [1e-4, 1e-3, 1e-2])
    np.testing.assert_allclose(pensia.get_ydata(), [4.0, 3.0, 2.0])
    assert pensia.get_markerfacecolor() != "white"
    np.testing.assert_array_equal(counting.get_ydata(), [7.0])  # nothing where it says nothing
    assert not drawn(steep_depth)  # one depth is no line
    np.testing.assert_array_equal(drawn(depth)[0].get_xdata(), [1, 4, 16])
    np.testing.assert_allclose(drawn(overhead)[0].get_ydata(), [8.0, 6.0, 4.0])
    assert flat.xaxis_inverted()


def test_the_key_says_how_well_each_is_known():
    (key,) = widths_figure(ROWS).legends
    assert [text.get_text() for text in key.get_texts()] == [
        "Malach et al. 2020* (recalled)",
        "Pensia et al. 2020*",
        "needed: counting, structured (derived)",
    ]
    assert "open: recalled, unverified" in key.get_title().get_text()
    assert "$C = 1$ assumed" in key.get_title().get_text()


def test_every_bound_of_the_study_has_a_look_of_its_own():
    assert set(LOOKS) == set(THEOREMS)
    assert len({(color, marker) for _, color, marker, _ in LOOKS.values()}) == len(LOOKS)
    assert len(widths_figure([]).axes) == 9

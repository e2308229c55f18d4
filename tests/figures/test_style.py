"""What all pictures share: a page's width, colours apart in grey, letters for panels, one legend."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from slth.figures.catalogue import FIGURES
from slth.figures.style import COLORS, PAGE, in_legend, legend_below, panels

FOLDER = Path(__file__).parents[2] / "paper_figures"


def grey(color):
    """Rec. 601, as printers turn colours to grey, of 255."""
    return 255.0 * sum(weight * part for weight, part in zip((0.299, 0.587, 0.114), to_rgb(color), strict=True))


def test_colours_differ_in_grey():
    assert all(abs(grey(one) - grey(other)) > 15.0 for one, other in combinations(COLORS, 2))
    assert all(grey(color) < 200.0 for color in COLORS)  # seen on white


def test_panels_have_letters_where_there_are_several():
    with panels(PAGE, 2.0, 1, 2) as (_, (left, right)):
        left.set_title("errors")
    assert [axes.get_title("left") for axes in (left, right)] == ["(a) errors", "(b)"]
    with panels(PAGE, 2.0, 1, 1) as (_, (alone,)):
        pass
    assert alone.get_title("left") == ""


def test_a_legend_names_equal_looks_of_panels_once_and_what_is_only_there_last():
    with panels(PAGE, 2.0, 1, 2) as (drawing, (left, right)):
        in_legend(left, "bound", "--")
        for axes in (left, right):
            axes.plot([1, 2], [1, 2], label="measured")
        legend_below(drawing, left, right, columns=2, title="medians")
    (legend,) = drawing.legends
    assert [text.get_text() for text in legend.get_texts()] == ["measured", "bound"]
    assert legend.get_title().get_text() == "medians"


@pytest.mark.parametrize("name", FIGURES)
def test_pictures_are_as_wide_as_a_page(name):
    with Image.open(FOLDER / name / f"{name}.png") as picture:
        assert picture.width / picture.info["dpi"][0] == pytest.approx(PAGE, rel=0.01)

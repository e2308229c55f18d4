import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pytest

from slth.figures import ticket_figures
from slth.figures.report import render_report, write_report
from slth.figures.style import figure, to_svg
from tests.figures.samples import layer, record

VOID = {"meta", "br", "link"}


class Page(HTMLParser):
    """Collects what could make a page depend on anything outside itself."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.identifiers: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.identifiers.append(value)
            if name in {"href", "src", "xlink:href", "action", "data"}:
                self.links.append(value)
            assert not name.startswith("on"), f"script in {tag}"

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.parametrize("given", [record(), record(eps=0.01), record(layers=1, attack=None)])
def test_the_report_stands_alone(given):
    text = render_report(given)
    page = Page()
    page.feed(text)
    assert page.open == []
    assert not page.tags & {"script", "iframe", "link", "object", "embed", "form"}
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in page.links)
    assert "@import" not in text
    assert "url(http" not in text
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.identifiers)
    assert len(page.identifiers) == len(set(page.identifiers))


def test_the_report_says_what_it_was_given():
    page = Page()
    page.feed(render_report(record()))
    words = " ".join(" ".join(page.words).split())
    for word in (
        "Tickets & <angle brackets>",
        "97.50 %",
        "95.00 %",
        "0.004",
        "12.3 kB",
        "slth demo --seed 7",
        "ab" * 32,
    ):
        assert word in words


def test_the_same_record_gives_the_same_bytes(tmp_path):
    first = write_report(record(), tmp_path / "new" / "a.html").read_bytes()
    with mpl.rc_context({"font.size": 30.0, "svg.hashsalt": None, "axes.grid": True}):  # whatever the user has set
        second = write_report(record(), tmp_path / "b.html").read_bytes()
    assert first == second
    assert b"<dc:date>" not in first


def test_nothing_of_the_users_matplotlib_is_changed():
    before, backend = dict(mpl.rcParams), mpl.get_backend()
    render_report(record())
    assert dict(mpl.rcParams) == before
    assert mpl.get_backend() == backend


def test_pictures_have_the_numbers():
    """The data behind a picture, not its pixels: those change with every release of matplotlib."""
    given = record(eps=0.01)
    axes = ticket_figures.certificate_figure(given).axes[0]
    points = {line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1}
    assert points == {1e-3, 2e-3, 4e-3, 0.5, 0.01}
    errors = ticket_figures.error_figure(given)
    assert len([axes for axes in errors.axes if axes.get_visible()]) == 3
    assert np.array_equal(errors.axes[0].patches[0].get_data().values, given.layers[0].error_counts)
    mask = ticket_figures.mask_figure(given.layers[0]).axes[0].images[0].get_array()
    assert mask.shape == (4, 7 * 6)
    assert mask.sum() == given.layers[0].connections
    assert (
        ticket_figures.mask_figure(given.layers[2]).axes[0].images[0].get_array().sum() == given.layers[2].connections
    )
    accuracy = ticket_figures.accuracy_figure(given).axes[0].lines
    hits = given.target_outputs.argmax(axis=1) == given.labels
    assert list(accuracy[0].get_ydata()) == [hits[given.labels == c].mean() for c in range(4)]


def test_what_is_missing_is_left_out():
    axes = ticket_figures.certificate_figure(record(attack=None)).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()][::-1] == [
        "largest on the test set", "certified, this is the claim", "bound through norms alone"
    ]  # fmt: skip


def test_svg_is_well_formed_and_named():

    def draw() -> str:
        drawing = figure(2.0, 1.0)
        drawing.add_subplot().plot([1, 2], [3, 4], label="x")
        return to_svg(drawing, name="plot7", description='a "line" < & >')

    text = draw()
    root = ET.fromstring(text.replace("xlink:href", "href"))
    assert root.get("aria-label") == 'a "line" < & >'
    assert all(element.get("id", "plot7-").startswith("plot7-") for element in root.iter())
    assert text == draw()
    assert "font-family" not in text  # letters are outlines: they look the same everywhere


def test_a_record_whose_histogram_does_not_fit_is_refused():
    from dataclasses import replace

    from slth.errors import ArgumentError

    with pytest.raises(ArgumentError, match="bins"):
        replace(layer("layer0", 3, 2), error_counts=np.zeros(3))

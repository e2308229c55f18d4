"""The report of a ticket: one page that stands alone and says what the record has, and nothing that it lacks."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from slth.figures import layer_figures, pictured, report, ticket_figures
from slth.figures.report import render_report, write_report
from slth.figures.style import figure, to_svg
from tests.figures.samples import channel_layer, record

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
        self.described: list[str] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "svg":
            assert ("role", "img") in attrs
            self.described.append(dict(attrs)["aria-label"])
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
        if self.open[-1:] == ["h2"] or (self.open[-1:] == ["th"] and "thead" in self.open):
            self.headings.append(data)


SOFTMAX = {"node": "attend", "score_error": 0.25, "score_spread": 0.125, "lemma": 8.0, "moved": 2.0}
RECORDS = {
    "weights": record(),
    "eps": record(
        eps=0.01, layers=1, attack=None, attention=[SOFTMAX, SOFTMAX | {"node": "later", "lemma": float("inf")}]
    ),
    "channels": record(channels=True, layers=1, images=(5, 4, 3)),
    "nothing certified": record(certified_error=float("inf"), norm_bound=float("inf"), layers=1),
}


@cache
def rendered(name: str) -> str:
    """Pictures take a second each: every record is drawn once."""
    return render_report(RECORDS[name])


def read(name: str) -> Page:
    page = Page()
    page.feed(rendered(name))
    return page


def words_of(page: Page) -> str:
    return " ".join(" ".join(page.words).split())


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDS)
def test_the_report_stands_alone(name):
    page, text = read(name), rendered(name)
    assert page.open == []
    assert not page.tags & {"script", "iframe", "link", "object", "embed", "form"}
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in page.links)
    assert "@import" not in text
    assert "url(http" not in text
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.identifiers)
    assert len(page.identifiers) == len(set(page.identifiers))
    assert all(page.described)
    assert len(set(page.described)) == len(page.described)  # each says which picture it is


def test_the_report_says_what_it_was_given():
    words = words_of(read("weights"))
    for word in (
        "Tickets & <angle brackets>",
        "97.50 %",
        "95.00 %",
        "92.50 %",
        "0.004",
        "12.3 kB",
        "126 of 504 stay, 25.00 %",
        "“folded, float64”",
        "law: uniform, scale 1",
        "softmax: the same <function> in both",
        "no ReLU between",
        "layer0 (6 → 4)",
        "slth demo --seed 7",
        "ab" * 32,
    ):
        assert word in words


def test_sections_and_columns_follow_the_record():
    weights, channels = read("weights"), read("channels")
    assert {"The mask", "candidates each", "predicted"} <= set(weights.headings)
    assert {"The mask", "candidates each", "predicted"}.isdisjoint(channels.headings)
    assert {"Which channels stay", "channels n, of either sign"} <= set(channels.headings)
    assert "search may stop at" not in weights.headings
    assert "search may stop at" in read("eps").headings
    assert "log2(1 / (2 e))".replace("2", " 2 ", 1) in words_of(weights)
    assert "bits each" not in words_of(channels)
    for page, said in ((weights, "Mask of layer layer2"), (channels, "Kernels of target and ticket of layer layer0")):
        assert said in page.described
    assert "3 × 3" in words_of(channels)
    assert "3 × 3" not in words_of(weights)


def test_of_many_layers_some_are_drawn_and_all_are_in_the_tables(monkeypatch):
    whole = words_of(read("weights"))
    has, draw, _, text = report._OF_LAYERS["masks"]
    monkeypatch.setitem(report._OF_LAYERS, "masks", (has, draw, 1, text))
    page = Page()
    page.feed(render_report(record(layers=2)))
    assert sum(text.startswith("Mask") for text in page.described) == 1
    assert "layer1 (6 → 4)" in words_of(page)
    assert "The first 1 of 2 layers are drawn." in words_of(page)
    assert "are drawn" not in whole


def test_the_same_record_gives_the_same_bytes_and_matplotlib_is_as_it_was(tmp_path):
    with mpl.rc_context({"font.size": 30.0, "svg.hashsalt": None, "axes.grid": True}):  # whatever the user has set
        before, backend = dict(mpl.rcParams), mpl.get_backend()
        again = write_report(RECORDS["eps"], tmp_path / "new" / "b.html").read_bytes()
        assert (dict(mpl.rcParams), mpl.get_backend()) == (before, backend)
    assert again == rendered("eps").encode()
    assert b"<dc:date>" not in again


def test_pictures_have_the_numbers():
    """The data behind a picture, not its pixels: those change with every release of matplotlib."""
    given = record(eps=0.01)
    axes = ticket_figures.certificate_figure(given).axes[0]
    points = {line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1}
    assert points == {1e-3, 2e-3, 4e-3, 0.5, 0.01}
    errors = layer_figures.error_figure(given.layers)
    assert len([axes for axes in errors.axes if axes.get_visible()]) == 3
    assert np.array_equal(errors.axes[0].patches[0].get_data().values, given.layers[0].error_counts)
    assert np.array_equal(errors.axes[0].lines[0].get_ydata(), given.layers[0].error_predicted)
    assert errors.axes[0].lines[1].get_xdata()[0] == 1e-5
    for number, shape in ((0, (4, 7 * 6)), (2, (4, 42))):
        bits = layer_figures.mask_figure(given.layers[number]).axes[0].images[0].get_array()
        assert bits.shape == shape
        assert bits.sum() == given.layers[number].row["kept"]
    accuracy = ticket_figures.accuracy_figure(given).axes[0].lines
    hits = given.target_outputs.argmax(axis=1) == given.labels
    assert list(accuracy[0].get_ydata()) == [hits[given.labels == c].mean() for c in range(4)]


def test_what_is_certified_stands_beside_how_far_outputs_reach():
    reach = np.abs(record().target_outputs).max()
    assert f"Outputs of the target reach {reach:.3g} on the test set" in words_of(read("weights"))
    assert f"what is certified is {0.4 / reach:.2f} % of that" in words_of(read("weights"))
    assert "Outputs of the target reach" not in words_of(read("nothing certified"))


def test_images_stand_above_what_both_networks_say_of_them():
    given = record(layers=1, images=(6, 7))
    wanted, found = given.target_outputs.copy(), given.ticket_outputs.copy()
    wanted[:3] = found[:3] = 5.0 * np.eye(4)[given.labels[:3]]
    wanted[1], found[1], found[2] = [0, 0, 0, 7], [0, 0, 0, 6.5], [9, 0, 0, 0]  # both are wrong, and the ticket alone
    given = replace(given, target_outputs=wanted, ticket_outputs=found)
    drawing = pictured.images_figure(given)
    for image, axes in zip(given.pictured.images, drawing.axes, strict=True):
        assert np.array_equal(axes.images[0].get_array(), image)
    said = [[text.get_text() for text in axes.texts][:5] for axes in drawing.axes]
    assert said == [["0", "0", "0", "0", "0"], ["1", "1", "3", "3", "0.5"], ["2", "2", "2", "0", "9"]]
    assert [text.get_text() for text in drawing.axes[0].texts][5:] == list(pictured.NAMES)
    bold = [[text.get_weight() == "bold" for text in axes.texts[:5]] for axes in drawing.axes]
    assert bold == [[False] * 5, [False, False, True, True, False], [False, False, False, True, False]]
    assert [axes.spines["left"].get_linewidth() > 2.0 for axes in drawing.axes] == [False, False, True]  # in a frame
    assert all(text.get_fontsize() == 8.0 for axes in drawing.axes for text in axes.texts)
    assert pictured.images_text(given).endswith("image 2: label 2, target 2, ticket 0")


def test_no_text_of_the_images_is_cut():
    drawing = pictured.images_figure(record(layers=1, images=(9, 4, 3)))
    page, renderer = drawing.bbox, FigureCanvasAgg(drawing).get_renderer()
    for axes in drawing.axes:
        for text in axes.texts:
            box = text.get_window_extent(renderer)
            assert page.x0 <= box.x0
            assert page.y0 <= box.y0
            assert box.x1 <= page.x1


def test_of_large_images_not_every_pixel_is_drawn():
    axes = pictured.images_figure(record(layers=1, images=(300, 140))).axes[0]
    assert axes.images[0].get_array().shape == (100, 47)


def test_a_report_of_vectors_has_no_images():
    assert any(text.startswith("Test images") for text in read("channels").described)
    assert not any(text.startswith("Test images") for text in read("weights").described)
    assert "Some test images" in words_of(read("channels"))
    assert "Some test images" not in words_of(read("weights"))


def test_pictures_of_channels_have_the_numbers():
    layer = channel_layer(0)
    marks = layer_figures.channel_figure(layer).axes[0].lines
    drawn = [(x, y) for line in marks for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)]
    assert sorted(drawn) == sorted(zip(np.abs(layer.scales), layer.sources, strict=True))
    *kernels, bar = layer_figures.kernel_figure(layer).axes
    assert bar.get_ylim() == kernels[0].images[0].get_clim()  # one scale of colours for all
    images = [axes.images[0].get_array() for axes in kernels]
    assert np.array_equal(images[:4], layer.target_slices)
    assert np.array_equal(images[4:8], layer.ticket_slices)
    assert np.array_equal(images[8:], layer.ticket_slices - layer.target_slices)
    near = replace(layer, ticket_slices=layer.target_slices + 1e-3)
    last = layer_figures.kernel_figure(near).axes[-2].images[0].get_array()
    np.testing.assert_allclose(last, 1e-2)
    nothing = layer_figures.error_figure((layer,)).axes[0]
    assert len(nothing.lines) == 0  # neither predicted nor with a tolerance


def test_of_a_large_mask_a_corner_is_drawn_and_the_title_says_so():
    mask = np.random.default_rng(0).random((10, 600, 300)) < 0.5
    axes = layer_figures.mask_figure(replace(record().layers[0], mask=mask)).axes[0]
    bits = axes.images[0].get_array()
    assert bits.shape == (256, 409 * 10)
    assert np.array_equal(bits[3, 20:30], mask[:, 2, 3])
    assert "first 409 of 600 inputs" in axes.get_title("left")
    assert "first 256 of 300 outputs" in axes.get_title("left")


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


def test_what_the_softmax_does_to_an_error():
    section = rendered("eps").partition("What the softmax does to an error")[2].partition("<h2>")[0]
    cells = re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", section.partition("<tbody>")[2])
    assert cells[:6] == ["attend", "0.25", "0.125", "8", "2", "25.00 %"]
    assert cells[6] == "later"
    assert cells[9:] == ["inf", "2", "-"]
    assert "What the softmax does" not in rendered("weights")


def test_no_tag_of_the_templates_eats_the_space_between_two_words():
    """The end of a line behind a tag is dropped, so that what stands in front of the tag has to end in a space."""
    for template in sorted((Path(report.__file__).parent / "templates").glob("*.j2")):
        joined = re.findall(r"\w[.,;:]?\{%[^%]*%\}\n[^\S\n]*[\w{]\S*", template.read_text(encoding="utf-8"))
        assert not joined, (template.name, joined)

"""Reports of ensembles, diets, paths and tasks: what is drawn is what the summary says, and the pages stay the same."""

from __future__ import annotations

import pytest

from slth.figures.calibration_figures import corruptions_figure, paths_figure, reliability_figure, ways_figure
from slth.figures.measured_report import write_measured_report
from slth.figures.search_figures import tasks_figure

BINS = [
    {"low": 0.0, "high": 0.5, "examples": 3, "confidence": 0.4, "accuracy": 0.5},
    {"low": 0.5, "high": 0.7, "examples": 0, "confidence": 0.0, "accuracy": 0.0},
    {"low": 0.7, "high": 1.0, "examples": 7, "confidence": 0.9, "accuracy": 0.8},
]
COMMON = {"data": "digits", "model": "mlp", "seed": 0, "recipe": {}, "normalisation": {}}
ENSEMBLES = [
    {
        "kind": kind, "density": 0.5, "multiply_adds": adds,
        "accuracy": 0.9, "ece": 0.1, "ece_scaled": 0.02, "negative_log_likelihood": 0.4,
        "brier": 0.2, "wrong_confidence": None, "reliability": BINS,
    }
    for kind, adds in (("robust", 12_000), ("robust member", 6_000), ("single", None))
]  # fmt: skip
CORRUPTIONS = [
    {"corruption": name, "severity": severity, "kind": "robust", "accuracy": 0.9 - 0.1 * severity + more, "ece": more}
    for severity in (1, 2)
    for name, more in (("contrast", 0.0), ("noise", 0.04))
]
PATHS = [
    {
        "step": step, "kind": "dense", "density": 1.0, "barrier": 0.1 - step / 1000, "midpoint_barrier": 0.05,
        "loss_barrier": 0.3,
        "end_errors": [0.1, 0.1], "shares": [0.0, 0.5, 1.0], "errors": [0.1, 0.2, 0.1], "losses": [0.0, 1.0, 0.0],
    }
    for step in (0, 90)
]  # fmt: skip
WAYS = [
    {"way": way, "level": level, "density": 0.8**level, "accuracy": 0.9 - 0.01 * level}
    for way in ("easy", "none")
    for level in (0, 1)
]
TASKS = [
    {
        "task": task, "accuracy": 0.9 - 0.1 * task, "inferred_task": 0, "inferred_accuracy": 0.5, "density": 0.25,
        "sanity": {"shuffled": [0.1, 0.3], "redrawn": [0.125, 0.125], "random": [0.0625, 0.0625]},
    }
    for task in range(2)
]  # fmt: skip
SUMMARIES = {
    "dro": COMMON | {
        "method": {}, "accuracy": 0.9, "ece": 0.1, "density": 0.5, "ticket_bytes": 1000, "ensembles": ENSEMBLES,
        "corruptions": CORRUPTIONS,
        "against": {"data": "others", "robust": {"auroc": 0.9, "average_precision": 0.8, "fpr95": 0.3}},
    },
    "data-diet": COMMON | {
        "score": "el2n", "runs": 2, "score_epochs": 3, "size": 10, "steps": 5, "rows": WAYS,
        "classes": {"easy": [4, 6]}, "rank_correlation": {"input-norm": 0.25, "random": None},
        "connectivity": {"easy": {"connected": 0.625, "midpoint_barrier": 0.03}},
    },
    "connectivity": COMMON | {"statistics": "interpolated", "steps_in_all": 100, "paths": PATHS},
    "tasks": COMMON | {
        "accuracy": 0.85, "inferred": 0.5, "density": 0.25, "asked": 128, "tasks": TASKS,
        "tickets": [{"path": "a", "bytes": 1000}, {"path": "b", "bytes": 234}],
    },
}  # fmt: skip


def points(axes):
    return {line.get_label(): line.get_xydata().tolist() for line in axes.lines if not line.get_label().startswith("_")}


def test_empty_bins_and_members_are_not_drawn():
    (axes,) = reliability_figure(ENSEMBLES).axes
    assert points(axes) == {"robust ensemble": [[0.4, 0.5], [0.9, 0.8]], "single ticket": [[0.4, 0.5], [0.9, 0.8]]}


def test_worse_images_are_means_over_their_kinds():
    accuracy, error = corruptions_figure(CORRUPTIONS).axes
    assert list(points(accuracy)) == ["robust ensemble"]
    assert accuracy.lines[0].get_ydata().tolist() == pytest.approx([0.82, 0.72])
    assert error.lines[0].get_ydata().tolist() == pytest.approx([0.02, 0.02])


def test_ways_and_paths_are_those_of_the_table():
    (axes,) = ways_figure(WAYS).axes
    assert points(axes)["easy"] == [[1.0, 0.9], [0.8, 0.89]]
    along, barrier = paths_figure(PATHS).axes
    assert points(along)["step 90"] == [[0.0, 0.1], [0.5, 0.2], [1.0, 0.1]]
    assert points(barrier)["largest"] == [[0, 0.1], [90, pytest.approx(0.01)]]
    tickets = [row | {"kind": "ticket", "density": 0.25, "barrier": 0.5} for row in PATHS]
    along, barrier = paths_figure([*PATHS, *tickets]).axes
    assert len(points(along)) == 4
    assert points(barrier)["largest"] == [[0, 0.1], [90, pytest.approx(0.01)]]
    assert points(barrier)["largest, ticket"] == [[0, 0.5], [90, 0.5]]


@pytest.mark.parametrize(("kind", "pictures"), [("dro", 2), ("data-diet", 1), ("connectivity", 1), ("tasks", 1)])
def test_the_page_is_the_same_for_the_same_summary(tmp_path, kind, pictures):
    pages = [
        write_measured_report(kind, SUMMARIES[kind], tmp_path / name, title="a < b", command="slth train").read_text()
        for name in ("one.html", "two.html")
    ]
    assert pages[0] == pages[1]
    assert "a &lt; b" in pages[0]
    assert pages[0].count("<svg") == pictures


def test_tasks_stand_beside_the_means_of_their_checks(tmp_path):
    (axes,) = tasks_figure(TASKS).axes
    assert points(axes) == {
        "the ticket": [[0, 0.9], [1, 0.8]],
        "masks shuffled within layers": [[0, pytest.approx(0.2)], [1, pytest.approx(0.2)]],
        "weights redrawn": [[0, 0.125], [1, 0.125]],
        "both": [[0, 0.0625], [1, 0.0625]],
    }
    page = write_measured_report("tasks", SUMMARIES["tasks"], tmp_path / "a.html", title="", command="").read_text()
    assert "<b>1,234</b>" in page
    assert "<td>20.00 %</td>" in page
    unchecked = [row | {"sanity": None} for row in TASKS]
    write_measured_report("tasks", SUMMARIES["tasks"] | {"tasks": unchecked}, tmp_path / "b.html", title="", command="")
    assert "weights redrawn" not in (tmp_path / "b.html").read_text()


def test_the_first_stable_step_is_named(tmp_path):
    page = write_measured_report("connectivity", SUMMARIES["connectivity"], tmp_path / "a.html", title="", command="")
    assert "<b>90</b>" in page.read_text()

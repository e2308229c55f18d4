"""``report.html`` of what was measured on examples: a file that stands alone, the same for the same summary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from matplotlib.figure import Figure

from slth.figures import calibration_figures as figures
from slth.figures import search_figures
from slth.figures.certified_agreement import certified_agreement_figure
from slth.figures.pages import page
from slth.figures.report import FILTERS
from slth.figures.style import to_svg
from slth.files import dumps, plain, write_text

TEMPLATE = "measured.html.j2"
_PROVENANCE = (
    "method", "options", "recipe", "law", "scale", "normalisation", "score", "runs", "statistics", "seed", "data",
    "model",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A section of a report."""

    heading: str
    text: str
    picture: str | None = None
    names: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Content:
    """What a report says of a summary."""

    lead: str
    tiles: Sequence[tuple[str, str]]
    parts: Sequence[Part]


def write_measured_report(kind: str, summary: Mapping[str, Any], path: Path, *, title: str, command: str) -> Path:
    """Write the report of ``slth train dro``, ``data-diet`` or ``connectivity``, ``ticket certify`` or ``--tasks``."""
    content = _KINDS[kind](summary)
    provenance = {key: plain(summary[key]) for key in _PROVENANCE if key in summary}
    text = page(
        TEMPLATE, FILTERS, title=title, lead=content.lead, tiles=content.tiles, parts=content.parts, command=command,
        summary=plain(summary), provenance=dumps(provenance, indent=1),
    )  # fmt: skip
    write_text(path, text)
    return path


def _ensembles(summary: Mapping[str, Any]) -> Content:
    names = (
        "", "density", "multiply-adds", "accuracy", "ECE", "ECE, temperature", "NLL", "Brier", "confidence where wrong",
    )  # fmt: skip
    rows = [
        (
            figures.KINDS.get(row["kind"], row["kind"]), _percent(row["density"]),
            "unknown" if row["multiply_adds"] is None else f"{row['multiply_adds']:,}", _percent(row["accuracy"]),
            _percent(row["ece"]), _percent(row["ece_scaled"]), f"{row['negative_log_likelihood']:.4f}",
            f"{row['brier']:.4f}", _percent(row["wrong_confidence"]),
        )
        for row in summary["ensembles"]
    ]  # fmt: skip
    reliability = "The share of answers that are right, against confidence: on the dashed line a network is calibrated."
    parts = [
        Part(
            "Calibration",
            reliability,
            _svg(figures.reliability_figure(summary["ensembles"]), "reliability", reliability),
        ),
        Part("Measures", "ECE of 15 bins; the temperature is fitted on held-out examples.", None, names, rows),
    ]
    if summary["corruptions"]:
        text = "Test images with noise, blur, less contrast and more light; means over the kinds of corruption."
        parts.append(
            Part("Worse images", text, _svg(figures.corruptions_figure(summary["corruptions"]), "worse", text))
        )
    if summary["against"] is not None:
        told = {name: one for name, one in summary["against"].items() if name != "data"}
        measures = [
            (figures.KINDS.get(name, name), *(f"{one[key]:.4f}" for key in ("auroc", "average_precision", "fpr95")))
            for name, one in told.items()
        ]
        text = f"Test examples told from those of {summary['against']['data']} by confidence."
        parts.append(Part("Other data", text, None, ("", "AUROC", "average precision", "FPR at 95 %"), measures))
    tiles = [
        (_percent(summary["accuracy"]), f"test accuracy of the robust ensemble ({summary['data']})"),
        (_percent(summary["ece"]), "its expected calibration error"),
        (_percent(summary["density"]), "density: kept weights of all members / weights"),
        (f"{summary['ticket_bytes']:,}", "bytes of the one file of all members"),
    ]
    return Content("Masks of one random network, each for harder examples; no weight is trained.", tiles, parts)


def _diet(summary: Mapping[str, Any]) -> Content:
    ways = list(dict.fromkeys(row["way"] for row in summary["rows"]))
    found = {(row["way"], row["level"]): row for row in summary["rows"]}
    levels = sorted({row["level"] for row in summary["rows"]})
    rows = [
        (_percent(found[ways[0], level]["density"]), *(_percent(found[way, level]["accuracy"]) for way in ways))
        for level in levels
    ]
    text = f"{summary['steps']} steps on what the legend says, then all examples, level by level."
    classes = [(way, *map(str, counts)) for way, counts in summary["classes"].items()]
    heads = ("", *(f"class {number}" for number in range(len(classes[0]) - 1))) if classes else ()
    correlation = [(kind, "none" if one is None else f"{one:.3f}") for kind, one in summary["rank_correlation"].items()]
    parts = [
        Part("Accuracy", text, _svg(figures.ways_figure(summary["rows"]), "ways", text), ("density", *ways), rows),
        Part("Classes of the subsets", "Examples of each class.", None, heads, classes),
        Part("Controls", "Rank correlation of the scores with what knows nothing of the network.", None,
             ("control", "rank correlation"), correlation),
    ]  # fmt: skip
    if summary["connectivity"]:
        text = "Two children of where pruning begins: training examples whose loss is not raised half way between them."
        paths = [
            (way, _percent(one["connected"]), _percent(one["midpoint_barrier"]))
            for way, one in summary["connectivity"].items()
        ]
        parts.append(Part("Linear mode connectivity", text, None, ("", "examples", "error barrier half way"), paths))
    tiles = [
        (summary["score"], f"score, of {summary['runs']} networks after {summary['score_epochs']} epochs"),
        (f"{summary['size']:,}", "examples of a subset"),
        (f"{summary['steps']:,}", "steps on it"),
    ]
    return Content("Tickets of networks that began on few examples.", tiles, parts)


def _paths(summary: Mapping[str, Any]) -> Content:
    text = "Two children see the examples in other orders from a step on; networks between them are measured."
    names = ("step", "network", "error barrier", "half way", "loss barrier", "error of one", "of the other")
    rows = [
        (
            f"{row['step']:,}", _network(row), *(_percent(row[key]) for key in ("barrier", "midpoint_barrier")),
            f"{row['loss_barrier']:.4f}", *map(_percent, row["end_errors"]),
        )
        for row in summary["paths"]
    ]  # fmt: skip
    picture = _svg(figures.paths_figure(summary["paths"]), "paths", text)
    dense = [row for row in summary["paths"] if row["kind"] == "dense"]
    stable = next((row["step"] for row in dense if row["barrier"] < STABLE), None)
    tiles = [
        (
            "none" if stable is None else f"{stable:,}",
            "first of the steps whose barrier is below 2 %: stable from there",
        ),
        (f"{summary['steps_in_all']:,}", "steps of the whole training"),
        (summary["statistics"], "statistics of batch norms on the path"),
    ]
    return Content(
        "Linear mode connectivity of two children of one network.", tiles, [Part("Paths", text, picture, names, rows)]
    )


def _agreement(summary: Mapping[str, Any]) -> Content:
    curve = summary["curve"]
    text = (
        "Shares of the inputs on whose whole ball both networks provably give the class that the target gives to the "
        "input, and where gradient ascent found no other class; the largest difference of any output, proved and found."
    )
    names = (
        "radius", "one class, proved", "attacked", "of correct, proved", "attacked", "median certified error",
        "attacked", "largest certified error", "attacked",
    )  # fmt: skip
    errors = ("median_certified_error", "median_attack_error", "certified_error", "attack_error")
    rows = [
        (
            f"{one['radius']:.4g}", *(_percent(one[key]) for key in ("agreement", "attack_agreement")),
            *(_share(one[f"{key}_of_correct"]) for key in ("agreement", "attack_agreement")),
            *(f"{one[key]:.4g}" for key in errors),
        )
        for one in curve
    ]  # fmt: skip
    picture = _svg(certified_agreement_figure(summary["rows"]), "agreement", text)
    inputs, first = curve[0]["inputs"], curve[0]
    tiles = [
        (_percent(one["agreement"]), f"of {inputs:,} inputs with one class, proved, radius {one['radius']:.4g}")
        for one in (curve[0], curve[-1])
    ]
    tiles.append((f"{first['certified_error']:.4g}", f"no output differs by more, radius {first['radius']:.4g}"))
    return Content(
        f"Target and ticket around test inputs of {summary['data']}: what is proved, beside what was found.",
        tiles,
        [Part("Certified agreement", text, picture, names, rows)],
    )


def _share(value: float | None) -> str:
    return "none" if value is None else _percent(value)


def _tasks(summary: Mapping[str, Any]) -> Content:
    rows, checks = summary["tasks"], search_figures.CHECKS
    made = [name for name in checks if any(name in (row["sanity"] or {}) for row in rows)]
    text = (
        "Of each task's own order of the inputs' numbers: its ticket, and what is left of it under each sanity check."
    )
    told = f"A task is inferred from {summary['asked']} test inputs without labels, by one gradient of the entropy."
    table = [
        (
            str(row["task"]), _percent(row["accuracy"]), str(row["inferred_task"]), _percent(row["inferred_accuracy"]),
            _percent(row["density"]), *(_percent(fmean(row["sanity"][name])) for name in made),
        )
        for row in rows
    ]  # fmt: skip
    names = ("task", "accuracy", "inferred", "accuracy then", "density", *(checks[name] for name in made))
    parts = [
        Part("Tasks", text, _svg(search_figures.tasks_figure(rows), "tasks", text)),
        Part("Which task it is", told, None, names, table),
    ]
    tiles = [
        (_percent(summary["accuracy"]), f"test accuracy where the task is given, mean of {len(rows)} tasks"),
        (_percent(summary["inferred"]), "of the tasks are inferred rightly"),
        (_percent(summary["density"]), "density: kept / total, of the same random weights for each task"),
        (f"{sum(one['bytes'] for one in summary['tickets']):,}", "bytes of all masks and the seed"),
    ]
    return Content("A mask of one random network for each task; no weight was ever trained.", tiles, parts)


STABLE = 0.02
_KINDS: dict[str, Callable[[Mapping[str, Any]], Content]] = {
    "dro": _ensembles,
    "data-diet": _diet,
    "connectivity": _paths,
    "agreement": _agreement,
    "tasks": _tasks,
}


def _network(row: Mapping[str, Any]) -> str:
    return "dense" if row["kind"] == "dense" else f"{row['kind']}, density {_percent(row['density'])}"


def _svg(drawing: Figure, name: str, description: str) -> str:
    return to_svg(drawing, name=name, description=description)


def _percent(value: float | None) -> str:
    return FILTERS["percent"](value)

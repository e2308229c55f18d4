"""What the verbs of ``slth search`` share: a job made of options, its report, and how it went."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import RenderableType

from slth.arrays import whole
from slth.cli.checks import check_out, check_tensorboard, check_unclaimed
from slth.cli.options import FLAG, Common, TensorBoard
from slth.cli.outcome import Outcome, json_name, key_value_table, table_of
from slth.cli.progress import progress
from slth.cli.reporting import REPORT_NAME, with_report
from slth.cli.targets import Trained, command_text
from slth.errors import ArgumentError

if TYPE_CHECKING:
    from slth.data.data_set import DataSet
    from slth.jobs.searching import SearchJob

Scope = Literal["layer", "global"]
Rule = Literal["uniform", "erk", "epl", "igq", "smart-ratio"]
Law = Literal["signed-constant", "normal", "uniform"]
Scale = Literal["kaiming", "elu", "kept", "local", "removed", "none"]
Density = Annotated[float, Parameter(help="kept / total, above 0 and at most 1.")]
Structure = Annotated[
    str,
    Parameter(
        help="What has one score: weights, output-channels, input-channels, kernels, heads, blocks:16 or 2:4. Channels "
        "of the image and of the classes are kept. With --block: middle-channels, as many of each block."
    ),
]
TARGET = Trained()


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options that several methods share."""

    def options(self, **others: Any) -> dict[str, Any]:
        """Return these options of a method, and its others."""
        return {field.name: getattr(self, field.name) for field in fields(self)} | others


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Ranking(Options):
    """What is kept by its score."""

    density: Density = 0.5
    structure: Structure = "weights"
    scope: Annotated[Scope, Parameter(help="Each layer keeps its share, or all scores are ranked together.")] = "layer"
    allocation: Annotated[Rule | None, Parameter(help="How the density is shared among the layers.")] = None


RANKING = Ranking()
Anneal = Annotated[
    int | None,
    Parameter(help="Epochs in which the density falls from 0.5 to the one asked for; from the start if not."),
]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Weights:
    """The random network, and how its ticket is looked at."""

    law: Annotated[
        Law | None,
        Parameter(
            help="Of the random weights; signed-constant for searches by default, but normal for biprop and slots, and "
            "for baselines."
        ),
    ] = None
    scale: Annotated[
        Scale,
        Parameter(
            help="Weights of deviation sqrt(2 / inputs), or sqrt(3 / inputs) for elu; times sqrt(1 / density) asked "
            "for, of the layer as it stands (local), or of what is removed, as published code has it; or the law's own "
            "(none)."
        ),
    ] = "kaiming"
    checks: Annotated[int, Parameter(help="Seeds of each sanity check; 0 for none.")] = 3
    distil: Annotated[
        bool,
        Parameter(
            help="A dense network is trained first, and scores learn its outputs in the place of labels (Concrete "
            "Ticket Search).",
            **FLAG,
        ),
    ] = False
    fine_tune: Annotated[
        int | None,
        Parameter(
            help="Behind the search, train what is kept for so many epochs, of gem-miner all that was not frozen out: "
            "those weights are in a file of their own, and no longer a strong ticket."
        ),
    ] = None
    tasks: Annotated[
        int | None,
        Parameter(
            help="Search a mask of the same random network for each of so many orders of the inputs' numbers (SupSup), "
            "and infer the task of test inputs; task 0 is reordered too."
        ),
    ] = None
    tensorboard: TensorBoard = None


WEIGHTS = Weights()


def run_method(name: str, options: dict[str, Any], weights: Weights, target: Trained, common: Common) -> Outcome:
    """Search by a method, write ticket, report and summary, and say how it went."""
    from slth.jobs.methods import is_baseline, recipe_of
    from slth.jobs.searching import TICKET_NAME, TUNED_NAME, SearchJob, run_search
    from slth.networks.devices import resolve_device
    from slth.rng import WeightLaw
    from slth.training.ranks import together

    verb = f"search {name}"
    whole(weights.checks, "checks", 0, remedy="use 3, or 0 for none")
    whole(weights.fine_tune or 0, "fine_tune", int(weights.fine_tune is not None), remedy="use 20, or leave it out")
    target = target.chosen("lenet-300-100")
    model = target.described()
    data = target.load(model, seed=common.seed)
    out = common.out or Path("runs") / f"{data.name}-{name}"
    check_out(out, (TICKET_NAME, TUNED_NAME, REPORT_NAME, json_name(verb)))
    command = _command(verb, options, weights, target, common)
    check_unclaimed(out, command)
    check_tensorboard(weights.tensorboard)
    if is_baseline(name):
        for key in ("epochs", "batch_size", "learning_rate", "distil", "tensorboard"):
            given = getattr(weights if hasattr(weights, key) else target, key)
            if given:
                rule = f"is of a search that trains scores, and {name} trains nothing"
                raise ArgumentError(key, given, rule, "leave it out")
    examples = min(len(data.train_labels), target.limit or len(data.train_labels))
    recipe = target.changed(recipe_of(name, flat=model.flat, options=options, examples=examples))
    job = SearchJob(
        model, name, options, recipe, weights.law and WeightLaw(weights.law), weights.scale, seed=common.seed,
        device=resolve_device(target.device), limit=target.limit, checks=weights.checks, distil=weights.distil,
        fine_tuning=weights.fine_tune or 0,
    )  # fmt: skip
    if weights.tasks is not None:
        title = f"{data.name}: {weights.tasks} tasks on one random {model.name}"
        return run_many(verb, job, data, weights, replace(common, out=out), title=title, command=command)
    with together(os.environ, job.device) as first, progress(common, first=first) as report:
        record = run_search(job, data, out, tensorboard=weights.tensorboard, progress=report)
        summary = {**record.summary, "command": command, "report": None}

        def show() -> list[RenderableType]:
            layers = [(one["name"], one["kept"], one["total"], one["kept"] / one["total"]) for one in summary["layers"]]
            end = [] if summary["report"] is None else ["", f"open {summary['report']}"]
            return [_headline(summary), "", table_of(layers, ("layer", "kept", "total", "density")), *end]

        def draw() -> Path:
            from slth.figures.search_report import write_search_report

            kind = f"weights kept by {name}" if is_baseline(name) else "a strong lottery ticket"
            title = f"{data.name}: {kind} in a random {model.name}"
            return write_search_report(record, out / REPORT_NAME, title=title, command=command)

        return with_report(Outcome(verb, replace(common, out=out), summary, show), draw, first=first)


def _command(verb: str, options: dict[str, Any], weights: Weights, target: Trained, common: Common) -> str:
    """Return what to type to search the same again."""
    changed = {field.name: getattr(weights, field.name) for field in fields(weights)}
    given = {**options, **{key: value for key, value in changed.items() if value != getattr(WEIGHTS, key)}}
    return command_text(verb, target, given, seed=common.seed)


def _headline(summary: dict[str, Any]) -> RenderableType:
    held = summary["validation_accuracy"]
    total, drawn = summary["total"], summary["random_parameters"]
    rows = {
        "accuracy": f"{summary['accuracy']:.2%} on the test set, at epoch {summary['epoch']} of {summary['epochs']}"
        + ("" if held is None else f" (held-out examples: {held:.2%})")
        + ("" if summary["last_accuracy"] is None else f"; at the last {summary['last_accuracy']:.2%}"),
        "density": f"{summary['density']:.4g}: {summary['kept']:,} of {total:,} random weights"
        + (f", which share {drawn:,} random numbers" if drawn < total else ""),
        "sanity checks": _checked([summary["sanity"]], "seeds"),
        **_beside(summary),
        "ticket": f"{summary['ticket']}, {summary['ticket_bytes']:,} bytes "
        f"(information in the mask {summary['entropy_bound_bytes']:,.0f}); read back bit for bit",
        "seconds": summary["seconds"],
        "seed": summary["seed"],
    }
    return key_value_table(rows)


def _checked(checks: list[dict[str, list[float]] | None], over: str) -> str:
    """Return the means of sanity checks."""
    found = {name: [one for each in checks if each for one in each.get(name, ())] for name in _CHECKS}
    means = [f"{_CHECKS[name]} {sum(each) / len(each):.2%}" for name, each in found.items() if each]
    return f"{', '.join(means)} (means of {over})" if means else "none"


def _beside(summary: dict[str, Any]) -> dict[str, str]:
    """Return what a dense network that was imitated and what a fine-tuned one have, where there is one."""
    found = {}
    if summary["distilled"] is not None:
        found["imitated"] = f"a dense network of {summary['distilled']['dense_accuracy']:.2%}"
    tuned = summary["fine_tuned"]
    if tuned is not None:
        found["fine-tuned"] = (
            f"{tuned['accuracy']:.2%} with {tuned['kept']:,} weights trained for {tuned['epochs']} epochs, no longer a "
            f"strong ticket: {tuned['weights']}"
        )
    return found


def run_many(
    verb: str, job: SearchJob, data: DataSet, weights: Weights, common: Common, *, title: str, command: str
) -> Outcome:
    """Search many tasks on one random network, write their tickets, report and summary, and say how it went."""
    from slth.jobs.tasks import run_tasks
    from slth.training.ranks import together

    for key in ("fine_tune", "tensorboard"):
        if getattr(weights, key) is not None:
            rule = "is of one search, and --tasks asks for many"
            raise ArgumentError(key, getattr(weights, key), rule, "leave it out, or search one task")
    tasks, out = weights.tasks or 0, common.out or Path()
    with together(os.environ, job.device) as first, progress(common, first=first) as report:
        summary = {
            **run_tasks(job, data, out, tasks, progress=report),
            "seed": job.seed,
            "command": command,
            "report": None,
        }

    def show() -> list[RenderableType]:
        rows = {
            "accuracy": f"{summary['accuracy']:.2%} on the test set where the task is given, "
            f"{summary['inferred_accuracy']:.2%} where it is inferred (means of {tasks} tasks)",
            "tasks": f"{summary['inferred']:.2%} inferred rightly, from {summary['asked']} unlabelled test inputs each",
            "density": f"{summary['density']:.4g} of the same random weights for each task",
            "sanity checks": _checked([row["sanity"] for row in summary["tasks"]], "tasks and seeds"),
            "tickets": ", ".join(f"{one['path']} ({one['bytes']:,} bytes)" for one in summary["tickets"]),
            "seconds": summary["seconds"],
        }
        keys = ("task", "accuracy", "inferred_task", "inferred_accuracy", "density")
        each = [[row[key] for key in keys] for row in summary["tasks"]]
        end = [] if summary["report"] is None else ["", f"open {summary['report']}"]
        names = ("task", "accuracy", "inferred", "accuracy then", "density")
        return [key_value_table(rows), "", table_of(each, names), *end]

    def draw() -> Path:
        from slth.figures.measured_report import write_measured_report

        return write_measured_report("tasks", summary, out / REPORT_NAME, title=title, command=command)

    return with_report(Outcome(verb, common, summary, show), draw, first=first)


_CHECKS = {
    "shuffled": "masks shuffled",
    "redrawn": "weights redrawn",
    "random": "both",
    "inverted": "smallest scores kept",
}

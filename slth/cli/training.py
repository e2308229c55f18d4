"""What the verbs of ``slth train`` share: levels of a trainable method, their report, and how it went."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import RenderableType

from slth.cli.checks import check_out, check_tensorboard, check_unclaimed
from slth.cli.options import Common, TensorBoard
from slth.cli.outcome import Outcome, json_name, key_value_table, table_of
from slth.cli.progress import progress
from slth.cli.reporting import REPORT_NAME, with_report
from slth.cli.targets import Trained, command_text

if TYPE_CHECKING:
    from slth.trainable import TrainableMethod

TARGET = Trained()
MODEL = "lenet-300-100"
"""What is trained unless another model is named."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Start:
    """The weights that training begins with, and where it is followed."""

    law: Annotated[
        Literal["normal", "uniform", "signed-constant", "none"],
        Parameter(
            help="Of the first weights, drawn from the seed, biases 0: a ticket is written then; or the model's own "
            "(none)."
        ),
    ] = "normal"
    scale: Annotated[
        Literal["kaiming", "elu", "none"],
        Parameter(help="First weights of deviation sqrt(2 / inputs), sqrt(3 / inputs), or the law's own (none)."),
    ] = "kaiming"
    tensorboard: TensorBoard = None


START = Start()


def names(text: str) -> tuple[str, ...]:
    """Return what stands between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def run_levels(
    name: str, method: TrainableMethod, options: dict[str, Any], start: Start, target: Trained, common: Common
) -> Outcome:
    """Train the levels of a method, write masks, report and summary, and say how it went."""
    from slth.jobs.training import MASKS_NAME, TICKET_NAME, TrainJob, recipe_of, run_training
    from slth.networks.devices import resolve_device
    from slth.rng import WeightLaw
    from slth.training.ranks import together

    verb = f"train {name}"
    target = target.chosen(MODEL)
    model = target.described()
    data = target.load(model, seed=common.seed)
    out = common.out or Path("runs") / f"{data.name}-{name}"
    check_out(out, (TICKET_NAME, MASKS_NAME, REPORT_NAME, json_name(verb)))
    changed = {one.name: getattr(start, one.name) for one in fields(start)}
    given = {**options, **{key: value for key, value in changed.items() if value != getattr(START, key)}}
    command = command_text(verb, target, given, seed=common.seed)
    check_unclaimed(out, command, grows=("--levels",))
    check_tensorboard(start.tensorboard)
    job = TrainJob(
        model, method, target.changed(recipe_of(model, method)),
        None if start.law == "none" else WeightLaw(start.law), start.scale,
        seed=common.seed, device=resolve_device(target.device), limit=target.limit,
    )  # fmt: skip
    with together(os.environ, job.device) as first, progress(common, first=first) as report:
        found = run_training(job, data, out, tensorboard=start.tensorboard, progress=report)
        summary = {**found, "command": command, "report": None}

        def show() -> list[RenderableType]:
            rows = [[row[key] for key in ("level", "kind", "density", "kept", "accuracy")] for row in summary["levels"]]
            end = [] if summary["report"] is None else ["", f"open {summary['report']}"]
            table = table_of(rows, ("level", "kind", "density", "kept", "test accuracy"))
            return [key_value_table(_headline(summary)), "", table, *end]

        def draw() -> Path:
            from slth.figures.levels_report import write_levels_report

            title = f"{data.name}: {name} of {model.name}"
            return write_levels_report(summary, out / REPORT_NAME, title=title, command=command)

        return with_report(Outcome(verb, replace(common, out=out), summary, show), draw, first=first)


def _headline(summary: dict[str, Any]) -> dict[str, Any]:
    last, dense = summary["accuracy"], summary["dense_accuracy"]
    return {
        "accuracy": f"{last:.2%} on the test set at the last level ({summary['kind']}); dense {dense:.2%}",
        "density": f"{summary['density']:.4g} of the weights that masks are for",
        "masks": summary["masks"] or "none: the network ends dense",
        "ticket": summary["ticket"] or "none",
        "seconds": summary["seconds"],
        "seed": summary["seed"],
    }

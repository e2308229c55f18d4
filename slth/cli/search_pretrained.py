"""``slth search pretrained``: masks over trained weights, which are no ticket."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import RenderableType

from slth.cli.checks import check_out, check_unclaimed
from slth.cli.options import COMMON, Common
from slth.cli.outcome import Outcome, json_name, key_value_table, table_of
from slth.cli.progress import progress
from slth.cli.searching import RANKING, Anneal, Ranking
from slth.cli.targets import Target, command_text
from slth.errors import ArgumentError

TARGET = Target()
VERB = "search pretrained"


def pretrained(
    *,
    ranking: Ranking = RANKING,
    anneal: Anneal = None,
    signed: Annotated[bool, Parameter(help="A kept weight is multiplied by the sign of its score.")] = False,
    standardise: Annotated[
        bool,
        Parameter(
            help="Inputs have mean 0 and deviation 1, as in searches; else they are numbers in [0, 1]. As in the "
            "training of the weights."
        ),
    ] = True,
    target: Target = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search a mask over trained weights (--weights), from their magnitudes on; the weights stay as they are.

    What comes out is masks alone: neither a strong ticket nor one of a seed. Beside their accuracy stand that of the
    weights without a mask and that of as many of the largest weights. Writes masks.safetensors, which
    `slth.networks.attach_masks` puts on the trained module, and the summary. `slth search random --density 1
    --fine-tune 20` makes weights to try it on.
    """
    from slth.jobs.pretrained import MASKS_NAME, PretrainedJob, run_pretrained
    from slth.networks.devices import resolve_device
    from slth.searches import RECIPE

    weights = target.weights
    if weights is None:
        rule = "must name the file of the trained weights"
        raise ArgumentError("weights", None, rule, "pass --weights FILE, safetensors of module.state_dict()")
    target = target.chosen("lenet-300-100")
    model = target.described()
    data = target.load(model, seed=common.seed)
    out = common.out or Path("runs") / f"{data.name}-pretrained"
    check_out(out, (MASKS_NAME, json_name(VERB)))
    options = ranking.options(anneal=anneal, signed=signed)
    command = command_text(VERB, target, {**options, "standardise": standardise}, seed=common.seed)
    check_unclaimed(out, command)
    job = PretrainedJob(
        model, weights, target.changed(RECIPE), options, standardise,
        seed=common.seed, device=resolve_device(target.device), limit=target.limit,
    )  # fmt: skip
    with progress(common) as report:
        summary = {**run_pretrained(job, data, out, progress=report), "command": command}

    def show() -> list[RenderableType]:
        rows = {
            "nature": summary["nature"],
            "accuracy": f"{summary['accuracy']:.2%} on the test set (the largest weights: "
            f"{summary['magnitude_accuracy']:.2%}, all: {summary['dense_accuracy']:.2%})",
            "density": f"{summary['density']:.4g}: {summary['kept']:,} of {summary['total']:,} trained weights",
            "masks": summary["masks"],
            "seconds": summary["seconds"],
        }
        layers = [(one["name"], one["kept"], one["total"], one["kept"] / one["total"]) for one in summary["layers"]]
        return [key_value_table(rows), "", table_of(layers, ("layer", "kept", "total", "density"))]

    return Outcome(VERB, replace(common, out=out), summary, show)

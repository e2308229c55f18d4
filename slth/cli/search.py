"""``slth search``: strong tickets by score, one verb a method."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import RenderableType

from slth.cli.checks import check_out
from slth.cli.options import COMMON, Common
from slth.cli.outcome import Outcome, json_name, key_value_table, table_of
from slth.cli.progress import note, progress
from slth.cli.targets import Target, command_text
from slth.errors import ArgumentError

Scope = Literal["layer", "global"]
Rule = Literal["uniform", "erk", "epl", "igq", "smart-ratio"]
Law = Literal["signed-constant", "normal", "uniform"]
Scale = Literal["kaiming", "elu", "kept", "local", "removed", "none"]
Density = Annotated[float, Parameter(help="kept / total, above 0 and at most 1.")]
Structure = Annotated[
    str,
    Parameter(
        help="What has one score: weights, output-channels, input-channels, kernels, heads, blocks:16 or 2:4. Channels "
        "of the image and of the classes are kept."
    ),
]
REPORT_NAME = "report.html"
TARGET = Target()


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


WEIGHTS = Weights()


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Ranking:
    """What is kept by its score."""

    density: Density = 0.5
    structure: Structure = "weights"
    scope: Annotated[Scope, Parameter(help="Each layer keeps its share, or all scores are ranked together.")] = "layer"
    allocation: Annotated[Rule | None, Parameter(help="How the density is shared among the layers.")] = None

    def options(self, **others: Any) -> dict[str, Any]:
        """Return these options of a method, and its others."""
        return {field.name: getattr(self, field.name) for field in fields(self)} | others


RANKING = Ranking()
Anneal = Annotated[
    int | None,
    Parameter(help="Epochs in which the density falls from 0.5 to the one asked for; from the start if not."),
]


def edge_popup(
    *,
    ranking: Ranking = RANKING,
    anneal: Anneal = None,
    signed: Annotated[bool, Parameter(help="A kept weight is multiplied by the sign of its score.")] = False,
    weights: Weights = WEIGHTS,
    target: Target = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search a subnetwork of a random network by scores, never training a weight, and write it as a ticket.

    Density is kept / total, of each layer or of all together. A tenth of the training examples is held out: the ticket
    is that of the epoch which was best on it, and accuracy is measured on the test set. Inputs are standardised by mean
    and deviation of the training examples, channel by channel; the JSON summary names both. Writes net.ticket,
    report.html and the summary; `slth.apply_to(module, slth.load_ticket("net.ticket"))` makes the network from it.
    """
    return _run("edge-popup", ranking.options(anneal=anneal, signed=signed), weights, target, common)


def iterand(
    *,
    ranking: Ranking = RANKING,
    anneal: Anneal = None,
    rate: Annotated[float, Parameter(help="Share of the removed weights that is drawn again; 0 is edge-popup.")] = 0.1,
    period: Annotated[int, Parameter(help="Steps between two refreshes.")] = 300,
    weights: Weights = WEIGHTS,
    target: Target = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search as edge-popup does, and draw a share of the removed weights again every few steps (IteRand).

    The ticket stores which of its random numbers each kept weight has.
    """
    return _run("iterand", ranking.options(anneal=anneal, rate=rate, period=period), weights, target, common)


def biprop(
    *,
    ranking: Ranking = RANKING,
    anneal: Anneal = None,
    weights: Weights = WEIGHTS,
    target: Target = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search a network of binary weights: signs times one number for each layer (biprop, multi-prize tickets)."""
    return _run("biprop", ranking.options(anneal=anneal), weights, target, common)


def partially_frozen(
    *,
    ranking: Ranking = RANKING,
    anneal: Anneal = None,
    locked: Annotated[float, Parameter(help="Share that is always kept, at most the density.")] = 0.25,
    pruned: Annotated[float, Parameter(help="Share that is always removed, at most 1 - density.")] = 0.25,
    weights: Weights = WEIGHTS,
    target: Target = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search as edge-popup does, with shares of the weights kept and removed at random beforehand."""
    options = ranking.options(anneal=anneal, locked=locked, pruned=pruned)
    return _run("partially-frozen", options, weights, target, common)


def multicoated(
    *,
    ranking: Ranking = RANKING,
    coats: Annotated[int, Parameter(help="Nested masks, of densities that fall along a line.")] = 3,
    signed: Annotated[bool, Parameter(help="A kept weight is multiplied by the sign of its score too.")] = False,
    weights: Weights = WEIGHTS,
    target: Target = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search nested masks: a weight is multiplied by the number of those that keep it (multicoated supermasks)."""
    return _run("multicoated", ranking.options(coats=coats, signed=signed), weights, target, common)


def signed_supermask(
    *,
    threshold: Annotated[float, Parameter(help="Scores above it are kept, below its negative negated.")] = 0.01,
    weights: Weights = WEIGHTS,
    target: Target = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search which weights to keep, negate or remove, by a threshold on scores; the density is an outcome."""
    return _run("signed-supermask", {"threshold": threshold}, weights, target, common)


def slots(
    *,
    values: Annotated[int, Parameter(help="Random numbers that each weight chooses among.")] = 8,
    draw: Annotated[
        Literal["greedy", "sampled"], Parameter(help="Steps take the number of largest score, or draw by softmax.")
    ] = "greedy",
    removable: Annotated[bool, Parameter(help="A weight may also be removed.")] = False,
    weights: Weights = WEIGHTS,
    target: Target = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search which of several random numbers each weight is (slot machines)."""
    return _run("slots", {"values": values, "draw": draw, "removable": removable}, weights, target, common)


Allocation = Annotated[
    Rule | None,
    Parameter(help="How the density is shared among the layers; all weights are ranked together without one."),
]


def random(
    *,
    density: Density = 0.5,
    allocation: Allocation = None,
    structure: Structure = "weights",
    weights: Weights = WEIGHTS,
    target: Target = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Keep weights of a random network at random: what every search is compared with."""
    return _run("random", _pruning(density, allocation, structure), weights, target, common)


def magnitude(
    *,
    density: Density = 0.5,
    allocation: Allocation = None,
    structure: Structure = "weights",
    weights: Weights = WEIGHTS,
    target: Target = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Keep the largest weights of a random network, whose law is one of weights that differ in size."""
    return _run("magnitude", _pruning(density, allocation, structure), weights, target, common)


def snip(
    *,
    density: Density = 0.5,
    allocation: Allocation = None,
    structure: Structure = "weights",
    rounds: int = 1,
    weights: Weights = WEIGHTS,
    target: Target = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Keep the weights whose removal changes the loss most (SNIP); the mask is made to be trained, and near chance."""
    return _run("snip", {**_pruning(density, allocation, structure), "rounds": rounds}, weights, target, common)


def grasp(
    *,
    density: Density = 0.5,
    allocation: Allocation = None,
    structure: Structure = "weights",
    rounds: int = 1,
    weights: Weights = WEIGHTS,
    target: Target = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Keep the weights that preserve the flow of gradients (GraSP); the mask is made to be trained, and near chance."""
    return _run("grasp", {**_pruning(density, allocation, structure), "rounds": rounds}, weights, target, common)


def synflow(
    *,
    density: Density = 0.5,
    allocation: Allocation = None,
    structure: Structure = "weights",
    rounds: int = 100,
    weights: Weights = WEIGHTS,
    target: Target = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Keep the paths of largest weight without looking at data (SynFlow); the mask is made to be trained."""
    return _run("synflow", {**_pruning(density, allocation, structure), "rounds": rounds}, weights, target, common)


def evolution(
    *,
    density: Density = 0.5,
    allocation: Allocation = None,
    structure: Structure = "weights",
    generations: int = 100,
    weights: Weights = WEIGHTS,
    target: Target = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search without any gradient: masks are mutated, and those of least loss survive. For small networks."""
    options = {**_pruning(density, allocation, structure), "generations": generations}
    return _run("evolution", options, weights, target, common)


def _pruning(density: float, allocation: str | None, structure: str) -> dict[str, Any]:
    return {"density": density, "allocation": allocation, "structure": structure}


def _run(name: str, options: dict[str, Any], weights: Weights, target: Target, common: Common) -> Outcome:
    """Search by a method, write ticket, report and summary, and say how it went."""
    from slth.jobs.methods import METHODS, recipe_of
    from slth.jobs.searching import TICKET_NAME, SearchJob, run_search
    from slth.networks.devices import resolve_device
    from slth.rng import WeightLaw

    verb = f"search {name}"
    if target.weights is not None:
        raise ArgumentError("weights", str(target.weights), "are not searched: weights are random", "leave it out")
    target = target.chosen("lenet-300-100")
    model = target.described()
    data = target.load(model, seed=common.seed)
    out = common.out or Path("runs") / f"{data.name}-{name}"
    check_out(out, (TICKET_NAME, REPORT_NAME, json_name(verb)))
    if METHODS[name].is_baseline:
        refused = [key for key in ("epochs", "batch_size", "learning_rate") if getattr(target, key) is not None]
        if refused:
            rule = f"is of a search that trains scores, and {name} trains nothing"
            raise ArgumentError(refused[0], getattr(target, refused[0]), rule, "leave it out")
    recipe = target.changed(recipe_of(name, flat=model.flat))
    job = SearchJob(
        model, name, options, recipe, weights.law and WeightLaw(weights.law), weights.scale, seed=common.seed,
        device=resolve_device(target.device), limit=target.limit, checks=weights.checks,
    )  # fmt: skip
    with progress(common) as report:
        record = run_search(job, data, out, progress=report)
        summary = {**record.summary, "report": None}

        def show() -> list[RenderableType]:
            layers = [(one["name"], one["kept"], one["total"], one["kept"] / one["total"]) for one in summary["layers"]]
            end = [] if summary["report"] is None else ["", f"open {summary['report']}"]
            return [_headline(summary), "", table_of(layers, ("layer", "kept", "total", "density")), *end]

        done = Outcome(verb, replace(common, out=out), summary, show)
        done.write()  # whatever becomes of the report
        try:
            from slth.figures.search_report import write_search_report

            changed = {field.name: getattr(weights, field.name) for field in fields(weights)}
            given = {**options, **{key: value for key, value in changed.items() if value != getattr(WEIGHTS, key)}}
            title = f"{data.name}: a strong lottery ticket in a random {model.name}"
            command = command_text(verb, target, given, seed=common.seed)
            summary["report"] = write_search_report(record, out / REPORT_NAME, title=title, command=command)
        except Exception as problem:  # the search is done and written: it is not lost for the want of a picture
            if common.debug:
                raise
            kind = type(problem).__name__
            note(common, f"ticket and summary are in {out}, and {REPORT_NAME} could not be made ({kind}: {problem})")
            done = replace(done, exit_code=1)
    return done


def _headline(summary: dict[str, Any]) -> RenderableType:
    held, checks = summary["validation_accuracy"], summary["sanity"] or {}
    means = [f"{_CHECKS[name]} {sum(found) / len(found):.2%}" for name, found in checks.items() if found]
    rows = {
        "accuracy": f"{summary['accuracy']:.2%} on the test set, at epoch {summary['epoch']} of {summary['epochs']}"
        + ("" if held is None else f" (held-out examples: {held:.2%})"),
        "density": f"{summary['density']:.4g}: {summary['kept']:,} of {summary['total']:,} random weights",
        "sanity checks": f"{', '.join(means)} (means of seeds)" if means else "none",
        "ticket": f"{summary['ticket']}, {summary['ticket_bytes']:,} bytes "
        f"(information in the mask {summary['entropy_bound_bytes']:,.0f}); read back bit for bit",
        "seconds": summary["seconds"],
        "seed": summary["seed"],
    }
    return key_value_table(rows)


_CHECKS = {
    "shuffled": "masks shuffled",
    "redrawn": "weights redrawn",
    "random": "both",
    "inverted": "smallest scores kept",
}

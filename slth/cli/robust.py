"""``slth train dro``, ``data-diet`` and ``connectivity``: calibrated ensembles, subsets of examples, paths."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import RenderableType

from slth.cli.checks import check_out, check_unclaimed
from slth.cli.options import COMMON, FLAG, Common
from slth.cli.outcome import Outcome, json_name, key_value_table, table_of
from slth.cli.progress import progress
from slth.cli.reporting import REPORT_NAME, with_report
from slth.cli.searching import TARGET, Law, Scale
from slth.cli.targets import Trained, command_text
from slth.cli.training import MODEL, names
from slth.errors import ArgumentError


def dro(
    *,
    density: Annotated[float, Parameter(help="kept / total of the whole ensemble: the sum over its members.")] = 0.3,
    kl_weights: Annotated[
        str,
        Parameter(help="Weight of the divergence of each member at the start, as 10,500,inf; inf is the mean."),
    ] = "10,500,inf",
    decay: Annotated[bool, Parameter(help="The weights fall to 0 by a cosine over the epochs.")] = True,
    detached: Annotated[
        bool, Parameter(help="The examples' weights are constants in the gradient; as published they are not.")
    ] = False,
    by: Annotated[Literal["logits", "probabilities"], Parameter(help="What is averaged.")] = "logits",
    keep: Annotated[
        Literal["last", "best"], Parameter(help="Masks of the last epoch, or of the best on held-out examples.")
    ] = "last",
    baselines: Annotated[
        str,
        Parameter(
            help="What it is compared with, as far as that exists for model and density: an ensemble of means (plain) "
            "and a single ticket of the same density; a dense network, the same with mixup, its largest weights of the "
            "same density; dense networks as many as members, of as many multiply-adds in all (deep)."
        ),
    ] = "plain,single,dense,mixup,magnitude,deep",
    against: Annotated[
        str | None, Parameter(help="Another data set of the same shape, to be told from this one by confidence.")
    ] = None,
    law: Annotated[Law | None, Parameter(help="Of the random weights; signed-constant by default.")] = None,
    scale: Annotated[
        Scale,
        Parameter(
            help="How large they are, as slth search edge-popup has it; members of few weights are unsure where these "
            "are not scaled by the density."
        ),
    ] = "kept",
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Search an ensemble of masks of one random network, each for harder examples, and measure its calibration.

    A tenth of the training examples is held out for a temperature, measures are of the test set. Writes ensemble.ticket
    (one seed, all masks), report.html and the summary; `slth.trainable.load_ensemble(file).to_module(module)` makes the
    ensemble from it. Every epoch is written to the folder `members`: the same command goes on from there.
    """
    from slth.cli.checks import load_data
    from slth.cli.places import data_folders
    from slth.jobs.ensembles import TICKET_NAME, EnsembleJob, run_ensembles
    from slth.jobs.methods import recipe_of
    from slth.networks.devices import resolve_device
    from slth.rng import WeightLaw

    verb = "train dro"
    given = {
        "density": density, "kl_weights": kl_weights, "decay": decay, "detached": detached, "by": by, "keep": keep,
        "baselines": baselines, "against": against, "law": law, "scale": scale,
    }  # fmt: skip
    target, model, data, out, command = _asked(verb, target, common, given, (TICKET_NAME, json_name(verb)))
    try:
        strange = None if against is None else load_data(against, data_folders(target.data_dir), seed=common.seed)
    except ArgumentError as problem:
        raise ArgumentError("against", against, problem.rule, problem.remedy) from None
    job = EnsembleJob(
        model, density, _numbers("kl_weights", kl_weights), target.changed(recipe_of("edge-popup", flat=model.flat)),
        detached=detached, decay=decay, by=by, keep=keep, law=None if law is None else WeightLaw(law), scale=scale,
        seed=common.seed, device=resolve_device(target.device), limit=target.limit, baselines=names(baselines),
    )  # fmt: skip
    job.methods()
    with progress(common) as report:
        summary = {
            **run_ensembles(job, data, out, against=strange, progress=report),
            "command": command,
            "report": None,
        }

    def show() -> list[RenderableType]:
        columns = {
            "kind": "ensemble", "density": "density", "multiply_adds": "multiply-adds", "accuracy": "accuracy",
            "ece": "ECE", "ece_scaled": "ECE, temperature", "negative_log_likelihood": "NLL", "brier": "Brier",
            "wrong_confidence": "confidence where wrong",
        }  # fmt: skip
        rows = [[row[key] for key in columns] for row in summary["ensembles"]]
        told: dict[str, Any] = {"ticket": f"{summary['ticket']}, {summary['ticket_bytes']:,} bytes for all members"}
        told |= {"seconds": summary["seconds"], "seed": common.seed, "report": summary["report"]}
        return [table_of(rows, tuple(columns.values())), "", key_value_table(told)]

    done = Outcome(verb, replace(common, out=out), summary, show)
    return _reported(done, "robust ensemble")


def connectivity(
    *,
    steps: Annotated[str, Parameter(help="Steps of training at which two children part, as 0,100,1000.")] = "0,20,100",
    points: Annotated[int, Parameter(help="Places on the path between them, both ends among them.")] = 31,
    statistics: Annotated[
        Literal["interpolated", "recomputed"],
        Parameter(help="Statistics of batch norms on the path: between those of the ends, or its own."),
    ] = "interpolated",
    levels: Annotated[int, Parameter(help="Of pruning, to measure the ticket of each step too; 0 for none.")] = 0,
    rate: Annotated[float, Parameter(help="Share of what is left that each level removes.")] = 0.2,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Train two children of one network with other orders of examples, and measure the error between them.

    A barrier is the largest error on the straight path less the mean of its ends: below 2 % the network is called
    stable. With --levels the ticket that is found by going back to each step has two children too. What is trained is
    written to the folders `children` and `levels`: the same command goes on from there, also to more steps.
    """
    from slth.jobs.connecting import ConnectivityJob, run_connectivity
    from slth.networks.devices import resolve_device

    verb = "train connectivity"
    given = {"steps": steps, "points": points, "statistics": statistics, "levels": levels, "rate": rate}
    target, model, data, out, command = _asked(verb, target, common, given, (json_name(verb),))
    job = ConnectivityJob(
        model, target.recipe(model, data), [int(one) for one in _numbers("steps", steps, whole=True)], points,
        statistics, levels, rate, seed=common.seed, device=resolve_device(target.device), limit=target.limit,
    )  # fmt: skip
    with progress(common) as report:
        summary = {**run_connectivity(job, data, out, progress=report), "command": command, "report": None}

    def show() -> list[RenderableType]:
        keys = ("step", "kind", "density", "barrier", "midpoint_barrier", "loss_barrier")
        rows = [[*(row[key] for key in keys), *row["end_errors"]] for row in summary["paths"]]
        heads = ("step", "network", "density", "error barrier", "half way", "loss barrier", "error of one", "of other")
        told = {"steps in all": summary["steps_in_all"], "children": summary["children"], "report": summary["report"]}
        return [table_of(rows, heads), "", key_value_table(told)]

    done = Outcome(verb, replace(common, out=out), summary, show)
    return _reported(done, "connectivity")


def data_diet(
    *,
    score: Annotated[
        Literal["el2n", "grand", "grand-last", "margin", "forgetting", "connectivity", "input-norm", "random"],
        Parameter(
            help="How hard an example is; input-norm and random are controls. GraNd of untrained networks is known not "
            "to replicate."
        ),
    ] = "el2n",
    ways: Annotated[
        str, Parameter(help="What networks begin on: some of easy,hard,random,all,none.")
    ] = "easy,hard,random,all,none",
    size: Annotated[int, Parameter(help="Examples of a subset.")] = 128,
    steps: Annotated[int, Parameter(help="Steps on it, before the recipe goes on with all examples.")] = 40,
    levels: Annotated[int, Parameter(help="Levels of pruning behind the dense one.")] = 5,
    rate: Annotated[float, Parameter(help="Share of what is left that each level removes.")] = 0.2,
    runs: Annotated[int, Parameter(help="Networks whose scores are averaged.")] = 2,
    score_epochs: Annotated[int, Parameter(help="Epochs that they are trained for.")] = 4,
    balanced: Annotated[bool, Parameter(help="Subsets have as many examples of each class.")] = False,
    noise: Annotated[float, Parameter(help="Share of labels drawn anew, for scores and first steps.")] = 0.0,
    connected: Annotated[
        bool, Parameter(help="Measure which examples are linearly mode connected where pruning begins.", **FLAG)
    ] = False,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Begin training on the easiest, hardest or random examples, then seek trainable tickets on all of them.

    Every level is written to the folder `levels`: the same command goes on from there. Measures are of the test set.
    """
    from slth.jobs.data_diet import DietJob, run_diet
    from slth.jobs.training import recipe_of
    from slth.networks.devices import resolve_device
    from slth.trainable import IMP

    verb = "train data-diet"
    given = {
        "score": score, "ways": ways, "size": size, "steps": steps, "levels": levels, "rate": rate, "runs": runs,
        "score_epochs": score_epochs, "balanced": balanced, "noise": noise, "connected": connected,
    }  # fmt: skip
    target, model, data, out, command = _asked(verb, target, common, given, (json_name(verb),))
    job = DietJob(
        model, target.changed(recipe_of(model, IMP())), score, names(ways), size, steps, levels, rate, runs,
        score_epochs, balanced, noise, connected, seed=common.seed, device=resolve_device(target.device),
        limit=target.limit,
    )  # fmt: skip
    with progress(common) as report:
        summary = {**run_diet(job, data, out, progress=report), "command": command, "report": None}

    def show() -> list[RenderableType]:
        found = {(row["way"], row["level"]): row for row in summary["rows"]}
        densities = [found[job.ways[0], level]["density"] for level in range(levels + 1)]
        rows = [
            [density, *(found[way, level]["accuracy"] for way in job.ways)] for level, density in enumerate(densities)
        ]
        if connected:
            rows.append(["connected", *(summary["connectivity"][way]["connected"] for way in job.ways)])
        told = {f"rank correlation with {kind}": one for kind, one in summary["rank_correlation"].items()}
        told = {"score": score, **told, "report": summary["report"]}
        return [table_of(rows, ("density", *job.ways)), "", key_value_table(told)]

    done = Outcome(verb, replace(common, out=out), summary, show)
    return _reported(done, "data diet")


def _reported(done: Outcome, what: str) -> Outcome:
    """Write summary and report."""
    summary, out = done.data, done.common.out
    assert out is not None, "every verb has a folder"

    def draw() -> Path:
        from slth.figures.measured_report import write_measured_report

        command = summary["command"]
        title = f"{summary['data']}: {what} of {summary['model']}"
        return write_measured_report(done.verb.split()[-1], summary, out / REPORT_NAME, title=title, command=command)

    return with_report(done, draw)


def _asked(
    verb: str, target: Trained, common: Common, given: dict[str, Any], names: tuple[str, ...]
) -> tuple[Trained, Any, Any, Path, str]:
    """Return target, model and data of a verb, the folder of its files, and what to type to make the same again."""
    target = target.chosen(MODEL)
    model = target.described()
    data = target.load(model, seed=common.seed)
    out = common.out or Path("runs") / f"{data.name}-{verb.split()[-1]}"
    check_out(out, (*names, REPORT_NAME))
    command = command_text(verb, target, given, seed=common.seed)
    # Children of more steps, and of tickets where there were none, whose rate meant nothing before; more ways.
    more = ("--steps", "--points", "--rate") if "points" in given else ("--ways", "--connected")
    check_unclaimed(out, command, grows=("--levels", *more))
    return target, model, data, out, command


def _numbers(name: str, text: str, *, whole: bool = False) -> list[float]:
    """Return the numbers between commas."""
    try:
        found: list[float] = [int(part) if whole else float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or any(math.isnan(one) for one in found):
        kind = "whole numbers" if whole else "numbers"
        raise ArgumentError(name, text, f"must be {kind} with commas", "write them as 0,100" if whole else "as 10,inf")
    return found

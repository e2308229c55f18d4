"""Tickets on a data diet from start to end: examples scored, networks begun on subsets of them, and pruned on all."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from slth.arrays import Floats, whole
from slth.data.data_set import DataSet
from slth.errors import ArgumentError, DataError
from slth.files import write_json
from slth.grids.intervals import rank_correlation
from slth.jobs.models import Model, made
from slth.jobs.standardising import Standardised
from slth.networks.devices import resolve_device
from slth.resources import Progress
from slth.rng import Stream
from slth.trainable import (
    IMP,
    children,
    connectivity_scores,
    example_scores,
    example_subset,
    forgetting_scores,
    linear_path,
    mislabelled,
    pretrained,
)
from slth.trainable.entry import training
from slth.trainable.result import TrainResult
from slth.training import Examples, Recipe, TrainingRun, split
from slth.training.checkpoint import described
from slth.training.long_epochs import records_told
from slth.training.turns import all_finished

if TYPE_CHECKING:
    from torch import nn

Score = Literal["el2n", "grand", "grand-last", "margin", "forgetting", "connectivity", "input-norm", "random"]
WAYS = ("easy", "hard", "random", "all", "none")
"""What networks begin on: a subset, all examples, or nothing."""
LEVELS, SCORES, BEGUN, CHILDREN = "levels", "scores", "begun", "children"


@dataclass(frozen=True)
class DietJob:
    """A network, how its examples are scored, on which of them it begins, and how it is pruned.

    Scores are means over ``runs`` networks of their own seeds after ``score_epochs`` epochs. Each way trains for
    ``steps`` steps on ``size`` examples, then the recipe goes on from there on all of them, level by level; ``noise``
    is the share of labels that are drawn anew for scores and first steps. Where ``connected`` is asked for, two
    children of each beginning are trained, which see all examples in orders of their own.
    """

    model: Model
    recipe: Recipe
    score: Score = "el2n"
    ways: Sequence[str] = WAYS
    size: int = 128
    steps: int = 40
    levels: int = 5
    rate: float = 0.2
    runs: int = 2
    score_epochs: int = 4
    balanced: bool = False
    noise: float = 0.0
    connected: bool = False
    held_out: float = 0.1
    seed: int = 0
    device: str = "cpu"
    limit: int | None = None

    def __post_init__(self) -> None:
        """Check what is not checked where it is used."""
        whole(self.runs, "runs", remedy="use 2, or 10 for steadier scores")
        whole(self.steps, "steps", remedy="use 200")
        seen = "forgetting is seen from epoch to epoch" if self.score == "forgetting" else "use 4, or 0 for none"
        whole(self.score_epochs, "score_epochs", int(self.score == "forgetting"), remedy=seen)
        if not 0.0 <= self.noise <= 1.0:
            raise ArgumentError("noise", self.noise, "must lie in [0, 1]", "use 0.1")
        _ = self.pruning
        odd = [one for one in self.ways if one not in WAYS]
        if odd or not self.ways or len(set(self.ways)) < len(self.ways):
            raise ArgumentError("ways", ",".join(self.ways), "must be some of them, once", f"use {','.join(WAYS)}")

    @property
    def pruning(self) -> IMP:
        """How each way is pruned."""
        return IMP(rate=self.rate, levels=self.levels)


def run_diet(
    job: DietJob, data: DataSet, folder: Path | None = None, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Score, begin, prune, as far as it was not done in the folder, and return a row for each way and level."""
    inputs = Standardised.of(data, job.model.input_shape(data), limit=job.limit)
    test = inputs.examples("test")
    examples = inputs.examples("train")
    used, held = split(examples, job.held_out, seed=job.seed) if job.held_out else (examples, None)
    whole(job.size, "size", 1, len(used), remedy="choose fewer examples")
    steps = job.recipe.steps_per_epoch(len(used)) * job.recipe.epochs
    whole(job.steps, "steps", 1, steps, remedy="use a step of the recipe, such as 200")
    first = mislabelled(used, job.noise, seed=job.seed)
    scores = scores_of(job, data, first, folder=folder and folder / SCORES, progress=progress)
    labels = used.targets.cpu().numpy()
    pruned = _pruned(job, data, used, held, first, scores, folder, progress)
    rows = [
        {"way": way, **{key: row[key] for key in ("level", "density", "accuracy")}}
        for way, found in pruned.items()
        for row in found.rows(test)
    ]
    paths = {
        way: _connected(job, found, way, used, test, folder and folder / CHILDREN / way, _named(progress, way))
        for way, found in pruned.items()
        if job.connected
    }
    controls = {kind: example_scores(made(job.model, data, job.seed), first, kind, seed=job.seed)
                for kind in ("input-norm", "random")}  # fmt: skip
    return {
        "model": job.model.name,
        "data": data.name,
        "seed": job.seed,
        "recipe": described(job.recipe),
        "normalisation": inputs.describe(),
        "score": job.score,
        "runs": job.runs,
        "score_epochs": job.score_epochs,
        "size": job.size,
        "steps": job.steps,
        "noise": job.noise,
        "scores": {"least": float(scores.min()), "median": float(np.median(scores)), "largest": float(scores.max())},
        "rank_correlation": {kind: rank_correlation(scores, one) for kind, one in controls.items()},
        "classes": {
            way: np.bincount(labels[_places(job, way, first, scores)], minlength=data.classes).tolist()
            for way in job.ways
            if way in ("easy", "hard", "random")
        },
        "connectivity": paths,
        "rows": rows,
    }


def _pruned(
    job: DietJob,
    data: DataSet,
    used: Examples,
    held: Examples | None,
    first: Examples,
    scores: Floats,
    folder: Path | None,
    progress: Progress | None,
) -> dict[str, TrainResult]:
    """Begin in each way and prune: one after another on a processor, on a GPU in turns."""
    device = resolve_device(job.device)
    here = used.to(device)
    trainings = {
        way: training(
            _begun(job, made(job.model, data, job.seed), way, first, scores, folder and folder / BEGUN / way),
            here, job.pruning, recipe=replace(job.recipe, start=0 if way == "none" else job.steps), validation=held,
            seed=job.seed, device=device, folder=folder and folder / LEVELS / way, progress=_named(progress, way),
        )
        for way in job.ways
    }  # fmt: skip
    return dict(zip(trainings, all_finished(list(trainings.values()), device), strict=True))


def scores_of(
    job: DietJob, data: DataSet, examples: Examples, *, folder: Path | None = None, progress: Progress | None = None
) -> Floats:
    """Return the mean scores over networks of their own seeds; in a folder those of each, which are not made again."""
    found, recipe = [], replace(job.recipe, epochs=job.score_epochs)
    words = {"score": job.score, "recipe": described(recipe), "noise": job.noise, "data": examples.sha256()}
    for run in range(job.runs):
        seed = int(Stream(job.seed, f"jobs/scores/{run}").raw(0, 1)[0] >> 1)
        path = None if folder is None else folder / f"{run}.json"
        about = {**words, "model": job.model.name, "seed": seed}
        scores = _kept_scores(path, about, len(examples))
        if scores is None:
            scores = _scores(job, made(job.model, data, seed % 2**31), examples, recipe, seed, progress)
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_json(path, {"about": about, "scores": scores.tolist()})
        found.append(scores)
        if progress is not None:
            progress("scores", run + 1, job.runs)
    mean: Floats = np.mean(found, axis=0)
    return mean


def _kept_scores(path: Path | None, about: Mapping[str, Any], count: int) -> Any:
    """Return the scores that a file holds; None where there is none, and an error where it is of another job."""
    if path is None or not path.exists():
        return None
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        kept, scores = held["about"], np.array(held["scores"], dtype=np.float64)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise DataError(f"{path}: cannot be read as scores of examples ({problem}); remove it to begin anew") from None
    if kept != json.loads(json.dumps(about)) or scores.shape != (count,):
        rule = "holds scores of another network, recipe or data"
        raise ArgumentError("out", str(path), rule, "name another folder, or remove this one")
    return scores


def _scores(
    job: DietJob, module: nn.Module, examples: Examples, recipe: Recipe, seed: int, progress: Progress | None
) -> Floats:
    """Train a network, and return its scores."""
    if job.score == "connectivity":
        step = recipe.steps_per_epoch(len(examples)) * recipe.epochs // 2
        pair = children(module, examples, recipe, step=step, seed=seed, device=job.device, progress=progress)
        return connectivity_scores(*pair, examples)
    if job.score == "forgetting":
        return forgetting_scores(module, examples, recipe, seed=seed, device=job.device, progress=progress)
    for _ in records_told(TrainingRun(module, examples, recipe, seed=seed, device=job.device), progress):
        pass
    return example_scores(module, examples, job.score, seed=seed)


def _places(job: DietJob, way: str, examples: Examples, scores: Floats) -> Any:
    """Return which examples a way begins on."""
    labels = examples.targets.cpu().numpy() if job.balanced else None
    return example_subset(scores, job.size, way, labels=labels, seed=job.seed)  # type: ignore[arg-type]


def _begun(
    job: DietJob, module: nn.Module, way: str, examples: Examples, scores: Floats, folder: Path | None
) -> nn.Module:
    """Return the network with which level 0 starts: that of the folder, as a GPU trains to other bits each time."""
    if way == "none":
        return module
    places = None if way == "all" else _places(job, way, examples, scores)
    return pretrained(
        module, examples, job.recipe, steps=job.steps, places=places, seed=job.seed, device=job.device, folder=folder
    )


def _connected(
    job: DietJob, found: TrainResult, way: str, used: Examples, test: Examples, folder: Path | None,
    progress: Progress | None,
) -> dict[str, float]:  # fmt: skip
    """Return the share of training examples whose loss is not raised half way between two children; their barrier."""
    begun = copy.deepcopy(found.architecture)
    begun.load_state_dict(dict(found.start))
    step = 0 if way == "none" else job.steps
    pair = children(
        begun, used, replace(job.recipe, start=step), step=step, seed=job.seed, device=job.device, folder=folder,
        progress=progress,
    )  # fmt: skip
    barrier = linear_path(*pair, test, points=3).midpoint_barrier
    return {"connected": float(np.mean(connectivity_scores(*pair, used) <= 0.0)), "midpoint_barrier": barrier}


def _named(progress: Progress | None, way: str) -> Progress | None:
    """Return what is told of a way."""
    return None if progress is None else lambda label, done, total: progress(f"{way}, {label}", done, total)

"""Linear mode connectivity from start to end: children of several steps, and the paths between them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slth.arrays import whole
from slth.data.data_set import DataSet
from slth.jobs.models import Model, made
from slth.jobs.standardising import Standardised
from slth.networks import total_density
from slth.resources import Progress
from slth.trainable import IMP, children, linear_path, train
from slth.trainable.connectivity import Statistics
from slth.training import Examples, Recipe
from slth.training.checkpoint import described
from slth.training.method import Tensors

if TYPE_CHECKING:
    from torch import nn

CHILDREN, LEVELS = "children", "levels"


@dataclass(frozen=True)
class ConnectivityJob:
    """A network, and the steps at which its children part; with levels, those of its tickets too.

    A ticket of a step is found by pruning level by level, each of which goes back to that step.
    """

    model: Model
    recipe: Recipe
    steps: Sequence[int]
    points: int = 31
    statistics: Statistics = "interpolated"
    levels: int = 0
    rate: float = 0.2
    seed: int = 0
    device: str = "cpu"
    limit: int | None = None

    def __post_init__(self) -> None:
        """Check what would be found after children are trained."""
        whole(self.points, "points", 2, remedy="use 31")
        whole(self.levels, "levels", 0, remedy="use 0 for dense networks alone")
        _ = self.pruning(0)

    def pruning(self, step: int) -> IMP:
        """How the ticket of a step is found."""
        return IMP(self.rate, self.levels or None, reset="rewind" if step else "init", rewind=step)


def run_connectivity(
    job: ConnectivityJob, data: DataSet, folder: Path | None = None, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Train the children of each step, as far as they were not in the folder, and return the paths between them."""
    inputs = Standardised.of(data, job.model.input_shape(data), limit=job.limit)
    examples, test = inputs.examples("train"), inputs.examples("test")
    steps_in_all, rows = job.recipe.steps_per_epoch(len(examples)) * job.recipe.epochs, []
    for step in job.steps:  # a network that is trained to its end has no ticket that would be trained from there
        whole(step, "steps", 0, steps_in_all - bool(job.levels), remedy="use steps of the recipe, such as 0")
    for step in job.steps:
        parents = [_Parent("dense", made(job.model, data, job.seed), job.recipe)]
        if job.levels:
            parents.append(_ticket(job, parents[0].module, examples, step, folder, _named(progress, step, "ticket")))
        rows += [{"step": step, **_path(job, one, step, (examples, test), folder, progress)} for one in parents]
    return {
        "model": job.model.name,
        "data": data.name,
        "seed": job.seed,
        "recipe": described(job.recipe),
        "steps_in_all": steps_in_all,
        "statistics": job.statistics,
        "normalisation": inputs.describe(),
        "paths": rows,
        "children": None if folder is None else str(folder / CHILDREN),
    }


@dataclass(frozen=True, eq=False)
class _Parent:
    """A network, the recipe from where it stands on, and what of it is trained."""

    kind: str
    module: nn.Module
    recipe: Recipe
    masks: Tensors | None = None


def _ticket(
    job: ConnectivityJob, module: nn.Module, examples: Examples, step: int, folder: Path | None,
    progress: Progress | None,
) -> _Parent:  # fmt: skip
    """Prune a network level by level, and return what the last one keeps of it at the step that they go back to."""
    found = train(
        module, examples, job.pruning(step), recipe=job.recipe, seed=job.seed, device=job.device,
        folder=folder and folder / LEVELS / f"step{step}", progress=progress,
    )  # fmt: skip
    rewound = copy.deepcopy(module)
    rewound.load_state_dict(dict(found.start))
    return _Parent("ticket", rewound, replace(job.recipe, start=step), found.level().masks)


def _path(
    job: ConnectivityJob, parent: _Parent, step: int, data: tuple[Examples, Examples], folder: Path | None,
    progress: Progress | None,
) -> dict[str, Any]:  # fmt: skip
    """Train two children, and return error and loss of the test examples between them."""
    name = f"step{step}" if parent.kind == "dense" else f"step{step}-{parent.kind}"
    pair = children(
        parent.module, data[0], parent.recipe, step=step, masks=parent.masks, seed=job.seed, device=job.device,
        folder=folder and folder / CHILDREN / name, progress=_named(progress, step, parent.kind),
    )  # fmt: skip
    path = linear_path(
        *pair, data[1], points=job.points, masks=parent.masks, statistics=job.statistics,
        data=data[0] if job.statistics == "recomputed" else None,
    )  # fmt: skip
    return {
        "kind": parent.kind,
        "density": 1.0 if parent.masks is None else total_density(parent.masks).density,
        "barrier": path.barrier,
        "midpoint_barrier": path.midpoint_barrier,
        "loss_barrier": path.loss_barrier,
        "end_errors": [float(path.errors[0]), float(path.errors[-1])],
        "shares": path.shares.tolist(),
        "errors": path.errors.tolist(),
        "losses": path.losses.tolist(),
    }


def _named(progress: Progress | None, step: int, kind: str) -> Progress | None:
    """Return what is told of the networks of a step."""
    said = f"step {step}" if kind == "dense" else f"step {step}, {kind}"
    return None if progress is None else lambda label, done, total: progress(f"{said}, {label}", done, total)

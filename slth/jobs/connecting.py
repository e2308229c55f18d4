"""Linear mode connectivity from start to end: children of several steps, and the paths between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slth.arrays import whole
from slth.data.data_set import DataSet
from slth.jobs.models import Model, made
from slth.jobs.standardising import Standardised
from slth.resources import Progress
from slth.trainable import children, linear_path
from slth.trainable.connectivity import Statistics
from slth.training import Recipe
from slth.training.checkpoint import described

CHILDREN = "children"


@dataclass(frozen=True)
class ConnectivityJob:
    """A network, and the steps at which its children part."""

    model: Model
    recipe: Recipe
    steps: Sequence[int]
    points: int = 31
    statistics: Statistics = "interpolated"
    seed: int = 0
    device: str = "cpu"
    limit: int | None = None

    def __post_init__(self) -> None:
        """Check what would be found after children are trained."""
        whole(self.points, "points", 2, remedy="use 31")


def run_connectivity(
    job: ConnectivityJob, data: DataSet, folder: Path, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Train the children of each step, as far as they were not in the folder, and return the paths between them."""
    inputs = Standardised.of(data, job.model.input_shape(data), limit=job.limit)
    train, test = inputs.examples("train"), inputs.examples("test")
    steps_in_all, rows = job.recipe.steps_per_epoch(len(train)) * job.recipe.epochs, []
    for step in job.steps:
        whole(step, "steps", 0, steps_in_all, remedy="use steps of the recipe, such as 0 for the start")
    for step in job.steps:
        pair = children(
            made(job.model, data, job.seed), train, job.recipe, step=step, seed=job.seed, device=job.device,
            folder=folder / CHILDREN / f"step{step}", progress=_named(progress, step),
        )  # fmt: skip
        data_of_norms = train if job.statistics == "recomputed" else None
        path = linear_path(*pair, test, points=job.points, statistics=job.statistics, data=data_of_norms)
        rows.append(
            {
                "step": step,
                "barrier": path.barrier,
                "midpoint_barrier": path.midpoint_barrier,
                "loss_barrier": path.loss_barrier,
                "end_errors": [float(path.errors[0]), float(path.errors[-1])],
                "shares": path.shares.tolist(),
                "errors": path.errors.tolist(),
                "losses": path.losses.tolist(),
            }
        )
    return {
        "model": job.model.name,
        "data": data.name,
        "seed": job.seed,
        "recipe": described(job.recipe),
        "steps_in_all": steps_in_all,
        "statistics": job.statistics,
        "normalisation": inputs.describe(),
        "paths": rows,
        "children": str(folder / CHILDREN),
    }


def _named(progress: Progress | None, step: int) -> Progress | None:
    """Return what is told of the children of a step."""
    return None if progress is None else lambda label, done, total: progress(f"step {step}, {label}", done, total)

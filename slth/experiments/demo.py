"""The main job from end to end: train, construct, write, read back, certify, attack, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from slth.constructions import Construction, Dense, construct_dense
from slth.constructions.solving import MOST_CANDIDATES
from slth.errors import ArgumentError, ConstructionError, TicketError
from slth.experiments.datasets import DataSet
from slth.experiments.evaluation import Files, record_ticket
from slth.experiments.record import TicketRecord
from slth.experiments.target_file import save_target
from slth.subset_sum.resources import thread_count
from slth.tickets import DenseNetwork, load_ticket
from slth.training import Training
from slth.training.dense import train_dense

Progress = Callable[[str, int, int], None]

SECONDS_A_STEP = 2e-8
"""Of one core, for each of the 2**(candidates / 2) steps that one weight takes: measured 1e-8 to 3e-8 up to 48."""

TICKET_NAME = "net.ticket"
TARGET_NAME = "target.safetensors"


@dataclass(frozen=True)
class DenseJob:
    """What to train and how to construct its ticket.

    Parameters
    ----------
    hidden : sequence of int
        Hidden neurons of the target.
    method : Dense
    training : Training
    bias : bool
        Whether the target has biases.
    seed : int
        Of the training and of the random network.
    """

    hidden: Sequence[int]
    method: Dense
    training: Training
    bias: bool = True
    seed: int = 0


def demo_job(*, seed: int = 0, candidates: int = 27) -> DenseJob:
    """Give the job of ``slth demo``: 64-64-32-10 on digits, a few seconds of training.

    Parameters
    ----------
    seed : int
    candidates : int

    Returns
    -------
    DenseJob

    Examples
    --------
    >>> demo_job().hidden
    (64, 32)
    """
    training = Training(epochs=40, batch_size=64, learning_rate=0.05)
    return DenseJob((64, 32), Dense(candidates=candidates), training, seed=seed)


def check_job(job: DenseJob) -> None:
    """Refuse what would fail, or take no end, after the training.

    Parameters
    ----------
    job : DenseJob

    Raises
    ------
    slth.errors.ArgumentError
        A hidden layer without neurons, or more candidates than are ever searched.
    """
    for size in job.hidden:
        if size < 1:
            raise ArgumentError("hidden", tuple(job.hidden), "must be positive numbers", "pass sizes such as 64,32")
    candidates = job.method.candidates
    if candidates is not None and candidates > MOST_CANDIDATES:
        rule = f"is more than the {MOST_CANDIDATES} that exact search takes, and its time doubles with every two"
        raise ArgumentError("candidates", candidates, rule, "20 to 36 take seconds to minutes")


def expected_seconds(job: DenseJob, data: DataSet) -> float:
    """Forecast roughly how long the construction takes on all cores, from the number of weights and candidates.

    Parameters
    ----------
    job : DenseJob
    data : DataSet

    Returns
    -------
    float
        0.0 where an error is asked for rather than a number of candidates.

    Examples
    --------
    >>> from slth.experiments.datasets import load
    >>> expected_seconds(demo_job(candidates=10), load("digits")) < 1.0
    True
    """
    if job.method.candidates is None:
        return 0.0
    widths = (data.features, *job.hidden, data.classes)
    weights = sum((inputs + job.bias) * outputs for inputs, outputs in pairwise(widths))
    return float(weights * 2.0 ** (job.method.candidates / 2) * SECONDS_A_STEP / thread_count(None))


def run_dense_job(
    job: DenseJob,
    data: DataSet,
    folder: Path,
    *,
    title: str,
    command: str,
    limit: int | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> TicketRecord:
    """Train a target, construct its ticket, write both, read the ticket back and measure what was read.

    Parameters
    ----------
    job : DenseJob
    data : DataSet
    folder : Path
        Receives ``target.safetensors`` and ``net.ticket``; created where missing.
    title, command : str
        For the report.
    limit : int, optional
        At most so many training and test examples.
    device : {"cpu", "cuda"}
        Where the target is trained.
    progress : callable, optional
        Called with (label, done, total).

    Returns
    -------
    TicketRecord

    Raises
    ------
    slth.errors.ArgumentError
        Sizes or options break a rule.
    slth.errors.ConstructionError
        The method cannot reach what was asked of it.
    slth.errors.TicketError
        The file that was just written does not give the same ticket back.
    """
    check_job(job)
    started = time.perf_counter()
    target = train_dense(
        (data.features, *job.hidden, data.classes),
        data.inputs("train", limit=limit),
        data.labels("train", limit=limit),
        bias=job.bias,
        training=job.training,
        seed=job.seed,
        device=device,
        progress=progress,
    )
    trained = time.perf_counter()
    construction = _construct(target, job, progress)
    constructed = time.perf_counter()
    files = _write(target, construction, folder)
    ticket = load_ticket(folder / TICKET_NAME)
    sample = data.inputs("test", limit=16)
    if not np.array_equal(ticket.forward(sample), construction.ticket.forward(sample)):
        raise TicketError(f"{folder / TICKET_NAME}: gives other outputs than the ticket that was written")
    record = record_ticket(
        target, construction, ticket, data, title=title, command=command, files=files, eps=job.method.eps, limit=limit
    )
    seconds = {
        "train_seconds": trained - started,
        "construct_seconds": constructed - trained,
        "evaluate_seconds": time.perf_counter() - constructed,
    }
    paths = {"ticket": str(folder / TICKET_NAME), "target": str(folder / TARGET_NAME), "verified": True}
    return replace(record, summary={**record.summary, **paths, **seconds})


def _construct(target: DenseNetwork, job: DenseJob, progress: Progress | None) -> Construction:
    """Construct; whatever cannot be reached is said of the error that was asked for."""
    try:
        return construct_dense(target, job.method, input_box=(0.0, 1.0), seed=job.seed, progress=progress)
    except ConstructionError as problem:
        if job.method.eps is None or str(problem).startswith("eps="):
            raise
        rule = "could not be certified: subset sums of the random weights do not come that close"
        raise ConstructionError(f"eps={job.method.eps} {rule}; allow a larger eps, such as 0.01") from problem


def _write(target: DenseNetwork, construction: Construction, folder: Path) -> Files:
    folder.mkdir(parents=True, exist_ok=True)
    save_target(target, folder / TARGET_NAME)
    construction.ticket.save(folder / TICKET_NAME)
    return Files((folder / TICKET_NAME).stat().st_size, (folder / TARGET_NAME).stat().st_size)

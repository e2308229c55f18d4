"""The main job for convolutional networks: train, construct, write, read back, certify, attack, measure."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from slth.constructions import Construction, Conv, Structured, construct_conv, construct_structured
from slth.errors import ArgumentError, TicketError
from slth.experiments.conv_evaluation import record_conv_ticket
from slth.experiments.datasets import DataSet
from slth.experiments.demo import TARGET_NAME, TICKET_NAME
from slth.experiments.evaluation import Files
from slth.experiments.record import TicketRecord
from slth.experiments.target_file import save_target
from slth.tickets import ConvNetwork, load_ticket
from slth.training import Training
from slth.training.images import RECIPES, train_module

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ConvJob:
    """What to train and how to construct its ticket.

    Parameters
    ----------
    model : str
        A name of :data:`slth.training.images.RECIPES`: small-cnn, lenet5 or cnn6.
    method : Structured or Conv
    training : Training, optional
        The recipe's own by default.
    options : dict, optional
        Passed on to the model: ``channels``, ``bias``, ``batch_norm``.
    seed : int
        Of the training and of the random network.
    """

    model: str
    method: Structured | Conv
    training: Training | None = None
    options: dict[str, Any] | None = None
    seed: int = 0


def demo_conv_job(*, seed: int = 0, channels: int = 2000) -> ConvJob:
    """Give the job of ``slth demo``: the reference network on digits, a few seconds of training.

    Parameters
    ----------
    seed : int
    channels : int
        The theorem's n, for every layer.

    Returns
    -------
    ConvJob

    Examples
    --------
    >>> demo_conv_job().model
    'small-cnn'
    """
    training = Training(epochs=20, batch_size=32, learning_rate=0.05)
    return ConvJob("small-cnn", Structured(channels=channels), training, {"bias": True}, seed)


def check_conv_job(job: ConvJob) -> None:
    """Refuse a model that there is none of.

    Parameters
    ----------
    job : ConvJob

    Raises
    ------
    slth.errors.ArgumentError
    """
    if job.model not in RECIPES:
        raise ArgumentError("model", job.model, "is not a known model", f"choose one of {', '.join(RECIPES)}")


def run_conv_job(
    job: ConvJob,
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
    job : ConvJob
    data : DataSet
        Of images.
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
    slth.errors.TicketError
        The file that was just written does not give the same ticket back.
    """
    check_conv_job(job)
    started = time.perf_counter()
    target = train_target(job, data, limit=limit, device=device, progress=progress)
    trained = time.perf_counter()
    made = construct_convolutional(target, job.method, seed=job.seed, progress=progress)
    constructed = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    save_target(target, folder / TARGET_NAME)
    made.ticket.save(folder / TICKET_NAME)
    ticket = load_ticket(folder / TICKET_NAME)
    sample = data.inputs("test", limit=2).reshape(-1, *target.input_shape)
    if not np.array_equal(ticket.forward(sample), made.ticket.forward(sample)):
        raise TicketError(f"{folder / TICKET_NAME}: gives other outputs than the ticket that was written")
    files = Files((folder / TICKET_NAME).stat().st_size, (folder / TARGET_NAME).stat().st_size)
    record = record_conv_ticket(target, made, ticket, data, title=title, command=command, files=files, limit=limit)
    seconds = {
        "train_seconds": trained - started,
        "construct_seconds": constructed - trained,
        "solve_seconds": sum(row.seconds for row in made.table),
        "evaluate_seconds": time.perf_counter() - constructed,
    }
    paths = {"ticket": str(folder / TICKET_NAME), "target": str(folder / TARGET_NAME), "verified": True}
    return replace(record, summary={**record.summary, **paths, **seconds, "model": job.model})


def train_target(
    job: ConvJob,
    data: DataSet,
    *,
    limit: int | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> ConvNetwork:
    """Train the job's model on a data set by its recipe.

    Parameters
    ----------
    job : ConvJob
    data : DataSet
    limit : int, optional
    device : {"cpu", "cuda"}
    progress : callable, optional

    Returns
    -------
    ConvNetwork

    Raises
    ------
    slth.errors.ArgumentError
        The data are no images, or too small for the model.
    """
    check_conv_job(job)
    recipe = RECIPES[job.model]
    if len(data.shape) != 3:
        remedy = "use digits, mnist, fashion-mnist or cifar10"
        raise ArgumentError("data", data.name, f"holds inputs of shape {list(data.shape)} and no images", remedy)
    options = {"batch_norm": recipe.batch_norm, **(job.options or {})}
    module = recipe.model(input_shape=data.shape, classes=data.classes, seed=job.seed, **options)
    network = train_module(
        module,
        data.inputs("train", limit=limit),
        data.labels("train", limit=limit),
        input_shape=data.shape,
        training=job.training or recipe.training,
        seed=job.seed,
        device=device,
        progress=progress,
    )
    assert isinstance(network, ConvNetwork), "the recipes have convolutions"
    return network


def construct_convolutional(
    target: ConvNetwork, method: Structured | Conv, *, seed: int, progress: Progress | None = None
) -> Construction:
    """Construct by whichever of the two methods it is, over inputs from 0 to 1.

    Parameters
    ----------
    target : ConvNetwork
    method : Structured or Conv
    seed : int
    progress : callable, optional

    Returns
    -------
    Construction
    """
    if isinstance(method, Structured):
        return construct_structured(target, method, input_box=(0.0, 1.0), seed=seed, progress=progress)
    return construct_conv(target, method, input_box=(0.0, 1.0), seed=seed, progress=progress)

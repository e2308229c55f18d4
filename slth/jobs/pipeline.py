"""One way for every kind of target: train, construct, write, read back, certify, attack, measure."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from slth.constructions import Construction
from slth.data.datasets import DataSet
from slth.errors import TicketError
from slth.grids.environment import package_versions
from slth.jobs.evaluation import accuracy, flat_outputs
from slth.jobs.record import TicketRecord
from slth.jobs.target_file import Network, save_target
from slth.tickets import Ticket, load_ticket

Floats = NDArray[np.float64]
Progress = Callable[[str, int, int], None]
Target = TypeVar("Target", bound=Network)

TICKET_NAME, TARGET_NAME = "net.ticket", "target.safetensors"
_READ_BACK = 2  # test inputs on which the ticket that was read must do the same as the one that was written


@dataclass(frozen=True, eq=False)
class Delivery(Generic[Target]):
    """A target, what was constructed for it, and what came back from the files.

    Parameters
    ----------
    target : DenseNetwork, ConvNetwork or AttentionNetwork
    construction : Construction
        Certificate and table.
    ticket : Ticket
        To measure: the one that was read back from its file.
    ticket_bytes, target_bytes : int
        Sizes of the files.
    """

    target: Target
    construction: Construction
    ticket: Ticket
    ticket_bytes: int
    target_bytes: int


@dataclass(frozen=True, eq=False)
class Measured:
    """What each kind of target measures in its own way.

    Parameters
    ----------
    layers : tuple of LayerRecord, ConvLayerRecord or AttentionLayerRecord
    target_outputs, ticket_outputs : float64[examples, classes]
    attack_error : float
        Largest difference that was found by gradient ascent.
    facts : dict
        Further entries of the summary, or others in place of those that all kinds have.
    """

    layers: tuple[Any, ...]
    target_outputs: Floats
    ticket_outputs: Floats
    attack_error: float
    facts: dict[str, Any]


class Job(Protocol[Target]):
    """What to train, how to construct its ticket and what to measure of it; a bad one is refused when it is made."""

    def train(
        self, data: DataSet, *, limit: int | None = None, device: str = "cpu", progress: Progress | None = None
    ) -> Target:
        """Train the target, on at most ``limit`` examples."""

    def construct(self, target: Target, *, progress: Progress | None = None) -> Construction:
        """Construct its ticket, over inputs from 0 to 1."""

    def measure(self, delivery: Delivery[Target], inputs: Floats) -> Measured:
        """Measure the ticket on test inputs, float64[examples, features]."""


def run_job(
    job: Job[Target],
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
    job : DenseJob, ConvJob or AttentionJob
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
        Sizes or options break a rule, or do not fit the data.
    slth.errors.ConstructionError
        The method cannot reach what was asked of it.
    slth.errors.TicketError
        The file that was just written does not give the same ticket back.
    """
    started = time.perf_counter()
    target = job.train(data, limit=limit, device=device, progress=progress)
    trained = time.perf_counter()
    construction = job.construct(target, progress=progress)
    constructed = time.perf_counter()
    delivery = _written(target, construction, folder, data)
    if progress is not None:
        progress("evaluation", 0, 1)
    record = record_delivery(job, delivery, data, title=title, command=command, limit=limit)
    if progress is not None:
        progress("evaluation", 1, 1)
    more = {
        "ticket": str(folder / TICKET_NAME),
        "target": str(folder / TARGET_NAME),
        "verified": True,
        "train_seconds": trained - started,
        "construct_seconds": constructed - trained,
        "evaluate_seconds": time.perf_counter() - constructed,
    }
    return replace(record, summary={**record.summary, **more})


def _written(target: Target, construction: Construction, folder: Path, data: DataSet) -> Delivery[Target]:
    """Write target and ticket, and read the ticket back."""
    ticket_path, target_path = folder / TICKET_NAME, folder / TARGET_NAME
    folder.mkdir(parents=True, exist_ok=True)
    save_target(target, target_path)
    construction.ticket.save(ticket_path)
    ticket, sample = load_ticket(ticket_path), data.inputs("test", limit=_READ_BACK)
    read, written = (flat_outputs(each, sample, data.shape) for each in (ticket, construction.ticket))
    if not np.array_equal(read, written):
        raise TicketError(f"{ticket_path}: gives other outputs than the ticket that was written")
    return Delivery(target, construction, ticket, ticket_path.stat().st_size, target_path.stat().st_size)


def record_delivery(
    job: Job[Target],
    delivery: Delivery[Target],
    data: DataSet,
    *,
    title: str,
    command: str,
    limit: int | None = None,
) -> TicketRecord:
    """Measure a ticket against its target and put together what reports are made of.

    Parameters
    ----------
    job : DenseJob, ConvJob or AttentionJob
        Says how to measure.
    delivery : Delivery
    data : DataSet
    title, command : str
    limit : int, optional
        At most so many test examples.

    Returns
    -------
    TicketRecord
    """
    labels = data.labels("test", limit=limit)
    measured = job.measure(delivery, data.inputs("test", limit=limit).astype(np.float64))
    wanted, found = measured.target_outputs, measured.ticket_outputs
    ticket, certificate, statistics = delivery.ticket, delivery.construction.certificate, delivery.ticket.statistics()
    weights = delivery.target.parameters
    low, high = certificate.input_box
    summary: dict[str, Any] = {
        "seed": ticket.seed,
        "family": ticket.family,
        "data": data.name,
        "examples": len(labels),
        "target_accuracy": accuracy(wanted, labels),
        "ticket_accuracy": accuracy(found, labels),
        "agreement": accuracy(found, wanted.argmax(axis=1)),
        "certified_error": certificate.error,
        "norm_bound": certificate.norm_bound,
        "float64_allowance": certificate.float64_allowance,
        "float32_allowance": certificate.float32_allowance,
        "sampled_error": float(np.abs(found - wanted).max()),
        "attack_error": measured.attack_error,
        "eps": None,
        "input_box": f"[{low.min():g}, {high.max():g}]",
        "density": statistics.density,
        "kept": statistics.kept,
        "open_positions": statistics.open_positions,
        "random_parameters": statistics.random_parameters,
        "target_weights": weights,
        "ticket_bytes": delivery.ticket_bytes,
        "target_bytes": delivery.target_bytes,
        "bits_per_target_weight": 8.0 * delivery.ticket_bytes / weights,
        "counting_bits_per_weight": statistics.entropy_bound_bits / weights,
        "target_file_bits_per_weight": 8.0 * delivery.target_bytes / weights,
        "kept_weights_sha256": ticket.kept_weights_sha256(),
        "layers": [layer.row() for layer in measured.layers],
        **measured.facts,
    }
    provenance = {"data": data.provenance, "packages": package_versions(), "law": ticket.law.describe()}
    return TicketRecord(title, summary, measured.layers, wanted, found, labels, command, provenance)

"""One way for every target and method: train, construct, write, read back, certify, attack, measure."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import Floats
from slth.certificates import certify
from slth.constructions import Construction, Method, Structured, Traits
from slth.constructions.costs import Costs, of_target, of_ticket, pruned
from slth.data.data_set import DataSet, assemble
from slth.errors import ArgumentError, SlthError, TicketError
from slth.graphs import Attend, Graph, Positions, Scale
from slth.graphs.file import graph_bytes, save_graph
from slth.graphs.graph import examples_of
from slth.grids.environment import package_versions
from slth.jobs.evaluation import accuracy, classes_of, outputs_on
from slth.jobs.layers import information_bits, layer_records
from slth.jobs.models import MODELS, Model, train_target
from slth.jobs.pictured import pictured
from slth.jobs.record import TicketRecord
from slth.jobs.verdict import verdicts
from slth.networks import attack, module_from_ticket, outputs_of
from slth.networks.given import array_given
from slth.networks.shrink import numbers_of
from slth.resources import Progress
from slth.tickets import Pair, Ticket, load_ticket
from slth.training import Cosine, Recipe

TICKET_NAME, TARGET_NAME = "net.ticket", "target.safetensors"
SHALLOW, AROUND, RADIUS = 3, 8, 1.0 / 255.0
"""Layers up to which a bound over the whole box is asked for alone, and around how many test inputs, how far."""
_MOST_AROUND = 10**7  # multiply-adds of a target whose inputs are certified in seconds
KEPT_NAME = "unfinished"
"""Folder beside them for what is done of a job that is not."""
SMALL_EXAMPLES, _SMALL_WORK, _SMALL_BYTES = 64, 1 << 38, 1 << 30
"""Examples and products that the small network itself is run for, and up to which size: its channels take long."""
_READ_BACK = 2  # test inputs on which the ticket that was read must do the same as the one that was written
_WORST = 4  # test inputs at which target and ticket differ most, from which the attack starts too

_EXACT = (
    (Positions, "places: the constant 1 at each place; exact (weights that meet them are approximated)"),
    (Attend, "softmax: the same function in both networks; the certificate bounds how far it moves with its scores"),
    (Attend, "W_Q W_K^T / sqrt(d_k) and W_V W_O: merged before they are approximated; rounded once, in the target"),
    (Scale, "scales that nobody trained, such as the 6 of ReLU6: exact"),
)
"""What no subset sum approximates, by the kind of node."""


@dataclass(frozen=True)
class Job:
    """A target to train, and the method that makes its ticket."""

    model: Model
    method: Method
    recipe: Recipe | None = None
    weights: Path | None = None
    seed: int = 0
    device: str = "cpu"  # where channels are searched
    trained_on: str = "cpu"
    limit: int | None = None  # examples of each part of the data


@dataclass(frozen=True, eq=False)
class Delivery:
    """A target, what was constructed for it, and what came back from the files."""

    target: Graph
    construction: Construction
    ticket: Ticket
    ticket_bytes: int
    target_bytes: int
    facts: dict[str, Any] = field(default_factory=dict)


def demo_job(*, seed: int = 0, channels: int = 2000) -> Job:
    """Give the job of ``slth demo``: the reference network on digits, a few seconds of training."""
    model = replace(MODELS["small-cnn"], options={"bias": True})
    recipe = Recipe(epochs=20, batch_size=32, schedule=Cosine(0.05))
    return Job(model, Structured(channels=channels), recipe, seed=seed)


def run_job(
    job: Job,
    data: DataSet,
    folder: Path,
    *,
    title: str,
    command: str,
    progress: Progress | None = None,
    before: Callable[[Graph], None] | None = None,
) -> TicketRecord:
    """Train a target, construct its ticket, write both, read the ticket back and measure what was read.

    What was stopped goes on from the last epoch of the target, and from the last layer where the method keeps them.
    """
    started = time.perf_counter()
    with _kept_beside(folder) as kept:
        target = train_target(
            job.model, data, recipe=job.recipe, weights=job.weights, seed=job.seed, limit=job.limit,
            device=job.trained_on, folder=kept, progress=progress,
        )  # fmt: skip
        trained = time.perf_counter()
        if before is not None:
            before(target)
        layers = kept if Traits.RESUMES in job.method.traits else None
        made = job.method.construct(target, seed=job.seed, device=job.device, folder=layers, progress=progress)
    constructed = time.perf_counter()
    facts = {"model": job.model.name, "method": type(job.method).__name__, "eps": getattr(job.method, "eps", None)}
    delivery = replace(_written(target, made, folder, data), facts=facts)
    shutil.rmtree(folder / KEPT_NAME, ignore_errors=True)  # all that it holds is in the two files
    if progress is not None:
        progress("evaluation", 0, 1)
    record = record_delivery(delivery, data, title=title, command=command, limit=job.limit, progress=progress)
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


@contextmanager
def _kept_beside(folder: Path) -> Iterator[Path]:
    """Give the folder for what is done of a job; where the job cannot be done it goes, with what was made for it."""
    new = not folder.exists()
    try:
        yield folder / KEPT_NAME
    except SlthError:
        shutil.rmtree(folder / KEPT_NAME, ignore_errors=True)
        if new:
            with suppress(OSError):
                folder.rmdir()
        raise


def _written(target: Graph, made: Construction, folder: Path, data: DataSet) -> Delivery:
    """Write target and ticket, and read the ticket back."""
    ticket_path, target_path = folder / TICKET_NAME, folder / TARGET_NAME
    folder.mkdir(parents=True, exist_ok=True)
    save_graph(target, target_path)
    made.ticket.save(ticket_path)
    ticket = load_ticket(ticket_path)
    read, written = (outputs_on(each, data, limit=_READ_BACK).values for each in (ticket, made.ticket))
    if not np.array_equal(read, written):
        raise TicketError(f"{ticket_path}: gives other outputs than the ticket that was written")
    return Delivery(target, made, ticket, ticket_path.stat().st_size, target_path.stat().st_size)


def record_own(
    target: Graph,
    made: Construction,
    data: tuple[ArrayLike, ArrayLike],
    *,
    title: str,
    progress: Progress | None = None,
) -> TicketRecord:
    """Measure what was constructed for a target of one's own, on one's own test examples."""
    paths, shapes = [layer.path for layer in made.ticket.layers], made.ticket.graph.shapes
    if set(paths) != {node.name for node in target.weighted} or shapes != target.shapes:
        rule = f"has the layers {', '.join(paths)}, which are not those of the target, or of other shapes"
        raise ArgumentError("made", repr(made), rule, "pass the target that it was constructed for")
    if not isinstance(data, tuple) or len(data) != 2:
        raise ArgumentError("data", type(data).__name__, "is no pair of arrays", "pass (inputs, labels)")
    inputs = examples_of(array_given(data[0]), target.input_shape, "data")
    if not len(inputs):
        raise ArgumentError("data", list(inputs.shape), "must hold one example at least", "pass (inputs, labels)")
    labels = classes_of(data[1], len(inputs), math.prod(target.output_shape))
    flat = inputs.reshape(len(inputs), -1).astype(np.float32)
    arrays = (flat[:0], labels[:0], flat, labels)
    own = assemble("your own", target.input_shape, math.prod(target.output_shape), 1.0, arrays, {"verdict": "own"})
    sizes = len(made.ticket.to_bytes()), len(graph_bytes(target))
    delivery = Delivery(target, made, made.ticket, *sizes)
    return record_delivery(delivery, own, title=title, command="slth.report(...)", progress=progress)


def record_delivery(
    delivery: Delivery,
    data: DataSet,
    *,
    title: str,
    command: str,
    limit: int | None = None,
    progress: Progress | None = None,
) -> TicketRecord:
    """Measure a ticket against its target and put together what reports are made of."""
    labels = data.labels("test", limit=limit)
    target, made, ticket = delivery.target, delivery.construction, delivery.ticket
    wanted = outputs_on(target, data, limit=limit, progress=progress).values
    found = outputs_on(ticket, data, limit=limit, progress=progress)
    layers = layer_records(target, made, ticket)
    differences = np.abs(found.values - wanted).max(axis=1)
    inputs = data.inputs("test", limit=limit).reshape(-1, *target.input_shape).astype(np.float64)
    worst = inputs[np.argsort(-differences, kind="stable")[:_WORST]]
    attacked = attack(target, ticket, input_box=made.certificate.input_box, points=worst, progress=progress)
    costs, kinds = of_ticket(ticket), {type(node.step) for node in target.nodes}
    exact = tuple(text for kind, text in _EXACT if kind in kinds)
    summary: dict[str, Any] = {
        "seed": ticket.seed,
        "family": ticket.family,
        "data": data.name,
        "examples": len(labels),
        "form": found.form,
        "target_accuracy": accuracy(wanted, labels),
        "ticket_accuracy": accuracy(found.values, labels),
        "agreement": accuracy(found.values, wanted.argmax(axis=1)),
        "sampled_error": float(differences.max()),
        "attack_error": max(attacked.error, float(differences.max())),  # other batches round otherwise
        **_certified(made),
        "around": _around(target, ticket, inputs, progress),
        **_sizes(delivery),
        **_costs(target, costs),
        **_small(ticket, costs, inputs, found.values),
        "information_bits_per_weight": information_bits(layers, made, worst=True),
        "information_bits_mean": information_bits(layers, made, worst=False),
        "solve_seconds": sum(row.seconds for row in made.table),
        "not_approximated": list(exact),
        "layers": [layer.row for layer in layers],
        **delivery.facts,
    }
    summary["verdict"] = list(
        verdicts(summary, summary["layers"], float(np.abs(wanted).max()), max(data.classes, wanted.shape[1]))
    )
    provenance = {"data": data.provenance, "packages": package_versions(), "law": ticket.law.describe()}
    shown = pictured(inputs.reshape(len(labels), -1), data.shape, wanted, found.values)
    return TicketRecord(title, summary, layers, wanted, found.values, labels, command, exact, provenance, shown)


def _around(target: Graph, ticket: Ticket, inputs: Floats, progress: Progress | None) -> dict[str, Any] | None:
    """Certify a deep network around some test inputs, where a bound over the whole box is loose."""
    if len(target.weighted) <= SHALLOW or target.multiply_adds > _MOST_AROUND:
        return None
    some = inputs[:AROUND]
    box = (0.0, 1.0) if some.min() >= 0.0 and some.max() <= 1.0 else None
    found = certify(target, ticket, inputs=some, radius=RADIUS, input_box=box, progress=progress)
    return {
        "inputs": len(some),
        "radius": RADIUS,
        "error": float(found.errors.max()),
        "agreement": found.agreement,
    }


def _certified(made: Construction) -> dict[str, Any]:
    certificate = made.certificate
    low, high = certificate.input_box
    return {
        "certified_error": certificate.error,
        "float32_error": certificate.float32_error,
        "attention": [asdict(each) for each in certificate.attention],
        "norm_bound": certificate.norm_bound,
        "float64_allowance": certificate.float64_allowance,
        "float32_allowance": certificate.float32_allowance,
        "input_box": f"[{low.min():g}, {high.max():g}]",
    }


def _sizes(delivery: Delivery) -> dict[str, Any]:
    ticket, statistics = delivery.ticket, delivery.ticket.statistics()
    weights = delivery.target.parameters
    removals = {layer.removal if isinstance(layer, Pair) else "plain" for layer in ticket.layers}
    return {
        "removal": "/".join(sorted(removals)),
        "density": statistics.density,
        "kept": statistics.kept,
        "open_positions": statistics.open_positions,
        "random_parameters": statistics.random_parameters,
        "overparameterisation": statistics.random_parameters / weights if weights else math.inf,
        "target_weights": weights,
        "ticket_bytes": delivery.ticket_bytes,
        "target_bytes": delivery.target_bytes,
        "bits_per_target_weight": 8.0 * delivery.ticket_bytes / weights,
        "counting_bits_per_weight": statistics.entropy_bound_bits / weights,
        "target_file_bits_per_weight": 8.0 * delivery.target_bytes / weights,
        "kept_weights_sha256": ticket.kept_weights_sha256(),
    }


def _costs(target: Graph, own: Costs) -> dict[str, Any]:
    """What the small network costs beside its target, and beside that pruned by magnitude to as many kept weights."""
    networks = {"small": own, "target": of_target(target), "pruned": pruned(target, own.weights)}
    return {"costs": {name: asdict(costs) for name, costs in networks.items()}}


def _small(ticket: Ticket, costs: Costs, inputs: Floats, outputs: Floats) -> dict[str, Any]:
    """How large the small network is, and how far it is in float32 from the exact outputs, relative to the largest."""
    if costs.bytes > _SMALL_BYTES:
        return {"small_parameters": costs.weights, "small_examples": 0, "small_difference": None}
    inputs = inputs[: min(SMALL_EXAMPLES, 1 + _SMALL_WORK // max(1, costs.multiply_adds))]
    small = module_from_ticket(ticket)
    found = outputs_of(small, inputs, batch=16).reshape(len(inputs), -1)
    wanted = outputs[: len(inputs)]
    return {
        "small_parameters": numbers_of(small),
        "small_examples": len(inputs),
        "small_difference": float(np.abs(found - wanted).max() / max(float(np.abs(wanted).max()), 1e-300)),
    }

"""On how many test inputs target and ticket provably give one class on a whole ball, beside what ascent finds."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from slth.arrays import Floats
from slth.certificates import certify
from slth.certificates.correspond import check
from slth.constructions import PerWeight, Structured
from slth.data.datasets import DataSet
from slth.errors import ArgumentError, DataError
from slth.files import dumps
from slth.graphs import Graph
from slth.graphs.file import load_graph
from slth.grids.context import Context
from slth.jobs.models import model_of
from slth.studies.trained_targets import data_of, digest_of, model_target
from slth.tickets import Ticket, load_ticket

BOX = (0.0, 1.0)
"""Of the inputs of all data sets, to which balls are clipped."""


def certified_agreement(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Certify a ticket around some test inputs of a data set, and attack it there: a row for each input and radius.

    The cell names files, or what is to be trained and constructed. A ball holds those of smaller radii: what was found
    or proved in one counts in the others too.
    """
    from slth.networks import attack_around

    data = data_of(cell["data"], context)
    target, ticket = _pair(cell, data, context)
    chosen = slice(cell["first"], cell["first"] + cell["count"])
    inputs, labels = _inputs(target, data)[chosen], data.labels("test")[chosen]
    box = BOX if (inputs >= BOX[0]).all() and (inputs <= BOX[1]).all() else None
    found, worst, least = [], np.zeros(len(inputs)), np.full(len(inputs), np.inf)
    for radius in sorted(cell["radii"]):
        begin = time.perf_counter()
        proved = certify(
            target, ticket, inputs=inputs, radius=radius, input_box=box, effort=cell.get("effort", 1),
            device=context.device,
        )  # fmt: skip
        middle = time.perf_counter()
        tried = attack_around(
            target, ticket, inputs, radius=radius, input_box=box, starts=cell["starts"], steps=cell["steps"], seed=seed
        )
        end = time.perf_counter()
        worst, least = np.maximum(worst, tried.errors), np.minimum(least, tried.margins)
        times = {"certify_seconds": (middle - begin) / len(inputs), "attack_seconds": (end - middle) / len(inputs)}
        for number in range(len(inputs)):
            found.append(
                {
                    "radius": radius,
                    "example": cell["first"] + number,
                    "label": int(labels[number]),
                    "target_class": int(proved.classes[number]),
                    "certified_error": float(proved.errors[number]),
                    "attack_error": float(worst[number]),
                    "certified_margin": float(proved.margins[number]),
                    "attack_margin": float(least[number]),
                    "float32_allowance": proved.float32_allowance,
                    **times,
                }
            )
    return found


def curve(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the certified agreement curve of the rows of a table: one entry a radius, shares of all inputs.

    ``agreement`` is the share of inputs on whose ball both networks provably give the target's class,
    ``attack_agreement`` that where ascent found no other class; of those that the target classifies correctly,
    ``agreement_of_correct`` and ``attack_agreement_of_correct``.
    """
    result = []
    for radius in sorted({float(row["radius"]) for row in rows}):
        own = [row for row in rows if float(row["radius"]) == radius]
        correct = np.array([int(row["label"]) == int(row["target_class"]) for row in own])
        proved, tried = (_column(own, name) > 0.0 for name in ("certified_margin", "attack_margin"))
        errors, found = _column(own, "certified_error"), _column(own, "attack_error")
        with np.errstate(divide="ignore", invalid="ignore"):
            over = np.where(errors == found, 1.0, errors / found)
        result.append(
            {
                "radius": radius,
                "inputs": len(own),
                "correct": int(correct.sum()),
                "agreement": float(proved.mean()),
                "attack_agreement": float(tried.mean()),
                "agreement_of_correct": float(proved[correct].mean()) if correct.any() else None,
                "attack_agreement_of_correct": float(tried[correct].mean()) if correct.any() else None,
                "certified_error": float(errors.max()),
                "attack_error": float(found.max()),
                "median_certified_error": float(np.median(errors)),
                "median_attack_error": float(np.median(found)),
                "median_ratio": float(np.median(over)),
                "seconds_an_input": float(np.mean(_column(own, "certify_seconds"))),
            }
        )
    return result


def check_pair(target: str | Path, ticket: str | Path, data: DataSet) -> None:
    """Refuse files that are no target and its ticket, or that do not take the data."""
    graph, found = load_graph(Path(target)), load_ticket(Path(ticket))
    if not isinstance(found.source, Graph):
        rule = "was searched for a module, and has no target"
        raise ArgumentError("FILE", str(ticket), rule, "name the ticket of a construction")
    check(graph, found.graph)
    _inputs(graph, data)


def file_digest(target: str | Path, ticket: str | Path) -> str:
    """Return digits that tell one pair of files from another, for a cell that names them."""
    content = hashlib.sha256()
    for path in (target, ticket):
        try:
            content.update(hashlib.sha256(Path(path).read_bytes()).digest())
        except OSError as problem:
            raise DataError(f"{path}: cannot be read ({problem.strerror})") from None
    return content.hexdigest()[:16]


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> Floats:
    return np.array([float(row[name]) for row in rows])


def _inputs(target: Graph, data: DataSet) -> Floats:
    """Return the test inputs of a data set in the shape that a network takes."""
    if target.input_shape not in ((data.features,), data.shape):
        rule = f"has inputs of shape {list(data.shape)}, and the network takes {list(target.input_shape)}"
        raise ArgumentError("data", data.name, rule, "name the data set that it was made for")
    inputs: Floats = data.inputs("test").reshape(-1, *target.input_shape).astype(np.float64)
    return inputs


def _pair(cell: Mapping[str, Any], data: DataSet, context: Context) -> tuple[Graph, Ticket]:
    """Return target and ticket: of files, or made."""
    if "ticket" in cell:
        if "target" not in cell:
            raise ArgumentError(
                "target", None, "is missing", "name the target.safetensors that the ticket approximates"
            )
        if cell.get("digest") not in (None, file_digest(cell["target"], cell["ticket"])):
            raise DataError(f"{cell['ticket']} or {cell['target']}: is not the file that this run began with")
        return _read(cell["target"], cell["ticket"])
    if "model" not in cell:
        raise ArgumentError("model", None, "is missing", "name a model to train, or files as ticket and target")
    options = {key: cell[key] for key in ("hidden", "width") if key in cell}
    target = model_target(
        model_of(cell["model"], options), data, context, epochs=cell.get("epochs"), seed=cell["target_seed"],
        limit=cell.get("examples"),
    )  # fmt: skip
    return target, _constructed(target, cell, context)


def _constructed(target: Graph, cell: Mapping[str, Any], context: Context) -> Ticket:
    """Construct the ticket that a cell describes, or read the one that another cell of this run has constructed."""
    if ("channels" in cell) == ("candidates" in cell):
        remedy = "give channels for whole channels, or candidates for single weights"
        raise ArgumentError("channels", cell.get("channels"), "or candidates must be given, one of the two", remedy)
    seed = cell.get("ticket_seed", 0)
    method: Structured | PerWeight = (
        Structured(channels=cell["channels"]) if "channels" in cell else PerWeight(candidates=cell["candidates"])
    )
    words = dumps({"target": digest_of(target), "method": repr(method), "seed": seed})
    if context.cache is None:
        return method.construct(target, seed=seed).ticket
    path = context.cache / f"ticket-{hashlib.sha256(words.encode()).hexdigest()[:24]}.ticket"
    if not path.exists():
        method.construct(target, seed=seed).ticket.save(path)
    return _read_ticket(str(path))


def _read(target: str, ticket: str) -> tuple[Graph, Ticket]:
    return _read_graph(target), _read_ticket(ticket)


@lru_cache(maxsize=2)
def _read_graph(path: str) -> Graph:
    return load_graph(Path(path))


@lru_cache(maxsize=2)
def _read_ticket(path: str) -> Ticket:
    return load_ticket(Path(path))

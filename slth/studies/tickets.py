"""Tickets over whatever their users sweep: targets, data, sizes, gains and seeds, by either construction."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from slth.constructions import Method, PerWeight, Structured, Traits
from slth.constructions.costs import of_target, of_ticket, pruned
from slth.data.data_set import DataSet
from slth.graphs import Graph
from slth.grids.context import Context
from slth.jobs.evaluation import accuracy, outputs_on
from slth.jobs.models import model_of
from slth.studies.trained_targets import data_of, digest_of, model_target
from slth.tickets import Ticket


def structured_ticket(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Approximate a trained network by whole channels of a random one, of the seed or of the cell's own."""
    given = {name: cell[name] for name in ("channels", "eps", "size", "beam") if name in cell}
    return _measured(Structured(**given, gain=_gain(cell)), cell, seed, context)


def per_weight_ticket(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Approximate every weight of a trained network by a subset sum of random ones, of the seed or the cell's."""
    given = {name: cell[name] for name in ("candidates", "eps", "delta") if name in cell}
    return _measured(PerWeight(**given, gain=_gain(cell)), cell, seed, context)


def _gain(cell: Mapping[str, Any]) -> Any:
    """A rule or a number, which a column of texts holds in digits."""
    text = cell.get("gain", "auto")
    try:
        return float(text)
    except ValueError:
        return text


def _measured(method: Method, cell: Mapping[str, Any], seed: int, context: Context) -> list[dict[str, Any]]:
    options = {"hidden": tuple(cell["hidden"])} if "hidden" in cell else {}
    data, limit = data_of(cell["data"], context), cell.get("examples")
    target = model_target(
        model_of(cell["model"], options), data, context, epochs=cell.get("epochs"), seed=cell["target_seed"],
        limit=limit,
    )  # fmt: skip
    seed = cell.get("ticket_seed", seed)
    folder = context.cache if Traits.RESUMES in method.traits else None
    begin = time.perf_counter()
    if cell.get("certificate", "box") == "box":
        made = method.construct(target, seed=seed, folder=folder)
        ticket, table, certified = made.ticket, made.table, made.certificate.error
    else:
        (ticket, table), certified = method.ticket(target, seed=seed, folder=folder), None
    seconds = time.perf_counter() - begin
    statistics = ticket.statistics()
    return [
        {
            **_beside(target, ticket, data, limit),
            "certified_error": certified,
            "layer_errors": " ".join(f"{row.relative_error:.3g}" for row in table),
            "layer_gains": " ".join(f"{row.gain:.6g}" for row in table),
            "density": statistics.density,
            "kept": statistics.kept,
            "random_parameters": statistics.random_parameters,
            "target_parameters": target.parameters,
            "mask_bits": statistics.entropy_bound_bits,
            **_costs(target, ticket),
            "target": digest_of(target),
            "seconds": seconds,
        }
    ]


def _beside(target: Graph, ticket: Ticket, data: DataSet, limit: int | None) -> dict[str, float]:
    """Measure a ticket beside its target on the test set; errors of outputs also in deviations of the target's."""
    labels = data.labels("test", limit=limit)
    wanted, found = (outputs_on(network, data, limit=limit).values for network in (target, ticket))
    apart, spread = found - wanted, float(wanted.std())
    return {
        "accuracy": accuracy(found, labels),
        "target_accuracy": accuracy(wanted, labels),
        "agreement": accuracy(found, wanted.argmax(axis=1)),
        "sampled_error": float(np.abs(apart).max()),
        "largest_over_spread": float(np.abs(apart).max()) / spread,
        "rms_over_spread": float(np.sqrt(np.mean(apart * apart))) / spread,
    }


def _costs(target: Graph, ticket: Ticket) -> dict[str, int]:
    """Return what the small network costs, its target, that target pruned by magnitude, and the ticket's file."""
    own = of_ticket(ticket)
    beside = {"kept": own, "target": of_target(target), "pruned": pruned(target, own.weights)}
    named = {f"{name}_multiply_adds": each.multiply_adds for name, each in beside.items()}
    sizes = {f"{name}_bytes": each.bytes for name, each in beside.items()}
    return {"kept_weights": own.weights, **named, **sizes, "ticket_bytes": len(ticket.to_bytes())}

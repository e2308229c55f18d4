"""Tickets over whatever their users sweep: targets, data, sizes, gains and seeds, by either construction."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from slth.constructions import Method, PerWeight, Structured
from slth.grids.context import Context
from slth.jobs.evaluation import evaluate_ticket
from slth.jobs.models import model_of
from slth.studies.trained_targets import data_of, digest_of, model_target


def structured_ticket(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Approximate a trained network by whole channels of a random one; the seed is the random network's."""
    given = {name: cell[name] for name in ("channels", "eps", "size", "beam") if name in cell}
    return _measured(Structured(**given, gain=_gain(cell)), cell, seed, context)


def per_weight_ticket(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    """Approximate every weight of a trained network by a subset sum; the seed is the random network's."""
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
    begin = time.perf_counter()
    made = method.construct(target, seed=seed)
    seconds = time.perf_counter() - begin
    found = evaluate_ticket(made.ticket, data, target=target, limit=limit)
    statistics = made.ticket.statistics()
    return [
        {
            **{name: found[name] for name in ("accuracy", "target_accuracy", "agreement", "sampled_error")},
            "certified_error": made.certificate.error,
            "density": statistics.density,
            "kept": statistics.kept,
            "random_parameters": statistics.random_parameters,
            "target_parameters": target.parameters,
            "mask_bits": statistics.entropy_bound_bits,
            "target": digest_of(target),
            "seconds": seconds,
        }
    ]

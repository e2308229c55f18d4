"""``slth ticket shrink``: a ticket's small network written for others to use, and what it costs and gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from slth.data.data_set import DataSet
from slth.files import write_bytes
from slth.graphs import shrink
from slth.graphs.file import save_graph
from slth.jobs.models import Model, made
from slth.jobs.standardising import Standardised
from slth.networks import apply_ticket, describe, module_from_ticket, module_of, outputs_of
from slth.networks.shrink import measure_speedup, numbers_of, onnx_of, require_onnx, safetensors_of, seconds_of
from slth.resources import Progress
from slth.tickets import load_ticket
from slth.training import evaluate

_COMPARED = 128  # test inputs on which the small network and the masked module must do the same


def shrink_ticket(
    file: Path,
    folder: Path,
    *,
    fold: bool = False,
    onnx: bool = False,
    batch: int = 16,
    memory: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write what is kept of a ticket as a network of its own, and compare it with the random network and the target."""
    if onnx:
        require_onnx()  # before anything is computed
    ticket = load_ticket(file)
    networks = {"small": module_from_ticket(ticket)}
    if fold:
        networks["folded"] = module_from_ticket(ticket, form="folded")
    steps, done = len(networks) * (2 if onnx else 1) + 1, 0

    def advance() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress("shrink", done, steps)

    files: dict[str, int] = {}
    for kind, module in networks.items():
        for ending in ("safetensors", "onnx") if onnx else ("safetensors",):
            name = f"{kind}.{ending}"
            onnx_wanted, shape = ending == "onnx", ticket.graph.input_shape
            content = onnx_of(module, shape) if onnx_wanted else safetensors_of(module, ticket, kind=kind)
            write_bytes(folder / name, content)
            files[name] = len(content)
            advance()
    statistics = ticket.statistics()
    small, target = numbers_of(networks["small"]), statistics.target_weights
    facts: dict[str, Any] = {
        "files": files,
        "small_parameters": small,
        "random_parameters": statistics.random_parameters,
        "target_parameters": target,
        "small_over_random": small / statistics.random_parameters,
        "small_over_target": small / target if target else None,
    }
    if fold:
        facts["folded_parameters"] = numbers_of(networks["folded"])
    facts |= asdict(measure_speedup(ticket, batch=batch, memory=memory))
    advance()
    return facts


def shrink_module_ticket(
    file: Path,
    folder: Path,
    model: Model,
    data: DataSet,
    *,
    onnx: bool = False,
    batches: Sequence[int] = (16, 128),
    limit: int | None = None,
) -> dict[str, Any]:
    """Write a searched ticket without the channels that compute nothing, and compare it with the masked module.

    Both are timed in float32 on random inputs, and compared on test inputs, standardised as a search does it.
    """
    if onnx:
        require_onnx()
    ticket = load_ticket(file)
    shape = model.input_shape(data)
    module = apply_ticket(made(model, data, ticket.seed), ticket).eval()
    whole = describe(module, shape)
    small = shrink(whole)
    network = module_of(small)
    save_graph(small, folder / "small.safetensors")
    if onnx:
        write_bytes(folder / "small.onnx", onnx_of(network, shape))
    names = ("small.safetensors", "small.onnx") if onnx else ("small.safetensors",)
    test = Standardised.of(data, shape, limit=limit).examples("test")
    wanted, found = (outputs_of(one, test.inputs[:_COMPARED]) for one in (module, network))
    seconds = {batch: (seconds_of(network, shape, batch), seconds_of(module, shape, batch)) for batch in batches}
    return {
        "files": {name: (folder / name).stat().st_size for name in names},
        "model": model.name,
        "accuracy": evaluate(network, test).accuracy,
        "masked_accuracy": evaluate(module, test).accuracy,
        "agreement": float(np.abs(found - wanted).max() / max(np.abs(wanted).max(), np.finfo(np.float32).tiny)),
        "small_parameters": small.parameters,
        "masked_parameters": whole.parameters,
        "small_multiply_adds": small.multiply_adds,
        "masked_multiply_adds": whole.multiply_adds,
        "timings": [
            {"batch": batch, "small_seconds": few, "masked_seconds": many, "speedup": many / few}
            for batch, (few, many) in seconds.items()
        ],
    }

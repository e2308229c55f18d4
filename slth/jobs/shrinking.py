"""``slth ticket shrink``: a ticket's small network written for others to use, and what it costs and gains."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from slth.files import write_bytes
from slth.networks import module_from_ticket
from slth.networks.shrink import measure_speedup, numbers_of, onnx_of, require_onnx, safetensors_of
from slth.resources import Progress
from slth.tickets import load_ticket


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
            content = onnx_of(module, ticket) if ending == "onnx" else safetensors_of(module, ticket, kind=kind)
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

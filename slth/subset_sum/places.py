"""The devices of torch, as the tensor solvers ask for them: by name, by free memory, by bandwidth."""

from __future__ import annotations

import time

import torch

from slth.errors import ArgumentError
from slth.resources import available_memory


def resolve_place(device: str) -> torch.device | None:
    """The device of a name; None where "auto" finds no GPU."""
    if not isinstance(device, str | torch.device):
        raise ArgumentError("device", device, "is not a device", "use 'cpu', 'cuda', 'cuda:0' or 'auto'")
    if device == "auto":
        return torch.device("cuda") if torch.cuda.is_available() else None
    try:
        place = torch.device(device)
    except RuntimeError:
        raise ArgumentError("device", device, "is not a device", "use 'cpu', 'cuda', 'cuda:0' or 'auto'") from None
    if place.type == "cuda" and not torch.cuda.is_available():
        raise ArgumentError("device", device, "is not here: torch finds no CUDA device", "use 'auto' or 'cpu'")
    if place.type == "cuda" and place.index is not None and place.index >= torch.cuda.device_count():
        rule = f"is not here: torch finds {torch.cuda.device_count()} CUDA device(s)"
        raise ArgumentError("device", device, rule, "use 'cuda', 'auto' or 'cpu'")
    if place.type not in ("cpu", "cuda"):
        raise ArgumentError(
            "device", device, "has no 64-bit arithmetic that the solver can rely on", "use 'cpu' or 'cuda'"
        )
    return place


def free_memory(place: torch.device) -> int:
    """Free bytes of a device; those that torch keeps for later tensors count as free."""
    if place.type != "cuda":
        return available_memory()
    kept = torch.cuda.memory_reserved(place) - torch.cuda.memory_allocated(place)
    return int(torch.cuda.mem_get_info(place)[0]) + kept


def copy_bandwidth(place: torch.device, *, size: int = 2**28, calls: int = 8) -> float:
    """Bytes a second that a copy reads and writes: what memory gives to a sweep that does little else."""
    source = torch.zeros(size // 4, device=place)
    target = torch.empty_like(source)
    seconds = []
    for _ in range(calls):
        begin = time.perf_counter()
        target.copy_(source)
        if place.type == "cuda":
            torch.cuda.synchronize(place)
        seconds.append(time.perf_counter() - begin)
    return 2 * size / min(seconds)

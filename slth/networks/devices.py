"""Which accelerators are here, and what ``auto`` means."""

from __future__ import annotations

import torch

from slth.errors import ArgumentError


def resolve_device(device: str) -> str:
    """Turn ``auto`` into a device that is here, and refuse one that is not."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        place = torch.device(device)
    except (RuntimeError, TypeError):
        raise ArgumentError("device", device, "is not a device", "use auto, cpu or cuda") from None
    if place.type == "cuda" and not (
        torch.cuda.is_available() and (place.index is None or place.index < torch.cuda.device_count())
    ):
        raise ArgumentError("device", device, "is not here: torch finds no such device", "use auto or cpu")
    return str(place)


def describe_devices() -> list[str]:
    """Names of the devices that torch can use, the processor first."""
    devices = [f"cpu ({torch.get_num_threads()} torch threads)"]
    if torch.cuda.is_available():
        devices += [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    return devices

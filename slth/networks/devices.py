"""Which accelerators are here, and what ``auto`` means."""

from __future__ import annotations

import torch
from torch import nn

from slth.errors import ArgumentError

SAFE_CHANNELS = 16
"""Input channels from which on oneDNN's gradients of strided 1 x 1 kernels keep to their memory, channels last."""


def resolve_device(device: str) -> str:
    """Turn ``auto`` into a device that is here, and refuse one that is not."""
    if not isinstance(device, str | torch.device):
        raise ArgumentError("device", device, "is not a device", "use auto, cpu or cuda")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        place = torch.device(device)
    except RuntimeError:
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


def image_layout(module: nn.Module) -> torch.memory_format:
    """Return how images and kernels should lie for training: channels last, where that is no danger.

    oneDNN (issue 6035, open in 3.12) writes beyond its scratchpad in the gradient of a strided 1 x 1 kernel with few
    input channels, the usual shortcut of residual blocks, if its channels are last: the process dies, or worse.
    """
    small = any(
        kernel.ndim == 4 and kernel.shape[2:] == (1, 1) and kernel.shape[1] < SAFE_CHANNELS
        for kernel in module.parameters()
    )
    return torch.contiguous_format if small else torch.channels_last


def lay_out(module: nn.Module, place: torch.device, *, images: bool) -> torch.memory_format:
    """Move a module to a device, its kernels as images should lie, and return how these should."""
    layout = image_layout(module)
    module.to(place)
    if images:
        module.to(memory_format=layout)  # type: ignore[call-overload]
    return layout

"""Who answers many pursuits at the same time, by the name of a device."""

from __future__ import annotations

from slth.subset_sum.pursuit_steps import Serve


def serve_on(device: str) -> Serve | None:
    """The server of a device; None for the processor's compiled kernels, which answer each pursuit on its own."""
    if device == "cpu":
        return None
    from slth.subset_sum.places import resolve_place  # torch is loaded only when it is asked for
    from slth.subset_sum.tensor_server import TensorServer

    place = resolve_place(device)
    return None if place is None else TensorServer(place)

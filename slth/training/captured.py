"""Steps as CUDA graphs: what a step computes is launched in one call, and not kernel by kernel from Python."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from slth.errors import ArgumentError

Gradients = Callable[[Tensor], Tensor]
"""Fills the gradients of all leaves from the examples at some places, int64 [batch], and returns the loss."""
_WARM_UP = 2  # steps in which libraries choose and load their kernels, as they cannot while a graph is captured


@dataclass(frozen=True, eq=False)
class _Graph:
    """A captured step with the memory that it reads and writes."""

    replay: Callable[[], None]
    places: Tensor
    loss: Tensor
    gradients: Mapping[str, Tensor]


class CapturedSteps:
    """Gradients of steps by CUDA graphs: one for each size of a batch, in the present phase of the method.

    A graph reads weights, scores, buffers, examples and their random words where they stand when it is captured, so
    that these may be changed in place, but never be replaced.
    """

    def __init__(self, gradients: Gradients, leaves: Mapping[str, Tensor], changed: Mapping[str, Tensor]) -> None:
        """``changed`` are tensors that a step changes itself, such as running statistics."""
        self._gradients, self._leaves, self._changed = gradients, leaves, changed
        self._graphs: dict[int, _Graph] = {}
        self._phase: Hashable = None

    def __call__(self, places: Tensor, phase: Hashable) -> Tensor:
        """Fill the gradients, and return the loss."""
        if phase != self._phase:
            self.clear()  # no earlier phase comes back: its memory is given back
            self._phase = phase
        size = len(places)
        if size not in self._graphs:
            self._graphs[size] = self._captured(places)
        found = self._graphs[size]
        found.places.copy_(places)
        found.replay()
        for name, leaf in self._leaves.items():
            leaf.grad = found.gradients.get(name)
        return found.loss

    def clear(self) -> None:
        """Forget all graphs, as something that they read was replaced."""
        self._graphs.clear()

    def kept(self, old: Mapping[str, Tensor], new: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return a method's fixed tensors where they stood before, with their new numbers."""
        same = old.keys() == new.keys() and all(
            (old[name].shape, old[name].dtype) == (tensor.shape, tensor.dtype) for name, tensor in new.items()
        )
        if not same:
            self.clear()
            return new
        changed = {name: tensor for name, tensor in new.items() if tensor is not old[name]}
        standing = {tensor.untyped_storage().data_ptr() for tensor in old.values()}
        for name, tensor in changed.items():  # all are read before one is written: an old one may stand in a new place
            changed[name] = tensor.clone() if tensor.untyped_storage().data_ptr() in standing else tensor
        for name, tensor in changed.items():
            old[name].copy_(tensor)
        return old

    def _captured(self, places: Tensor) -> _Graph:
        """Capture a step; whatever it changed while it was tried is as it was before."""
        own, generator = places.clone(), generator_of(places.device)
        drawn, before = generator.get_state(), {name: tensor.clone() for name, tensor in self._changed.items()}
        try:
            replay, loss = recorded(lambda: self._gradients(own), places.device)
        except RuntimeError as problem:
            rule = f"cannot be had for this method, module or loss: {str(problem).splitlines()[0]}"
            raise ArgumentError("cuda_graphs", True, rule, "use cuda_graphs=False") from problem  # noqa: FBT003
        for name, tensor in self._changed.items():
            tensor.copy_(before[name])
        generator.set_state(drawn)
        gradients = {name: leaf.grad for name, leaf in self._leaves.items() if leaf.grad is not None}
        return _Graph(replay, own, loss, gradients)


def generator_of(device: torch.device) -> torch.Generator:
    """Return torch's own generator of a device."""
    return torch.cuda.default_generators[device.index or 0] if device.type == "cuda" else torch.default_generator


def recorded(step: Callable[[], Tensor], device: torch.device) -> tuple[Callable[[], None], Tensor]:
    """Record what a step launches: return what launches it again, and the loss that is written anew then."""
    current, graph = torch.cuda.current_stream(device), torch.cuda.CUDAGraph()
    aside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    aside.wait_stream(current)
    with torch.cuda.stream(aside):
        for _ in range(_WARM_UP):
            step()
    current.wait_stream(aside)
    with torch.cuda.graph(graph):
        loss = step()
    return graph.replay, loss

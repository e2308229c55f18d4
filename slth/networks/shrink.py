"""The small network of a ticket, for others to use: as safetensors, as ONNX, and timed against the masked one."""

from __future__ import annotations

import io
import json
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from importlib.util import find_spec
from math import prod
from statistics import median
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from slth.errors import ArgumentError
from slth.graphs import Graph, Node
from slth.graphs.coding import graph_text
from slth.networks.random_layers import module_from_ticket
from slth.resources import available_memory
from slth.rng import Stream
from slth.tickets.file import SOURCE_KINDS
from slth.tickets.mask import Mask
from slth.tickets.pair import Pair
from slth.tickets.ticket import Ticket

FORMAT = "slth network/2"
_LEAST_SECONDS = 0.5  # of timing, in which a step is repeated


def numbers_of(module: nn.Module) -> int:
    """Return how many floating-point numbers a module holds, zeros among them."""
    return sum(part.numel() for part in module.state_dict().values() if part.is_floating_point())


def safetensors_of(module: nn.Module, ticket: Ticket, *, kind: str) -> bytes:
    """Return a network as a safetensors file, with its graph as JSON beside it; equal networks are equal files."""
    header = {"format": FORMAT, "kind": kind, "source": json.loads(graph_text(ticket.graph, SOURCE_KINDS)[0])}
    tensors = {name: part.cpu().contiguous() for name, part in module.state_dict().items()}
    # One entry alone: the writer orders several at random.
    content: bytes = save(tensors, metadata={"slth": json.dumps(header, separators=(",", ":"))})
    return content


def require_onnx(argument: str = "onnx") -> None:
    """Raise ArgumentError unless the packages of the extra ``onnx`` are there."""
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        rule = f"needs packages that are not installed ({', '.join(missing)})"
        raise ArgumentError(argument, "onnx", rule, "pip install 'slth[onnx]', or leave it out")


def onnx_of(module: nn.Module, shape: tuple[int, ...]) -> bytes:
    """Return a network as an ONNX file for batches of any size, of inputs of a shape."""
    require_onnx()
    example = _images(shape, 2, _dtype(module))
    with _quiet():
        program = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            verbose=False,
            input_names=["x"],
            output_names=["y"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )
    assert program is not None
    if not program.model_proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param:
        rule = "reads the number of examples as a number, so that its ONNX file would be for batches of 2 alone"
        raise ArgumentError("module", type(module).__name__, rule, "write x.shape[0] in the place of len(x) in forward")
    content: bytes = program.model_proto.SerializeToString()
    return content


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter, which reports its progress on whatever stream there is, and misses torchvision."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


@dataclass(frozen=True)
class SpeedUp:
    """Small against masked network, both in float32."""

    speedup: float
    speedup_channels: int
    small_seconds: float
    masked_seconds: float
    batch: int
    masked_bytes: int
    agreement: float


def measure_speedup(ticket: Ticket, *, batch: int = 16, memory: int | None = None) -> SpeedUp:
    """Time the small network against the masked one with as many candidates as fit."""
    if batch < 1:
        raise ArgumentError("batch", batch, "must be at least 1", "16 images at a time are fair")
    allowed = available_memory() // 2 if memory is None else memory
    channels = _most_channels(ticket, batch, allowed)
    part = first_channels(ticket, channels)
    shape = ticket.graph.input_shape
    x = _images(shape, batch, torch.float32)
    small, masked = module_from_ticket(ticket), module_from_ticket(part, form="masked")
    with torch.no_grad():
        wanted, found = masked(x), module_from_ticket(part)(x)
    small_seconds, masked_seconds = seconds_of(small, shape, batch), seconds_of(masked, shape, batch)
    return SpeedUp(
        speedup=masked_seconds / small_seconds,
        speedup_channels=channels,
        small_seconds=small_seconds,
        masked_seconds=masked_seconds,
        batch=batch,
        masked_bytes=4 * numbers_of(masked),
        agreement=float((found - wanted).abs().max() / wanted.abs().max().clamp(min=torch.finfo(torch.float32).tiny)),
    )


def first_channels(ticket: Ticket, channels: int) -> Ticket:
    """Return the ticket of the first candidates of each source: those of a smaller random network."""
    arrays = dict(ticket.mask.arrays)
    for layer in ticket.layers:
        if isinstance(layer, Pair):
            arrays |= {name: arrays[name][:channels] for name in layer.mask_shapes}
    nodes = [Node(node.name, _fewer(node.step, channels), node.inputs) for node in ticket.graph.nodes]
    source = Graph(ticket.graph.input_shape, nodes, ticket.graph.output, ticket.graph.output_shape)
    return replace(ticket, source=source, mask=Mask(arrays, ticket.mask.alphabet, ticket.mask.structure))


def _fewer(step: Any, channels: int) -> Any:
    return replace(step, units=min(channels, step.units)) if isinstance(step, Pair) else step


def _most_channels(ticket: Ticket, batch: int, memory: int) -> int:
    """Most candidates for which weights twice, and hidden channels twice, fit."""
    offered = max((layer.units for layer in ticket.layers if isinstance(layer, Pair)), default=1)
    low, high = 0, offered
    while low < high:
        middle = (low + high + 1) // 2
        if _masked_bytes(ticket.graph, batch, middle) <= memory:
            low = middle
        else:
            high = middle - 1
    if low == 0:
        needed = _masked_bytes(ticket.graph, batch, 1)
        raise ArgumentError("memory", memory, f"does not hold one candidate a source ({needed} bytes)", "allow more")
    return low


def _masked_bytes(source: Graph, batch: int, channels: int) -> int:
    weights, widest = 0, 0
    for node in source.weighted:
        pair = node.step
        if isinstance(pair, Pair):
            hidden = min(channels, pair.units) * pair.sources
            weights += hidden * (1 + pair.dimensions)
            widest = max(widest, hidden * prod(source.shapes[node.inputs[0]][1:]))
    return 2 * 4 * (weights + batch * widest)


def _images(shape: tuple[int, ...], batch: int, dtype: torch.dtype) -> Tensor:
    generator = torch.Generator().manual_seed(Stream(0, "images").seed)
    return torch.rand(batch, *shape, dtype=dtype, generator=generator)


def seconds_of(module: Callable[[Tensor], Tensor], shape: tuple[int, ...], batch: int) -> float:
    """Return the median time of one batch of float32 inputs of a shape, after a first one that is not counted."""
    x = _images(shape, batch, torch.float32)
    times: list[float] = []
    with torch.no_grad():
        module(x)
        while len(times) < 3 or (sum(times) < _LEAST_SECONDS and len(times) < 100):
            started = time.perf_counter()
            module(x)
            times.append(time.perf_counter() - started)
    return median(times)


def _dtype(module: nn.Module) -> torch.dtype:
    """Return the dtype of a module's numbers, which its inputs have too."""
    parts = (*module.parameters(), *module.buffers())
    return next(part.dtype for part in parts if part.is_floating_point())

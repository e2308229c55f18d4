"""The pairs of a convolutional ticket, regenerated: small, in full, or streamed through without being held."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from slth.errors import ArgumentError
from slth.networks.conv_modules import (
    MaskedConvPair,
    SmallPair,
    StepNetwork,
    check_images,
    flattens,
    run_steps,
)
from slth.rng import Stream
from slth.tickets import ConvPair, Ticket
from slth.tickets.conv_weights import source_blocks
from slth.tickets.memory import require_memory

Floats = NDArray[np.float64]


def small_network(ticket: Ticket, dtype: torch.dtype) -> StepNetwork:
    """Return the kept part of a convolutional ticket."""
    return StepNetwork(
        ticket.description, {number: _small(pair, ticket, gain, dtype) for number, pair, gain in numbered_pairs(ticket)}
    )


def masked_network(ticket: Ticket, dtype: torch.dtype) -> StepNetwork:
    """Return the whole random network of a convolutional ticket, masked; ResourceError where it does not fit."""
    require_masked_memory(ticket, dtype)
    return StepNetwork(
        ticket.description,
        {number: _masked(pair, ticket, gain, dtype) for number, pair, gain in numbered_pairs(ticket)},
    )


def require_masked_memory(ticket: Ticket, dtype: torch.dtype) -> None:
    """Raise ResourceError where the weights of the whole random network are more than the memory that is free."""
    remedy = "use the small network, or masked_forward, which goes through the channels block by block"
    require_memory("masked=True", ticket.description.random_parameters * dtype.itemsize, remedy)


def masked_forward(ticket: Ticket, x: Tensor, *, block: int = 256) -> Tensor:
    """Evaluate the whole random network with its masks without ever holding it.

    For each source in turn, blocks of its hidden channels are regenerated, kept or not, multiplied by the masks and
    convolved: removed channels take part with weights of 0. Beside the activations of the target's size, memory is that
    of one block of hidden channels of all images.

    Parameters
    ----------
    ticket : Ticket
        Of convolutions.
    x : Tensor[batch, channels, height, width]
        float32 or float64, in which it is evaluated.
    block : int
        Hidden channels at a time, at least 1.

    Returns
    -------
    Tensor
        As the module of the ticket gives: [batch, outputs] where the network flattens, else images.

    Raises
    ------
    ArgumentError
        For a ticket of dense layers, another shape or dtype, or a block of no channels.

    Examples
    --------
    >>> from slth.rng import WeightLaw
    >>> from slth.tickets import Mask, NetworkDescription
    >>> pair = ConvPair("layer0", inputs=1, outputs=2, channels=5, kernel=(3, 3), bias=False)
    >>> mask = Mask({"layer0.channels": np.array([[True], [False], [False], [True], [True]])})
    >>> ticket = Ticket(NetworkDescription([pair], (1, 4, 4)), WeightLaw("normal"), 0, mask, [1.0])
    >>> x = torch.rand(2, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> bool(np.allclose(masked_forward(ticket, x, block=2), ticket.forward(x.numpy()), rtol=0, atol=1e-12))
    True
    """
    if ticket.description.input_shape is None:
        raise ArgumentError("ticket", "dense layers", "has no hidden channels", "use module_from_ticket(masked=True)")
    if isinstance(block, bool) or not isinstance(block, int) or block < 1:
        raise ArgumentError(
            "block", block, "must be an integer of at least 1", "256 hidden channels at a time are fair"
        )
    if x.dtype not in (torch.float32, torch.float64):
        raise ArgumentError("x", x.dtype, "must be float32 or float64", "convert the images")
    check_images(x, ticket.description.input_shape)
    pairs = {number: (pair, gain) for number, pair, gain in numbered_pairs(ticket)}

    def weighted(number: int, values: Tensor) -> Tensor:
        pair, gain = pairs[number]
        return _streamed(pair, ticket, values, block) * gain

    with torch.no_grad():
        result = run_steps(ticket.description.layers, x, weighted)
    return result.flatten(1) if flattens(ticket.description) else result


def numbered_pairs(ticket: Ticket) -> Iterator[tuple[int, ConvPair, float]]:
    """Yield the number of each step that is a pair, the pair, and its gain."""
    gains = iter(ticket.gains.tolist())
    for number, step in enumerate(ticket.description.layers):
        if isinstance(step, ConvPair):
            yield number, step, next(gains)


def _small(pair: ConvPair, ticket: Ticket, gain: float, dtype: torch.dtype) -> SmallPair:
    each = pair.outputs // pair.groups
    blocks = list(source_blocks(pair, ticket.mask, ticket.law, ticket.seed))
    blocks.sort(key=lambda block: pair.group_of(block.source))  # a stable order: sources of a group stay as they are
    kernels: list[list[Floats]] = [[np.zeros((0, each, *pair.kernel))] for _ in range(pair.groups)]
    for block in blocks:
        kernels[pair.group_of(block.source)].append(block.second.reshape(-1, each, *pair.kernel))
    sources = [np.zeros(0, np.int64), *(np.full(len(block.first), block.source) for block in blocks)]
    scales = [np.zeros(0), *(block.first for block in blocks)]
    return SmallPair(
        pair,
        torch.from_numpy(np.concatenate(sources)),
        torch.from_numpy(np.concatenate(scales)).to(dtype),
        [torch.from_numpy(np.concatenate(parts)).to(dtype).transpose(0, 1).contiguous() for parts in kernels],
        torch.tensor(gain, dtype=dtype),
    )


def _masked(pair: ConvPair, ticket: Ticket, gain: float, dtype: torch.dtype) -> MaskedConvPair:
    each, local = pair.outputs // pair.groups, pair.sources // pair.groups
    first = torch.zeros(pair.groups, pair.channels, local, pair.sources, dtype=dtype)
    second = torch.zeros(pair.outputs, pair.channels, local, *pair.kernel, dtype=dtype)
    for source in range(pair.sources):
        group = pair.group_of(source)
        # the constant of a group stands behind the inputs of the group
        place = source % (local - pair.bias) if source < pair.inputs else local - 1
        scale, kernel = _masked_weights(pair, ticket, source, 0, pair.channels)
        first[group, :, place, source] = torch.from_numpy(scale).to(dtype)
        second[group * each : (group + 1) * each, :, place] = torch.from_numpy(kernel).to(dtype).transpose(0, 1)
    hidden = pair.channels * pair.sources
    return MaskedConvPair(
        pair,
        first.reshape(hidden, pair.sources, 1, 1),
        second.reshape(pair.outputs, pair.channels * local, *pair.kernel),
        torch.tensor(gain, dtype=dtype),
    )


def _streamed(pair: ConvPair, ticket: Ticket, x: Tensor, block: int) -> Tensor:
    rows, columns = pair.window.output_size((x.shape[2], x.shape[3]))
    result = x.new_zeros(len(x), pair.outputs, rows, columns)
    ones = x.new_ones(1, 1, *x.shape[2:])
    each = pair.outputs // pair.groups
    for source in range(pair.sources):
        group = pair.group_of(source)
        images = x[:, source, None] if source < pair.inputs else ones
        for start in range(0, pair.channels, block):
            weights = _masked_weights(pair, ticket, source, start, min(block, pair.channels - start))
            scale, kernel = (torch.from_numpy(part).to(x) for part in weights)
            hidden = torch.relu(images * scale[:, None, None])
            part = functional.conv2d(hidden, kernel.transpose(0, 1), stride=pair.stride, padding=pair.padding)
            result[:, group * each : (group + 1) * each] += part
    return result


def _masked_weights(pair: ConvPair, ticket: Ticket, source: int, start: int, count: int) -> tuple[Floats, Floats]:
    """Weights u [count] and v [count, outputs of the group, height, width] of hidden channels, 0 where removed."""
    part = slice(start, start + count)
    first = ticket.law.weights(Stream(ticket.seed, f"{pair.path}.first.{source}"), start, count)
    stream = Stream(ticket.seed, f"{pair.path}.second.{source}")
    second = ticket.law.weights(stream, start * pair.dimensions, count * pair.dimensions).reshape(count, -1)
    channels = ticket.mask[f"{pair.path}.channels"][part, source]
    weights = channels[:, None]
    if pair.removal == "weights":
        weights = ticket.mask[f"{pair.path}.weights"][part, source]
    return first * channels, (second * weights).reshape(count, -1, *pair.kernel)

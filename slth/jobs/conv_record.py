"""What is known about the convolutions of a ticket: the numbers behind its pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.constructions import Construction
from slth.constructions.construction import ConvRow
from slth.constructions.conv_layout import ConvWork, lay_out_convolutions
from slth.networks import module_from_ticket, outputs_of
from slth.tickets import ConvNetwork, ConvPair, Ticket
from slth.tickets.conv_weights import FoldedConv, source_blocks

Floats = NDArray[np.float64]

BINS = 40
SHOWN_SLICES = 12
"""Slices of target kernels that a picture shows."""


@dataclass(frozen=True, eq=False)
class ConvLayerRecord:
    """One convolution of the target and what the random pair offers for it.

    Parameters
    ----------
    went : ConvRow
        Sizes, errors, gain and time.
    inputs, outputs : int
        Channels of the target's convolution.
    kernel : (int, int)
    scales, sources : float64[kept], int64[kept]
        The scale u of each kept hidden channel, and the source that it sees.
    error_edges : float64[bins + 1]
    error_counts : float64[bins]
        Entries of kernels and biases whose error falls between two edges.
    target_slices, ticket_slices : float64[shown, height, width]
        Some slices of the target's kernel and of the ticket's on positive inputs, the first ones.
    """

    went: ConvRow
    inputs: int
    outputs: int
    kernel: tuple[int, int]
    scales: Floats
    sources: NDArray[np.int64]
    error_edges: Floats
    error_counts: Floats
    target_slices: Floats
    ticket_slices: Floats

    def row(self) -> dict[str, Any]:
        """Give the layer as one row of a table, without its arrays."""
        return {**self.went.as_dict(), "inputs": self.inputs, "outputs": self.outputs, "kernel": list(self.kernel)}


def record_convolution(work: ConvWork, row: ConvRow, ticket: Ticket, folded: FoldedConv) -> ConvLayerRecord:
    """Measure one layer of a ticket against its target.

    Parameters
    ----------
    work : ConvWork
        Target and pair.
    row : ConvRow
        How its construction went.
    ticket : Ticket
    folded : FoldedConv
        Its effective kernels.

    Returns
    -------
    ConvLayerRecord
    """
    pair = work.pair
    blocks = list(source_blocks(pair, ticket.mask, ticket.law, ticket.seed))
    errors = np.abs(folded.plus - work.slices)
    found = errors[errors > 0.0]
    low, high = (float(found.min()), float(found.max())) if found.size else (1e-12, 1.0)
    low = max(low, high * 1e-4)  # a few entries are hit by chance much better than the rest
    edges = np.geomspace(low, high * (1.0 + 1e-12) if high > low else 2.0 * low, BINS + 1)
    shown = min(SHOWN_SLICES, pair.outputs // pair.groups)
    first = [kernels[0].reshape(-1, *pair.kernel)[:shown] for kernels in (work.slices, folded.plus)]
    return ConvLayerRecord(
        went=row,
        inputs=work.layer.inputs,
        outputs=work.layer.outputs,
        kernel=pair.kernel,
        scales=np.concatenate([np.zeros(0), *(block.first for block in blocks)]),
        sources=np.concatenate([np.zeros(0, np.int64), *(np.full(len(block.first), block.source) for block in blocks)]),
        error_edges=edges,
        error_counts=np.histogram(np.clip(errors, edges[0], edges[-1]), edges)[0].astype(np.float64),
        target_slices=first[0],
        ticket_slices=first[1],
    )


def conv_layer_records(target: ConvNetwork, construction: Construction, ticket: Ticket) -> tuple[ConvLayerRecord, ...]:
    """Measure each layer of a ticket.

    Parameters
    ----------
    target : ConvNetwork
    construction : Construction
    ticket : Ticket

    Returns
    -------
    tuple of ConvLayerRecord
    """
    return tuple(
        record_convolution(work, row, ticket, folded)
        for work, row, folded in zip(_works(target, ticket), construction.table, ticket.folded_kernels(), strict=True)
    )


def _works(target: ConvNetwork, ticket: Ticket) -> list[ConvWork]:
    pairs = [layer for layer in ticket.description.random_layers if isinstance(layer, ConvPair)]
    return lay_out_convolutions(
        target,
        nonnegative=pairs[0].halves == "positive",
        channels=[pair.channels for pair in pairs],
        removal=pairs[0].removal,
    )


def overparameterisation(ticket: Ticket, parameters: int) -> float:
    """Random weights, those that block masks remove included, for each weight of the target."""
    return ticket.description.random_parameters / parameters if parameters else math.inf


def small_parameters(ticket: Ticket) -> int:
    """Numbers of the network that stays: kept weights of both convolutions of each pair, and the gains."""
    kept = len(ticket.gains)
    for pair in ticket.description.random_layers:
        outer, *inner = (int(ticket.mask[name].sum()) for name in pair.mask_shapes)
        kept += outer + (inner[0] if inner else outer * getattr(pair, "dimensions", 0))
    return kept


def small_difference(ticket: Ticket, images: Floats, expected: Floats) -> float:
    """Largest difference of the small network, run in float32, from expected outputs, relative to the largest of them.

    Parameters
    ----------
    ticket : Ticket
    images : float64[batch, channels, height, width]
    expected : float64[at least batch, outputs]

    Returns
    -------
    float
    """
    wanted = expected[: len(images)]
    small = outputs_of(module_from_ticket(ticket), images, batch=16).reshape(len(images), -1)
    return float(np.abs(small - wanted).max() / max(float(np.abs(wanted).max()), 1e-300))

"""What is known about each layer of a ticket: the numbers behind its pictures and its row of a table."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from slth.arrays import Bools, Floats, Indices
from slth.constructions import Construction, Row
from slth.constructions.construction import weight_errors
from slth.constructions.forecast import expected_counts
from slth.constructions.layout import Work, lay_out
from slth.graphs import Conv, Graph
from slth.jobs.record import LayerRecord
from slth.tickets import Pair, Ticket
from slth.tickets.blocks import blocks
from slth.tickets.pair import Random

BINS, BINS_PER_DECADE = 30, 6
"""Of an error histogram: at least so many, and more where the errors span many powers of ten."""
SHOWN_SLICES = 12
"""Slices of target kernels that a picture shows."""
MOST_MASK = 2**24
"""Entries of a mask that a record keeps for its picture."""


def layer_records(target: Graph, construction: Construction, ticket: Ticket) -> tuple[LayerRecord, ...]:
    """Measure each random layer of a ticket."""
    convs = {node.name: node.step for node in target.weighted}
    bounds = {layer.node: layer for layer in construction.certificate.layers}
    nonnegative = bool((construction.certificate.input_box[0] >= 0.0).all())
    works = {work.node: work for work in lay_out(target, nonnegative=nonnegative)}
    records = []
    for number, (layer, row) in enumerate(zip(ticket.graph_layers, construction.table, strict=True)):
        conv = convs[layer.path]
        same = layer.geometry == conv.geometry and isinstance(layer, Pair)
        work = replace(works[layer.path], layer=layer) if same else None
        errors, rates = _errors(number, construction, work, ticket)
        edges = _edges(errors, rates)
        scales, sources = _kept_channels(layer, ticket)
        record = LayerRecord(
            row=_row(row, layer, conv, bounds.get(layer.path)),
            error_edges=edges,
            error_counts=np.histogram(np.clip(errors, edges[0], edges[-1]), edges)[0].astype(np.float64),
            error_predicted=_predicted(work, rates, edges),
            scales=scales,
            sources=sources,
            mask=_mask(layer, ticket),
        )
        records.append(_with_slices(record, work, ticket))
    return tuple(records)


def _row(row: Row, layer: Random, conv: Conv, bound: object) -> dict[str, object]:
    shape = conv.geometry
    return {
        **row.to_dict(),
        "inputs": shape.inputs,
        "outputs": shape.outputs,
        "kernel": list(shape.window.kernel),
        "removal": layer.removal if isinstance(layer, Pair) else "plain",
        "rectified": isinstance(layer, Pair) and layer.rectified,
        "value": getattr(bound, "value", None),
        "difference": getattr(bound, "difference", None),
    }


def _errors(number: int, made: Construction, work: Work | None, ticket: Ticket) -> tuple[Floats, Floats | None]:
    """Return the errors of the weights that are not 0, and the log rates that were predicted where there are such."""
    if made.errors:
        return made.errors[number], made.log_rates[number]
    assert work is not None, "whole channels are removed of pairs alone"
    halves = weight_errors(work, ticket.folded[work.layer.path])
    return np.concatenate([half[work.slices != 0.0] for half in halves]), None


def _predicted(work: Work | None, rates: Floats | None, edges: Floats) -> Floats | None:
    if rates is None:
        return None
    ceilings = np.full(len(rates), np.inf)
    if work is not None:
        ceilings = np.abs(np.broadcast_to(work.slices, work.posed.shape)[work.posed])
    return expected_counts(rates, ceilings, np.concatenate([[0.0], edges[1:]]))


def _kept_channels(layer: Random, ticket: Ticket) -> tuple[Floats | None, Indices | None]:
    if not isinstance(layer, Pair) or layer.removal != "channels":
        return None, None
    parts = list(blocks(layer, ticket.mask, ticket.law, ticket.seed))
    return (
        np.concatenate([np.zeros(0), *(part.first for part in parts)]),
        np.concatenate([np.zeros(0, np.int64), *(part.sources for part in parts)]),
    )


def _mask(layer: Random, ticket: Ticket) -> Bools | None:
    name = f"{layer.path}.weights" if isinstance(layer, Pair) else layer.path
    if name not in ticket.mask.arrays or ticket.mask[name].size > MOST_MASK:
        return None
    kept: Bools = ticket.mask[name]
    return kept if kept.ndim == 3 else kept[None]


def _with_slices(record: LayerRecord, work: Work | None, ticket: Ticket) -> LayerRecord:
    """Add some slices of the target's kernel and of the ticket's, where kernels have more than one tap."""
    if work is None or work.layer.geometry.window.taps == 1:
        return record
    kernel, _, _ = ticket.folded[work.layer.path].middle()
    target, shape = work.conv.weight, work.layer.geometry
    shown = min(SHOWN_SLICES, shape.outputs // shape.groups)
    return replace(record, target_slices=target[:shown, 0], ticket_slices=kernel[:shown, 0])


def information_bits(layers: tuple[LayerRecord, ...], construction: Construction, *, worst: bool) -> float | None:
    """Mean over the weights of log2(1 / (2 e)): e the worst error of the layer, or the weight's own.

    Errors are in units of the layer's candidates, which lie within (-1, 1) and whose sums cover [-1, 1] evenly.
    """
    if not construction.errors or not sum(map(len, construction.errors)):
        return None
    scaled = [
        (np.full_like(errors, errors.max(initial=0.0)) if worst else errors) / float(layer.row["gain"])
        for errors, layer in zip(construction.errors, layers, strict=True)
    ]
    # An error of exactly 0 would need infinitely many bits; no double is closer to its neighbour than this.
    smallest = np.maximum(np.concatenate(scaled), 2.0**-1074)
    return float(np.mean(np.maximum(0.0, -np.log2(2.0 * smallest))))


def _edges(measured: Floats, log_rates: Floats | None) -> Floats:
    """Edges of a histogram on a logarithmic axis that shows both what was found and what was predicted."""
    found = measured[measured > 0.0]
    worst = float(found.max(initial=0.0)) or 1.0
    finite = np.zeros(0) if log_rates is None else log_rates[np.isfinite(log_rates)]
    if len(finite):
        # With too few candidates a predicted error may have any size: a decade above what was found shows it.
        small, large = np.minimum(np.exp(-np.quantile(np.maximum(finite, -700.0), (0.95, 0.05))), 10.0 * worst)
    else:
        small = large = worst
    lowest = min(0.003 * small, float(np.quantile(found, 0.003)) if len(found) else small)
    lowest = max(lowest, 1e-300)
    highest = 1.5 * max(2.0 * large, worst)
    bins = max(BINS, round(BINS_PER_DECADE * math.log10(highest / lowest)))
    return np.geomspace(lowest, highest, min(bins, 400) + 1)

"""Everything that can be said about a convolutional ticket."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.constructions import Construction
from slth.constructions.conv_layout import ConvWork, lay_out_convolutions
from slth.experiments.conv_record import (
    ConvLayerRecord,
    overparameterisation,
    record_convolution,
    small_parameters,
)
from slth.experiments.datasets import DataSet
from slth.experiments.environment import package_versions
from slth.experiments.evaluation import Files, accuracy
from slth.experiments.record import TicketRecord
from slth.networks import attack_difference, folded_outputs, module_from_ticket, outputs_of
from slth.tickets import ConvNetwork, ConvPair, Ticket

Floats = NDArray[np.float64]

SMALL_EXAMPLES = 64
"""Images that the small network itself is run on: its many channels take long, and its folded kernels do not."""


def record_conv_ticket(
    target: ConvNetwork,
    construction: Construction,
    ticket: Ticket,
    data: DataSet,
    *,
    title: str,
    command: str,
    files: Files,
    limit: int | None = None,
) -> TicketRecord:
    """Measure a convolutional ticket against its target and put together what reports are made of.

    The ticket's outputs on the whole test set come from its kernels folded in float64, which is the same function up to
    rounding; ``small_difference`` says how far the small network itself, in float32, is from them on some images.

    Parameters
    ----------
    target : ConvNetwork
    construction : Construction
        Certificate and table.
    ticket : Ticket
        To measure: the one that was read back from its file.
    data : DataSet
    title, command : str
    files : Files
    limit : int, optional
        At most so many test examples.

    Returns
    -------
    TicketRecord
    """
    images = data.inputs("test", limit=limit).reshape(-1, *target.input_shape).astype(np.float64)
    labels = data.labels("test", limit=limit)
    target_outputs = target.forward(images).reshape(len(images), -1)
    ticket_outputs = folded_outputs(ticket, images)
    layers = conv_layer_records(target, construction, ticket)
    certificate, statistics = construction.certificate, ticket.statistics()
    weights = target.parameters
    low, high = certificate.input_box
    removals = {layer.removal for layer in ticket.description.random_layers if isinstance(layer, ConvPair)}
    summary: dict[str, Any] = {
        "seed": ticket.seed,
        "family": ticket.family,
        "removal": "/".join(sorted(removals)),
        "data": data.name,
        "examples": len(labels),
        "target_accuracy": accuracy(target_outputs, labels),
        "ticket_accuracy": accuracy(ticket_outputs, labels),
        "agreement": float(np.mean(target_outputs.argmax(axis=1) == ticket_outputs.argmax(axis=1))),
        "certified_error": certificate.error,
        "norm_bound": certificate.norm_bound,
        "float64_allowance": certificate.float64_allowance,
        "float32_allowance": certificate.float32_allowance,
        "sampled_error": float(np.abs(ticket_outputs - target_outputs).max()),
        "attack_error": attack_difference(target, ticket, input_box=certificate.input_box).error,
        "eps": None,
        "input_box": f"[{low.min():g}, {high.max():g}]",
        "density": statistics.density,
        "kept": statistics.kept,
        "open_positions": statistics.open_positions,
        "random_parameters": statistics.random_parameters,
        "overparameterisation": overparameterisation(ticket, weights),
        "small_parameters": small_parameters(ticket),
        "small_examples": min(SMALL_EXAMPLES, len(images)),
        "small_difference": small_difference(ticket, images[:SMALL_EXAMPLES], ticket_outputs),
        "target_weights": weights,
        "ticket_bytes": files.ticket_bytes,
        "target_bytes": files.target_bytes,
        "bits_per_target_weight": 8.0 * files.ticket_bytes / weights,
        "counting_bits_per_weight": statistics.entropy_bound_bits / weights,
        "target_file_bits_per_weight": 8.0 * files.target_bytes / weights,
        "kept_weights_sha256": ticket.kept_weights_sha256(),
        "layers": [layer.row() for layer in layers],
    }
    provenance = {"data": data.provenance, "packages": package_versions(), "law": ticket.law.describe()}
    return TicketRecord(title, summary, layers, target_outputs, ticket_outputs, labels, command, provenance)


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

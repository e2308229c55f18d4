"""Everything that can be said about a ticket: accuracy, distance from its target, size, errors against prediction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.constructions import Construction
from slth.constructions.effective import EffectiveLayer, effective_layers
from slth.constructions.forecast import expected_counts
from slth.constructions.propagation import augmented
from slth.errors import ArgumentError
from slth.experiments.datasets import DataSet
from slth.experiments.environment import package_versions
from slth.experiments.record import LayerRecord, TicketRecord
from slth.networks import attack_difference
from slth.tickets import ConvNetwork, DenseNetwork, ProductPair, Ticket

Floats = NDArray[np.float64]

BINS, BINS_PER_DECADE = 30, 6
"""Of an error histogram: at least so many, and more where the errors span many powers of ten."""


@dataclass(frozen=True)
class Files:
    """Sizes in bytes of the ticket's file and of the target's own."""

    ticket_bytes: int
    target_bytes: int


def accuracy(outputs: Floats, labels: NDArray[np.int64]) -> float:
    """Share of rows whose largest output is at the label.

    Parameters
    ----------
    outputs : float64[examples, classes]
    labels : int64[examples]

    Returns
    -------
    float

    Examples
    --------
    >>> accuracy(np.array([[0.0, 1.0], [2.0, 1.0]]), np.array([1, 1]))
    0.5
    """
    return float(np.mean(outputs.argmax(axis=1) == labels))


def evaluate_ticket(
    ticket: Ticket, data: DataSet, *, target: DenseNetwork | ConvNetwork | None = None, limit: int | None = None
) -> dict[str, Any]:
    """Run a ticket on a test set, beside its target where that is given.

    Parameters
    ----------
    ticket : Ticket
    data : DataSet
    target : DenseNetwork or ConvNetwork, optional
    limit : int, optional
        At most so many test examples.

    Returns
    -------
    dict
        accuracy, examples; with a target also target_accuracy and sampled_error, the largest difference of any output.

    Raises
    ------
    slth.errors.ArgumentError
        The ticket takes other inputs than the data set has.
    """
    inputs, labels = data.inputs("test", limit=limit), data.labels("test", limit=limit)
    shape = ticket.description.input_shape
    if shape is not None and shape != data.shape:
        rule = f"has inputs of shape {list(data.shape)}, and the ticket takes {list(shape)}"
        raise ArgumentError("data", data.name, rule, "name the data set that it was made for")
    outputs = _outputs(ticket, inputs, data.shape)
    result: dict[str, Any] = {"accuracy": accuracy(outputs, labels), "examples": len(labels)}
    if target is not None:
        wanted = _outputs(target, inputs, data.shape)
        result["target_accuracy"] = accuracy(wanted, labels)
        result["sampled_error"] = float(np.abs(outputs - wanted).max())
    return result


def _outputs(
    network: Ticket | DenseNetwork | ConvNetwork, inputs: NDArray[np.float32], shape: tuple[int, ...]
) -> Floats:
    """Outputs as [examples, outputs] for flat inputs, which convolutions take as images."""
    images = isinstance(network, ConvNetwork) or (
        isinstance(network, Ticket) and network.description.input_shape is not None
    )
    return network.forward(inputs.reshape(-1, *shape) if images else inputs).reshape(len(inputs), -1)


def record_ticket(
    target: DenseNetwork,
    construction: Construction,
    ticket: Ticket,
    data: DataSet,
    *,
    title: str,
    command: str,
    files: Files,
    eps: float | None = None,
    limit: int | None = None,
) -> TicketRecord:
    """Measure a ticket against its target and put together what reports are made of.

    Parameters
    ----------
    target : DenseNetwork
    construction : Construction
        Certificate and table.
    ticket : Ticket
        To measure: the one that was read back from its file.
    data : DataSet
    title, command : str
    files : Files
    eps : float, optional
        The error that was asked for.
    limit : int, optional
        At most so many test examples.

    Returns
    -------
    TicketRecord
    """
    inputs, labels = data.inputs("test", limit=limit), data.labels("test", limit=limit)
    target_outputs, ticket_outputs = target.forward(inputs), ticket.forward(inputs)
    layers = _layer_records(target, construction, ticket)
    certificate, statistics = construction.certificate, ticket.statistics()
    weights = target.parameters
    low, high = certificate.input_box
    summary: dict[str, Any] = {
        "seed": ticket.seed,
        "family": ticket.family,
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
        "eps": eps,
        "input_box": f"[{low.min():g}, {high.max():g}]",
        "density": statistics.density,
        "kept": statistics.kept,
        "open_positions": statistics.open_positions,
        "random_parameters": statistics.random_parameters,
        "target_weights": weights,
        "ticket_bytes": files.ticket_bytes,
        "target_bytes": files.target_bytes,
        "bits_per_target_weight": 8.0 * files.ticket_bytes / weights,
        "counting_bits_per_weight": statistics.entropy_bound_bits / weights,
        "information_bits_per_weight": _information_bits(layers, worst=True),
        "information_bits_mean": _information_bits(layers, worst=False),
        "target_file_bits_per_weight": 8.0 * files.target_bytes / weights,
        "kept_weights_sha256": ticket.kept_weights_sha256(),
    }
    summary["layers"] = [
        {**layer.row(), **row.as_dict()} for layer, row in zip(layers, construction.table, strict=True)
    ]
    provenance = {"data": data.provenance, "packages": package_versions(), "law": ticket.law.describe()}
    return TicketRecord(title, summary, layers, target_outputs, ticket_outputs, labels, command, provenance)


def _layer_records(target: DenseNetwork, construction: Construction, ticket: Ticket) -> tuple[LayerRecord, ...]:
    records = []
    for number, effective in enumerate(effective_layers(ticket, target)):
        layer, row = ticket.description.layers[number], construction.table[number]
        weights = augmented(target.layers[number])[np.ix_(effective.sink, np.arange(target.layers[number].inputs + 1))]
        errors, ceilings = [], []
        both = isinstance(layer, ProductPair) and layer.halves == "both"
        for negative in (False, True) if both else (False,):
            found = _weight_errors(effective, weights, negative=negative)
            wanted = weights != 0.0
            wanted[:, -1] &= not negative  # the constant input is never negative
            errors.append(found[wanted])
            ceilings.append(np.abs(weights[wanted]))
        measured, predicted = np.concatenate(errors), construction.log_rates[number]
        edges = _edges(measured, predicted)
        names = list(layer.mask_shapes)
        mask = ticket.mask[names[-1]]
        units = ticket.mask[names[0]] if isinstance(layer, ProductPair) else None
        records.append(
            LayerRecord(
                path=layer.path,
                inputs=target.layers[number].inputs,
                outputs=target.layers[number].outputs,
                candidates=row.candidates,
                weights=len(measured),
                units=int(units.sum()) if units is not None else 0,
                units_open=units.size if units is not None else 0,
                connections=int(mask.sum()),
                connections_open=mask.size,
                gain=row.gain,
                tolerance=row.tolerance,
                errors=measured,
                error_edges=edges,
                error_counts=np.histogram(np.clip(measured, edges[0], edges[-1]), edges)[0].astype(np.float64),
                error_predicted=expected_counts(
                    predicted, np.concatenate(ceilings), np.concatenate([[0.0], edges[1:]])
                ),
                mask=mask,
            )
        )
    return tuple(records)


def _weight_errors(effective: EffectiveLayer, weights: Floats, *, negative: bool) -> Floats:
    """Upper ends of |effective weight - target weight|, by target neuron."""
    enclosure = effective.negative if negative and effective.negative is not None else effective.positive
    if effective.one_to_one:
        lower, upper = enclosure.lower, enclosure.upper
    else:
        # Copies of one neuron carry parts of one weight: together they are the weight.
        neurons = weights.shape[1]
        lower, upper = (end.reshape(len(end), -1, neurons).sum(axis=1) for end in (enclosure.lower, enclosure.upper))
    return np.maximum(np.abs(upper - weights), np.abs(lower - weights))


def _edges(measured: Floats, log_rates: Floats) -> Floats:
    """Edges of a histogram on a logarithmic axis that shows both what was found and what was predicted."""
    finite = log_rates[np.isfinite(log_rates)]
    found = measured[measured > 0.0]
    worst = float(found.max(initial=0.0)) or 1.0
    # With too few candidates a predicted error may have any size: a decade above what was found shows it.
    small, large = np.minimum(
        np.exp(-np.quantile(np.maximum(finite, -700.0), (0.95, 0.05))) if len(finite) else (1e-12, 1e-6), 10.0 * worst
    )
    lowest = min(0.003 * small, float(np.quantile(found, 0.003)) if len(found) else small)
    highest = 1.5 * max(2.0 * large, worst if len(found) else 0.0)
    bins = max(BINS, round(BINS_PER_DECADE * math.log10(highest / lowest)))
    return np.geomspace(lowest, highest, bins + 1)


def _information_bits(layers: tuple[LayerRecord, ...], *, worst: bool) -> float:
    """Mean over the weights of log2(1 / (2 e)): e the worst error of the layer, or the weight's own.

    Errors are in units of the layer's candidates, which lie within (-1, 1) and whose sums cover [-1, 1] evenly.
    """
    errors = np.concatenate(
        [(np.full_like(layer.errors, layer.errors.max()) if worst else layer.errors) / layer.gain for layer in layers]
    )
    # An error of exactly 0 would need infinitely many bits; no double is closer to its neighbour than this.
    return float(np.mean(np.maximum(0.0, -np.log2(2.0 * np.maximum(errors, 2.0**-1074)))))

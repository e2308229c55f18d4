"""What is known about each layer of a dense ticket: weight errors, counted and predicted, and masks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from slth.constructions import Construction
from slth.constructions.effective import EffectiveLayer, effective_layers
from slth.constructions.forecast import expected_counts
from slth.constructions.propagation import augmented
from slth.jobs.record import LayerRecord
from slth.tickets import DenseNetwork, ProductPair, Ticket

Floats = NDArray[np.float64]

BINS, BINS_PER_DECADE = 30, 6
"""Of an error histogram: at least so many, and more where the errors span many powers of ten."""


def dense_layer_records(target: DenseNetwork, construction: Construction, ticket: Ticket) -> tuple[LayerRecord, ...]:
    """Measure each layer of a ticket.

    Parameters
    ----------
    target : DenseNetwork
    construction : Construction
    ticket : Ticket

    Returns
    -------
    tuple of LayerRecord
    """
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


def information_bits(layers: tuple[LayerRecord, ...], *, worst: bool) -> float:
    """Mean over the weights of log2(1 / (2 e)): e the worst error of the layer, or the weight's own.

    Errors are in units of the layer's candidates, which lie within (-1, 1) and whose sums cover [-1, 1] evenly.

    Parameters
    ----------
    layers : tuple of LayerRecord
    worst : bool

    Returns
    -------
    float
        Bits.
    """
    errors = np.concatenate(
        [(np.full_like(layer.errors, layer.errors.max()) if worst else layer.errors) / layer.gain for layer in layers]
    )
    # An error of exactly 0 would need infinitely many bits; no double is closer to its neighbour than this.
    return float(np.mean(np.maximum(0.0, -np.log2(2.0 * np.maximum(errors, 2.0**-1074)))))


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

"""Everything that is known about one ticket after it was evaluated: what tables, JSON and figures are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LayerRecord:
    """One target layer and what the random network offers for it.

    Parameters
    ----------
    path : str
        Name of the random layer, as in the ticket.
    inputs, outputs : int
        Of the target layer, without the constant input.
    candidates : int
        Subset-sum candidates of one target weight.
    weights : int
        Target weights, biases included.
    units, units_open : int
        Hidden units kept, of those that the fixed block mask leaves open.
    connections, connections_open : int
        Second-matrix connections kept, of those open.
    gain : float
    tolerance : float
        Error at which a search could stop; 0 for the optimum.
    errors : ndarray of float64 [weights]
        Distance of each target weight from its chosen subset's sum, in units of the target.
    error_edges : ndarray of float64 [bins + 1]
        Increasing, positive.
    error_counts, error_predicted : ndarray of float64 [bins]
        Weights whose error falls between two edges: counted, and expected beforehand from the candidates alone.
    mask : ndarray of bool [candidates, inputs, outputs] or [inputs, outputs]
        Kept second-matrix connections.
    """

    path: str
    inputs: int
    outputs: int
    candidates: int
    weights: int
    units: int
    units_open: int
    connections: int
    connections_open: int
    gain: float
    tolerance: float
    errors: Floats
    error_edges: Floats
    error_counts: Floats
    error_predicted: Floats
    mask: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Check that the histogram's arrays fit each other."""
        bins = len(self.error_edges) - 1
        if len(self.error_counts) != bins or len(self.error_predicted) != bins:
            raise ArgumentError(
                "error_counts", len(self.error_counts), f"must have {bins} bins", "count between the edges"
            )

    @property
    def density(self) -> float:
        """Kept random weights over open ones, of both matrices."""
        opened = self.units_open + self.connections_open
        return (self.units + self.connections) / opened if opened else 0.0

    def row(self) -> dict[str, Any]:
        """Give the layer as one row of a table, without its arrays."""
        return {
            "layer": self.path,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "candidates": self.candidates,
            "weights": self.weights,
            "units": self.units,
            "units_open": self.units_open,
            "connections": self.connections,
            "connections_open": self.connections_open,
            "density": self.density,
            "gain": self.gain,
            "largest_error": float(self.errors.max(initial=0.0)),
            "median_error": float(np.median(self.errors)) if len(self.errors) else 0.0,
        }


@dataclass(frozen=True, eq=False)
class TicketRecord:
    """A ticket, its certificate and its measurements.

    Parameters
    ----------
    title : str
    summary : dict
        JSON-able; the keys of the command line's contract and whatever else is known.
    layers : tuple of LayerRecord, or of ConvLayerRecord
    target_outputs, ticket_outputs : ndarray of float64 [examples, classes]
        On the test set.
    labels : ndarray of int64 [examples]
    command : str
        What to type to make this again.
    """

    title: str
    summary: dict[str, Any]
    layers: tuple[Any, ...]
    target_outputs: Floats
    ticket_outputs: Floats
    labels: NDArray[np.int64]
    command: str
    provenance: dict[str, Any] = field(default_factory=dict)

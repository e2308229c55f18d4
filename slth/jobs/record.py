"""Everything that is known about one ticket after it was evaluated: what tables, JSON and pictures are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from slth.arrays import Bools, Floats, Indices


@dataclass(frozen=True, eq=False)
class LayerRecord:
    """One random layer, and the part of the target that it stands for. What a method has no such thing of is None.

    Parameters
    ----------
    row : dict
        Columns of a table: those of :class:`slth.constructions.Row`, ``inputs``, ``outputs``, ``kernel`` (height and
        width), ``removal`` ("weights", "channels" or "plain"), ``rectified``, and ``value`` and ``difference``, the
        certificate's bounds behind the layer.
    error_edges : float64[bins + 1]
        Increasing, positive.
    error_counts : float64[bins]
        Weights whose error falls between two edges.
    error_predicted : float64[bins] or None
        The same expected beforehand from the candidates alone.
    scales, sources : float64[kept], int64[kept], or None
        The scale u of each kept hidden channel, and the source that it sees.
    mask : bool[candidates, inputs, outputs] or None
        Kept weights of the second convolution; several taps of a kernel stand beside each other as outputs.
    target_slices, ticket_slices : float64[shown, height, width] or None
        Some slices of the target's kernel and of the ticket's on positive inputs; None for kernels of one tap.
    """

    row: dict[str, Any]
    error_edges: Floats
    error_counts: Floats
    error_predicted: Floats | None = None
    scales: Floats | None = None
    sources: Indices | None = None
    mask: Bools | None = None
    target_slices: Floats | None = None
    ticket_slices: Floats | None = None

    @property
    def path(self) -> str:
        """Name of the layer."""
        return str(self.row["path"])


@dataclass(frozen=True, eq=False)
class TicketRecord:
    """A ticket, its certificate and its measurements.

    Parameters
    ----------
    title : str
    summary : dict
        JSON-able; the keys of the command line's contract and whatever else is known.
    layers : tuple of LayerRecord
    target_outputs, ticket_outputs : float64[examples, classes]
        On the test set.
    labels : int64[examples]
    command : str
        What to type to make this again.
    exact : tuple of str
        What of the network no subset sum approximates, one sentence each.
    provenance : dict
    """

    title: str
    summary: dict[str, Any]
    layers: tuple[LayerRecord, ...]
    target_outputs: Floats
    ticket_outputs: Floats
    labels: Indices
    command: str
    exact: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)

"""Everything that is known about one ticket after it was evaluated: what tables, JSON and pictures are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from slth.arrays import Bools, Floats, Indices


@dataclass(frozen=True, eq=False)
class LayerRecord:
    """One random layer, and the part of the target that it stands for. What a method has no such thing of is None.

    Shapes: error_edges float64[bins + 1]; error_counts float64[bins]; error_predicted float64[bins] or None; scales,
    sources float64[kept], int64[kept], or None; mask bool[candidates, inputs, outputs] or None; target_slices,
    ticket_slices float64[shown, height, width] or None.
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
class Pictured:
    """Some test inputs that are images.

    Shapes: indices int64[shown], their places in the test set; images float64[shown, height, width] or
    float64[shown, height, width, 3], in [0, 1].
    """

    indices: Indices
    images: Floats


@dataclass(frozen=True, eq=False)
class TicketRecord:
    """A ticket, its certificate and its measurements.

    Shapes: target_outputs, ticket_outputs float64[examples, classes]; labels int64[examples].
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
    pictured: Pictured | None = None


@dataclass(frozen=True, eq=False)
class SearchRecord:
    """A ticket that was found by scores, and its measurements.

    Shapes, by the names of the weights: scores float64[groups] or empty where there are none; masks int64[weight].
    """

    summary: dict[str, Any]
    scores: dict[str, Floats]
    masks: dict[str, Indices]
    input_shape: tuple[int, ...]

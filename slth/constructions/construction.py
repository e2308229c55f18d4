"""What a construction hands back: the ticket, its certificate, and a table of how each layer went."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from slth.constructions.certify import Certificate
from slth.constructions.conv_layout import ConvWork
from slth.constructions.interval import Array, down, up
from slth.tickets import FoldedConv, Ticket


@dataclass(frozen=True)
class LayerRow:
    """How one layer of a construction went.

    Parameters
    ----------
    layer : int
        Number of the layer, from 0.
    path : str
        Name of the layer in the ticket.
    candidates : int
        Products or random weights offered for one weight, at most.
    weights : int
        Subset-sum instances solved: one for each nonzero weight and bias, sign of its input, and copy of its output.
    kept, open_positions : int
        Random weights kept, and those that the block mask leaves to choose from.
    density : float
        kept / open_positions.
    largest_error, median_error : float
        Of |ticket's weight - target's weight|, enclosed in real arithmetic, upper ends.
    predicted_largest, predicted_median : float
        Medians of the largest and of a single error that random subset sum predicts from the candidates at hand, for
        searches to the optimum (slth.subset_sum.prediction). ``predicted_largest`` can be far too low: the prediction's
        normal density has more sums than there are where a weight lies far out in the distribution of its sums, and
        there the largest errors occur; ``predicted_median`` too is too low where most weights do.
        ``largest_error`` is what was proved.
    tolerance : float
        Error of a weight at which its search could stop; 0 for the optimum.
    gain : float
        Gain of the layer.
    seconds : float
        Wall-clock time of drawing and solving.
    """

    layer: int
    path: str
    candidates: int
    weights: int
    kept: int
    open_positions: int
    density: float
    largest_error: float
    median_error: float
    predicted_largest: float
    predicted_median: float
    tolerance: float
    gain: float
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return the row as a plain mapping, for tables and JSON."""
        return asdict(self)


@dataclass(frozen=True)
class ConvRow:
    r"""How one convolution of a construction went.

    Parameters
    ----------
    layer : int
        Number of the layer among those with weights, from 0.
    path : str
        Name of the layer in the ticket.
    dimensions : int
        Numbers of one instance: outputs of a group x kernel height x kernel width.
    instances : int
        Vectors approximated: one for each source, and half where inputs may be negative.
    channels : int
        Random hidden channels of each source.
    kept_channels, open_channels : int
        Hidden channels kept, and those there are.
    density : float
        Mask entries kept / all.
    relative_error : float
        :math:`\|\hat K - K\|_F / \|K\|_F` over kernels and biases; of the worse half where both are used.
    largest_error : float
        Of the entries' errors, enclosed in real arithmetic, upper end.
    gain : float
        Gain of the layer.
    seconds : float
        Wall-clock time of drawing and solving.
    """

    layer: int
    path: str
    dimensions: int
    instances: int
    channels: int
    kept_channels: int
    open_channels: int
    density: float
    relative_error: float
    largest_error: float
    gain: float
    seconds: float

    @classmethod
    def of(
        cls, number: int, work: ConvWork, ticket: Ticket, folded: FoldedConv, *, gain: float, seconds: float
    ) -> ConvRow:
        """Return the row of a layer, measured on its effective kernels."""
        pair, slices = work.pair, work.slices
        errors = [_distance(folded.plus_lower, folded.plus_upper, slices)]
        if pair.halves == "both":
            errors.append(_distance(folded.minus_lower, folded.minus_upper, slices)[: pair.inputs])
        size = float(np.linalg.norm(slices))
        channels = ticket.mask[f"{pair.path}.channels"]
        masks = [ticket.mask[name] for name in pair.mask_shapes]
        return cls(
            layer=number,
            path=pair.path,
            dimensions=pair.dimensions,
            instances=sum(int(slices[: len(error)].any(axis=1).sum()) for error in errors),
            channels=pair.channels,
            kept_channels=int(channels.sum()),
            open_channels=channels.size,
            density=sum(int(mask.sum()) for mask in masks) / pair.open_positions,
            relative_error=max(float(np.linalg.norm(error)) for error in errors) / size if size else 0.0,
            largest_error=max(float(error.max()) for error in errors),
            gain=gain,
            seconds=seconds,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the row as a plain mapping, for tables and JSON."""
        return asdict(self)


def _distance(lower: Array, upper: Array, slices: Array) -> Array:
    return np.maximum(np.abs(up(upper - slices)), np.abs(down(lower - slices)))


@dataclass(frozen=True, eq=False)
class Construction:
    """A proof executed: a ticket that approximates a target, and how well.

    Parameters
    ----------
    ticket : Ticket
        Random network and mask; nothing of the target is in it but the mask and one gain per layer.
    certificate : Certificate
        Bound on the largest difference from the target over the input box.
    table : tuple of LayerRow or of ConvRow
        One row per layer.
    errors : tuple of float64[instances]
        For each layer the errors of its subset-sum instances, in units of the target's weights, rounded.
    log_rates : tuple of float64[instances]
        For each layer and instance the natural logarithm of the rate with which random subset sum predicts the smallest
        error to be exponential, given the candidates at hand.
    """

    ticket: Ticket
    certificate: Certificate
    table: tuple[Any, ...]
    errors: tuple[Array, ...] = ()
    log_rates: tuple[Array, ...] = ()

"""What a construction hands back: the ticket, its certificate, and a table of how each layer went."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from slth.constructions.certify import Certificate
from slth.constructions.interval import Array
from slth.tickets import Ticket


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


@dataclass(frozen=True, eq=False)
class Construction:
    """A proof executed: a ticket that approximates a target, and how well.

    Parameters
    ----------
    ticket : Ticket
        Random network and mask; nothing of the target is in it but the mask and one gain per layer.
    certificate : Certificate
        Bound on the largest difference from the target over the input box.
    table : tuple of LayerRow
        One row per layer.
    errors : tuple of float64[instances]
        For each layer the errors of its subset-sum instances, in units of the target's weights, rounded.
    log_rates : tuple of float64[instances]
        For each layer and instance the natural logarithm of the rate with which random subset sum predicts the smallest
        error to be exponential, given the candidates at hand.
    """

    ticket: Ticket
    certificate: Certificate
    table: tuple[LayerRow, ...]
    errors: tuple[Array, ...] = ()
    log_rates: tuple[Array, ...] = ()

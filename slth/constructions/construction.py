"""What a construction hands back: the ticket, its certificate, and a table of how each layer went."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from slth.arrays import Floats
from slth.certificates import Certificate
from slth.constructions.costs import of_ticket
from slth.constructions.forecast import predicted_errors
from slth.constructions.layout import Work
from slth.constructions.solving import Answer
from slth.tickets.folded import Folded
from slth.tickets.pair import Pair
from slth.tickets.ticket import Ticket


@dataclass(frozen=True)
class Row:
    r"""How one random layer of a construction went; None where a method has no such number.

    Parameters
    ----------
    layer : int
        Number of the layer, from 0.
    path : str
        Name of the layer in the ticket: the node's.
    dimensions : int
        Weights that one source has for all outputs of its group: outputs of a group x kernel height x kernel width.
    candidates : int or None
        Products or random weights offered for one weight, at most.
    channels : int or None
        The theorem's n, where whole channels are removed: each source has so many random ones of either sign.
    instances : int
        Subset-sum instances: one for each weight and bias that is not 0, sign of its input, and copy of its output; of
        whole channels one for each source and sign.
    kept, open_positions : int
        Entries of the masks kept, and those there are: what the block mask leaves to choose from.
    density : float
        kept / open_positions.
    largest_error, median_error : float
        Of ``|ticket's weight - target's weight|`` over weights that are not 0, and the largest of all, of the worse
        half where inputs of either sign meet different sums; enclosed in real arithmetic, upper ends.
    relative_error : float
        :math:`\|\hat K - K\|_F / \|K\|_F` over kernels and biases; of the worse half.
    predicted_largest, predicted_median : float or None
        Medians of the largest and of a single error that random subset sum predicts from the candidates at hand, for
        searches to the optimum (slth.subset_sum.prediction). ``predicted_largest`` can be far too low: the prediction's
        normal density has more sums than there are where a weight lies far out in the distribution of its sums, and
        there the largest errors occur; ``predicted_median`` too is too low where most weights do.
        ``largest_error`` is what was proved.
    tolerance : float or None
        Error of a weight at which its search could stop; 0 for the optimum.
    gain : float
        Gain of the layer.
    seconds : float
        Wall-clock time of drawing and solving.
    """

    layer: int
    path: str
    dimensions: int
    candidates: int | None
    channels: int | None
    instances: int
    kept: int
    open_positions: int
    density: float
    largest_error: float
    median_error: float
    relative_error: float
    predicted_largest: float | None
    predicted_median: float | None
    tolerance: float | None
    gain: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
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
    table : tuple of Row
        One row per random layer.
    errors : tuple of float64[instances]
        For each layer the errors of its subset-sum instances, in units of the target's weights, rounded; empty for
        whole channels.
    log_rates : tuple of float64[instances]
        For each layer and instance the natural logarithm of the rate with which random subset sum predicts the smallest
        error to be exponential, given the candidates at hand.
    """

    ticket: Ticket
    certificate: Certificate
    table: tuple[Row, ...]
    errors: tuple[Floats, ...] = ()
    log_rates: tuple[Floats, ...] = ()

    def __repr__(self) -> str:
        """Say what counts on one line; arrays would fill screens."""
        kept, density = self.ticket.mask.kept, self.ticket.mask.density
        size = f"{len(self.table)} layers, {kept} kept, density {density:.3g}"
        return f"Construction({size}, error <= {self.certificate.error:.3g})"

    def summary(self) -> dict[str, float]:
        """Return the numbers that stand for the whole, by name."""
        costs = of_ticket(self.ticket)
        return {
            **self.certificate.summary(),
            "multiply_adds": costs.multiply_adds,
            "bytes": costs.bytes,
            "kept": self.ticket.mask.kept,
            "open_positions": self.ticket.mask.total,
            "density": self.ticket.mask.density,
            "largest_error": max(row.largest_error for row in self.table),
            "seconds": sum(row.seconds for row in self.table),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return summary and table as plain mappings, for JSON."""
        return {"summary": self.summary(), "table": [row.to_dict() for row in self.table]}


def measured(number: int, work: Work, ticket: Ticket) -> dict[str, Any]:
    """Return what every row says, measured on the ticket's own weights."""
    layer = work.layer
    kept = sum(int(np.count_nonzero(ticket.mask[name])) for name in layer.mask_shapes)
    errors = weight_errors(work, ticket.folded[layer.path])
    worst = np.max(errors, axis=0)
    nonzero = worst[work.slices != 0.0]
    return {
        "layer": number,
        "path": layer.path,
        "dimensions": work.slices.shape[1],
        "channels": layer.units // 2 if isinstance(layer, Pair) and layer.removal == "channels" else None,
        "kept": kept,
        "open_positions": layer.open_positions,
        "density": kept / layer.open_positions,
        "largest_error": float(worst.max()),
        "median_error": float(np.median(nonzero)) if nonzero.size else 0.0,
        "relative_error": _relative(errors, work.slices),
        "gain": ticket.gain(layer.path),
    }


def _relative(errors: Sequence[Floats], weights: Floats) -> float:
    """Return the largest norm of errors in that of the weights; a power of two keeps all squares in the doubles."""
    largest = float(np.abs(weights).max(initial=0.0))
    if not largest:
        return 0.0
    shift = -math.frexp(largest)[1]
    size, *others = (float(np.linalg.norm(np.ldexp(each, shift))) for each in (weights, *errors))
    return max(others) / size


def rows_of(answers: Sequence[Answer], ticket: Ticket) -> tuple[Row, ...]:
    """Return the table of a construction whose single weights were searched."""
    rows = []
    for number, answer in enumerate(answers):
        posed = answer.work.posed
        ceilings = np.abs(np.broadcast_to(answer.work.slices, posed.shape)[posed])
        largest, median = predicted_errors(answer.solved.log_rates[posed], ceilings)
        row = Row(
            **measured(number, answer.work, ticket),
            candidates=answer.candidates,
            instances=answer.work.instances,
            predicted_largest=largest,
            predicted_median=median,
            tolerance=answer.tolerance,
            seconds=answer.seconds,
        )
        rows.append(row)
    return tuple(rows)


def weight_errors(work: Work, folded: Folded) -> list[Floats]:
    """Return for each half float64[sources, dimensions]: upper ends of |ticket's weight - target's weight|."""
    halves = [folded.positive]
    if work.halves == 2:
        assert folded.negative is not None, "a pair of two halves folds to two kernels"
        halves.append(folded.negative)
    errors = []
    for number, kernels in enumerate(halves):
        constants = folded.constant or (None, None)
        lower = _slices(work, kernels[0], constants[0], outward=-1.0)
        upper = _slices(work, kernels[1], constants[1], outward=1.0)
        distance = np.maximum(np.nextafter(np.abs(upper - work.slices), np.inf),
                              np.nextafter(np.abs(lower - work.slices), np.inf))  # fmt: skip
        if number:
            distance[work.conv.geometry.inputs :] = 0.0  # a constant is never negative
        errors.append(distance)
    return errors


def _slices(work: Work, kernel: Floats, constant: Floats | None, *, outward: float) -> Floats:
    """Return one end of the folded weights as slices; of a plain layer, all copies of a source together."""
    shape, sources = work.layer.geometry, len(work.slices)
    rows = shape.slices_of(kernel)
    if constant is not None:
        return np.concatenate([rows, constant.reshape(shape.groups, -1)])
    copies = len(rows) // sources
    if copies == 1:
        return rows
    stacked = rows.reshape(copies, sources, -1)
    allowance = np.abs(stacked).sum(axis=0) * (copies * 2.0**-51)  # more than the additions may round
    total: Floats = stacked.sum(axis=0) + outward * allowance
    return total

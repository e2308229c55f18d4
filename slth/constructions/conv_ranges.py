r"""Ranges of the target's values, of the ticket's and of their difference, through a graph of sparse affine maps.

As :mod:`slth.constructions.propagation` for dense layers: each term of an affine map's difference lies in the
intersection of the ranges of its two exact forms, a ReLU's difference has an exact range, and where two of the three
quantities are known they narrow the third.

**Maximum over a window.** With :math:`i` where the target's values :math:`h` are largest and :math:`i'` where the
ticket's :math:`h + r` are,

.. math:: r_i \le \max(h + r) - \max(h) \le r_{i'},

because :math:`h + r` at :math:`i` is at most its maximum, and h at :math:`i'` at most its own. So the difference lies
between the smallest lower end of those that can be the target's largest and the largest upper end of those that can be
the ticket's; one that is below another's whole range cannot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slth.constructions.conv_graph import Affine, Graph, Indices, Largest, Places, Relu
from slth.constructions.effective import apply, slopes
from slth.constructions.interval import UNIT_ROUNDOFF, Array, Interval, down, up
from slth.constructions.propagation import relu_difference


@dataclass(frozen=True, eq=False)
class Ranges:
    """Ranges of one node over the whole input box.

    Parameters
    ----------
    target, ticket : Interval float64[n]
        Values.
    difference : Interval float64[n]
        Ticket's value minus target's.
    """

    target: Interval
    ticket: Interval
    difference: Interval

    def reconciled(self) -> Ranges:
        """Intersect each range with what the two others say of it."""
        ticket = self.ticket.meet(self.target + self.difference)
        difference = self.difference.meet(ticket - self.target)
        target = self.target.meet(ticket - difference)
        return Ranges(target, ticket, difference)


def start(low: Array, high: Array) -> Ranges:
    """Return the ranges of the input."""
    box = Interval(low, high)
    return Ranges(box, box, Interval.point(np.zeros(len(low))))


def through(graph: Graph, number: int, ranges: list[Ranges]) -> Ranges:
    """Return the ranges of one node from those of the nodes before it, by themselves."""
    node = graph.nodes[number - 1]
    before = ranges[node.source]
    if isinstance(node, Affine):
        return affine_ranges(node, before)
    if isinstance(node, Relu):
        difference = relu_difference(before.target, before.difference)
        return Ranges(before.target.relu(), before.ticket.relu(), difference).reconciled()
    if isinstance(node, Largest):
        return _largest(node.windows, before).reconciled()
    other = ranges[node.other]
    return Ranges(
        before.target + other.target, before.ticket + other.ticket, before.difference + other.difference
    ).reconciled()


def affine_ranges(node: Affine, before: Ranges) -> Ranges:
    """Return the ranges behind an affine map."""
    places = node.places
    weights, positive, errors = (spread(part, places.entry) for part in (node.weights, node.positive, node.errors))
    negative = None if node.negative is None else spread(node.negative, places.entry)
    negative_errors = None if node.negative_errors is None else spread(node.negative_errors, places.entry)
    target, ticket, difference = (
        spread(part, places.inputs) for part in (before.target, before.ticket, before.difference)
    )
    by_ticket = apply(errors, negative_errors, ticket) + weights * difference
    by_target = apply(errors, negative_errors, target) + slopes(positive, negative, target.hull(ticket)) * difference
    return Ranges(
        row_sums(places, weights * target) + node.bias,
        row_sums(places, apply(positive, negative, ticket)) + (node.bias + node.bias_error),
        row_sums(places, by_ticket.meet(by_target)) + node.bias_error,
    ).reconciled()


def spread(values: Interval, places: Indices) -> Interval:
    """Return the intervals at the given places."""
    return Interval(values.lower[places], values.upper[places])


def row_sums(places: Places, terms: Interval) -> Interval:
    """Return enclosures of each row's sums (fact 2 of :mod:`slth.constructions.interval`)."""
    lower, upper = places.sums(terms.lower), places.sums(terms.upper)
    factor = 2.0 * places.longest * UNIT_ROUNDOFF
    below = up(np.asarray(factor * places.sums(np.abs(terms.lower))))
    above = up(np.asarray(factor * places.sums(np.abs(terms.upper))))
    return Interval(down(lower - below), up(upper + above))


def _largest(windows: Indices, before: Ranges) -> Ranges:
    target, ticket, difference = (spread(part, windows) for part in (before.target, before.ticket, before.difference))
    # Not "may lead where above": a range that left the doubles (NaN) must count.
    may_lead = ~(target.upper < target.lower.max(axis=1, keepdims=True))
    may_lead_ticket = ~(ticket.upper < ticket.lower.max(axis=1, keepdims=True))
    return Ranges(
        Interval(target.lower.max(axis=1), target.upper.max(axis=1)),
        Interval(ticket.lower.max(axis=1), ticket.upper.max(axis=1)),
        Interval(
            np.where(may_lead, difference.lower, np.inf).min(axis=1),
            np.where(may_lead_ticket, difference.upper, -np.inf).max(axis=1),
        ),
    )

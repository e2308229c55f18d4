"""Each network by itself: differences between its own range and the other's.

Bounded at once, what both networks do alike cancels. A ticket may be so crude that little does; then the relaxation of
one network loses less than that of two, and the difference of their ranges is the better bound.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from slth.certificates.carried import upper_bounds
from slth.certificates.interval import Array, Interval
from slth.certificates.near import Nearby, Walk
from slth.certificates.problem import Place, Problem
from slth.certificates.ranges import without_nan
from slth.certificates.rows import TooMuchWorkError
from slth.certificates.rules.affine import AffineRule
from slth.certificates.symbols import negative, stacked

_WORTH = 0.98  # of a bound: what one by one must be able to reach


def alone(both: Problem, *, ticket: bool, nonnegative: bool) -> Problem:
    """Return a problem of one network twice, which has its ranges and no difference.

    With ``nonnegative`` inputs are; else a ticket whose weights differ by the sign of what they meet has either there.
    """

    def own(place: Place, rule: AffineRule) -> AffineRule:
        if not ticket:
            weights, bias = rule.weights, rule.bias
        else:
            weights, bias = rule.ticket.above, rule.bias + rule.bias_error
            signs = [both.places[each - 1].nonnegative if each else nonnegative for each in place.sources]
            if rule.ticket.below is not None and not all(signs):
                weights = weights.hull(rule.ticket.below)
        return replace(AffineRule.shared(rule.layout, weights, bias, rule.terms), narrowed=rule.narrowed)

    places = [
        replace(place, rule=own(place, place.rule)) if isinstance(place.rule, AffineRule) else place
        for place in both.places
    ]
    return replace(both, places=tuple(places))


def range_of(walk: Walk, steps: int) -> Interval:
    """Return the range of the target's outputs by forms, with slopes that are improved in so many steps."""
    forms, known = walk.output.target, walk.ranges[walk.nearby.problem.output].target
    high, low = np.split(upper_bounds(walk.symbols, stacked([forms, negative(forms)]), steps=steps), 2)
    return Interval(np.fmax(known.lower, -low), np.fmin(known.upper, high))


def between(target: Interval, ticket: Interval) -> Array:
    """Return the largest absolute differences of numbers of two ranges."""
    return without_nan((ticket - target).magnitude)


def can_improve(bounds: Array, least: Array) -> bool:
    """Whether bounds would be worth it if they came down to the least that they can be."""
    return bool(np.fmin(bounds, least).max() < _WORTH * bounds.max())


class Alone:
    """The ticket alone, made when it is first asked for."""

    def __init__(self, both: Problem, *, nonnegative: bool) -> None:
        self.both, self.nonnegative = both, nonnegative

    @cached_property
    def _nearby(self) -> Nearby:
        return Nearby(alone(self.both, ticket=True, nonnegative=self.nonnegative))

    def walk(self, like: Walk) -> Walk | None:
        """Return its forms over the ball of a walk of both, None where that is too much work."""
        try:
            return Walk(self._nearby, like.box, like.steps, like.symbols.improver)
        except TooMuchWorkError:
            return None

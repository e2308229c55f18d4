"""Certificates around each of some inputs: errors over a ball, and whether both networks give one class there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import frozen, whole
from slth.certificates.apart import Alone, between, can_improve, range_of
from slth.certificates.backward import Passes
from slth.certificates.balls import Ball, balls_around
from slth.certificates.bounds import nonnegative, passes_over
from slth.certificates.branching import Cases
from slth.certificates.carried import Carried
from slth.certificates.certificate import Box, CertificateAround
from slth.certificates.correspond import problem_of_both
from slth.certificates.interval import Array, Interval
from slth.certificates.lockstep import Lockstep, steps_on
from slth.certificates.near import MOST_BYTES, Nearby, Walk
from slth.certificates.ranges import Ranges, without_nan
from slth.certificates.rounding import evaluation_allowance
from slth.certificates.rows import Rows, TooMuchWorkError, nothing
from slth.certificates.selections import sharpened
from slth.certificates.slopes import Improve, ImproveMany, improve
from slth.certificates.symbols import Forms, negative, stacked
from slth.graphs import Graph
from slth.resources import SHARE, Progress, available_memory
from slth.tickets.folded import Folded

_AT_ONCE = 32  # inputs, where their steps are taken together
_STEPS, _CASES = 8, 400  # on slopes, and cases, at first
_MORE_STEPS, _MORE_CASES = 80, 1000  # for each unit of effort, where that is not enough
_FOR_MARGINS = 4  # times as many cases for classes, which end at the first proof
_HOPELESS = 64.0  # times the error at the input, above which a bound does not become useful


def certify_around(
    target: Graph,
    source: Graph,
    folded: Mapping[str, Folded],
    inputs: ArrayLike,
    *,
    radius: float | None,
    input_box: Box | None = None,
    effort: int = 1,
    device: str = "cpu",
    progress: Progress | None = None,
) -> CertificateAround:
    """Return the certificates around each of some inputs (see :func:`certify`)."""
    effort = whole(effort, "effort", 0, 1000, remedy="1 is usual, 0 is quick")
    improve_many = steps_on(device)
    examples, boxes = balls_around(target.input_shape, inputs, radius, input_box)
    with np.errstate(over="ignore", invalid="ignore"):
        classes = target.forward(examples).reshape(len(examples), -1).argmax(axis=1)
    kinds = [nonnegative(box) for box in boxes]
    nearby = {kind: Nearby(problem_of_both(target, source, folded, nonnegative=kind)[0]) for kind in set(kinds)}
    ticket = {kind: Alone(both.problem, nonnegative=kind) for kind, both in nearby.items()}
    every = zip(kinds, boxes, examples, classes.tolist(), strict=True)
    balls = [_Certified(nearby[kind], ticket[kind], box, example, own, effort) for kind, box, example, own in every]
    found = []
    for number, one in enumerate(_all(balls, improve_many), start=1):
        found.append(one)
        if progress is not None:
            progress("inputs certified", number, len(examples))
    errors, margins, *allowances = np.array(found).T
    largest = [float(each.max()) for each in allowances]
    return CertificateAround(frozen(errors), frozen(margins), frozen(classes), float(radius or 0.0), *largest)


def _all(balls: Sequence[_Certified], improve_many: ImproveMany | None) -> Iterator[tuple[float, ...]]:
    """Certify one ball after another, or as many at a time as memory holds where their steps are taken together."""
    if improve_many is None:
        yield from map(_Certified.__call__, balls)
        return
    at_once = max(1, min(_AT_ONCE, int(SHARE * available_memory()) // MOST_BYTES))
    for start in range(0, len(balls), at_once):
        yield from Lockstep(improve_many).run(balls[start : start + at_once])


@dataclass(frozen=True, eq=False)
class _Certified:
    """The ball around one input, the target's class there, and how hard to try."""

    nearby: Nearby
    ticket: Alone
    box: Ball
    example: Array
    own: int
    effort: int

    def __call__(self, improver: Improve = improve) -> tuple[float, ...]:
        """Return error, margin and the two allowances over the ball."""
        with np.errstate(over="ignore", invalid="ignore"):
            try:
                known = self.bounds(improver)
            except TooMuchWorkError:
                known = self.by_passes()
            problem, errors = self.nearby.problem, known.errors
            allowances = [evaluation_allowance(problem, known.ranges, errors, digits=digits) for digits in (53, 24)]
        return float(errors.max()), known.margin, allowances[0], allowances[1]

    def bounds(self, improver: Improve) -> _Known:
        """Return what is known: quickly, improved where that is open, and improved with more work."""
        own, effort = self.own, self.effort
        walk = Walk(self.nearby, self.box)
        known = _Known(_errors(walk), _least(walk.upper_bounds([_leads(walk, own)])), walk.ranges)
        if not (effort and walk.symbols.units):
            return known
        at_input = Walk(self.nearby, (self.example, self.example))
        error, best = float(_errors(at_input).max()), _least(at_input.upper_bounds([_leads(at_input, own)]))
        there = _AtInput(own, best, at_input.ranges[self.nearby.problem.output].ticket, self.ticket)
        tight, loose = (1.0 + 1.0 / effort) * error, (1.0 + 3.0 / effort) * error
        known = known._replace(refuted=best <= 0.0)
        if known.is_open(tight):
            known = known.improved(self.walk(_STEPS, improver), there, tight, _CASES)
        if known.is_open(loose):
            known = known.met(*self.by_passes()[:2])
        if known.is_open(loose) and known.errors.max() <= _HOPELESS * error:
            known = known.improved(self.walk(_MORE_STEPS * effort, improver), there, loose, _MORE_CASES * effort)
        return known

    def walk(self, steps: int, improver: Improve) -> Walk:
        """Return forms and ranges over the ball, with slopes that are improved."""
        return Walk(self.nearby, self.box, steps, improver)

    def by_passes(self) -> _Known:
        """Return the same by linear bounds of every neuron, which are better where most of them are undecided."""
        passes = passes_over(self.nearby.problem, self.box)
        return _Known(without_nan(sharpened(passes)), _margin(passes, self.own), passes.ranges)


@dataclass(frozen=True, eq=False)
class _AtInput:
    """What is known of the input itself: target's class, margin, what the ticket gives; and the ticket alone."""

    own: int
    best: float
    given: Interval
    ticket: Alone

    def one_by_one(self, walk: Walk, known: _Known, leads: Array) -> _Known:
        """Return the same with what the ticket's own range says, if it can say anything.

        That range holds what the ticket gives to the input, so that the most by which it can help is known before.
        """
        target, (of_target, of_ticket) = range_of(walk, 0), np.split(leads, 2)
        helps = not known.refuted and bool((of_target < 0.0).all()) and not bool((of_ticket < 0.0).all())
        helps |= can_improve(known.errors, np.maximum(self.given.lower - target.lower, target.upper - self.given.upper))
        other = self.ticket.walk(walk) if helps else None
        if other is None:
            return known
        of_ticket = other.upper_bounds([_leads(other, self.own)])
        ranges = [range_of(each, each.steps) for each in (walk, other)]
        return known.met(between(*ranges), min(_least(of_target), _least(of_ticket)))


class _Known(NamedTuple):
    """What is known over one ball: bounds of each output's difference and of the margin, ranges, and another class."""

    errors: Array
    margin: float
    ranges: list[Ranges]
    refuted: bool = False

    def is_open(self, enough: float) -> bool:
        """Whether the class is neither proved nor refuted, or errors are not small enough."""
        return not ((self.margin > 0.0 or self.refuted) and self.errors.max() <= enough)

    def met(self, errors: Array, margin: float) -> _Known:
        """Return the better of both."""
        return self._replace(errors=np.fmin(self.errors, errors), margin=max(self.margin, margin))

    def improved(self, walk: Walk, there: _AtInput, enough: float, cases: int) -> _Known:
        """Return the same with what a walk tells whose slopes are improved, and cases where that is open.

        Where the margin is below the negative of that at the input, cases are hopeless.
        """
        leads, both = _leads(walk, there.own), walk.output.difference
        carried = Carried(walk.symbols, leads)
        bounds = carried.upper_bounds(walk.steps)
        known = self.met(_errors(walk), _least(bounds))._replace(ranges=walk.ranges)
        if known.margin <= 0.0 and not known.refuted:
            known = known._replace(refuted=_is_refuted(walk, there.own, carried))
        if known.is_open(enough):
            known = there.one_by_one(walk, known, bounds)
        if -there.best < known.margin <= 0.0 and not known.refuted:
            found = Cases.of(walk.symbols, leads, enough=0.0, most=_FOR_MARGINS * cases)
            known = known.met(known.errors, -found.bound)
        if known.errors.max() > enough:
            rows = stacked([both, negative(both)])
            found = Cases.of(walk.symbols, rows, enough=enough, most=cases)
            known = known.met(np.full_like(known.errors, found.bound), known.margin)
        return known


def _is_refuted(walk: Walk, own: int, leads: Carried) -> bool:
    """Whether a network gives another class at the corner of the ball where the worst lead's bound is attained."""
    corner = leads.corner(walk.box[0].size).reshape(walk.box[0].shape)
    there = Walk(walk.nearby, (corner, corner))
    return bool((there.upper_bounds([negative(_leads(there, own))]) < 0.0).any())


def _errors(walk: Walk) -> Array:
    """Return bounds of each output's difference."""
    both = walk.output
    bounds = np.maximum(*np.split(walk.upper_bounds([both.difference, negative(both.difference)]), 2))
    return without_nan(np.fmin(bounds, walk.ranges[walk.nearby.problem.output].difference.magnitude))


def _leads(walk: Walk, own: int) -> Forms:
    """Return what every other output is more than one's own, in the target and in the ticket."""
    both = walk.output
    others = np.delete(np.arange(len(both.target.wrong)), own)
    more = walk.less(both[others], both[np.full(len(others), own)])
    return stacked([more.target, walk.sum(more.target, more.difference)])


def _least(leads: Array) -> float:
    """Return the margin that bounds of leads leave, infinite where there is no other output."""
    return -float(without_nan(leads).max(initial=-math.inf))


def _margin(passes: Passes, own: int) -> float:
    """Return a lower bound, over both networks, of one output less the largest of the others."""
    number = passes.problem.output
    outputs = len(passes.ranges[number].target.lower)
    if outputs == 1:
        return math.inf
    rivals = np.delete(np.eye(outputs), own, axis=0)
    rivals[:, own] = -1.0
    none = nothing(*rivals.shape)
    bounds = [passes.carrier(number, rows).upper_bounds() for rows in (Rows(rivals, none), Rows(rivals, rivals))]
    return -float(without_nan(np.concatenate(bounds)).max())

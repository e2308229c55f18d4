"""Certificates around each of some inputs: errors over a ball, and whether both networks give one class there."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import frozen, whole
from slth.certificates.backward import Passes
from slth.certificates.balls import Ball, balls_around
from slth.certificates.bounds import nonnegative, passes_over
from slth.certificates.branching import Cases
from slth.certificates.certificate import Box, CertificateAround
from slth.certificates.correspond import problem_of_both
from slth.certificates.interval import Array
from slth.certificates.near import Nearby, Walk
from slth.certificates.ranges import Ranges, without_nan
from slth.certificates.rounding import evaluation_allowance
from slth.certificates.rows import Rows, TooMuchWorkError, nothing
from slth.certificates.selections import sharpened
from slth.certificates.symbols import Forms, negative, stacked
from slth.graphs import Graph
from slth.resources import Progress
from slth.tickets.folded import Folded

_STEPS, _CASES = 8, 400  # of a unit of effort


def certify_around(
    target: Graph,
    source: Graph,
    folded: Mapping[str, Folded],
    inputs: ArrayLike,
    *,
    radius: float | None,
    input_box: Box | None = None,
    effort: int = 1,
    progress: Progress | None = None,
) -> CertificateAround:
    """Return the certificates around each of some inputs (see :func:`certify`)."""
    effort = whole(effort, "effort", 0, 1000, remedy="1 is quick, 5 are nearly as good as all")
    examples, boxes = balls_around(target.input_shape, inputs, radius, input_box)
    with np.errstate(over="ignore", invalid="ignore"):
        classes = target.forward(examples).reshape(len(examples), -1).argmax(axis=1)
    known: dict[bool, Nearby] = {}
    found = []
    for number, (box, own) in enumerate(zip(boxes, classes.tolist(), strict=True), start=1):
        kind = nonnegative(box)
        if kind not in known:
            known[kind] = Nearby(problem_of_both(target, source, folded, nonnegative=kind)[0])
        with np.errstate(over="ignore", invalid="ignore"):
            found.append(_around(known[kind], box, examples[number - 1], own, effort))
        if progress is not None:
            progress("inputs certified", number, len(examples))
    errors, margins, *allowances = np.array(found).T
    largest = [float(each.max()) for each in allowances]
    return CertificateAround(frozen(errors), frozen(margins), frozen(classes), float(radius or 0.0), *largest)


def _around(nearby: Nearby, box: Ball, example: Array, own: int, effort: int) -> tuple[float, ...]:
    """Return error, margin and the two allowances over one box."""
    try:
        error, margin, ranges = _near(nearby, box, example, own, effort)
    except TooMuchWorkError:
        error, margin, ranges = _by_passes(nearby, box, own)
    allowances = [evaluation_allowance(nearby.problem, ranges, error, digits=digits) for digits in (53, 24)]
    return float(error.max()), margin, allowances[0], allowances[1]


def _near(nearby: Nearby, box: Ball, example: Array, own: int, effort: int) -> tuple[Array, float, list[Ranges]]:
    """Return bounds of each output's difference and of the margin, and ranges: quick ones, improved where open."""
    walk = Walk(nearby, box)
    errors, margin = _errors(walk), _least(walk.upper_bounds([_leads(walk, own)]))
    if not (effort and walk.symbols.units):
        return errors, margin, walk.ranges
    at_input = Walk(nearby, (example, example))
    enough = (1.0 + 1.0 / effort) * float(_errors(at_input).max())  # looser bounds are improved
    best = _least(at_input.upper_bounds([_leads(at_input, own)]))
    if margin > 0.0 and errors.max() <= enough:
        return errors, margin, walk.ranges
    by_passes, margin_by_passes, ranges = _by_passes(nearby, box, own)
    errors, margin = np.fmin(errors, by_passes), max(margin, margin_by_passes)
    if margin > 0.0 and errors.max() <= enough:
        return errors, margin, ranges
    walk = Walk(nearby, box, _STEPS * effort)
    errors = np.fmin(errors, _errors(walk))
    leads, both = _leads(walk, own), walk.output.difference
    margin = max(margin, _least(walk.upper_bounds([leads])))
    if -best < margin <= 0.0:  # far below that, cases are hopeless
        margin = max(margin, -Cases.of(walk.symbols, leads, enough=0.0, most=_CASES * effort).bound)
    if errors.max() > enough:
        cases = Cases.of(walk.symbols, stacked([both, negative(both)]), enough=enough, most=_CASES * effort)
        errors = np.fmin(errors, cases.bound)
    return errors, margin, walk.ranges


def _by_passes(nearby: Nearby, box: Ball, own: int) -> tuple[Array, float, list[Ranges]]:
    """Return the same by linear bounds of every neuron, which are better where most of them are undecided."""
    passes = passes_over(nearby.problem, box)
    return without_nan(sharpened(passes)), _margin(passes, own), passes.ranges


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

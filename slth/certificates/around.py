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
from slth.certificates.certificate import Box, CertificateAround
from slth.certificates.correspond import problem_of_both
from slth.certificates.interval import Array
from slth.certificates.near import Nearby, Walk
from slth.certificates.ranges import without_nan
from slth.certificates.rounding import evaluation_allowance
from slth.certificates.rows import Rows, TooMuchWorkError, nothing
from slth.certificates.selections import sharpened
from slth.certificates.symbols import negative
from slth.graphs import Graph
from slth.resources import Progress
from slth.tickets.folded import Folded

_OPEN = 2.0  # times the error at the input itself: first bounds that are looser are improved


def certify_around(
    target: Graph,
    source: Graph,
    folded: Mapping[str, Folded],
    inputs: ArrayLike,
    *,
    radius: float | None,
    input_box: Box | None = None,
    steps: int = 8,
    progress: Progress | None = None,
) -> CertificateAround:
    """Return the certificates around each of some inputs (see :func:`certify`)."""
    steps = whole(steps, "steps", 0, remedy="8 are quick, 40 are as good as all")
    examples, boxes = balls_around(target.input_shape, inputs, radius, input_box)
    classes = target.forward(examples).reshape(len(examples), -1).argmax(axis=1)
    known: dict[bool, Nearby] = {}
    found = []
    for number, (box, own) in enumerate(zip(boxes, classes.tolist(), strict=True), start=1):
        kind = nonnegative(box)
        if kind not in known:
            known[kind] = Nearby(problem_of_both(target, source, folded, nonnegative=kind)[0])
        with np.errstate(over="ignore", invalid="ignore"):
            found.append(_around(known[kind], box, examples[number - 1], own, steps))
        if progress is not None:
            progress("inputs certified", number, len(examples))
    errors, margins, *allowances = np.array(found).T
    largest = [float(each.max()) for each in allowances]
    return CertificateAround(frozen(errors), frozen(margins), frozen(classes), float(radius or 0.0), *largest)


def _around(nearby: Nearby, box: Ball, example: Array, own: int, steps: int) -> tuple[float, ...]:
    """Return error, margin and the two allowances over one box."""
    try:
        walk = Walk(nearby, box)
        error, margin = _bounds(walk, own)
        if steps and walk.symbols.units:
            at_input, _ = _bounds(Walk(nearby, (example, example)), own)
            if not (margin > 0.0 and error.max() <= _OPEN * at_input.max()):
                walk = Walk(nearby, box, steps)
                better, more = _bounds(walk, own)
                error, margin = np.fmin(error, better), max(margin, more)
        ranges = walk.ranges
    except TooMuchWorkError:
        passes = passes_over(nearby.problem, box)
        error, margin, ranges = without_nan(sharpened(passes)), _margin(passes, own), passes.ranges
    allowances = [evaluation_allowance(nearby.problem, ranges, error, digits=digits) for digits in (53, 24)]
    return float(error.max()), margin, allowances[0], allowances[1]


def _bounds(walk: Walk, own: int) -> tuple[Array, float]:
    """Return bounds of each output's difference, and a lower bound of both networks' margins."""
    both = walk.forms[walk.nearby.problem.output]
    outputs = len(both.target.wrong)
    error = np.maximum(*np.split(walk.upper_bounds([both.difference, negative(both.difference)]), 2))
    error = without_nan(np.fmin(error, walk.ranges[walk.nearby.problem.output].difference.magnitude))
    if outputs == 1:
        return error, math.inf
    rivals, mine = np.delete(np.arange(outputs), own), np.full(outputs - 1, own)
    lead = walk.less(both[rivals], both[mine])
    return error, -float(without_nan(walk.upper_bounds([lead.target, walk.sum(lead.target, lead.difference)])).max())


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

"""Certificates around each of some inputs: errors over a ball, and whether both networks give one class there."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import frozen
from slth.certificates.backward import Passes
from slth.certificates.balls import Ball, balls_around
from slth.certificates.bounds import nonnegative, passes_over
from slth.certificates.certificate import Box, CertificateAround
from slth.certificates.correspond import problem_of_both
from slth.certificates.problem import Problem
from slth.certificates.ranges import without_nan
from slth.certificates.rounding import evaluation_allowance
from slth.certificates.rows import Rows, nothing
from slth.certificates.selections import sharpened
from slth.graphs import Graph
from slth.resources import Progress
from slth.tickets.folded import Folded


def certify_around(
    target: Graph,
    source: Graph,
    folded: Mapping[str, Folded],
    inputs: ArrayLike,
    *,
    radius: float | None,
    input_box: Box | None = None,
    progress: Progress | None = None,
) -> CertificateAround:
    """Return the certificates around each of some inputs (see :func:`certify`)."""
    examples, boxes = balls_around(target.input_shape, inputs, radius, input_box)
    classes = target.forward(examples).reshape(len(examples), -1).argmax(axis=1)
    problems: dict[bool, Problem] = {}
    found = []
    for number, (box, own) in enumerate(zip(boxes, classes.tolist(), strict=True), start=1):
        kind = nonnegative(box)
        if kind not in problems:
            problems[kind], _ = problem_of_both(target, source, folded, nonnegative=kind)
        found.append(_around(problems[kind], box, own))
        if progress is not None:
            progress("inputs certified", number, len(examples))
    errors, margins, *allowances = np.array(found).T
    largest = [float(each.max()) for each in allowances]
    return CertificateAround(frozen(errors), frozen(margins), frozen(classes), float(radius or 0.0), *largest)


def _around(problem: Problem, box: Ball, own: int) -> tuple[float, float, float, float]:
    """Return error, margin and the two allowances over one box."""
    with np.errstate(over="ignore", invalid="ignore"):
        passes = passes_over(problem, box)
        error = without_nan(sharpened(passes))
        allowances = [evaluation_allowance(problem, passes.ranges, error, digits=digits) for digits in (53, 24)]
        return float(error.max()), _margin(passes, own), allowances[0], allowances[1]


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

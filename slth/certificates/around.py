"""Certificates around each of some inputs: errors over a ball, and whether both networks give one class there."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import Floats, finite_array, finite_number, frozen
from slth.certificates.backward import Passes
from slth.certificates.bounds import nonnegative, passes_over
from slth.certificates.certificate import Box, CertificateAround, as_box
from slth.certificates.correspond import problem_of_both
from slth.certificates.problem import Problem
from slth.certificates.ranges import without_nan
from slth.certificates.rounding import evaluation_allowance
from slth.certificates.rows import Rows, nothing
from slth.certificates.selections import sharpened
from slth.errors import ArgumentError
from slth.graphs import Graph
from slth.graphs.graph import examples_of
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
    examples = examples_of(finite_array(inputs, "inputs"), target.input_shape, "inputs")
    if not len(examples):
        raise ArgumentError("inputs", list(examples.shape), "hold no input", "pass at least one")
    width = finite_number(radius, "radius", remedy="pass 0.0 or more, such as 1 / 255")
    if width < 0.0:
        raise ArgumentError("radius", radius, "must not be negative", "pass 0.0 for the inputs themselves")
    limits = None if input_box is None else as_box(input_box, target.input_shape)
    if limits is not None and not ((examples >= limits[0]) & (examples <= limits[1])).all():
        raise ArgumentError("inputs", list(examples.shape), "lie outside the box", "leave input_box out, or widen it")
    classes = target.forward(examples).reshape(len(examples), -1).argmax(axis=1)
    problems: dict[bool, Problem] = {}
    found = []
    for number, (example, own) in enumerate(zip(examples, classes.tolist(), strict=True), start=1):
        box = _ball(example, width, limits)
        kind = nonnegative(box)
        if kind not in problems:
            problems[kind], _ = problem_of_both(target, source, folded, nonnegative=kind)
        found.append(_around(problems[kind], box, own))
        if progress is not None:
            progress("inputs certified", number, len(examples))
    errors, margins, *allowances = np.array(found).T
    return CertificateAround(
        frozen(errors), frozen(margins), frozen(classes), width, *(float(each.max()) for each in allowances)
    )  # fmt: skip


def _ball(example: Floats, radius: float, limits: tuple[Floats, Floats] | None) -> tuple[Floats, Floats]:
    """Return the box around an input: every double within the radius is in it."""
    if radius == 0.0:
        return example, example
    low, high = np.nextafter(example - radius, -np.inf), np.nextafter(example + radius, np.inf)
    return (low, high) if limits is None else (np.maximum(low, limits[0]), np.minimum(high, limits[1]))


def _around(problem: Problem, box: tuple[Floats, Floats], own: int) -> tuple[float, float, float, float]:
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

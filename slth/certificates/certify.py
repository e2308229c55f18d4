r"""A bound on the largest difference between a target and a ticket over a whole box of inputs, or around each of some.

The bound holds in real arithmetic, for the real numbers that the target's doubles and the sums of products of the
ticket's random doubles are; it is computed with outward rounding (:mod:`slth.certificates.interval` proves why). Ranges
(interval bound propagation) are computed node after node, those of affine maps are intersected with backward linear
bounds (:mod:`slth.certificates.backward`), and the outputs' differences are bounded once more by what all neurons share
(:mod:`slth.certificates.selections`). What floating-point evaluation can add is stated apart, for binary64 and binary32
(:mod:`slth.certificates.rounding`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import Floats, finite_array, finite_number, frozen
from slth.certificates.backward import Passes, narrowed
from slth.certificates.certificate import Certificate, CertificateAround, LayerBounds, as_box
from slth.certificates.correspond import check, problem_of_both
from slth.certificates.interval import Array, Interval
from slth.certificates.numbers import Exact
from slth.certificates.problem import Problem
from slth.certificates.ranges import Ranges, without_nan
from slth.certificates.rounding import evaluation_allowance
from slth.certificates.rows import Rows, nothing
from slth.certificates.rule import Norms
from slth.certificates.rules.affine import AffineRule
from slth.certificates.selections import sharpened
from slth.errors import ArgumentError
from slth.graphs import Graph
from slth.graphs.graph import examples_of
from slth.resources import Progress
from slth.tickets2.folded import Folded
from slth.tickets2.ticket import Ticket

_MOST_WORK = 4.0e8  # multiplications of sparse matrices in all linear bounds of hidden layers: some seconds

Box = tuple[ArrayLike, ArrayLike]


@overload
def certify(target: Graph, ticket: Ticket, *, input_box: Box | None = None) -> Certificate: ...
@overload
def certify(
    target: Graph,
    ticket: Ticket,
    *,
    inputs: ArrayLike,
    radius: float,
    input_box: Box | None = None,
    progress: Progress | None = None,
) -> CertificateAround: ...
def certify(
    target: Graph,
    ticket: Ticket,
    *,
    input_box: Box | None = None,
    inputs: ArrayLike | None = None,
    radius: float | None = None,
    progress: Progress | None = None,
) -> Certificate | CertificateAround:
    r"""Bound the difference between a target and a ticket over a box of inputs, or around each of some inputs.

    .. math:: \max_{x \in box} |ticket(x)_o - target(x)_o| \le per\_output_o

    Parameters
    ----------
    target : Graph
        With float64 weights: exact real numbers.
    ticket : Ticket
        Of the same nodes, with a random layer in the place of each convolution, or with copies of neurons as
        ``Shallow`` makes them; what its kept weights fold to is enclosed, never rounded.
    input_box : tuple of two array_like, optional
        Smallest and largest input: scalars, or arrays that broadcast to the input's shape. (0, 1) by default. With
        ``inputs`` it is what balls are clipped to, and by default nothing is.
    inputs : float64[inputs, *input_shape], optional
        Inputs around which to certify, one after the other.
    radius : float, optional
        Of the ball around each, in the largest norm; 0 asks for the inputs themselves.
    progress : callable, optional
        Called as progress("inputs certified", done, total).

    Returns
    -------
    Certificate, or CertificateAround where inputs are given

    Raises
    ------
    ArgumentError
        If the box is empty or not finite, the ticket's nodes are not the target's, an input lies outside the box, or a
        radius is negative.

    Examples
    --------
    >>> from slth.graphs import Conv, Node
    >>> from slth.rng import WeightLaw
    >>> from slth.tickets.mask import Mask
    >>> from slth.tickets2.pair import Pair
    >>> target = Graph((2,), [Node("layer0", Conv([[0.5, -0.25]]), ("input",))])
    >>> pair = Pair("layer0", inputs=2, outputs=1, units=3, bias=False)
    >>> weights = np.ones((3, 2, 1), bool)
    >>> mask = Mask({"layer0.units": weights.any(axis=2), "layer0.weights": weights})
    >>> source = Graph((2,), [Node("layer0", pair, ("input",))])
    >>> ticket = Ticket(source, WeightLaw("uniform", 1.0), 0, mask, [1.0])
    >>> corner = [[1.0, 0.0]]
    >>> difference = abs(ticket.forward(corner) - target.forward(corner)).max()
    >>> bool(difference <= certify(target, ticket, input_box=(0.0, 1.0)).error)
    True
    """
    if not isinstance(ticket, Ticket):
        raise ArgumentError("ticket", ticket, "must be a Ticket", "build or load one first")
    check(target, ticket.source)
    folded = {node.name: ticket.folded[node.step.path] for node in ticket.source.weighted}
    if inputs is None:
        if radius is not None:
            raise ArgumentError("radius", radius, "is that of a ball around inputs", "pass inputs too")
        box = as_box((0.0, 1.0) if input_box is None else input_box, target.input_shape)
        return certify_folded(target, ticket.source, folded, box)
    return certify_around(
        target, ticket.source, folded, inputs, radius=radius, input_box=input_box, progress=progress
    )  # fmt: skip


def certify_folded(
    target: Graph, source: Graph, folded: Mapping[str, Folded], box: tuple[Floats, Floats]
) -> Certificate:
    """Return the certificate of folded layers, which need not come from a ticket: before anything is solved, say.

    Parameters
    ----------
    target : Graph
    source : Graph
        The random network, or the target itself where each layer is folded to one of its own shape.
    folded : mapping of str to Folded
        For each node with weights, by its name; :func:`slth.certificates.tolerances.within` makes some.
    box : tuple of two float64[*input_shape]

    Returns
    -------
    Certificate

    Raises
    ------
    ArgumentError
        If the nodes do not correspond.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        problem, exact = problem_of_both(target, source, folded, nonnegative=_nonnegative(box))
        passes = passes_over(problem, box)
        ranges, norms = passes.ranges, _norms(problem, passes.ranges)
        by_lemma = _by_lemma(problem, box)
        norm_bound = min(norms[problem.output].wrong, by_lemma)
        # Both are bounds; each is rounded up in its own way, by which the sharper one may end up larger.
        per_output = frozen(np.minimum(without_nan(sharpened(passes)), norm_bound))
        return Certificate(
            error=float(per_output.max()),
            per_output=per_output,
            norm_bound=norm_bound,
            float64_allowance=evaluation_allowance(problem, ranges, per_output, digits=53),
            float32_allowance=evaluation_allowance(problem, ranges, per_output, digits=24),
            input_box=box,
            layers=tuple(_layer_bounds(problem, exact, ranges, norms, float(per_output.max()))),
        )


def certified_error(target: Graph, source: Graph, folded: Mapping[str, Folded], box: tuple[Floats, Floats]) -> float:
    """Return a bound on the largest difference alone, quickly: what bounds by selections would add is left out."""
    with np.errstate(over="ignore", invalid="ignore"):
        problem, _ = problem_of_both(target, source, folded, nonnegative=_nonnegative(box))
        ranges = passes_over(problem, box).ranges
        return float(without_nan(ranges[problem.output].difference.magnitude).max())


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
    examples = examples_of(finite_array(inputs, "inputs"), target.input_shape)
    if not len(examples):
        raise ArgumentError("inputs", list(examples.shape), "hold no input", "pass at least one")
    width = finite_number(radius, "radius", remedy="pass 0.0 or more, such as 1 / 255")
    if width < 0.0:
        raise ArgumentError("radius", radius, "must not be negative", "pass 0.0 for the inputs themselves")
    limits = None if input_box is None else as_box(input_box, target.input_shape)
    if limits is not None and not ((examples >= limits[0]) & (examples <= limits[1])).all():
        raise ArgumentError("inputs", list(examples.shape), "lie outside the box", "leave input_box out, or widen it")
    classes = target.forward(examples).reshape(len(examples), -1).argmax(axis=1)
    found = []
    for number, (example, own) in enumerate(zip(examples, classes.tolist(), strict=True), start=1):
        found.append(_around(target, source, folded, _ball(example, width, limits), own))
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


def _around(
    target: Graph, source: Graph, folded: Mapping[str, Folded], box: tuple[Floats, Floats], own: int
) -> tuple[float, float, float, float]:
    """Return error, margin and the two allowances over one box."""
    with np.errstate(over="ignore", invalid="ignore"):
        problem, _ = problem_of_both(target, source, folded, nonnegative=_nonnegative(box))
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


def _nonnegative(box: tuple[Floats, Floats]) -> bool:
    return bool((box[0] >= 0.0).all())


def passes_over(problem: Problem, box: tuple[Array, Array]) -> Passes:
    """Return the ranges of all nodes, the input first; those of affine maps are narrowed by linear bounds."""
    passes = Passes(problem, [Ranges.shared(Interval(box[0].ravel(), box[1].ravel()))])
    work = _MOST_WORK
    for number, place in enumerate(problem.places, start=1):
        own = place.rule.ranges(tuple(passes.ranges[source] for source in place.sources))
        # Where all that it takes are inputs, ranges are exact; a mean of inputs in front of one is not looked through.
        if isinstance(place.rule, AffineRule) and not place.picks and place.rule.narrowed:
            own, spent = narrowed(passes, number, own, most_work=work)
            work -= spent
        passes.ranges.append(own)
    return passes


def _norms(problem: Problem, ranges: list[Ranges]) -> list[Norms]:
    """Return the norms of all nodes, the input first."""
    norms = [Norms(float(ranges[0].target.magnitude.max()), 0.0)]
    for place in problem.places:
        before = tuple(ranges[source] for source in place.sources)
        found = place.rule.norms(tuple(norms[source] for source in place.sources), before)
        norms.append(Norms(*(math.inf if math.isnan(each) else each for each in (found.size, found.wrong))))
    return norms


def _by_lemma(problem: Problem, box: tuple[Array, Array]) -> float:
    """Return the bound of ranges with the theorem's lemma at attention, infinite without attention."""
    other = problem.by_lemma()
    if other is None:
        return math.inf
    return float(without_nan(passes_over(other, box).ranges[other.output].difference.magnitude).max())


def _layer_bounds(
    problem: Problem, exact: Mapping[str, Exact], ranges: list[Ranges], norms: list[Norms], error: float
) -> list[LayerBounds]:
    rows = []
    for place in problem.places:
        if not place.name:
            continue
        rule: Any = place.rule
        end, numbers = problem.ends[place.name], exact[place.name]
        errors, constants = rule.weight_errors(ranges[place.sources[0]])
        by_output = constants.reshape(numbers.shape.outputs, -1).max(axis=1)
        weighed = errors[numbers.weight.magnitude.ravel() != 0.0]
        nonzero = np.concatenate([weighed, by_output[numbers.bias.magnitude != 0.0]])
        known, norm = ranges[end], norms[end].wrong
        behind = error if end == problem.output else float(without_nan(known.difference.magnitude).max())
        rows.append(
            LayerBounds(
                node=place.name,
                largest_weight_error=max(float(errors.max()), float(by_output.max())),
                median_weight_error=float(np.median(nonzero)) if nonzero.size else 0.0,
                value=float(known.target.magnitude.max()),
                difference=min(behind, norm),
                norm_bound=norm,
            )
        )
    return rows

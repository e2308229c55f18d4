r"""Both networks over one box: ranges, backward bounds, norms and allowances, and the certificate that they make.

Ranges (interval bound propagation) are computed node after node, those of affine maps are intersected with backward
linear bounds (:mod:`slth.certificates.backward`), and the outputs are bounded once more by what all neurons
share (:mod:`slth.certificates.selections`), and of crude tickets by each network's own range
(:mod:`slth.certificates.apart`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from slth.arrays import Floats, frozen
from slth.certificates.apart import alone, between, can_improve
from slth.certificates.backward import Passes, narrowed
from slth.certificates.certificate import AttentionBounds, Certificate, LayerBounds
from slth.certificates.correspond import problem_of_both
from slth.certificates.interval import Array, Interval
from slth.certificates.numbers import Exact
from slth.certificates.problem import Problem
from slth.certificates.ranges import Ranges, without_nan
from slth.certificates.rounding import evaluation_allowance
from slth.certificates.rule import Norms
from slth.certificates.rules.affine import AffineRule
from slth.certificates.rules.attend import AttendRule
from slth.certificates.selections import sharpened
from slth.graphs import Graph
from slth.tickets.folded import Folded

_MOST_WORK = 4.0e8  # multiplications of sparse matrices in all linear bounds of hidden layers: some seconds


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
        problem, exact = problem_of_both(target, source, folded, nonnegative=nonnegative(box))
        passes = passes_over(problem, box)
        ranges, norms = passes.ranges, _norms(problem, passes.ranges)
        by_lemma = _by_lemma(problem, box)
        norm_bound = min(norms[problem.output].wrong, by_lemma)
        # Both are bounds; each is rounded up in its own way, by which the sharper one may end up larger.
        per_output = np.minimum(without_nan(sharpened(passes)), norm_bound)
        per_output = frozen(np.minimum(per_output, _one_by_one(passes, box, per_output)))
        return Certificate(
            error=float(per_output.max()),
            per_output=per_output,
            norm_bound=norm_bound,
            float64_allowance=evaluation_allowance(problem, ranges, per_output, digits=53),
            float32_allowance=evaluation_allowance(problem, ranges, per_output, digits=24),
            input_box=box,
            layers=tuple(_layer_bounds(problem, exact, ranges, norms, float(per_output.max()))),
            attention=tuple(_attention_bounds(problem, ranges)),
        )


def certified_error(target: Graph, source: Graph, folded: Mapping[str, Folded], box: tuple[Floats, Floats]) -> float:
    """Return a bound on the largest difference alone, quickly: what bounds by selections would add is left out."""
    with np.errstate(over="ignore", invalid="ignore"):
        problem, _ = problem_of_both(target, source, folded, nonnegative=nonnegative(box))
        ranges = passes_over(problem, box).ranges
        return float(without_nan(ranges[problem.output].difference.magnitude).max())


def nonnegative(box: tuple[Floats, Floats]) -> bool:
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
        if place.nonnegative:  # as real numbers; outward rounding may have gone below
            own = Ranges(own.target.relu(), own.ticket.relu(), own.difference)
        passes.ranges.append(own)
    return passes


def _one_by_one(passes: Passes, box: tuple[Array, Array], bounds: Array) -> Array:
    """Return what the ticket's own range says of differences: nothing where it is hardly better than ``bounds``.

    The difference of ranges is at least half as wide as either, of which the target's is known.
    """
    target = passes.ranges[passes.problem.output].target
    if not can_improve(bounds, without_nan(0.5 * (target.upper - target.lower))):
        return bounds
    ticket = passes_over(alone(passes.problem, ticket=True, nonnegative=nonnegative(box)), box)
    return between(target, ticket.ranges[ticket.problem.output].target)


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


def _attention_bounds(problem: Problem, ranges: list[Ranges]) -> list[AttentionBounds]:
    rows = []
    for place in problem.places:
        if isinstance(place.rule, AttendRule):
            before = tuple(ranges[source] for source in place.sources)
            error, spread, moved = place.rule.scores(before)
            _, _, by_lemma = replace(place.rule, by_lemma=True).scores(before)
            rows.append(AttentionBounds(place.name, error, spread, by_lemma, moved))
    return rows


def _layer_bounds(
    problem: Problem, exact: Mapping[str, Exact], ranges: list[Ranges], norms: list[Norms], error: float
) -> list[LayerBounds]:
    rows = []
    for place in problem.places:
        if place.name not in exact:
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

"""Constructions to a given error: shares of it for every weight, then more candidates until the certificate holds.

The shares allow every weight to miss by all of its share in the worst direction; errors that are found scatter within
it, so that the certificate of a ticket comes out several times smaller. Searches therefore begin with a multiple of the
share, and weights beyond a smaller multiple are searched again only when the certificate demands it.
"""

from __future__ import annotations

from slth.constructions.certify import Certificate, certified_error, certify_layers
from slth.constructions.effective import EffectiveLayer, effective_layers
from slth.constructions.forecast import candidates_needed
from slth.constructions.interval import Array
from slth.constructions.layout import LayerWork, assemble, lay_out_copies, lay_out_pairs
from slth.constructions.shares import weight_tolerances, within
from slth.constructions.solving import MOST_CANDIDATES, Setting
from slth.errors import ArgumentError, ConstructionError
from slth.subset_sum.prediction import SMALLEST_FAILURE
from slth.tickets import DenseNetwork, Ticket

Outcome = tuple[list[LayerWork], Ticket, Certificate]
Box = tuple[Array, Array]

FIRST_MULTIPLE, LAST_MULTIPLE = 8.0, 2.0**-10  # of the shares; 1 should do
LARGEST_LAYER = 2 * MOST_CANDIDATES  # then even an unlucky input has as many usable units as a search takes


def meet_with_pairs(
    target: DenseNetwork, box: Box, *, eps: float, delta: float, gain: str | float, setting: Setting
) -> Outcome:
    """Return the work, ticket and certificate of product pairs with ``certificate.error <= eps``.

    Candidates are nested, so only weights that miss their share are searched again when a layer grows.

    Raises
    ------
    ConstructionError
        If the largest number of candidates does not suffice.
    """
    plan = lay_out_pairs(target, box[0], candidates=[1] * len(target.layers), gain=gain, law=setting.law)
    tolerances = weight_tolerances(target, eps, box, [work.instances for work in plan])
    level = _level(delta, [work.instances for work in plan])
    counts = [
        min(LARGEST_LAYER, candidates_needed(work, FIRST_MULTIPLE * tolerance, level, setting.law))
        for work, tolerance in zip(plan, tolerances, strict=True)
    ]
    works = lay_out_pairs(target, box[0], candidates=counts, gain=gain, law=setting.law)
    return _grow(target, box, works, tolerances, eps=eps, setting=setting)


def meet_with_copies(
    target: DenseNetwork, box: Box, *, eps: float, delta: float, gain: str | float, setting: Setting
) -> Outcome:
    """Return the work, ticket and certificate of the depth-plus-one construction with ``certificate.error <= eps``.

    Half of eps goes to the plain random layers. They are solved first: how far they amplify the errors of the copies
    depends on which connections they keep, and the rest of eps goes to the copies by that. Copies are not nested (their
    number is a width), so where the plain layers miss, all of them are drawn anew with more copies.

    Raises
    ------
    ConstructionError
        If the largest number of candidates does not suffice.
    """
    works, behind, reached, level = _solve_plain_layers(target, box, eps=eps, delta=delta, gain=gain, setting=setting)
    share = _first_share(target, box, works[0], behind, eps=eps, reached=reached)
    works[0].grow(min(LARGEST_LAYER, candidates_needed(works[0], FIRST_MULTIPLE * share, level, setting.law)))
    return _grow(target, box, works, [share], eps=eps, setting=setting)


def _solve_plain_layers(
    target: DenseNetwork, box: Box, *, eps: float, delta: float, gain: str | float, setting: Setting
) -> tuple[list[LayerWork], list[EffectiveLayer], float, float]:
    """Return works whose plain layers are solved, those layers, what they cost, and the level of the prediction."""
    one = [1] * len(target.layers)
    plan = lay_out_pairs(target, box[0], candidates=one, gain=gain, law=setting.law)
    sample = lay_out_copies(target, box[0], candidates=one, gain=gain, law=setting.law)
    instances = [work.instances for work in plan]
    share, more = 0.5 * eps, 0
    while True:
        tolerances = weight_tolerances(target, share, box, instances)
        level = _level(delta, instances)
        counts = one[:1] + [
            min(MOST_CANDIDATES, candidates_needed(work, tolerance, level, setting.law) + more)
            for work, tolerance in list(zip(sample, tolerances, strict=True))[1:]
        ]
        works = lay_out_copies(target, box[0], candidates=counts, gain=gain, law=setting.law)
        for work, tolerance in list(zip(works, tolerances, strict=True))[1:]:
            work.tolerance = tolerance
            work.solve(setting)
        instances = [work.instances for work in works]  # copies of later layers' neurons are instances too
        behind = list(effective_layers(assemble(works, setting), target))[1:]
        reached = certified_error(target, [_copied(target, works[0], 0.0), *behind], box)
        if reached < 0.75 * eps:
            return works, behind, reached, level
        if any(work.wanted.any() for work in works[1:]):
            if max(counts) >= MOST_CANDIDATES:
                raise _unreachable(eps, reached, MOST_CANDIDATES)
            more += 2
        else:
            # Every share is met: copies' errors add up where the shares were measured on single neurons.
            share *= min(0.5, 0.5 * eps / reached)


def _first_share(
    target: DenseNetwork, box: Box, first: LayerWork, behind: list[EffectiveLayer], *, eps: float, reached: float
) -> float:
    """Return a weight error of the first layer that, with the solved layers behind it, certifies eps."""
    share = eps
    for _ in range(200):
        certified = certified_error(target, [_copied(target, first, share), *behind], box)
        if certified <= eps * (1.0 - 1e-6):
            break
        # The certificate is close to (what the layers behind cost) + slope * share.
        share *= min(0.9, max(1e-3, 0.999 * (eps - reached) / (certified - reached)))
    return share


def _copied(target: DenseNetwork, first: LayerWork, tolerance: float) -> EffectiveLayer:
    """Return the first layer of the depth-plus-one construction with every nonzero weight known to ``tolerance``."""
    return within(target.layers[0], tolerance, copies=first.layer.outputs // (target.layers[0].outputs + 1))


def _grow(
    target: DenseNetwork, box: Box, works: list[LayerWork], shares: list[float], *, eps: float, setting: Setting
) -> Outcome:
    """Solve the first layers, one for each share, and tighten and grow them until the certificate is within eps."""
    growing = works[: len(shares)]
    multiple = FIRST_MULTIPLE
    while True:
        for work, share in zip(growing, shares, strict=True):
            work.tighten(multiple * share)
            if work.wanted.any():
                work.solve(setting)
        ticket = assemble(works, setting)
        certificate = certify_layers(target, effective_layers(ticket, target), box)
        if certificate.error <= eps:
            return works, ticket, certificate
        missing = [work for work in growing if work.wanted.any()]
        exhausted = (
            multiple <= LAST_MULTIPLE if not missing else max(work.candidates for work in missing) >= LARGEST_LAYER
        )
        if exhausted:
            raise _unreachable(eps, certificate.error, max(work.candidates for work in growing))
        for work in missing:
            work.grow(min(LARGEST_LAYER, work.candidates + max(2, work.candidates // 8)))
        if not missing:
            multiple /= 2.0


def _level(delta: float, instances: list[int]) -> float:
    """Return the failure probability of one instance, of which all together may fail with probability delta."""
    total = max(1, sum(instances))
    if delta / total < SMALLEST_FAILURE:
        raise ArgumentError(
            "delta",
            delta,
            f"is too small for {total} subset-sum instances: their share of it must be at least {SMALLEST_FAILURE}",
            f"pass a delta of {2.0 * SMALLEST_FAILURE * total:.0e} or more, such as 0.01",
        )
    return delta / total


def _unreachable(eps: float, reached: float, candidates: int) -> ConstructionError:
    return ConstructionError(
        f"eps={eps} could not be certified: {candidates} candidates for each weight came to {reached:.3g}; "
        "allow a larger eps, or a smaller input box"
    )

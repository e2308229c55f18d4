"""Chains with copies of neurons to a given error: half of it for the plain layers, the rest for the copies.

The plain random layers are solved first: how far they amplify the errors of the copies depends on which connections
they keep, and the rest goes to the copies by that. Copies are not nested (their number is a width), so where the plain
layers miss, all of them are drawn anew with more copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slth.arrays import Floats
from slth.certificates import Certificate, certified_error, certify
from slth.certificates.tolerances import known
from slth.constructions.assembly import assemble, built
from slth.constructions.budget import (
    FIRST_MULTIPLE,
    Budget,
    failure_level,
    first_candidates,
    spend,
    unreachable,
)
from slth.constructions.copies import lay_out_copies
from slth.constructions.error_budget import weight_tolerances
from slth.constructions.layout import Work, lay_out
from slth.constructions.method import Built
from slth.constructions.setting import Setting
from slth.constructions.solving import MOST_CANDIDATES, Answer, begin, search
from slth.constructions.sums import BySums
from slth.graphs import Conv, Graph, Node
from slth.tickets.folded import Folded
from slth.tickets.ticket import Ticket

_MOST_ROUNDS = 100
_FIRST_ROUNDS = 200


@dataclass(frozen=True, eq=False)
class _Behind:
    """The solved plain layers, and what stands in front of them."""

    answers: list[Answer]
    ticket: Ticket
    level: float

    def error(self, target: Graph, share: float, setting: Setting) -> float:
        """Return the certified error with every weight of the first layer known to a share."""
        first = self.answers[0].work
        folded = {**self.ticket.folded, first.layer.path: known_to(first, share)}
        return certified_error(target, self.ticket.graph, folded, setting.box)


def meet_with_copies(target: Graph, chain: Sequence[Node], method: BySums, setting: Setting) -> Built:
    """Return a ticket of one layer more than the target, with ``certificate.error <= method.eps``."""
    assert method.eps is not None, "checked by the method"
    behind = _plain_layers(target, chain, method, setting)
    share = _first_share(target, behind, method.eps, setting)
    first = behind.answers[0]
    count = first_candidates(first.work, first.gain, FIRST_MULTIPLE * share, behind.level, setting)
    rest = behind.answers[1:]

    def proved(answers: Sequence[Answer]) -> tuple[Ticket, Certificate]:
        ticket = assemble(target, [*answers, *rest], setting)
        return ticket, certify(target, ticket, input_box=setting.box)

    budget, ticket, certificate = spend(Budget(method.eps, (share,), (first.grown(count),)), proved, setting)
    return built(target, [*budget.answers, *rest], setting, ticket, certificate)


def _plain_layers(target: Graph, chain: Sequence[Node], method: BySums, setting: Setting) -> _Behind:
    """Return the layers of which all but the first are solved, well within eps."""
    assert method.eps is not None, "checked by the method"
    singles = lay_out(target, nonnegative=setting.nonnegative)
    counts = np.array([work.instances for work in singles])
    share, more = 0.5 * method.eps, 0  # part of eps, and copies beyond what the prediction asks for
    for _ in range(_MOST_ROUNDS):
        tolerances = weight_tolerances(target, singles, share, counts, setting.box)
        level = failure_level(method, counts)
        copies = _copies(chain, tolerances, level, more, method, setting)
        answers = _solved(chain, copies, tolerances, method, setting)
        counts = np.array([answer.work.instances for answer in answers])  # of copies of later neurons too
        behind = _Behind(answers, assemble(target, answers, setting), level)
        reached = behind.error(target, 0.0, setting)
        if reached < 0.75 * method.eps:
            return behind
        if not any(answer.wanted.any() for answer in answers[1:]):
            # Every share is met: copies' errors add up where the shares were measured on single neurons.
            share *= min(0.5, 0.5 * method.eps / reached)
        elif max(copies) >= MOST_CANDIDATES:
            break
        else:
            more += 2
    raise unreachable(method.eps, reached, max(copies))


def _copies(
    chain: Sequence[Node], tolerances: Floats, level: float, more: int, method: BySums, setting: Setting
) -> list[int]:
    """Return the candidates of each layer: 1 for the first, which is not solved yet, and copies for the others."""
    sample = lay_out_copies(chain, [1] * len(chain), nonnegative=setting.nonnegative)
    return [1] + [
        min(
            MOST_CANDIDATES,
            more + first_candidates(work, method.gain_of(work, setting), tolerance, level, setting),
        )
        for work, tolerance in zip(sample[1:], tolerances.tolist()[1:], strict=True)
    ]


def _solved(
    chain: Sequence[Node], copies: list[int], tolerances: Floats, method: BySums, setting: Setting
) -> list[Answer]:
    works = lay_out_copies(chain, copies, nonnegative=setting.nonnegative)
    answers = []
    for number, (work, count) in enumerate(zip(works, copies, strict=True)):
        answer = begin(work, method.gain_of(work, setting), count)
        answers.append(search(answer.tightened(float(tolerances[number])), setting) if number else answer)
    return answers


def _first_share(target: Graph, behind: _Behind, eps: float, setting: Setting) -> float:
    """Return a weight error of the first layer that, with the solved layers behind it, certifies eps."""
    reached, share = behind.error(target, 0.0, setting), eps
    for _ in range(_FIRST_ROUNDS):
        certified = behind.error(target, share, setting)
        if certified <= eps * (1.0 - 1e-6):
            break
        # The certificate is close to (what the layers behind cost) + slope * share.
        share *= min(0.9, max(1e-3, 0.999 * (eps - reached) / (certified - reached)))
    return share


def known_to(work: Work, tolerance: float) -> Folded:
    """Return a first layer with every weight that is not 0 known to a tolerance: what it will be, once solved."""
    rows = work.slices.T
    return known(Conv(rows[:, :-1], rows[:, -1]), tolerance, (1, 1))

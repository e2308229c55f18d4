"""Constructions to a given error: shares of it for every weight, then more candidates until the certificate holds.

The shares allow every weight to miss by all of its share in the worst direction; errors that are found scatter within
it, so that the certificate of a ticket comes out several times smaller. Searches therefore begin with a multiple of the
share, and weights beyond a smaller multiple are searched again only when the certificate demands it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from slth.arrays import Floats, Indices
from slth.certificates import Certificate, certify
from slth.constructions.assembly import assemble, built
from slth.constructions.error_budget import beyond_doubles, weight_tolerances
from slth.constructions.forecast import candidates_needed
from slth.constructions.layout import Work
from slth.constructions.method import Built
from slth.constructions.setting import Setting
from slth.constructions.solving import MOST_CANDIDATES, Answer, begin, search
from slth.constructions.sums import BySums
from slth.errors import ArgumentError, ConstructionError
from slth.graphs import INPUT, Flatten, Graph, Node, Relu
from slth.subset_sum.prediction import SMALLEST_FAILURE
from slth.tickets.folded import FINEST
from slth.tickets.ticket import Ticket

FIRST_MULTIPLE, LAST_MULTIPLE = 8.0, 2.0**-10  # of the shares; 1 should do
LARGEST_LAYER = 2 * MOST_CANDIDATES  # then even an unlucky source has as many usable units as a search takes
_POINTS = 16
_MOST_ATTEMPTS = 1000  # never reached: each attempt adds candidates to a layer, or halves the multiple


@dataclass(frozen=True, eq=False)
class Budget:
    """An error to certify, shared among the weights of some layers, and the state of these layers."""

    eps: float
    shares: tuple[float, ...]
    answers: tuple[Answer, ...]
    multiple: float = FIRST_MULTIPLE

    @property
    def missing(self) -> bool:
        """Whether weights miss what they have to meet now."""
        return any(answer.wanted.any() for answer in self.answers)

    @property
    def exhausted(self) -> bool:
        """Whether neither more candidates nor a smaller multiple is left."""
        if not self.missing:
            return self.multiple <= LAST_MULTIPLE
        return all(answer.candidates >= most(answer.work) for answer in self.answers if answer.wanted.any())

    def searched(self, setting: Setting) -> Budget:
        """Return the budget after a search of all weights that miss."""
        tight = [
            answer.tightened(self.multiple * share) for answer, share in zip(self.answers, self.shares, strict=True)
        ]
        found = [search(answer, setting) if answer.wanted.any() else answer for answer in tight]
        return replace(self, answers=tuple(found))

    def tightened(self) -> Budget:
        """Return the budget with half of the multiple."""
        return replace(self, multiple=0.5 * self.multiple)

    def grown(self) -> Budget:
        """Return the budget with more candidates in each layer whose weights miss."""
        return replace(
            self,
            answers=tuple(
                answer.grown(min(most(answer.work), answer.candidates + max(2, answer.candidates // 8)))
                if answer.wanted.any()
                else answer
                for answer in self.answers
            ),
        )


def most(work: Work) -> int:
    """Return the largest number of candidates that a layer is given."""
    return LARGEST_LAYER if work.rectified else MOST_CANDIDATES


def spend(
    budget: Budget, proved: Callable[[Sequence[Answer]], tuple[Ticket, Certificate]], setting: Setting
) -> tuple[Budget, Ticket, Certificate]:
    """Search, tighten and grow until the certificate is within the budget's error."""
    for _ in range(_MOST_ATTEMPTS):
        budget = budget.searched(setting)
        ticket, certificate = proved(budget.answers)
        if certificate.error <= budget.eps:
            return budget, ticket, certificate
        if budget.exhausted:
            break
        budget = budget.grown() if budget.missing else budget.tightened()
    raise unreachable(budget.eps, certificate.error, max(answer.candidates for answer in budget.answers))


def meet(target: Graph, works: Sequence[Work], method: BySums, setting: Setting) -> Built:
    """Return a ticket of pairs with ``certificate.error <= method.eps``.

    Candidates are nested, so only weights that miss their share are searched again when a layer grows.
    """
    assert method.eps is not None, "checked by the method"
    check_within_doubles(target, method.eps, setting.box)
    counts = np.array([work.instances for work in works])
    shares = weight_tolerances(target, works, method.eps, counts, setting.box)
    level = failure_level(method, counts)
    answers = []
    for work, share in zip(works, shares.tolist(), strict=True):
        gain = method.gain_of(work, setting)
        answers.append(begin(work, gain, first_candidates(work, gain, FIRST_MULTIPLE * share, level, setting)))

    def proved(answers: Sequence[Answer]) -> tuple[Ticket, Certificate]:
        ticket = assemble(target, answers, setting)
        return ticket, certify(target, ticket, input_box=setting.box)

    budget, ticket, certificate = spend(Budget(method.eps, tuple(shares.tolist()), tuple(answers)), proved, setting)
    return built(target, budget.answers, setting, ticket, certificate)


def check_within_doubles(target: Graph, eps: float, box: tuple[Floats, Floats]) -> None:
    r"""Raise for an error that no certificate of pairs can reach, however many candidates there are.

    Folding encloses every weight a of a pair to :math:`\pm 5 \cdot 2^{-51} |a|` at best, and a certificate covers all
    weights within. So behind a last pair it is at least :math:`5 \cdot 2^{-51} |f'(x)|` for any input x, with
    :math:`|f'(x)| \ge |f(x)| - \varepsilon`; half of that is left to the rounding of f.
    """
    node = target.node(target.output)
    while isinstance(node.step, Relu | Flatten) and node.inputs[0] != INPUT:
        node = target.node(node.inputs[0])

    def held(one: Node, taken: tuple[Floats, ...]) -> Floats:
        found: Floats = one.step.forward(*taken)
        if not np.isfinite(found).all():
            raise beyond_doubles(eps, one.name)
        return found

    ends = np.array([0.0, 0.5, 1.0])
    shares = np.random.default_rng(0).choice(ends, (_POINTS, target.inputs))  # at regular ones huge weights may cancel
    shares[: len(ends)] = ends[:, None]
    points = (1.0 - shares) * box[0].ravel() + shares * box[1].ravel()
    with np.errstate(over="ignore", invalid="ignore"):
        least = FINEST * float(np.abs(target.run(points.reshape(-1, *target.image_shape), held)).max())
    if node.step.weighted and eps < 0.5 * least:
        rule = (
            f"is beyond double precision: enclosing the ticket's weights at node {node.name} costs more over this box"
        )
        raise ArgumentError("eps", eps, rule, f"the smallest that could be reached is {least:.1e}")


def first_candidates(work: Work, gain: float, tolerance: float, level: float, setting: Setting) -> int:
    """Return how many candidates to begin with, as random subset sum predicts, and no more than a layer is given."""
    try:
        return min(most(work), candidates_needed(work, gain, tolerance, level, setting.law))
    except ConstructionError:  # thousands would not do: what is reached with the most is said in the end
        return most(work)


def failure_level(method: BySums, counts: Indices) -> float:
    """Return the failure probability of one instance, of which all together may fail with probability delta."""
    assert method.delta is not None, "checked by the method"
    total = max(1, int(counts.sum()))
    if method.delta / total < SMALLEST_FAILURE:
        rule = f"is too small for {total} subset-sum instances: their share of it must be at least {SMALLEST_FAILURE}"
        remedy = f"pass a delta of {2.0 * SMALLEST_FAILURE * total:.0e} or more, such as 0.01"
        raise ArgumentError("delta", method.delta, rule, remedy)
    return method.delta / total


def unreachable(eps: float, reached: float, candidates: int) -> ConstructionError:
    """Return the error that says how far it came."""
    return ConstructionError(
        f"eps={eps} could not be certified: {candidates} candidates for each weight came to {reached:.3g}; "
        "allow a larger eps, or a smaller input box"
    )

"""Networks as tickets whose single weights are removed: every weight is a subset sum of products of random weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from slth.constructions.assembly import built
from slth.constructions.budget import meet
from slth.constructions.layout import lay_out
from slth.constructions.method import Built, Traits
from slth.constructions.setting import Setting
from slth.constructions.solving import Answer, begin, search
from slth.constructions.sums import BySums
from slth.graphs import Graph
from slth.rng import WeightLaw

_LARGEST_GAIN = 2.0**1000  # what is beyond it is not doubled


@dataclass(frozen=True)
class PerWeight(BySums):
    r"""Approximate every weight of a network by a subset sum over products of random weights.

    Each convolution (a linear layer is one of size 1) becomes a random convolution of size 1, block-masked so that a
    hidden channel sees one source alone, and a random one of the target's size of which single weights are removed.
    Entry (o, a, b) of a source's kernel is a sum of products :math:`u_k v_{koab}`, and the hidden channels are re-used
    over all entries. The products of a hidden channel with u > 0 serve x > 0, those of the others x < 0.

    Where only an attention takes the result there is no ReLU between the two: products of either sign serve, one sum
    serves all inputs, and no layer is added. Weights uniform on (-1, 1) are then, for queries and keys, the theorem's
    :math:`U[-n_K^{1/4}, n_K^{1/4}]` with scores divided by :math:`\sqrt{n_K}`, the inner width :math:`n_K` being
    width * candidates.

    Sources: Pensia et al. 2020, "Optimal Lottery Tickets via SubsetSum" (arXiv 2006.07990; unverified) for linear
    layers; da Cunha, Natale and Viennot 2022, "Proving the Strong Lottery Ticket Hypothesis for Convolutional Neural
    Networks" (unverified); Otsuka et al. 2025 (arXiv 2511.04217), theorem 3 and lemmas 4 and 7, for attention.

    Parameters
    ----------
    candidates : int, optional
        Candidates of each weight, searched to the optimum: each source has ``2 * candidates`` hidden channels, of which
        those with the right sign of u are usable, about half, and at most ``candidates`` are offered; without a ReLU
        between it has ``candidates``. No more than 48 are offered, which exact solvers take.
    eps, delta : float, optional
        Instead of ``candidates``: the certified error to reach, and the probability that the first number of candidates
        does not suffice (then more are offered until it does). ``0 < eps``, finite; ``delta < 1`` and, shared among the
        subset-sum instances of the target, at least 1e-20 for each.
    gain : {"auto", "unit"} or float
        What the outputs of each layer are multiplied by: "auto" is the smallest power of two for which weight / gain
        lies within [-1, 1]; in networks with attention it is doubled while that takes a quarter off the layer's largest
        error, for where the shared first factors of a row are small a heavy entry is out of reach. "unit" is 1.
    solver : Solver, optional
        As for :func:`slth.solve_batch`.

    Raises
    ------
    ArgumentError
        If neither or both of ``candidates`` and (``eps``, ``delta``) are given, or a value is outside its range.

    Examples
    --------
    >>> target = slth.Graph((2,), [slth.Node("linear", slth.Conv([[0.5, -0.25]], [0.1]), ("input",))])
    >>> slth.PerWeight(candidates=16).construct(target).certificate.error < 0.001
    True
    """

    traits: ClassVar[Traits] = Traits.STRONG | Traits.REACHES_EPS
    usual_law: ClassVar[WeightLaw] = WeightLaw("uniform", 1.0)

    def build(self, target: Graph, setting: Setting) -> Built:
        setting = replace(setting, solver=self.solver)
        works = lay_out(target, nonnegative=setting.nonnegative)
        if self.candidates is None:
            return meet(target, works, self, setting)
        doubling = self.gain == "auto" and not all(work.rectified for work in works)
        solve = search_gains if doubling else search
        return built(
            target,
            [solve(begin(work, self.gain_of(work, setting), self.candidates), setting) for work in works],
            setting,
        )


def search_gains(answer: Answer, setting: Setting) -> Answer:
    """Return the best of the answers with the gain, twice the gain, and so on while that pays.

    A gain is tried on the worst weights first: a quarter has to be taken off every one of them, and then off all.
    """
    answer = search(answer, setting)
    while answer.work.instances and answer.gain < _LARGEST_GAIN:
        limit = 0.75 * float(answer.solved.errors.max())
        doubled = replace(begin(answer.work, 2.0 * answer.gain, answer.candidates), seconds=answer.seconds)
        worst = np.where(answer.solved.errors >= limit, np.inf, 0.0)
        trial = search(replace(doubled, solved=replace(doubled.solved, errors=worst)), replace(setting, progress=None))
        seconds = trial.seconds
        if trial.solved.errors.max() < limit:
            trial = search(replace(doubled, seconds=seconds), setting)
            seconds = trial.seconds
        if not trial.solved.errors.max() < limit:
            return replace(answer, seconds=seconds)
        answer = trial
    return answer

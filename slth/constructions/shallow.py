"""Chains of linear layers as tickets of one layer more: copies of neurons in the place of products."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from slth.constructions.assembly import built
from slth.constructions.copies import chain_of, lay_out_copies
from slth.constructions.copies_budget import meet_with_copies
from slth.constructions.method import Built, Traits
from slth.constructions.setting import Setting
from slth.constructions.solving import begin, search
from slth.constructions.sums import BySums
from slth.graphs import Graph
from slth.rng import WeightLaw


@dataclass(frozen=True)
class Shallow(BySums):
    r"""Approximate a chain of linear layers by a random network that is one layer deeper.

    Only the first layer is a pair, whose outputs are copies of each neuron and of the constant 1; every later weight is
    a sum of plain random weights over the copies of its input (Burkholz 2022, "Most Activation Functions Can Win the
    Lottery Without Excessive Depth", arXiv 2205.02321; unverified).

    Parameters
    ----------
    candidates : int, optional
        Products offered for each weight of the first layer, as :class:`PerWeight` has it, and copies of each neuron; no
        more than 48 are offered.
    eps, delta, gain, solver
        As :class:`PerWeight` has them.

    Raises
    ------
    ArgumentError
        If neither or both of ``candidates`` and (``eps``, ``delta``) are given, or a value is outside its range.

    Examples
    --------
    >>> from slth.graphs import Conv, Graph, Node, Relu
    >>> target = Graph((2,), [Node("first", Conv([[0.5, -0.25]]), ("input",)), Node("relu", Relu(), ("first",)),
    ...                       Node("second", Conv([[0.75]]), ("relu",))])
    >>> slth.Shallow(candidates=16).construct(target).certificate.error < 0.01
    True
    """

    traits: ClassVar[Traits] = Traits.STRONG | Traits.REACHES_EPS | Traits.CHAINS_ONLY
    usual_law: ClassVar[WeightLaw] = WeightLaw("uniform", 1.0)

    def build(self, target: Graph, setting: Setting) -> Built:
        setting = replace(setting, solver=self.solver)
        chain = chain_of(target)
        if self.candidates is None:
            return meet_with_copies(target, chain, self, setting)
        works = lay_out_copies(chain, [self.candidates] * len(chain), nonnegative=setting.nonnegative)
        answers = [search(begin(work, self.gain_of(work, setting), self.candidates), setting) for work in works]
        return built(target, answers, setting)

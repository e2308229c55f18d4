"""Sources that cost less memory: partially frozen ones, and one source for several targets."""

from __future__ import annotations

import math
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import Parameter, small, whole

SHARING = "'Memory Savings by Sharing One Source', ICLR 2025 submission, public reviews"

Width = Annotated[int, whole("the width d of the targets")]
Delta = Annotated[float, small("delta, the failure probability")]


@bound(
    "otsuka2024.candidates",
    "Otsuka et al., 'Partially Frozen Random Networks Contain Compact Strong Lottery Tickets', TMLR 2025, "
    "arXiv 2402.14029; the number is this project's",
    quantity="candidates for one weight",
    provenance="derived",
    direction="estimate",
    assumes=(Assumption(words="which weights are frozen is drawn at random, before any is looked at"),),
    count=True,
    caveat="that subset sums give tickets in frozen sources is found in the abstract, its formula was not read",
)
def frozen_candidates(
    *,
    candidates: Annotated[int, whole("the candidates n that are enough without freezing", most=1e12)],
    frozen: Annotated[float, Parameter(meaning="F, the part that is frozen", least=0.0, below=1.0, monotone=1)],
) -> float:
    """Candidates of a partially frozen source.

    Freezing a part F at random (pruned or locked) leaves n (1-F) free candidates on average, so n grows by 1/(1-F);
    locked ones move the target by their sum.

    >>> frozen_candidates(candidates=21, frozen=0.5)
    42.0
    """
    return candidates / (1.0 - frozen)


@bound(
    "sharing2025.shared",
    SHARING,
    quantity="width of the source",
    provenance="found",
    constant="d ln(1/delta)",
    count=True,
    caveat="from public reviews of a submission, one of which describes the union bound over delta/m",
)
def shared_width(*, width: Width, delta: Delta, constant: float) -> float:
    """Width of one source that m targets share.

    One source of width C d ln(1/delta) for m targets, with m + 1 planes of masks.

    >>> shared_width(width=100, delta=0.01, constant=1.0)
    461.0
    """
    return constant * width * -math.log(delta)


@bound(
    "sharing2025.separate",
    SHARING,
    quantity="width of one source",
    provenance="found",
    constant="d ln(m/delta)",
    count=True,
    caveat="from public reviews of a submission, one of which describes the union bound over delta/m",
)
def separate_width(
    *, width: Width, targets: Annotated[int, whole("the number m of targets")], delta: Delta, constant: float
) -> float:
    """Width of each source when m targets have their own.

    m sources of width C d ln(m/delta), one for each target.

    >>> separate_width(width=100, targets=4, delta=0.01, constant=1.0)
    600.0
    """
    return constant * width * math.log(targets / delta)

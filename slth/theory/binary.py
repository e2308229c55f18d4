"""Sources with binary weights, and weights that are drawn again."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import small, whole

SREENIVASAN = (
    "Sreenivasan, Rajput, Sohn, Papailiopoulos, 'Finding Nearly Everything within Random Binary Networks', AISTATS "
    "2022, arXiv 2110.08996; as cited by Kumar, Natale 2025, arXiv 2508.11020"
)
ORDER = "the order alone, through a citing paper; the hypotheses were not read"
BINARY = Assumption(words="weights of the source are -1 or +1 (up to a scale), those of the target are real numbers")

Depth = Annotated[int, whole("the depth l of the target")]
Width = Annotated[int, whole("the width d of the target")]
Error = Annotated[float, small("the error")]

_bound = partial(bound, provenance="found", count=True, assumes=(BINARY,))


@_bound(
    "diffenderfer2021.width",
    "Diffenderfer, Kailkhura, 'Multi-Prize Lottery Ticket Hypothesis', ICLR 2021, arXiv 2103.09377; "
    "as cited by Kumar, Natale 2025, arXiv 2508.11020",
    quantity="width of the source",
    constant="l d^(3/2)/eps + l d ln(l d/eps)",
    caveat=f"{ORDER}; the base of the logarithm is not given, e here, and C does not absorb it beside the other term",
)
def multi_prize_width(*, width: Width, depth: Depth, eps: Error, constant: float) -> float:
    """Width of a binary source, multi-prize tickets.

    A target of width d and depth l is approximated within eps by pruning a binary source of width C
    (l d^(3/2)/eps + l d ln(l d/eps)).

    >>> multi_prize_width(width=100, depth=2, eps=0.01, constant=1.0)
    201981.0
    """
    return constant * (depth * width * math.sqrt(width) / eps + depth * width * math.log(depth * width / eps))


@_bound(
    "sreenivasan2022.width",
    SREENIVASAN,
    quantity="width of the source",
    constant="d ln^2(d l/eps)",
    caveat=ORDER,
)
def binary_width(*, width: Width, depth: Depth, eps: Error, constant: float) -> float:
    """Width of a deep binary source.

    A target of width d and depth l is approximated within eps by pruning a binary source of width C d ln^2(d l/eps) and
    depth C' l ln(d l/eps).

    >>> binary_width(width=100, depth=2, eps=0.01, constant=1.0)
    9808.0
    """
    return constant * width * math.log(width * depth / eps) ** 2


@_bound(
    "sreenivasan2022.depth",
    SREENIVASAN,
    quantity="layers of the source",
    constant="l ln(d l/eps)",
    caveat=ORDER,
)
def binary_depth(*, width: Width, depth: Depth, eps: Error, constant: float) -> float:
    """Depth of a deep binary source.

    The depth that goes with sreenivasan2022.width: C l ln(d l/eps).

    >>> binary_depth(width=100, depth=2, eps=0.01, constant=1.0)
    20.0
    """
    return constant * depth * math.log(width * depth / eps)


@bound(
    "chijiwa2021.draws",
    "Chijiwa et al., 'Pruning Randomly Initialized Neural Networks with Iterative Randomization', NeurIPS "
    "2021, arXiv 2106.09269, key lemma (its form); the numbers are this project's",
    quantity="draws for each weight, R",
    provenance="derived",
    assumes=(Assumption(words="draws are independent and uniform on [-1, 1], targets lie in [-1, 1]"),),
    count=True,
    caveat="the paper's theorem has the number of re-samplings for whole networks, which was not read",
)
def resampling_draws(
    *,
    weights: Annotated[int, whole("the number of weights that are to be hit, N", most=1e12)],
    eps: Annotated[float, small("how near a draw must come")],
    delta: Annotated[float, small("the probability that some weight is missed")],
) -> float:
    """Draws of one weight until it is near a target (re-sampling).

    N numbers of [-1,1], R draws of U[-1,1] for each: R >= ln(N/delta) / -ln(1 - eps/2) => with probability >= 1 - delta
    every number has one of its draws within eps.

    At least half of the interval of length 2 eps around a number of [-1, 1] lies in [-1, 1], so that one draw misses it
    with probability at most 1 - eps/2, and R draws all miss with the R-th power.

    >>> resampling_draws(weights=1, eps=0.01, delta=0.01)
    919.0
    """
    return math.log(weights / delta) / -math.log1p(-eps / 2.0)

"""Sources with binary weights, and weights that are drawn again.

Formulas raise nothing of their own: the bound that holds one checks its arguments first. The base of an unspecified
logarithm is taken to be e.
"""

from __future__ import annotations

import math

from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import small, whole

DEPTH = whole("the depth l of the target")
WIDTH = whole("the width d of the target")
ERROR = small("the error")
BINARY = Assumption(words="weights of the source are -1 or +1 (up to a scale), those of the target are real numbers")


def multi_prize_width(*, width: float, depth: float, eps: float, constant: float) -> float:
    r"""Return the width of a binary source, :math:`C (l d^{3/2} / \epsilon + l d \ln(l d / \epsilon))`.

    Parameters
    ----------
    width, depth : int
        d and l of the target.
    eps : float
        Error.
    constant : float
        C.

    Returns
    -------
    float
        Width of the source.

    Notes
    -----
    Source: Diffenderfer and Kailkhura 2021 (arXiv 2103.09377), as Kumar and Natale 2025 (arXiv 2508.11020) cite it.

    Examples
    --------
    >>> round(multi_prize_width(width=100, depth=2, eps=0.01, constant=1.0))
    201981
    """
    return constant * (depth * width * math.sqrt(width) / eps + depth * width * math.log(depth * width / eps))


def binary_width(*, width: float, depth: float, eps: float, constant: float) -> float:
    r"""Return the width of a binary source, :math:`C d \ln^2(d l / \epsilon)`.

    Parameters
    ----------
    width, depth : int
        d and l of the target.
    eps : float
        Error.
    constant : float
        C.

    Returns
    -------
    float
        Width of the source.

    Notes
    -----
    Source: Sreenivasan et al. 2022 (arXiv 2110.08996), as Kumar and Natale 2025 (arXiv 2508.11020) cite it.

    Examples
    --------
    >>> round(binary_width(width=100, depth=2, eps=0.01, constant=1.0))
    9808
    """
    return constant * width * math.log(width * depth / eps) ** 2


def binary_depth(*, width: float, depth: float, eps: float, constant: float) -> float:
    r"""Return the depth of a binary source, :math:`C l \ln(d l / \epsilon)`.

    Parameters
    ----------
    width, depth : int
        d and l of the target.
    eps : float
        Error.
    constant : float
        C.

    Returns
    -------
    float
        Layers of the source.

    Notes
    -----
    Source: Sreenivasan et al. 2022 (arXiv 2110.08996), as Kumar and Natale 2025 (arXiv 2508.11020) cite it.

    Examples
    --------
    >>> round(binary_depth(width=100, depth=2, eps=0.01, constant=1.0), 1)
    19.8
    """
    return constant * depth * math.log(width * depth / eps)


def resampling_draws(*, weights: float, eps: float, delta: float) -> float:
    r"""Return the draws with which all weights are hit, :math:`\ln(N / \delta) / -\ln(1 - \epsilon / 2)`.

    At least half of the interval of length :math:`2\epsilon` around a number of [-1, 1] lies in [-1, 1], so one draw
    of U[-1, 1] misses it with probability at most :math:`1 - \epsilon/2`, and R draws all miss with the R-th power.

    Parameters
    ----------
    weights : int
        N, the numbers of [-1, 1] that are to be hit.
    eps : float
        How near a draw must come.
    delta : float
        Probability that some number is missed.

    Returns
    -------
    float
        R, the draws for each number.

    Notes
    -----
    Source: the kind of lemma on which Chijiwa et al. 2021 (arXiv 2106.09269) rest; its numbers are derived in this
    project.

    Examples
    --------
    >>> round(resampling_draws(weights=1, eps=0.01, delta=0.01))
    919
    """
    return math.log(weights / delta) / -math.log1p(-eps / 2.0)


BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="diffenderfer2021.width",
        title="width of a binary source, multi-prize tickets",
        citation=(
            "Diffenderfer, Kailkhura, 'Multi-Prize Lottery Ticket Hypothesis', ICLR 2021, arXiv 2103.09377; "
            "as cited by Kumar, Natale 2025, arXiv 2508.11020"
        ),
        statement=(
            "A target of width d and depth l is approximated within eps by pruning a binary source of width "
            "C (l d^(3/2)/eps + l d ln(l d/eps))"
        ),
        quantity="width of the source",
        direction="sufficient",
        provenance="found",
        formula=multi_prize_width,
        parameters={"width": WIDTH, "depth": DEPTH, "eps": ERROR},
        assumptions=(BINARY,),
        constant="l d^(3/2)/eps + l d ln(l d/eps)",
        count=True,
        caveat=(
            "the order alone, through a citing paper; the hypotheses were not read; the base of the logarithm is not "
            "given, e here, and C does not absorb it beside the other term"
        ),
    ),
    Bound(
        key="sreenivasan2022.width",
        title="width of a deep binary source",
        citation=(
            "Sreenivasan, Rajput, Sohn, Papailiopoulos, 'Finding Everything within Random Binary Networks', AISTATS "
            "2022, arXiv 2110.08996; as cited by Kumar, Natale 2025, arXiv 2508.11020"
        ),
        statement=(
            "A target of width d and depth l is approximated within eps by pruning a binary source of width "
            "C d ln^2(d l/eps) and depth C' l ln(d l/eps)"
        ),
        quantity="width of the source",
        direction="sufficient",
        provenance="found",
        formula=binary_width,
        parameters={"width": WIDTH, "depth": DEPTH, "eps": ERROR},
        assumptions=(BINARY,),
        constant="d ln^2(d l/eps)",
        count=True,
        caveat="the order alone, through a citing paper; the hypotheses were not read",
    ),
    Bound(
        key="sreenivasan2022.depth",
        title="depth of a deep binary source",
        citation=(
            "Sreenivasan, Rajput, Sohn, Papailiopoulos, 'Finding Everything within Random Binary Networks', AISTATS "
            "2022, arXiv 2110.08996; as cited by Kumar, Natale 2025, arXiv 2508.11020"
        ),
        statement="The depth that goes with sreenivasan2022.width: C l ln(d l/eps)",
        quantity="layers of the source",
        direction="sufficient",
        provenance="found",
        formula=binary_depth,
        parameters={"width": WIDTH, "depth": DEPTH, "eps": ERROR},
        assumptions=(BINARY,),
        constant="l ln(d l/eps)",
        count=True,
        caveat="the order alone, through a citing paper; the hypotheses were not read",
    ),
    Bound(
        key="chijiwa2021.draws",
        title="draws of one weight until it is near a target (re-sampling)",
        citation=(
            "Chijiwa et al., 'Pruning Randomly Initialized Neural Networks with Iterative Randomization', NeurIPS "
            "2021, arXiv 2106.09269, key lemma (its form); the numbers are this project's"
        ),
        statement=(
            "N numbers of [-1,1], R draws of U[-1,1] for each: R >= ln(N/delta) / -ln(1 - eps/2) => with probability "
            ">= 1 - delta every number has one of its draws within eps"
        ),
        quantity="draws for each weight, R",
        direction="sufficient",
        provenance="derived",
        formula=resampling_draws,
        parameters={
            "weights": whole("the number of weights that are to be hit, N", most=1e12),
            "eps": small("how near a draw must come"),
            "delta": small("the probability that some weight is missed"),
        },
        assumptions=(Assumption(words="draws are independent and uniform on [-1, 1], targets lie in [-1, 1]"),),
        count=True,
        caveat="the paper's theorem has the number of re-samplings for whole networks, which was not read",
    ),
)

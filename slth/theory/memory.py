"""Sources that cost less memory: partially frozen ones, and one source for several targets.

Formulas raise nothing of their own: the bound that holds one checks its arguments first. The base of an unspecified
logarithm is taken to be e.
"""

from __future__ import annotations

import math

from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import Parameter, small, whole

SHARING = "'Memory Savings by Sharing One Source', ICLR 2025 submission, public reviews"


def frozen_candidates(*, candidates: float, frozen: float) -> float:
    r"""Return the candidates of which enough stay free on average, :math:`n / (1 - F)`.

    Parameters
    ----------
    candidates : int
        n, without freezing.
    frozen : float
        F, the part that is pruned or locked at random.

    Returns
    -------
    float
        Candidates of the frozen source; :math:`1 - F` of them can be chosen.

    Notes
    -----
    Source: derived in this project for the sources of Otsuka et al. 2024 (arXiv 2402.14029), whose own theorem was not
    read.

    Examples
    --------
    >>> frozen_candidates(candidates=21, frozen=0.5)
    42.0
    """
    return candidates / (1.0 - frozen)


def shared_width(*, width: float, delta: float, constant: float) -> float:
    r"""Return the width of one source for m targets, :math:`C d \ln(1/\delta)`.

    Parameters
    ----------
    width : int
        d of the targets.
    delta : float
        Error or failure probability: the reviews do not say which.
    constant : float
        C.

    Returns
    -------
    float
        Width of the source, whatever m.

    Notes
    -----
    Source: public reviews of "Memory Savings by Sharing One Source" (ICLR 2025 submission).

    Examples
    --------
    >>> round(shared_width(width=100, delta=0.01, constant=1.0))
    461
    """
    return constant * width * -math.log(delta)


def separate_width(*, width: float, targets: float, delta: float, constant: float) -> float:
    r"""Return the width of each of m separate sources, :math:`C d \ln(m/\delta)`.

    Parameters
    ----------
    width : int
        d of the targets.
    targets : int
        m.
    delta : float
        Error or failure probability: the reviews do not say which.
    constant : float
        C.

    Returns
    -------
    float
        Width of one source.

    Notes
    -----
    Source: public reviews of "Memory Savings by Sharing One Source" (ICLR 2025 submission).

    Examples
    --------
    >>> round(separate_width(width=100, targets=4, delta=0.01, constant=1.0))
    599
    """
    return constant * width * math.log(targets / delta)


WIDTH = whole("the width d of the targets")
DELTA = small("delta, the error or the failure probability: the reviews do not say which")

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="otsuka2024.candidates",
        title="candidates of a partially frozen source",
        citation=(
            "Otsuka et al., 'Partially Frozen Random Networks Contain Compact Strong Lottery Tickets', TMLR 2025, "
            "arXiv 2402.14029; the number is this project's"
        ),
        statement=(
            "Freezing a part F at random (pruned or locked) leaves n (1-F) free candidates on average, so n grows by "
            "1/(1-F); locked ones move the target by their sum"
        ),
        quantity="candidates for one weight",
        direction="estimate",
        provenance="derived",
        formula=frozen_candidates,
        parameters={
            "candidates": whole("the candidates n that are enough without freezing", most=1e12),
            "frozen": Parameter(meaning="F, the part that is frozen", least=0.0, below=1.0, monotone=1),
        },
        assumptions=(Assumption(words="which weights are frozen is drawn at random, before any is looked at"),),
        count=True,
        caveat="that subset sums give tickets in frozen sources is found in the abstract, its formula was not read",
    ),
    Bound(
        key="sharing2025.shared",
        title="width of one source that m targets share",
        citation=SHARING,
        statement="One source of width C d ln(1/delta) for m targets, with m + 1 planes of masks",
        quantity="width of the source",
        direction="sufficient",
        provenance="found",
        formula=shared_width,
        parameters={"width": WIDTH, "delta": DELTA},
        constant="d ln(1/delta)",
        count=True,
        caveat="from public reviews of a submission",
    ),
    Bound(
        key="sharing2025.separate",
        title="width of each source when m targets have their own",
        citation=SHARING,
        statement="m sources of width C d ln(m/delta), one for each target",
        quantity="width of one source",
        direction="sufficient",
        provenance="found",
        formula=separate_width,
        parameters={"width": WIDTH, "targets": whole("the number m of targets"), "delta": DELTA},
        constant="d ln(m/delta)",
        count=True,
        caveat="from public reviews of a submission",
    ),
)

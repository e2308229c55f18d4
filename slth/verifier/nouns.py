"""What a verification consists of: checks, how much to try, and what came out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from hypothesis.strategies import SearchStrategy
from numpy.typing import NDArray

Case: TypeAlias = Mapping[str, Any]
"""Arguments of one trial: numbers and texts by name, so that a case can be written down and tried again."""

Verdict: TypeAlias = Literal["held", "violated", "constant", "estimate", "untestable"]


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much to try.

    Parameters
    ----------
    examples : int
        Cases for each inequality or probability.
    trials : int
        Trials for each probability, and samples for each constant.
    seed : int
    """

    examples: int = 40
    trials: int = 200
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Inequality:
    """A claim that holds in every single case: ``ratio(case) <= 1``.

    Parameters
    ----------
    key : str
        Of the bound, or of what is certified.
    claim : str
        In words.
    cases : callable
        Returns the strategy from which cases are drawn.
    ratio : callable
        What was found over what is allowed; above 1 it is a violation. NaN says that the case decides nothing.
    share : float
        Of the examples, where one case takes long.
    """

    key: str
    claim: str
    cases: Callable[[], SearchStrategy[dict[str, Any]]]
    ratio: Callable[[Case], float]
    share: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Probability:
    """A claim about the probability of an event.

    Parameters
    ----------
    side : {"at least", "at most"}
    claimed : callable
        The probability of a case, according to the bound.
    successes : callable
        ``successes(case, trials, seed)``: how many of so many independent trials had the event.
    """

    key: str
    claim: str
    side: Literal["at least", "at most"]
    cases: Callable[[], SearchStrategy[dict[str, Any]]]
    claimed: Callable[[Case], float]
    successes: Callable[[Case, int, int], int]
    share: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Constant:
    """A sufficient condition with an unspecified constant: the smallest C that is consistent with what is measured.

    Parameters
    ----------
    regimes : sequence of Case
    constant : callable
        ``constant(case, n)``: the C at which the bound asks for n; where the bound is C times a shape, n / shape.
    probability : callable
        With which the claim must hold.
    needed : callable
        ``needed(case, count, seed) -> float64[count]``: for each sample the least n that is enough (inf where it is
        more than can be tried).
    """

    key: str
    claim: str
    regimes: Sequence[Case]
    constant: Callable[[Case, float], float]
    probability: Callable[[Case], float]
    needed: Callable[[Case, int, int], NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A model or a limit, which no measurement can violate: how far it is from what is measured.

    Parameters
    ----------
    regimes : sequence of Case
    predicted : callable
    measured : callable
        ``measured(case, count, seed)``, estimated from so many samples.
    """

    key: str
    claim: str
    regimes: Sequence[Case]
    predicted: Callable[[Case], float]
    measured: Callable[[Case, int, int], float]


Check: TypeAlias = Inequality | Probability | Constant | Estimate


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What became of one check.

    Parameters
    ----------
    key, claim : str
    verdict : {"held", "violated", "constant", "estimate", "untestable"}
    trials : int
        Cases or samples that were tried.
    worst : float or None
        The largest ratio of what was found to what is allowed; of a constant the largest C over the regimes.
    interval : tuple of two floats or None
        Of the worst ratio or the constant; None where it is no statistic.
    confidence : float or None
        Of the intervals.
    case : Case or None
        Where the worst was found.
    rows : tuple of mappings
        One for each regime of a constant or an estimate.
    note : str
    """

    key: str
    claim: str
    verdict: Verdict
    trials: int = 0
    worst: float | None = None
    interval: tuple[float, float] | None = None
    confidence: float | None = None
    case: Case | None = None
    rows: tuple[Mapping[str, Any], ...] = field(default=())
    note: str = ""

    @property
    def reproducer(self) -> str | None:
        """One line for a shell that tries the worst case again."""
        if self.case is None or self.verdict not in ("held", "violated"):
            return None
        return f"slth verify {self.key} --case '{json.dumps(dict(self.case))}'"

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
    """How much to try."""

    examples: int = 40
    trials: int = 200
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Inequality:
    """A claim that holds in every single case: ``ratio(case) <= 1``; ``why(case)`` says how one contradicts it."""

    key: str
    claim: str
    cases: Callable[[], SearchStrategy[dict[str, Any]]]
    ratio: Callable[[Case], float]
    share: float = 1.0
    why: Callable[[Case], str] = lambda _: ""


@dataclass(frozen=True, kw_only=True)
class Probability:
    """A claim about the probability of an event."""

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

    ``constant(case, n)`` is the C at which the bound asks for n, ``probability`` what the claim must hold with, and
    ``needed(case, count, seed)`` for each sample the least n that is enough, infinite beyond what can be tried.
    """

    key: str
    claim: str
    regimes: Sequence[Case]
    constant: Callable[[Case, float], float]
    probability: Callable[[Case], float]
    needed: Callable[[Case, int, int], NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A model or a limit, which no measurement can violate: how far it is from what is measured."""

    key: str
    claim: str
    regimes: Sequence[Case]
    predicted: Callable[[Case], float]
    measured: Callable[[Case, int, int], float]


Check: TypeAlias = Inequality | Probability | Constant | Estimate


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What became of one check."""

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

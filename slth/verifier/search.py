"""The search for counter-examples: hypothesis draws cases and climbs the ratio of what is found to what is allowed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings, target
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.strategies import SearchStrategy
from scipy.special import betainc

from slth.grids.intervals import clopper_pearson
from slth.verifier.nouns import (
    Case,
    Check,
    Constant,
    Effort,
    Estimate,
    Finding,
    Inequality,
    Probability,
)

DOUBT = 1e-3
"""Probability that one check calls a true claim violated, over all its cases."""

CONFIDENCE = 0.95
"""Of the intervals of ratios and constants."""

CONFIRMING = 10
"""Times as many trials, freshly drawn, by which the worst case is judged."""

Told = Callable[[int, int], None]
"""Who is told how much of a check is done, of how much."""


def _nobody(done: int, total: int) -> None:
    """Nobody wants to know."""


def run_check(check: Check, effort: Effort, told: Told = _nobody) -> Finding:
    """Try a check."""
    if isinstance(check, Inequality):
        return _inequality(check, effort, told)
    if isinstance(check, Probability):
        return _probability(check, effort, told)
    return _constant(check, effort, told) if isinstance(check, Constant) else _estimate(check, effort, told)


def run_case(check: Check, case: Case, effort: Effort) -> Finding:
    """Try one case of an inequality or a probability again."""
    if isinstance(check, Inequality):
        ratio = check.ratio(case)
        if math.isnan(ratio):
            return Finding(key=check.key, claim=check.claim, verdict="untestable", note="the case decides nothing")
        return _found(check, "violated" if ratio > 1.0 else "held", 1, ratio, case)
    if isinstance(check, Probability):
        if _says_nothing(check, check.claimed(case)):
            return Finding(key=check.key, claim=check.claim, verdict="untestable", note="the case claims nothing")
        return _judged(check, case, CONFIRMING * effort.trials, 1, seed_of(effort.seed, case, "again"))
    return run_check(check, effort)


def seed_of(number: int, case: Case, purpose: str) -> int:
    """A seed that belongs to a case and a purpose."""
    text = json.dumps([number, dict(case), purpose], sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


class _ViolatedError(Exception):
    """A case exceeds what is allowed; hypothesis then looks for a simpler one."""


def _hunt(
    cases: SearchStrategy[dict[str, Any]], ratio: Callable[[Case], float], *, examples: int, number: int
) -> tuple[int, float, Case | None, bool]:
    """Cases tried, the worst ratio with its case, and whether it is a violation (then the simplest one found)."""
    tried, worst, at = 0, -math.inf, None
    last: tuple[float, Case] | None = None

    @seed(number)
    @settings(
        max_examples=max(1, examples),
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.target, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    @given(cases)
    def trial(case: dict[str, Any]) -> None:
        nonlocal tried, worst, at, last
        found = ratio(case)
        tried += 1
        if math.isnan(found):
            return
        if found > worst:
            worst, at = found, case
        target(float(min(found, 1e300)))
        if found > 1.0:
            last = found, case
            raise _ViolatedError

    try:
        with _without_files():
            trial()
    except _ViolatedError:
        assert last is not None, "a violation was noted before it was raised"
        return tried, *last, True
    return tried, worst, at, False


@contextmanager
def _without_files() -> Iterator[None]:
    """Keep what hypothesis notes about the code that it runs out of the user's folder."""
    with TemporaryDirectory(prefix="slth-") as folder:
        set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)


def _counted(ratio: Callable[[Case], float], examples: int, told: Told, total: int) -> Callable[[Case], float]:
    """Tell of each case that it is done; those by which hypothesis simplifies a violation come on top."""
    done = 0

    def counted(case: Case) -> float:
        nonlocal done
        found = ratio(case)
        done = min(done + 1, examples)
        told(done, total)
        return found

    return counted


def _inequality(check: Inequality, effort: Effort, told: Told) -> Finding:
    examples = max(1, round(effort.examples * check.share))
    told(0, examples)
    ratio = _counted(check.ratio, examples - 1, told, examples)
    tried, worst, case, bad = _hunt(check.cases(), ratio, examples=examples, number=effort.seed)
    told(examples, examples)
    if case is None:
        return Finding(key=check.key, claim=check.claim, verdict="untestable", note="no case decided anything")
    return _found(check, "violated" if bad else "held", tried, worst, case)


def _found(check: Inequality | Probability, verdict: Any, tried: int, worst: float, case: Case) -> Finding:
    note = check.why(case) if verdict == "violated" and isinstance(check, Inequality) else ""
    return Finding(
        key=check.key, claim=check.claim, verdict=verdict, trials=tried, worst=worst, case=dict(case), note=note
    )


def _probability(check: Probability, effort: Effort, told: Told) -> Finding:
    examples = max(1, round(effort.examples * check.share))
    total = examples + CONFIRMING
    told(0, total)

    def ratio(case: Case) -> float:
        claimed = check.claimed(case)
        if _says_nothing(check, claimed):
            return math.nan
        return _excess(check, case, claimed, effort.trials, DOUBT / examples, seed_of(effort.seed, case, "trials"))

    counted = _counted(ratio, examples, told, total)
    tried, _, case, _ = _hunt(check.cases(), counted, examples=examples, number=effort.seed)
    if case is None:
        told(total, total)
        return Finding(key=check.key, claim=check.claim, verdict="untestable", note="no case claims anything")
    found = _judged(check, case, CONFIRMING * effort.trials, tried, seed_of(effort.seed, case, "again"))
    told(total, total)
    return found


def _says_nothing(check: Probability, claimed: float) -> bool:
    """Whether every probability meets the claim."""
    return math.isnan(claimed) or (claimed <= 0.0 if check.side == "at least" else claimed >= 1.0)


def _excess(check: Probability, case: Case, claimed: float, trials: int, doubt: float, number: int) -> float:
    """Above 1 where the claim lies outside the interval; below, more the more deviations it is on its way there.

    A quotient would lead the search to claims of certainty, which all come near 1.
    """
    if claimed > 1.0:
        return math.inf
    successes = check.successes(case, trials, number)
    interval = clopper_pearson(successes, trials, confidence=1.0 - 2.0 * doubt)
    outside = claimed > interval.high if check.side == "at least" else interval.low > claimed
    excess = (claimed - successes / trials) * (1.0 if check.side == "at least" else -1.0)
    deviations = excess / math.sqrt(claimed * (1.0 - claimed) / trials + trials**-2)
    return 1.0 + abs(deviations) if outside else min(1.0, 0.1 * deviations)


def _over(found: float, allowed: float) -> float:
    """Their ratio, where nothing may be allowed."""
    return found / allowed if allowed > 0.0 else (math.inf if found > 0.0 else 0.0)


def _judged(check: Probability, case: Case, trials: int, tried: int, number: int) -> Finding:
    """Fresh trials of the worst case: one test at the level DOUBT, whatever the hunt made of the case."""
    claimed = check.claimed(case)
    successes = check.successes(case, trials, number)
    interval = clopper_pearson(successes, trials, confidence=CONFIDENCE)
    strict = clopper_pearson(successes, trials, confidence=1.0 - 2.0 * DOUBT)
    rate = successes / trials
    if check.side == "at least":
        worst, ends = _over(claimed, rate), (claimed / interval.high, _over(claimed, interval.low))
        bad, passing = claimed > strict.high, strict.high
    else:
        worst, ends = _over(rate, claimed), (_over(interval.low, claimed), _over(interval.high, claimed))
        bad, passing = strict.low > claimed, strict.low
    return Finding(
        key=check.key,
        claim=check.claim,
        verdict="violated" if bad else "held",
        trials=tried,
        worst=worst,
        interval=ends,
        confidence=CONFIDENCE,
        case=dict(case),
        note=f"probability {check.side} {claimed:.4g} claimed, {successes} of {trials} measured; "
        f"a claim of {passing:.4g} would have passed too",
    )


def _constant(check: Constant, effort: Effort, told: Told) -> Finding:
    doubt = (1.0 - CONFIDENCE) / 2.0 / len(check.regimes)  # so that all intervals hold at the same time
    rows = []
    told(0, len(check.regimes))
    for case in check.regimes:
        needed = np.sort(check.needed(case, effort.trials, seed_of(effort.seed, case, "needed")))
        probability = check.probability(case)
        # Rounded up, every C above that of n - 1 asks for n: the infimum is what the data agree with.
        low, middle, high = (max(n - 1.0, 0.0) for n in _quantile(needed, probability, doubt))
        rows.append(
            {
                **case,
                "probability": probability,
                "needed": middle + 1.0,
                "C": check.constant(case, middle),
                "C_low": check.constant(case, low),
                "C_high": check.constant(case, high),
            }
        )
        told(len(rows), len(check.regimes))
    largest = {name: max(float(row[name]) for row in rows) for name in ("C", "C_low", "C_high")}
    return Finding(
        key=check.key,
        claim=check.claim,
        verdict="constant",
        trials=effort.trials * len(rows),
        worst=largest["C"],
        interval=(largest["C_low"], largest["C_high"]),
        confidence=CONFIDENCE,
        rows=tuple(rows),
        note=f"C must exceed this by {effort.trials} samples in each of {len(rows)} regimes; the largest over them",
    )


def _quantile(needed: Any, probability: float, doubt: float) -> tuple[float, float, float]:
    """The sample quantile between two order statistics, each beyond the true one with at most this probability."""
    count = len(needed)
    ranks = np.arange(1, count + 1)
    # The r-th smallest of `count` lies below the quantile with the probability of at least r successes.
    below = betainc(ranks, count - ranks + 1, probability)
    sure = np.flatnonzero(below >= 1.0 - doubt)
    above = np.flatnonzero(below <= doubt)
    low = float(needed[sure[-1]]) if len(sure) else 0.0
    high = float(needed[above[0]]) if len(above) else math.inf
    return low, float(needed[min(count, math.ceil(probability * count)) - 1]), high


def _estimate(check: Estimate, effort: Effort, told: Told) -> Finding:
    rows = []
    told(0, len(check.regimes))
    for case in check.regimes:
        measured = check.measured(case, effort.trials, seed_of(effort.seed, case, "measured"))
        predicted = check.predicted(case)
        rows.append({**case, "predicted": predicted, "measured": measured, "ratio": measured / predicted})
        told(len(rows), len(check.regimes))
    worst = max(rows, key=lambda row: abs(math.log(row["ratio"])) if row["ratio"] > 0.0 else math.inf)
    return Finding(
        key=check.key,
        claim=check.claim,
        verdict="estimate",
        trials=effort.trials * len(rows),
        worst=worst["ratio"],
        rows=tuple(rows),
        note="measured over predicted, the farthest from 1 over the regimes",
    )

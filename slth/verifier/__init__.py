"""The hunt for counter-examples: every bound of the catalogue, every certificate, and what came out.

A claim about every case is tried on cases that hypothesis draws and improves; one about a probability by independent
trials with an exact interval; an unspecified constant is measured; and what cannot be tried says why.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any

from slth.errors import ArgumentError, nearest
from slth.extensions import ExtensionWarning, installed, is_place, own
from slth.resources import Progress, reporter
from slth.verifier.nouns import Check, Effort, Finding, Inequality, Probability
from slth.verifier.search import run_case, run_check

_GROUP = "slth.checks"

FAMILIES = ("subset_sums", "networks", "constants", "estimates")
"""Modules of this package with a tuple ``CHECKS``."""


@cache
def all_checks() -> Mapping[str, Check]:
    """Every check by its key, in the order of reports."""
    found: dict[str, Check] = {}
    for family in FAMILIES:
        for check in import_module(f"{__name__}.{family}").CHECKS:
            assert check.key not in found, f"two checks of {check.key}"
            found[check.key] = check
    return found


def check_of(key: str) -> Check | None:
    """Return the check of a key: one of this package's or of another's, else, of another's bound, what it declares."""
    found = all_checks().get(key) or _registered(tuple(installed(_GROUP))).get(key)
    if found is not None:
        return found
    from slth.theory import bounds
    from slth.verifier.declared import declared_check

    return None if bounds[key].__module__.startswith("slth.") else declared_check(key)


@cache
def _registered(names: tuple[str, ...]) -> Mapping[str, Check]:
    """The checks that other packages register, one or a module with ``CHECKS`` each; each unusable one is warned of."""
    found: dict[str, Check] = {}
    for name in names:
        try:
            value = own(_GROUP, name, argument="checks")
            for check in getattr(value, "CHECKS", (value,)):
                if not isinstance(check, Check):
                    remedy = "name a check of slth.verifier.nouns, or a module with a tuple CHECKS of them"
                    raise ArgumentError("checks", name, f"names a {type(check).__name__} and no check", remedy)
                found.setdefault(check.key, check)
        except ArgumentError as problem:
            warnings.warn(f"checks left out: {problem}", ExtensionWarning, stacklevel=2)
    return found


def verify(
    keys: Sequence[str] = (), *, effort: Effort | None = None, progress: Progress | bool | None = None
) -> list[Finding]:
    """Try bounds and certificates; progress is told of each key, as (label, cases done, cases)."""
    report = reporter(progress)
    effort = effort or Effort()
    wanted = list(dict.fromkeys(keys)) or known_keys()
    for key in wanted:
        _check_key(key)
    findings = []
    for number, key in enumerate(wanted, start=1):
        check = check_of(key)
        told = _told(report, f"verify {key} ({number} of {len(wanted)})")
        found = run_check(check, effort, told) if check is not None else _not_tried(key)
        findings.append(replace(found, note="; ".join(filter(None, (found.note, _forced(key))))))
    return findings


def _told(report: Progress | None, label: str) -> Callable[[int, int], None]:
    """Return what tells of one key, from its beginning on."""

    def told(done: int, total: int) -> None:
        if report is not None:
            report(label, done, total)

    return told


def verify_case(key: str, case: Mapping[str, Any], *, effort: Effort | None = None) -> Finding:
    """Try one case again, as a reproducer names it."""
    _check_key(key)
    check = check_of(key)
    if not isinstance(check, Inequality | Probability):
        raise ArgumentError("case", dict(case), f"means nothing for {key}, which has no single cases", "leave it out")
    try:
        return run_case(check, case, effort or Effort())
    except (KeyError, TypeError, IndexError, ValueError) as problem:
        if isinstance(problem, ArgumentError):
            raise
        rule = f"is no case of {key} ({type(problem).__name__}: {problem})"
        raise ArgumentError("case", dict(case), rule, "copy it from a reproducer") from problem


def known_keys() -> list[str]:
    """What can be asked for: the keys of all checks, then those of all other bounds."""
    from slth.theory import bounds

    checks = [*all_checks(), *_registered(tuple(installed(_GROUP)))]
    return list(dict.fromkeys([*checks, *bounds]))


def _forced(key: str) -> str:
    """What a necessary condition on the same quantity says of the constant."""
    from slth.theory import bounds
    from slth.theory.derived.consistency import PAIRS, smallest_constant

    said = []
    for pair in PAIRS:
        if pair.sufficient == key and bounds[key].constant is not None:
            least = smallest_constant(bounds[key], bounds[pair.necessary], pair.points())
            said.append(f"C below {least:.3g} would contradict {pair.necessary} ({pair.regime})")
    return "; ".join(said)


def _not_tried(key: str) -> Finding:
    from slth.theory import bounds
    from slth.verifier.untestable import why_untestable

    return Finding(key=key, claim=bounds[key].title, verdict="untestable", note=why_untestable(bounds[key]))


def _check_key(key: str) -> None:
    """Refuse what is neither known nor a bound of the user's own that can be imported."""
    from slth.theory import bounds

    if key not in known_keys() and not (is_place(key) and bounds[key]):
        near = nearest(key, known_keys())
        remedy = f"did you mean {near}?" if near else "`slth bound ls` lists the bounds"
        raise ArgumentError("key", key, "is neither a bound nor a certificate", remedy)

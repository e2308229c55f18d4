"""``slth verify``."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import RenderableType
from rich.table import Table

from slth.cli.checks import check_out, check_unclaimed
from slth.cli.options import COMMON, Common
from slth.cli.outcome import Outcome, json_name, number, table_of
from slth.cli.progress import progress


def verify(
    *keys: Annotated[str, Parameter(help="Bounds, as `slth bound ls` lists them or your own as package.module:name.")],
    examples: Annotated[int, Parameter(help="Cases for each inequality or probability.")] = 40,
    trials: Annotated[int, Parameter(help="Trials of each probability, samples of each constant.")] = 200,
    case: Annotated[str | None, Parameter(help="One case as JSON, as a reproducer prints it.")] = None,
    common: Common = COMMON,
) -> Outcome:
    """Hunt for counter-examples to bounds and certificates; measure constants that theorems leave open.

    Exit code 1 where a claim is violated, with a line that reproduces it.
    """
    from slth.errors import ArgumentError
    from slth.verifier import verify as run
    from slth.verifier import verify_case
    from slth.verifier.nouns import Effort

    for name, value in (("examples", examples), ("trials", trials)):
        if value < 1:
            raise ArgumentError(name, value, "must be at least 1", "40 examples and 200 trials take some minutes")
    words = [*keys, *([] if case is None else ["--case", case]), "--examples", examples, "--trials", trials]
    command = shlex.join(["slth", "verify", *map(str, words), "--seed", str(common.seed)])
    if common.out is not None:
        check_out(common.out, (json_name("verify"),))
        check_unclaimed(common.out, command)
    effort = Effort(examples=examples, trials=trials, seed=common.seed)
    if case is not None:
        if len(keys) != 1:
            raise ArgumentError("case", case, "belongs to one key", "name the key that it was found for")
        findings = [verify_case(keys[0], _parsed(case), effort=effort)]
    else:
        with progress(common) as report:
            findings = run(keys, effort=effort, progress=report)
    violated = [finding for finding in findings if finding.verdict == "violated"]
    data = {
        "checked": sum(finding.verdict != "untestable" for finding in findings),
        "violations": len(violated),
        "reproducer": violated[0].reproducer if violated else None,
        "command": command,
        "findings": [{**asdict(finding), "reproducer": finding.reproducer} for finding in findings],
    }

    def show() -> list[RenderableType]:
        shown: list[RenderableType] = [_summary(findings)]
        shown += [_regimes(finding) for finding in findings if finding.rows]
        untried = [finding for finding in findings if finding.verdict == "untestable"]
        if untried:
            shown.append(table_of(((one.key, one.note) for one in untried), ("", ""), title="not tried"))
        for finding in violated:
            shown += [f"{finding.key}: {finding.note}"] if finding.note else []
            shown.append(f"reproduce: {finding.reproducer}")
        return shown

    return Outcome("verify", common, data, show, exit_code=int(bool(violated)))


def _parsed(text: str) -> dict[str, Any]:
    from slth.errors import ArgumentError

    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise ArgumentError("case", text, f"is no JSON ({problem})", "copy it from a reproducer") from problem
    if not isinstance(found, dict):
        raise ArgumentError("case", text, "is no JSON object", "copy it from a reproducer")
    return found


def _summary(findings: list[Any]) -> Table:
    lines = [
        (one.key, one.verdict, one.trials, one.worst,
         "" if one.interval is None else f"{number(one.interval[0])} .. {number(one.interval[1])}", one.claim)
        for one in findings if one.verdict != "untestable"
    ]  # fmt: skip
    return table_of(
        lines, ("key", "verdict", "trials", "worst ratio or C", "95 %", "claim"), title="tried", whole=("key",)
    )


def _regimes(finding: Any) -> Table:
    rows = (row.values() for row in finding.rows)
    return table_of(rows, list(finding.rows[0]), title=f"{finding.key}: {finding.note}")

"""A report behind what is done and written: for the want of a picture nothing else is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from slth.cli.outcome import Outcome
from slth.cli.progress import note

REPORT_NAME = "report.html"


def with_report(done: Outcome, draw: Callable[[], Path] | None, *, first: bool = True) -> Outcome:
    """Write the summary, then the report if there is one; name it in the summary, or say why it could not be made.

    Of several processes that did it together the first alone writes and prints.
    """
    common = done.common
    if not first:
        return replace(done, common=replace(common, out=None, json=False), show=list)
    if draw is None:
        return done
    done.write()
    try:
        done.data["report"] = draw()
    except Exception as problem:
        if common.debug:
            raise
        reason = f"{REPORT_NAME} could not be made ({type(problem).__name__}: {problem})"
        note(common, f"everything else is in {common.out}, and {reason}")
        return replace(done, exit_code=1)
    return done

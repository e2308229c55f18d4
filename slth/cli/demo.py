"""``slth demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from slth.cli.checks import load_data
from slth.cli.jobs import run_job
from slth.cli.options import COMMON, Common
from slth.cli.outcome import Outcome


def demo(
    *,
    channels: Annotated[int, Parameter(help="Channels n for each input, of either sign.")] = 2000,
    common: Common = COMMON,
) -> Outcome:
    """Train a small CNN on digits, remove channels of a random one to match it, certify, write report.html."""
    from slth.jobs.pipeline import demo_job

    return run_job(
        "demo",
        demo_job(seed=common.seed, channels=channels),
        load_data("digits", (), seed=common.seed),
        common,
        title="A structured strong lottery ticket for handwritten digits",
        command=f"slth demo --seed {common.seed} --channels {channels}",
        folder=Path("slth-demo"),
    )

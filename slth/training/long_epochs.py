"""Epochs that take long tell their steps too, so that nothing is silent, and can be ended in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

from slth.resources import Progress
from slth.training.loop import Record, TrainingRun

STEPS = "steps of the epoch"
_LONG = 5.0  # seconds without a report


def steps_told(run: TrainingRun, progress: Progress | None, every: int | None = None) -> Iterator[Record | None]:
    """Train as :meth:`TrainingRun.steps` does; where an epoch takes long, tell the steps of it that are done."""
    told = time.monotonic()
    with closing(run.steps(every)) as steps:
        for record in steps:
            now = time.monotonic()
            if record is not None:
                told = now
            elif progress is not None and now - told >= _LONG:
                progress(STEPS, run.step.number % run.step.per_epoch, run.step.per_epoch)
                told = now
            yield record


def records_told(run: TrainingRun, progress: Progress | None) -> Iterator[Record]:
    """Train as :meth:`TrainingRun.records` does, and tell the steps of long epochs."""
    return (record for record in steps_told(run, progress) if record is not None)

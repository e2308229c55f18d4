"""What a search has done so far, in a folder: one that was killed goes on from its last epoch, to the same bits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from slth.errors import ArgumentError, DataError
from slth.files import plain, write_json
from slth.resources import Progress
from slth.training import Evaluation, Record, TrainingRun
from slth.training.long_epochs import records_told

LAST, BEST, TRACE, DENSE = "last.checkpoint", "best.checkpoint", "trace.json", "dense.checkpoint"


class Journal:
    """The checkpoints and the records of one search; the last checkpoint is written last: what it lacks is redone."""

    def __init__(self, folder: Path, run: TrainingRun, weights: Mapping[str, Any]) -> None:
        """``weights`` is what checkpoints do not say: how random weights are drawn, which mask is kept, or a digest."""
        self.folder, self.run, self.weights = folder, run, plain(weights)

    def best(self) -> Record | None:
        """Take the run to the epoch whose mask is kept so far, and return its record; None where there is none."""
        if not (self.folder / LAST).exists() or not (self.folder / BEST).exists():
            return None
        _take(self.run, self.folder, BEST)
        return next((one for one in self._records() if one.step == self.run.step.number), None)

    def resume(self) -> list[Record]:
        """Take the run to its last epoch, and return the records up to there."""
        if not (self.folder / LAST).exists():
            return []
        _take(self.run, self.folder, LAST)
        return [one for one in self._records() if one.step <= self.run.step.number]

    def write(self, trace: Sequence[Record], *, better: bool) -> None:
        """Write where the run is."""
        if better:
            self.run.save(self.folder / BEST)
        try:
            if self.run.ranks.rank == 0:
                document = {"weights": self.weights, "records": [asdict(record) for record in trace]}
                write_json(self.folder / TRACE, document)
        except OSError as problem:
            rule = f"cannot be written ({problem.strerror})"
            raise ArgumentError("folder", str(self.folder), rule, "name another folder") from None
        self.run.save(self.folder / LAST)

    def _records(self) -> list[Record]:
        path = self.folder / TRACE
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            weights = dict(found["weights"])
            records = [
                Record(**{**one, "validation": None if one["validation"] is None else Evaluation(**one["validation"])})
                for one in found["records"]
            ]
        except (OSError, ValueError, TypeError, KeyError) as problem:
            rule = f"{path}: cannot be read as the records of a search ({problem})"
            raise DataError(f"{rule}; remove {self.folder} to begin anew") from None
        others = [name for name, value in self.weights.items() if name not in weights or weights[name] != value]
        if others:
            rule = f"was begun with another {' and '.join(others)}"
            raise ArgumentError("folder", str(self.folder), rule, "name another folder, or remove this one")
        return records


def dense(run: TrainingRun, folder: Path | None, progress: Progress | None = None) -> Iterator[Record]:
    """Train the dense network that a search imitates, in a folder as far as it was not trained there before."""
    if folder is not None and (folder / DENSE).exists():
        _take(run, folder, DENSE)
    for record in records_told(run, progress):
        if folder is not None:
            run.save(folder / DENSE)
        yield record


def _take(run: TrainingRun, folder: Path, name: str) -> None:
    """Take a run to a checkpoint, or say what to do where that is damaged."""
    try:
        run.resume(folder / name)
    except DataError as problem:
        raise DataError(f"{problem}; remove {folder} to begin anew") from None


def discard(folder: Path) -> None:
    """Remove the journal of a search that is over, and its folder if nothing else is in it."""
    for name in (LAST, TRACE, BEST, DENSE):
        (folder / name).unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()

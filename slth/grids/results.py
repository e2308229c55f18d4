"""The table of an experiment, in the order of its grid however its items arrived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slth.grids.provenance import TABLE_NAME, write_provenance
from slth.grids.spec import Experiment, canonical
from slth.grids.store import RESULTS_NAME, StoredRun, read_store
from slth.grids.tables import columns_of, is_timing, write_csv
from slth.grids.work import Finished


@dataclass(frozen=True)
class ResultTable:
    """Rows of an experiment, with what is missing from them."""

    experiment: Experiment
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    positions: tuple[int, ...]
    done: int
    failed: int
    missing: int
    left_aside: int
    reasons: Mapping[str, int]

    @property
    def complete(self) -> bool:
        """Whether every item has its rows."""
        return not self.failed and not self.missing

    @property
    def value_columns(self) -> tuple[str, ...]:
        """Columns that the study returned, without times."""
        own = (*self.experiment.columns, "replicate")
        return tuple(column for column in self.columns if column not in own and not is_timing(column))


def result_table(experiment: Experiment, items: Iterable[Finished]) -> ResultTable:
    """Put finished items into the order of the experiment."""
    by_key = {item.key: item for item in items}
    rows: list[dict[str, Any]] = []
    positions: list[int] = []
    reasons: Counter[str] = Counter()
    done = 0
    for cell in experiment.cells:
        head = {column: cell[column] for column in experiment.columns if column in cell}
        key = canonical(cell)
        for replicate in range(experiment.replicates):
            item = by_key.pop((key, replicate), None)
            if item is None:
                continue
            if item.rows is None:
                reasons[item.reason] += 1
                continue
            done += 1
            rows += ({**head, "replicate": replicate, **row} for row in item.rows)
            positions += range(len(item.rows))
    failed = sum(reasons.values())
    first = dict.fromkeys((*experiment.columns, "replicate"))
    return ResultTable(
        experiment=experiment,
        columns=tuple(columns_of([first, *rows])),
        rows=tuple(rows),
        positions=tuple(positions),
        done=done,
        failed=failed,
        missing=len(experiment.cells) * experiment.replicates - done - failed,
        left_aside=len(by_key),
        reasons=dict(reasons),
    )


def read_results(place: Path) -> tuple[ResultTable, StoredRun]:
    """Read the table of a run from its folder or its results file, finished or not."""
    stored = read_store(place / RESULTS_NAME if place.is_dir() else place)
    return result_table(stored.experiment, stored.items), stored


def write_results(folder: Path, table: ResultTable, *, full: bool = False) -> Path:
    """Write ``table.csv`` and ``provenance.json``: the same rows give the same bytes of the table."""
    experiment, path = table.experiment, folder / TABLE_NAME
    write_csv(path, table.rows, table.columns)
    about = {
        "spec_sha256": experiment.digest,
        **experiment.document(),
        "full": full,
        "timing_columns": [column for column in table.columns if is_timing(column)],
        "items": {"done": table.done, "failed": table.failed, "missing": table.missing},
    }
    write_provenance(folder, about)
    return path

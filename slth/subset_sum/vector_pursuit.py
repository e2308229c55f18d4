"""The pursuit of vectors as a solver: for lists far beyond exact reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from slth.arrays import whole
from slth.subset_sum.dyadic import Outcome
from slth.subset_sum.pursuit import pursue
from slth.subset_sum.solution import error_of
from slth.subset_sum.solver import Rows, Task, Traits, as_vectors, fill_rows
from slth.subset_sum.status import Status


@dataclass(frozen=True)
class Pursuit:
    """Vectors are added, removed and exchanged, from coarse to fine, while the sum comes nearer to the target.

    Takes any n, d and size. A heuristic: nothing is said about the optimum, unless the target is met exactly.

    Parameters
    ----------
    beam : int, default 8
        Partial answers kept at a time; more are slower and come closer.

    Examples
    --------
    >>> slth.solve([[3.0, 1.0], [5.0, 0.0], [7.0, 2.0]], [8.0, 1.0], solver=slth.Pursuit()).error
    0.0
    """

    traits: ClassVar[Traits] = Traits.VECTOR | Traits.FIXED_SIZE | Traits.EARLY_STOP
    beam: int = 8

    def __post_init__(self) -> None:
        whole(self.beam, "beam", 1, 1 << 16, remedy="leave it at its default")

    def decline(self, n: int, size: int | None, d: int = 1) -> str | None:
        """Takes everything."""
        del n, size, d
        return None

    def memory(self, n: int, size: int | None, count: int, threads: int, d: int = 1) -> int:
        """Copies of the vectors in order of scale, and the beam's states."""
        del size, threads
        return 64 * n * (d + 4) + self.beam * (n + 64 * d) + count * (n + 17)

    def run(self, task: Task) -> Rows:
        """Solve one row after the other; an interruption ends the batch with the rows answered so far."""
        values, targets = as_vectors(task)
        inner = task.progress if len(targets) == 1 else None

        def solve_one(k: int) -> Outcome:
            own = values[min(k, len(values) - 1)]
            found = pursue(
                own,
                targets[k],
                size=task.size,
                beam=self.beam,
                norm="l2" if task.norm == "l2" else "max",
                tolerance=task.tolerance,
                threads=task.threads,
                progress=inner,
            )
            within = error_of(own[found.subset], targets[k], task.norm) <= task.tolerance
            status = Status.WITHIN_TOLERANCE if within else Status.HEURISTIC
            return Outcome(found.subset, 0.0, status, {"flips": found.flips})

        return fill_rows(task, solve_one, label="pursuit")

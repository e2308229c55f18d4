"""Batched two lists in torch, for accelerators: the same integers, and so the same optima, as the compiled kernels.

The sums of one half are sorted and those of the other are looked up in them by bisection; both are plain tensor
operations, so the code that runs on a GPU is the code that is tested on the CPU.
"""

from __future__ import annotations

import numpy as np
import torch

from slth.arrays import Floats
from slth.errors import ResourceError
from slth.resources import SHARE
from slth.subset_sum.places import free_memory
from slth.subset_sum.solver import Rows, Task
from slth.subset_sum.status import Status
from slth.subset_sum.two_list import TwoList

MOST = 40
KEY_BITS = 60
COPIES = 8  # int64 tensors of a row's list length alive at once, temporaries of sort and bisection included


def solve_rows(task: Task, place: torch.device | str) -> Rows:
    """Solve every row on the device, as many at a time as fit; rows that rounding leaves open go to the kernels."""
    place, n = torch.device(place), task.n
    if n > MOST:
        raise ResourceError("n", n, f"is more than the {MOST} values of the accelerator path", "use device='cpu'")
    count = len(task.targets)
    rows = Rows.empty(count, n)
    at_once = _rows_at_once(n, place)
    open_rows = []
    for start in range(0, count, at_once):
        stop = min(start + at_once, count)
        values = np.repeat(task.values, stop - start, axis=0) if task.values.shape[0] == 1 else task.values[start:stop]
        subsets, undecided = _solve_chunk(values, task.targets[start:stop], place)
        rows.subsets[start:stop] = subsets
        open_rows.append(start + np.flatnonzero(undecided))
        if task.progress:
            task.progress("subset sums", stop, count)
    rows.status[:] = Status.OPTIMAL
    left = np.concatenate(open_rows) if open_rows else np.zeros(0, np.int64)
    if len(left):
        again = TwoList().run(Task(task.rows(left), task.targets[left], threads=task.threads))
        rows.subsets[left], rows.status[left], rows.lower_bounds[left] = again.subsets, again.status, again.lower_bounds
    rows.work.update(reason=f"device {place}", rows_at_once=at_once, decided_by_kernels=len(left))
    return rows


def _rows_at_once(n: int, place: torch.device) -> int:
    free = free_memory(place)
    row = 8 * COPIES * (1 << (n - n // 2))
    if row > SHARE * free:
        raise ResourceError(
            "n", n, f"needs {row / 2**30:.1f} GiB on {place} and {free / 2**30:.1f} are free", "use fewer values"
        )
    return max(1, min(int(SHARE * free / row), (1 << 27) // (1 << (n - n // 2))))


def _keys(values: Floats, targets: Floats) -> tuple[Floats, Floats, np.ndarray, np.ndarray]:
    """Scaled values and targets (integers held in float64), the rows where nothing was rounded, and the scales."""
    both = np.concatenate([values, targets[:, None]], axis=1)
    with np.errstate(over="ignore"):
        total = np.abs(both).sum(axis=1)
    _, exponent = np.frexp(np.clip(total * (1 + 1e-9), np.finfo(float).tiny, np.finfo(float).max))
    shift = (KEY_BITS - exponent).astype(np.int64)
    half = shift // 2
    scaled = np.ldexp(np.ldexp(both, half[:, None]), (shift - half)[:, None])
    rounded = np.rint(scaled)
    exact = ((rounded == scaled) & ((scaled != 0) | (both == 0))).all(axis=1)
    return rounded[:, :-1], rounded[:, -1], exact, shift


def _solve_chunk(values: Floats, targets: Floats, place: torch.device) -> tuple[np.ndarray, np.ndarray]:
    """Best subsets bool[B, n], and the rows where rounded keys leave more than one candidate."""
    n = values.shape[1]
    split = n // 2
    scaled, scaled_goals, exact_rows, _ = _keys(values, targets)
    keys = torch.from_numpy(scaled.astype(np.int64)).to(place)
    goals = torch.from_numpy(scaled_goals.astype(np.int64)).to(place)
    sums, order = torch.sort(_subset_sums(keys[:, :split]), dim=1)
    wanted = goals[:, None] - _subset_sums(keys[:, split:])
    above = torch.searchsorted(sums, wanted)
    last = sums.shape[1] - 1
    best = torch.full((len(keys),), torch.iinfo(torch.int64).max, device=place)
    identity = torch.zeros_like(best)
    for near in (above.clamp(max=last), (above - 1).clamp(min=0)):
        distance = (sums.gather(1, near) - wanted).abs()
        least, high_bits = distance.min(dim=1)
        low_bits = order.gather(1, near.gather(1, high_bits[:, None]))[:, 0]
        identity = torch.where(least < best, low_bits | (high_bits << split), identity)
        best = torch.minimum(best, least)
    subsets = (identity[:, None] >> torch.arange(n, device=place)) & 1
    return subsets.bool().cpu().numpy(), _ambiguous(sums, wanted, best, exact_rows, n)


def _ambiguous(
    sums: torch.Tensor, wanted: torch.Tensor, best: torch.Tensor, exact_rows: np.ndarray, n: int
) -> np.ndarray:
    """Rows with rounded keys in which a second pair lies within the rounding window of the best."""
    undecided = ~exact_rows
    rounded = torch.from_numpy(np.flatnonzero(undecided)).to(sums.device)
    if len(rounded):
        reach = (best[rounded] + n + 1)[:, None]
        from_low = torch.searchsorted(sums[rounded], wanted[rounded] - reach)
        to_high = torch.searchsorted(sums[rounded], wanted[rounded] + reach, right=True)
        undecided[undecided] = ((to_high - from_low).sum(dim=1) > 1).cpu().numpy()
    return undecided


def _subset_sums(keys: torch.Tensor) -> torch.Tensor:
    """All subset sums of each row; the index is the subset's bits."""
    sums = torch.zeros((len(keys), 1), dtype=torch.int64, device=keys.device)
    for i in range(keys.shape[1]):
        sums = torch.cat([sums, sums + keys[:, i : i + 1]], dim=1)
    return sums

"""Processes that train one run together, as torchrun starts them: each takes a share of every batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce

import torch
import torch.distributed as distributed
from torch import Tensor

from slth.errors import EngineError

_TOLD = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun tells each process by its environment."""


@dataclass(frozen=True)
class Ranks:
    """Which of how many processes this is; the only one where no group of processes was made."""

    rank: int = 0
    count: int = 1

    @classmethod
    def here(cls) -> Ranks:
        """Return those of torch's process group."""
        together = distributed.is_available() and distributed.is_initialized()
        return cls(distributed.get_rank(), distributed.get_world_size()) if together else cls()

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def share(self, places: Tensor) -> Tensor:
        """Return this process's part of a batch; its first example, which will weigh nothing, where none is left."""
        mine = places[self.rank :: self.count]
        return mine if len(mine) else places[:1]

    def joined(self, loss: Tensor, gradients: Iterable[Tensor | None], batch: int) -> Tensor:
        """Make gradients those of the mean over the whole batch, in place, and return its loss."""
        if self.count == 1:
            return loss
        own = len(range(self.rank, batch, self.count)) / batch
        tensors = [one for one in gradients if one is not None]
        kind = reduce(torch.promote_types, (one.dtype for one in tensors), loss.dtype)
        flat = torch.cat([one.reshape(-1).to(kind) for one in (loss, *tensors)]) * own
        distributed.all_reduce(flat)
        parts = torch.split(flat[1:], [one.numel() for one in tensors])
        for one, part in zip(tensors, parts, strict=True):
            one.copy_(part.reshape(one.shape))
        return flat[0].to(loss.dtype)

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Give all processes the means of tensors, such as running statistics of their parts of the batches."""
        if self.count == 1:
            return
        for one in tensors:
            if one.is_floating_point():
                distributed.all_reduce(one)
                one /= self.count

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            distributed.barrier()


@contextmanager
def together(environment: Mapping[str, str], device: str) -> Iterator[bool]:
    """Join the other processes that torchrun started, if there are any, and say whether this one is the first."""
    if not all(name in environment for name in _TOLD) or environment["WORLD_SIZE"] == "1":
        yield True
        return
    try:
        if device.startswith("cuda"):
            torch.cuda.set_device(int(environment.get("LOCAL_RANK", "0")))
        distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    except (ValueError, RuntimeError) as problem:
        raise EngineError(f"the processes that torchrun started do not meet: {problem}") from None
    try:
        yield Ranks.here().first
    finally:
        distributed.destroy_process_group()

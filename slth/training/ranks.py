"""Processes that train one run together, as torchrun starts them: each takes a share of every batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import torch
import torch.distributed as distributed
from torch import Tensor


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

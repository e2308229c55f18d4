"""What a CUDA graph does, on a processor: the operations of one step, done again in the same memory, without Python.

Whatever Python decided while the step was recorded (numbers that it computed, ways that it took) stays as it was.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from slth.networks import selection
from slth.training import TrainingRun, captured

_WAITING = torch.ops.aten._local_scalar_dense.default


class _Tape(TorchDispatchMode):
    """Keeps each operation with its arguments and results, so that none of their memory is used again."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Do an operation, and keep it."""
        del types
        if operation is _WAITING:
            raise RuntimeError("operation not permitted when stream is capturing")
        found = operation(*args, **(kwargs or {}))
        self.done.append((operation, args, kwargs or {}, found))
        return found

    def play(self) -> None:
        """Do all again: results go to the memory in which they were recorded, where later operations read them."""
        with torch.no_grad():
            for operation, args, kwargs, recorded in self.done:
                found = operation(*args, **kwargs)
                for old, new in zip(tree_leaves(recorded), tree_leaves(found), strict=True):
                    if isinstance(old, Tensor) and old.untyped_storage().data_ptr() != new.untyped_storage().data_ptr():
                        old.detach().copy_(new)


class Recorder:
    """Takes the place of ``captured.recorded``, and counts."""

    def __init__(self) -> None:
        self.recorded = 0

    def __call__(self, step: Any, device: torch.device) -> tuple[Any, Tensor]:
        """Try a step as often as a graph is tried, and record it."""
        del device
        self.recorded += 1
        for _ in range(captured._WARM_UP):
            step()
        with _Tape() as tape:
            loss = step()
        return tape.play, loss


def recording(monkeypatch: Any, run: TrainingRun) -> Recorder:
    """Let a run on the processor capture its steps, with selections that do not wait, as on a GPU."""
    recorder = Recorder()
    monkeypatch.setattr(captured, "recorded", recorder)
    monkeypatch.setattr(selection, "_by_threshold", selection._by_order)
    run._captured = captured.CapturedSteps(run._gradients, run._leaves, run.parts.buffers)
    return recorder

"""Networks that are trained up to some step, to go on from there in several ways."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from slth.resources import Progress
from slth.training import Examples, FixedMasks, Recipe, TrainingRun
from slth.training.method import Tensors


class Growing:
    """A network that is trained up to some step, under masks if there are any."""

    def __init__(
        self, module: nn.Module, data: Examples, recipe: Recipe, masks: Tensors | None, seed: int, device: str | None
    ) -> None:
        method = None if masks is None else FixedMasks(masks)
        self.module = module
        self.run = TrainingRun(module, data, recipe, method=method, seed=seed, device=device)
        self.run.write_weights()

    def until(self, step: int, path: Path | None, told: tuple[Progress, str] | None = None) -> None:
        """Train from where a file has it, or from the start."""
        if path is not None and path.exists():
            self.run.resume(path)
        if self.run.step.number < step:
            for record in self.run.records(step):
                if path is not None:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    self.run.save(path)
                if told is not None and self.run.step.ends_epoch:
                    told[0](told[1], record.epoch, self.run.recipe.epochs)
                if record.step == step:
                    break
        self.run.write_weights()

"""Networks that are trained up to some step, to go on from there in several ways."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from slth.resources import Progress
from slth.searches.journal import Journal
from slth.trainable.bench import held
from slth.training import Examples, FixedMasks, Recipe, TrainingRun
from slth.training.checkpoint import digest
from slth.training.long_epochs import steps_told
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

    def until(self, step: int, folder: Path | None, told: tuple[Progress, str] | None = None) -> None:
        """Train from where a folder has it, or from the start."""
        said = {"first weights": digest(held(self.module)), "last step": step}
        journal = None if folder is None else Journal(folder, self.run, said)
        trace = [] if journal is None else journal.resume()
        if self.run.step.number < step:
            for record in steps_told(self.run, told and told[0], step):
                if record is None:
                    continue
                trace.append(record)
                if journal is not None:
                    journal.write(trace, better=False)
                if told is not None and self.run.step.ends_epoch:
                    told[0](told[1], record.epoch, self.run.recipe.epochs)
                if record.step == step:
                    break
        self.run.write_weights()

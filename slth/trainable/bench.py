"""Where levels are trained one after another, in a folder if there is one: what was killed goes on to the same bits."""

from __future__ import annotations

import copy
import math
from collections.abc import Generator, Mapping
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from slth.errors import ArgumentError, ConstructionError, DataError
from slth.networks import maskable
from slth.resources import Progress
from slth.searches.journal import Journal, discard
from slth.searches.random_source import RandomSource
from slth.trainable.result import Level
from slth.training import Cosine, Evaluation, Examples, FixedMasks, Recipe, Record, TrainingRun
from slth.training.checkpoint import Problem, digest, read_checkpoint, write_checkpoint
from slth.training.long_epochs import steps_told
from slth.training.method import Tensors
from slth.training.ranks import Ranks


class Bench:
    """A module, examples and a recipe, on which a method trains its levels.

    Each level has the same order of examples: that of the seed, from the step on at which it starts.
    """

    def __init__(
        self,
        module: nn.Module,
        data: Examples,
        recipe: Recipe,
        *,
        source: RandomSource | None = None,
        validation: Examples | None = None,
        seed: int = 0,
        device: str | None = None,
        progress: Progress | None = None,
        trainings: int = 1,
    ) -> None:
        self.module, self.data, self.recipe = module, data, recipe
        self.source, self.validation, self.seed, self.device = source, validation, seed, device
        self.progress, self._done, self._trainings = progress, 0, trainings
        self.first = held(module)
        self.start: Mapping[str, Tensor] = self.first
        self.names = list(maskable(module))
        self._folder: Path | None = None

    @property
    def steps(self) -> int:
        """Steps of the whole recipe."""
        return self.recipe.epochs * self.recipe.steps_per_epoch(len(self.data))

    @property
    def tuning(self) -> Recipe:
        """The recipe from a tenth of its first rate on, in half a cosine: how trained weights are trained further."""
        per_epoch = self.recipe.steps_per_epoch(len(self.data))
        first = self.recipe.schedule.rate(0, per_epoch, self.recipe.epochs)
        return replace(self.recipe, schedule=Cosine(first / 10.0), start=0)

    def whole(self) -> dict[str, Tensor]:
        """Return masks that keep everything."""
        return {name: torch.ones(self.first[name].shape, dtype=torch.bool) for name in self.names}

    def open(self, folder: Path, method: object) -> None:
        """Keep what is done in a folder, and take up what is there of the same method, module, data, recipe, seed."""
        self._folder, self._method = folder, method

    @cached_property
    def _problem(self) -> Problem:
        trained = tuple(name for name, one in self.module.named_parameters() if one.requires_grad)
        return Problem(self.module, self.data, self.recipe, self._method, trained, self.seed)

    def train(
        self,
        number: int,
        kind: str,
        state: Tensors,
        masks: Mapping[str, Tensor],
        *,
        recipe: Recipe | None = None,
        start: int | None = None,
        until: int | None = None,
        data: Examples | None = None,
    ) -> Generator[None, None, Level]:
        """Train from a state under masks, step by step: from one of a recipe, by default its own, to another.

        On other examples than all only where these follow from them, the method and the seed.
        """
        ranks = Ranks.here()
        place = None if self._folder is None else self._folder / f"level-{number:02d}-{kind}"
        running = None if place is None else place.with_name(f"{place.name}.running")
        done = None if place is None else self._read(place.with_suffix(".safetensors"), number, kind, masks)
        if done is None:
            changed = recipe or self.recipe
            changed = changed if start is None else replace(changed, start=start)
            run = self._run(self.data if data is None else data, state, masks, changed)
            done = yield from self._trained(number, kind, run, masks, until, running)
            if place is not None and ranks.first:
                self._write(place.with_suffix(".safetensors"), done)
            ranks.wait()
        if running is not None and ranks.first:
            discard(running)
        self._done += 1
        return done

    def _run(self, data: Examples, state: Tensors, masks: Mapping[str, Tensor], recipe: Recipe) -> TrainingRun:
        """Make the run of a level, on a module of its own."""
        module = copy.deepcopy(self.module)
        module.load_state_dict(dict(state))
        method = None if all(bool(mask.all()) for mask in masks.values()) else FixedMasks(masks)
        held_out, place = self.validation, self.device
        return TrainingRun(module, data, recipe, method=method, validation=held_out, seed=self.seed, device=place)

    def _trained(
        self,
        number: int,
        kind: str,
        run: TrainingRun,
        masks: Mapping[str, Tensor],
        until: int | None,
        running: Path | None,
    ) -> Generator[None, None, Level]:
        """Train to the end of a run, from where the folder has it on."""
        said = {"level": number, "kind": kind, **self._begun}
        journal = None if running is None else Journal(running, run, said)
        trace = [] if journal is None else journal.resume()
        label = f"level {number}" if kind in ("ticket", "start") else f"level {number}, {kind}"
        if until is None or run.step.number < until:
            for record in steps_told(run, self.progress, until):
                if record is None:
                    yield
                    continue
                if not math.isfinite(record.loss):
                    rule = f"the loss is {record.loss} in {label}, step {record.step}"
                    raise ConstructionError(f"{rule}: lower the rate, or clip gradients")
                trace.append(record)
                if journal is not None:
                    journal.write(trace, better=False)
                if self.progress is not None:
                    epochs = self._done * self.recipe.epochs + min(record.epoch, self.recipe.epochs)
                    self.progress("train", epochs, self._trainings * self.recipe.epochs)
                if record.step == until:
                    break
        return Level(number, kind, dict(masks), held(run.module), tuple(trace))

    def _write(self, path: Path, level: Level) -> None:
        """Write a level that is done."""
        tensors = {f"state.{name}": tensor for name, tensor in level.state.items()}
        tensors |= {f"mask.{name}": mask for name, mask in level.masks.items()}
        said: dict[str, Any] = {"begun": self._begun, "trace": [asdict(record) for record in level.trace]}
        write_checkpoint(path, self._problem, tensors, said)

    def _read(self, path: Path, number: int, kind: str, masks: Mapping[str, Tensor]) -> Level | None:
        """Read a level that is done, if it is."""
        if not path.exists():
            return None
        tensors, said = read_checkpoint(path, self._problem)
        others = [name for name, value in self._begun.items() if said["begun"][name] != value]
        if others:
            rule, remedy = f"holds levels of other {' and '.join(others)}", "pass the same, or name another folder"
            raise ArgumentError("folder", str(path.parent), rule, remedy)
        kept = {name: tensors[f"mask.{name}"] for name in masks}
        if not all(torch.equal(kept[name], mask) for name, mask in masks.items()):
            raise DataError(f"{path}: has other masks than the level before it gives: remove its folder to begin anew")
        state = {name: tensors[f"state.{name}"] for name in self.first}
        return Level(number, kind, kept, state, tuple(_record(one) for one in said["trace"]))

    @cached_property
    def _begun(self) -> dict[str, str | None]:
        """Digests of the weights that training begins with, and of what is evaluated after each epoch."""
        held_out = None if self.validation is None else self.validation.sha256()
        return {"first weights": digest(self.first), "held-out examples": held_out}


def held(module: nn.Module) -> dict[str, Tensor]:
    """Return copies of a module's tensors on the CPU."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in module.state_dict().items()}


def _record(said: Mapping[str, Any]) -> Record:
    validation = said["validation"]
    return Record(**{**said, "validation": None if validation is None else Evaluation(**validation)})

"""What a step is given: its examples, augmented, and generators that are left as they were found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from slth.errors import ArgumentError
from slth.rng import Stream
from slth.training.examples import Examples, moments, order_of_epoch, words_of_epoch
from slth.training.recipe import Recipe


class Batches:
    """The batches of a run, each of which depends on the seed and its step alone."""

    def __init__(self, data: Examples, recipe: Recipe, seed: int) -> None:
        self._data, self._recipe, self._seed = data, recipe, seed
        self.per_epoch = recipe.steps_per_epoch(len(data))
        self._layers: list[int] = []
        self._generators = [torch.default_generator]
        if data.inputs.device.type == "cuda":
            self._generators.append(torch.cuda.default_generators[data.inputs.device.index or 0])
        self._epoch: int | None = None
        self._order = torch.empty(0)
        self._words: dict[str, Tensor] = {}
        if self.per_epoch == 0:
            rule = f"is more than the {len(data)} examples, and smaller batches are left out"
            raise ArgumentError("batch_size", recipe.batch_size, rule, "use a smaller one, or drop_last=False")
        shape = list(data.inputs.shape[1:])
        if recipe.augmentation and len(shape) != 3:
            rule = f"is for images, not for inputs of shape {shape}"
            raise ArgumentError("augmentation", recipe.augmentation, rule, "give the shape of the images")
        self._moments: tuple[Tensor, Tensor] | None = None
        if recipe.normalisation is not None:
            if not shape or len(recipe.normalisation[0]) not in (1, shape[0]):
                rule, remedy = f"does not fit inputs of shape {shape}", "pass one mean and deviation for each channel"
                raise ArgumentError("normalisation", recipe.normalisation, rule, remedy)
            self._moments = moments(data.inputs, recipe.normalisation)

    def places(self, step: int) -> Tensor:
        """Return where the examples of a step stand, int64 [batch].

        Inside :meth:`generators`, what layers draw from torch's generators has the step's own address from here on.
        """
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._draw(epoch)
        for generator in self._generators:
            generator.manual_seed(self._layers[place])
        first = place * self._recipe.batch_size
        return self._order[first : first + self._recipe.batch_size]

    def examples(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Return the inputs at some places, augmented for the epoch and normalised, and their targets."""
        inputs = self._data.inputs[places]
        for augmentation in self._recipe.augmentation:
            inputs = augmentation.apply(inputs, self._words[augmentation.name][places])
        return self.normalised(inputs), self._data.targets[places]

    def normalised(self, inputs: Tensor) -> Tensor:
        """Return inputs less the mean of their channel, by its deviation."""
        return inputs if self._moments is None else (inputs - self._moments[0]) / self._moments[1]

    @contextmanager
    def generators(self) -> Iterator[None]:
        """Leave torch's generators as they were found."""
        states = [generator.get_state() for generator in self._generators]
        try:
            yield
        finally:
            for generator, state in zip(self._generators, states, strict=True):
                generator.set_state(state)

    def _draw(self, epoch: int) -> None:
        """Draw the order and the words of an epoch, on the device."""
        device, count = self._data.inputs.device, len(self._data)
        words = Stream(self._seed, "training/layers").raw(epoch * self.per_epoch, self.per_epoch)
        self._layers = (words >> np.uint64(1)).tolist()
        self._order = torch.from_numpy(order_of_epoch(self._seed, epoch, count)).to(device)
        for augmentation in self._recipe.augmentation:
            drawn = torch.from_numpy(words_of_epoch(self._seed, augmentation.name, epoch, count))
            # in place: a captured step reads them where they stood when it was captured
            self._words.setdefault(augmentation.name, torch.empty_like(drawn, device=device)).copy_(drawn)
        self._epoch = epoch

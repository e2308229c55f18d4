"""What a step is given: its examples, augmented, and generators that are left as they were found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from scipy.special import betaincinv
from torch import Tensor

from slth.errors import ArgumentError
from slth.rng import Stream
from slth.training.examples import Examples, moments, order_of_epoch, partners_of_epoch, words_of_epoch
from slth.training.recipe import Loss, Recipe


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
        # of mixup: what each example is mixed with in this epoch, and its own share in this step
        self._partners = torch.empty(len(data), dtype=torch.int64, device=data.inputs.device)
        self._shares: list[float] = []
        self._share = torch.ones((), dtype=torch.float64, device=data.inputs.device)
        if recipe.mixup and not data.inputs.is_floating_point():
            raise ArgumentError("mixup", recipe.mixup, "is for numbers, and inputs are token indices", "use mixup=0.0")
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
        if self._recipe.mixup:
            self._share.fill_(self._shares[place])
        first = place * self._recipe.batch_size
        return self._order[first : first + self._recipe.batch_size]

    def inputs(self, places: Tensor) -> Tensor:
        """Return the inputs at some places, augmented for the epoch, mixed with their partners, and normalised."""
        inputs = self._augmented(places)
        if self._recipe.mixup:
            inputs = torch.lerp(self._augmented(self._partners[places]), inputs, self._share.to(inputs))
        return self.normalised(inputs)

    def loss(self, outputs: Tensor, places: Tensor, loss: Loss) -> Tensor:
        """Return the loss of a step's outputs against the targets at some places, in shares where they are mixed."""
        own = loss(outputs, self._data.targets[places])
        if not self._recipe.mixup:
            return own
        return torch.lerp(loss(outputs, self._data.targets[self._partners[places]]), own, self._share.to(own))

    def _augmented(self, places: Tensor) -> Tensor:
        inputs = self._data.inputs[places]
        for augmentation in self._recipe.augmentation:
            inputs = augmentation.apply(inputs, self._words[augmentation.name][places])
        return inputs

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
        if self._recipe.mixup:
            uniform = Stream(self._seed, "training/mixup").uniform(epoch * self.per_epoch, self.per_epoch)
            self._shares = betaincinv(self._recipe.mixup, self._recipe.mixup, uniform).tolist()
            self._partners.copy_(torch.from_numpy(partners_of_epoch(self._seed, epoch, count)))
        self._epoch = epoch

"""The one training loop: a generator of small records, whose state is all that a checkpoint holds."""

from __future__ import annotations

import time
from collections.abc import Generator, Hashable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from slth.arrays import whole
from slth.errors import ArgumentError
from slth.networks.calls import Calling
from slth.networks.devices import lay_out, resolve_device
from slth.networks.given import instance, module_given
from slth.networks.masking import maskable, total_density
from slth.networks.threads import threads_for
from slth.rng import Stream
from slth.training.batches import Batches
from slth.training.captured import CapturedSteps
from slth.training.checkpoint import Problem, file_of, read_checkpoint, write_checkpoint
from slth.training.evaluation import Evaluation, evaluate_function
from slth.training.examples import Examples
from slth.training.fit import check_fit, check_last_batch, device_of
from slth.training.masked import hold, mask_gradients
from slth.training.method import Method, MethodState, Step, Tensors, Trained, partition
from slth.training.ranks import Ranks
from slth.training.recipe import Recipe

EVALUATED = 1024
"""Examples that are evaluated at once."""


@dataclass(frozen=True)
class Record:
    """What a consumer of the loop sees.

    Parameters
    ----------
    step, epoch : int
        Steps done, and epochs that are over.
    loss : float
        Mean over the examples since the record before, measured while training ran (penalties included).
    rate : float
        Learning rate of the last step.
    density : float
        kept / total over the masked weights; 1.0 without a method.
    seconds : float
        Spent in steps and evaluations since training began.
    validation : Evaluation or None
        At the end of an epoch, where there are held-out examples.
    """

    step: int
    epoch: int
    loss: float
    rate: float
    density: float
    seconds: float
    validation: Evaluation | None = None


class TrainingRun:
    """A module in training: iterate over it, and it trains.

    Every random number has an address: the order of the examples (seed, epoch, index), the augmentation (seed, epoch,
    index of the example), and whatever layers such as dropout draw from torch's generators (seed, step), which are left
    as they were found. So on the CPU a run that is killed and resumed ends at the same bits, with the same number of
    threads. In a process group (torchrun) each process takes its share of every batch, and the first one writes.

    Parameters
    ----------
    module : torch.nn.Module
        Trained in place; moved to the device, images and kernels with the channels last.
    data : Examples
        What it is trained on.
    recipe : Recipe, optional
    method : Method, optional
        A search or a trainable ticket; ordinary training without one.
    trained : collection of str or callable, optional
        Which of the module's parameters are trained; by default those that require a gradient, or none where a method
        keeps weights as they are drawn.
    validation : Examples, optional
        Held-out examples (:func:`slth.training.split`), evaluated at the end of each epoch.
    seed : int
        0 <= seed < 2**64.
    device : {"auto", "cpu", "cuda"}, optional
        Where the module is by default.

    Raises
    ------
    slth.errors.ArgumentError
        The module does not take the examples, nothing is trained, or an argument breaks a rule.

    Examples
    --------
    >>> import torch
    >>> data = slth.training.Examples(torch.tensor([[-1.0], [1.0]]), [0, 1])
    >>> run = slth.training.TrainingRun(torch.nn.Linear(1, 2), data, slth.training.Recipe(epochs=30))
    >>> len(list(run)), run.evaluate(data).accuracy
    (30, 1.0)
    """

    def __init__(
        self,
        module: nn.Module,
        data: Examples,
        recipe: Recipe | None = None,
        *,
        method: Method | None = None,
        trained: Trained | None = None,
        validation: Examples | None = None,
        seed: int = 0,
        device: str | None = None,
    ) -> None:
        module_given(module, ready=True)
        made = "make them with slth.training.Examples(inputs, targets)"
        instance(data, Examples, "data", made)
        if validation is not None:
            instance(validation, Examples, "validation", made)
        if method is not None and not hasattr(method, "trains_weights"):
            raise ArgumentError("method", method, "is no Method", "inherit from slth.training.Method")
        self.module, self.method, self.ranks = module, method, Ranks.here()
        self.recipe = Recipe() if recipe is None else instance(recipe, Recipe, "recipe", "pass a slth.training.Recipe")
        self.seed = Stream(seed, "training").seed
        place = device_of(module) if device is None else torch.device(resolve_device(device))
        layout = lay_out(module, place, images=data.inputs.ndim == 4)
        self.data = data.to(place, layout)
        self.validation = None if validation is None else validation.to(place, layout)
        self._batches = Batches(self.data, self.recipe, self.seed)
        self._at, self._seconds = self._checked_start(), 0.0
        default = (lambda _: False) if method is not None and not method.trains_weights else None
        self.parts = partition(module, trained=default if trained is None else trained)
        self.state = self._first_state()
        self._changing = None if method is None or type(method).after is Method.after else method
        self._called = Calling(module, compiled=self.recipe.compiled)
        self._own = (
            (method is None or method.masks_gradients)
            and not self.recipe.compiled
            and all(tensor.requires_grad == (name in self.parts.trained) for name, tensor in module.named_parameters())
        )
        leaves = dict(module.named_parameters()) if self._own else self.parts.trained
        self._leaves = {name: leaves[name] for name in self.parts.trained}
        self._leaves.update({f"method.{name}": tensor for name, tensor in self.state.trained.items()})
        if not self._leaves and self.recipe.epochs:
            raise ArgumentError("trained", trained, "leaves nothing to train", "name a parameter, or use a method")
        held = self.masks() if method is not None and method.masks_gradients else {}
        self._held = hold(held, {**self.parts.frozen, **self.parts.trained}, self._leaves)
        self._optimizer = self.recipe.optimizer.build(list(self._leaves.values())) if self._leaves else None
        self._captured = self._capturing(place) if self.recipe.cuda_graphs else None
        self._products = self.recipe.batch_size * sum(parameter.numel() for parameter in module.parameters())
        self._problem = Problem(module, self.data, self.recipe, method, tuple(self.parts.trained), self.seed)
        check_fit(module, self.data, self.evaluate)
        check_last_batch(module, len(data), self.recipe, self.ranks.count)

    @property
    def step(self) -> Step:
        """Where training is."""
        return Step(self._at, self._batches.per_epoch, self.recipe.epochs)

    def __iter__(self) -> Iterator[Record]:
        """Train, with a record for each epoch."""
        return self.records()

    def records(self, every: int | None = None) -> Iterator[Record]:
        """Train from where the run is to its end; between two records the run may be saved, evaluated or left.

        Parameters
        ----------
        every : int, optional
            Steps between two records, counted from the first step; there is always one at the end of an epoch.

        Yields
        ------
        Record

        Raises
        ------
        slth.errors.ArgumentError
            ``every`` is not positive.
        """
        if every is not None:
            every = whole(every, "every", remedy="leave it out for one record an epoch")
        return (found for found in self.steps(every) if found is not None)

    def steps(self, every: int | None = None) -> Generator[Record | None, None, None]:
        """Train as :meth:`records` does, with None behind each step, so that several runs can take turns."""
        try:
            while self._at < self.step.total:
                with threads_for(self._products), self._batches.generators():
                    record = yield from self._until_record(every)
                yield record
        finally:
            self.module.eval()
            for leaf in self._leaves.values():
                leaf.grad = None

    def _until_record(self, every: int | None) -> Generator[None, None, Record]:
        """Do steps until a record is due."""
        begin, seen, rate = time.perf_counter(), 0, 0.0
        total = torch.zeros((), device=self.data.inputs.device)
        self.module.train()
        while True:
            rate = self.recipe.schedule.rate(self._at, self._batches.per_epoch, self.recipe.epochs)
            places = self._batches.places(self._at)
            total += self._one_step(places, rate) * len(places)
            seen += len(places)
            yield
            if self.step.ends_epoch or (every is not None and self._at % every == 0):
                break
        loss = float(total) / seen  # waits for the device
        self.ranks.average(self.parts.buffers.values())
        found = self.evaluate(self.validation) if self.validation is not None and self.step.ends_epoch else None
        density = total_density(self.masks()).density
        self._seconds += time.perf_counter() - begin
        return Record(self._at, self.step.epoch, loss, rate, density, self._seconds, found)

    def _one_step(self, places: Tensor, rate: float) -> Tensor:
        """Do one step on the examples at some places, and return its loss."""
        optimizer = self._optimizer
        assert optimizer is not None, "there is something to train"
        for group in optimizer.param_groups:
            group["lr"] = rate
        own = self.ranks.share(places)
        loss = self._gradients(own) if self._captured is None else self._captured(own, self._phase())
        loss = self.ranks.joined(loss, [leaf.grad for leaf in self._leaves.values()], len(places))
        if self.recipe.clip is not None:
            nn.utils.clip_grad_norm_(list(self._leaves.values()), self.recipe.clip)
        optimizer.step()
        self._at += 1
        if self._changing is not None:
            self._after(self._changing)
        return loss

    def _phase(self) -> Hashable:
        """Return what of the step its gradients depend on."""
        return None if self.method is None else self.method.phase(self.step), self.recipe.loss_at(self.step)

    def _gradients(self, places: Tensor) -> Tensor:
        """Fill the gradients from the examples at some places, and return the loss: all of a step that takes long."""
        for leaf in self._leaves.values():
            leaf.grad = None
        inputs = self._batches.inputs(places)
        with self._autocast():
            loss = self._batches.loss(self._outputs(inputs), places, self.recipe.loss_at(self.step))
        penalty = None if self.method is None else self.method.penalty(self.state, self.step)
        loss = loss if penalty is None else loss + penalty
        loss.backward()  # type: ignore[no-untyped-call]
        mask_gradients(self._held)
        return loss.detach()

    def evaluate(self, examples: Examples, *, batch_size: int = EVALUATED) -> Evaluation:
        """Return loss and accuracy as the run stands: masked, normalised, in evaluation mode."""
        mode = self.module.training
        self.module.eval()
        try:
            with self._autocast(), torch.no_grad():
                return evaluate_function(
                    lambda inputs: self._outputs(self._batches.normalised(inputs)),
                    examples.to(self.data.inputs.device),
                    self.recipe.loss,
                    batch_size,
                )
        finally:
            self.module.train(mode)

    def masks(self) -> dict[str, Tensor]:
        """Return the masks of the method as they stand; none without a method."""
        if self.method is None:
            return {}
        with torch.no_grad():
            return {name: mask.detach() for name, mask in self.method.mask(self.state, self.step).items()}

    def write_weights(self) -> None:
        """Write the weights that the method makes into the module, so that calling it is what was trained."""
        if self.method is None:
            return
        with torch.no_grad():
            weights = {**self.parts.frozen, **self.parts.trained}
            for name, made in self.method.evaluated(weights, self.state, self.step).items():
                weights[name].copy_(made)

    def save(self, path: str | Path) -> None:
        """Write a checkpoint: under a temporary name, then renamed, so that a file is never half there.

        Raises
        ------
        slth.errors.ArgumentError
            The file cannot be written.
        """
        numbers = {"step": self._at, "seconds": self._seconds}
        if self.ranks.rank == 0:
            write_checkpoint(file_of(path), self._problem, self._tensors(), numbers)
        self.ranks.wait()

    def resume(self, path: str | Path) -> None:
        """Take up a checkpoint of the same method, module, data, recipe and seed; nothing in the file is executed.

        Raises
        ------
        slth.errors.DataError
            There is no such file, or it is not a checkpoint or damaged.
        slth.errors.ArgumentError
            It was made under another method, module, data, recipe or seed: the message says which field differs.
        """
        tensors, numbers = read_checkpoint(file_of(path), self._problem)
        for name, tensor in self._tensors(fresh=True).items():
            tensor.copy_(tensors.pop(name))
        fixed = {name.removeprefix("fixed."): tensor for name, tensor in tensors.items() if name.startswith("fixed.")}
        place = self.data.inputs.device
        self.state = MethodState(self.state.trained, {name: tensor.to(place) for name, tensor in fixed.items()})
        if self._captured is not None:
            self._captured.clear()
        self._resume_optimizer(tensors)
        self._at, self._seconds = int(numbers["step"]), float(numbers["seconds"])

    def snapshot(self) -> dict[str, Tensor]:
        """Return copies of the module's tensors, of the method's state and of the optimiser's."""
        return {name: tensor.clone() for name, tensor in self._tensors().items()}

    def _tensors(self, *, fresh: bool = False) -> dict[str, Tensor]:
        """Return all tensors of the state by name; of a fresh run those alone that every such run has."""
        own = {**self.parts.trained, **self.parts.frozen, **self.parts.buffers}
        found = {f"module.{name}": tensor.detach() for name, tensor in own.items()}
        found |= {f"trained.{name}": tensor.detach() for name, tensor in self.state.trained.items()}
        if fresh:
            return found
        found |= {f"fixed.{name}": tensor for name, tensor in self.state.fixed.items()}
        for name, leaf in self._leaves.items():
            kept = {} if self._optimizer is None else self._optimizer.state.get(leaf, {})
            found |= {f"optimizer.{key}.{name}": value for key, value in kept.items() if isinstance(value, Tensor)}
        return found

    def _resume_optimizer(self, tensors: Tensors) -> None:
        """Give the optimiser the state that a checkpoint has for it."""
        if self._optimizer is None:
            return
        self._optimizer.state.clear()
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                key, leaf_name = name.removeprefix("optimizer.").split(".", 1)
                leaf = self._leaves[leaf_name]
                value = torch.empty_like(leaf).copy_(tensor) if tensor.shape == leaf.shape else tensor.clone()
                self._optimizer.state[leaf][key] = value

    def _capturing(self, place: torch.device) -> CapturedSteps:
        """Return what captures the steps of this run, if there is a device that can."""
        if place.type != "cuda":
            remedy = 'use device="cuda", or cuda_graphs=False'
            raise ArgumentError("cuda_graphs", True, f"is for CUDA devices, not for {place}", remedy)  # noqa: FBT003
        return CapturedSteps(self._gradients, self._leaves, self.parts.buffers)

    def _checked_start(self) -> int:
        """Return the first step, if it is one."""
        last = self._batches.per_epoch * self.recipe.epochs
        return whole(self.recipe.start, "start", 0, last, remedy="use 0, or the step to rewind to")

    def _first_state(self) -> MethodState:
        """Return the method's state; an empty one without a method."""
        if self.method is None:
            return MethodState()
        weights = {**self.parts.frozen, **self.parts.trained}
        names = [name for name in maskable(self.module) if name in weights]
        state = self.method.init({name: weights[name].detach() for name in names}, self.seed)
        place = self.data.inputs.device
        scores = {name: tensor.detach().to(place, copy=True).requires_grad_() for name, tensor in state.trained.items()}
        return MethodState(scores, {name: tensor.to(place) for name, tensor in state.fixed.items()})

    def _after(self, method: Method) -> None:
        """Let the method change its state; what is optimised keeps its place in memory."""
        with torch.no_grad():
            state = method.after(self.state, self.step, {**self.parts.frozen, **self.parts.trained})
            changed = [name for name, leaf in self.state.trained.items() if state.trained[name] is not leaf]
            if changed:
                leaves, made = ([one.trained[name] for name in changed] for one in (self.state, state))
                torch._foreach_copy_(leaves, made)  # one launch for all, where launches are what takes time
            fixed = state.fixed if self._captured is None else self._captured.kept(self.state.fixed, state.fixed)
        self.state = MethodState(self.state.trained, fixed)

    def _outputs(self, inputs: Tensor) -> Tensor:
        """Evaluate the module with the weights as they stand."""
        if self._own:
            return cast("Tensor", self.module(inputs))
        weights = {**self.parts.frozen, **self.parts.trained}
        if self.method is not None:
            made = self.method.weights if self.module.training else self.method.evaluated
            weights.update(made(weights, self.state, self.step))
        return cast("Tensor", self._called(self.module, weights, (inputs,)))

    def _autocast(self) -> AbstractContextManager[object]:
        """Return the context in which products are bfloat16, if they are asked to be."""
        return torch.autocast(self.data.inputs.device.type, torch.bfloat16) if self.recipe.bfloat16 else nullcontext()

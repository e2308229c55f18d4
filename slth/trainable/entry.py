"""Trainable methods: a module, examples and a method in; levels out."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

import torch
from torch import nn

from slth.arrays import whole
from slth.errors import ArgumentError, as_written
from slth.networks import maskable
from slth.networks.devices import resolve_device
from slth.networks.given import instance, module_given, sequence
from slth.resources import Progress, reporter
from slth.rng import WeightLaw
from slth.searches.random_source import Scale, random_source
from slth.trainable.bench import Bench
from slth.trainable.method import TrainableMethod
from slth.trainable.result import TrainResult
from slth.training import Examples, Recipe
from slth.training.checkpoint import file_of
from slth.training.fit import device_of
from slth.training.turns import finished, taking_turns, together

_EXAMPLES = "make them with slth.training.Examples(inputs, targets)"


def train(
    module: nn.Module,
    data: Examples,
    method: TrainableMethod,
    *,
    recipe: Recipe | None = None,
    validation: Examples | None = None,
    law: WeightLaw | None = None,
    scale: Scale = "kaiming",
    seed: int = 0,
    device: str | None = None,
    folder: str | Path | None = None,
    progress: Progress | bool | None = None,
) -> TrainResult:
    """Find a trainable ticket: masks by level, the survivors of each trained.

    Parameters
    ----------
    module : torch.nn.Module
        Its weights are those that training begins with, unless a law is given; it stays as it is.
    data : Examples
        What every level is trained on.
    method : TrainableMethod
        Such as :class:`IMP`.
    recipe : Recipe, optional
        How a level is trained; by default the method's ``usual`` recipe: 20 epochs of batches of 128, SGD with momentum
        0.9 and weight decay 1e-4, cosine from 0.1.
    validation : Examples, optional
        Held-out examples, evaluated after each epoch of each level.
    law : WeightLaw, optional
        Of random weights, drawn from the seed in the place of the module's own (biases are 0 then): levels can be
        written as tickets then.
    scale : {"kaiming", "elu", "none"}
        Standard deviation of a layer's random weights, as :func:`slth.search` has it.
    seed : int
        Of random weights, the order of the examples and branches; 0 <= seed < 2**64.
    device : {"auto", "cpu", "cuda"}, optional
        Where to train; where the module is by default.
    folder : str or Path, optional
        Where each epoch and each level is written: the same call with the same folder goes on from there, on the CPU to
        the same bits, also to more levels than before. Without one nothing is written.
    progress : callable or bool, optional
        True for a line on stderr; or called with ("train", epochs done, epochs) over all levels and branches.

    Returns
    -------
    TrainResult

    Raises
    ------
    slth.errors.ArgumentError
        The module has nothing to mask or does not take the examples, the folder holds something else, or an argument
        breaks a rule.
    slth.errors.DataError
        A file in the folder is damaged.
    slth.errors.ConstructionError
        The loss is no longer finite.

    Examples
    --------
    >>> import torch
    >>> data = slth.training.Examples(torch.tensor([[-1.0, 0.2], [1.0, 0.1]] * 8), [0, 1] * 8)
    >>> found = slth.train(slth.networks.mlp((2, 32, 2)), data, slth.IMP(rate=0.5, levels=2))
    >>> [round(row["density"], 2) for row in found.rows()], found.evaluate(data).accuracy
    ([1.0, 0.5, 0.25], 1.0)
    """
    return finished(
        training(
            module, data, method, recipe=recipe, validation=validation, law=law, scale=scale, seed=seed,
            device=device, folder=folder, progress=reporter(progress),
        )
    )  # fmt: skip


def train_many(
    modules: nn.Module | Sequence[nn.Module],
    data: Examples,
    method: TrainableMethod,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    recipe: Recipe | None = None,
    validation: Examples | None = None,
    law: WeightLaw | None = None,
    scale: Scale = "kaiming",
    device: str | None = None,
    folder: str | Path | None = None,
    progress: Progress | bool | None = None,
) -> list[TrainResult]:
    """Find trainable tickets from several seeds at once: each is what :func:`train` finds alone.

    The trainings take turns, step by step, as the searches of :func:`slth.search_many` do: on a CUDA device each has a
    stream of its own, on the CPU nothing is gained but the order.

    Parameters
    ----------
    modules : torch.nn.Module or sequence of them
        One for each seed, or one for all, whose first weights all have where no law draws them.
    data, method
        As :func:`train` has them; data are held once for all.
    seeds : sequence of int
        Of random weights, order and branches.
    recipe, validation, law, scale, device
        As :func:`train` has them, for all.
    folder : str or Path, optional
        Where each goes on from, in folders named by the place of its seed, ``0``, ``1``, ...
    progress : callable or bool, optional
        True for a line on stderr; or called with ("train", epochs done by all together, their number).

    Returns
    -------
    list of TrainResult
        In the order of the seeds.

    Raises
    ------
    slth.errors.ArgumentError
        There is no seed, there are other than so many modules, or as :func:`train`.
    slth.errors.DataError, slth.errors.ConstructionError
        As :func:`train`.

    Examples
    --------
    >>> from slth.networks import mlp
    >>> data = slth.training.Examples([[-1.0, 0.2], [1.0, 0.1]] * 8, [0, 1] * 8)
    >>> law = slth.WeightLaw("normal")
    >>> found = slth.train_many(mlp((2, 32, 2)), data, slth.IMP(rate=0.5, levels=1), seeds=[1, 2], law=law)
    >>> [one.ticket().seed for one in found]
    [1, 2]
    """
    numbers = [whole(seed, "seeds", 0, remedy="pass seeds such as range(4)") for seed in sequence(seeds) or ()]
    given = [modules] * len(numbers) if isinstance(modules, nn.Module) else list(sequence(modules) or ())
    if not given and numbers:
        remedy = "pass a torch.nn.Module, or a list of one for each seed"
        raise ArgumentError("modules", type(modules).__name__, "must be one module, or some", remedy)
    with as_written(module="modules"):
        for module in given:
            module_given(module)
    if not numbers or len(given) != len(numbers):
        rule = f"must be one at least, and one for each of the {len(given)} modules"
        raise ArgumentError(
            "seeds", list(numbers), rule, "pass seeds such as range(4), and one module, or one for each"
        )
    place = device_of(given[0]) if device is None else torch.device(resolve_device(device))
    here = instance(data, Examples, "data", _EXAMPLES).to(place)  # once, for all
    held = None if validation is None else instance(validation, Examples, "validation", _EXAMPLES).to(place)
    told = together(reporter(progress), len(numbers))
    runs = [
        training(
            module, here, method, recipe=recipe, validation=held, law=law, scale=scale, seed=seed, device=str(place),
            folder=None if folder is None else file_of(folder, "folder") / str(number), progress=told[number],
        )
        for number, (module, seed) in enumerate(zip(given, numbers, strict=True))
    ]  # fmt: skip
    with as_written(module="modules"):
        return taking_turns(runs, place)


def training(
    module: nn.Module,
    data: Examples,
    method: TrainableMethod,
    *,
    recipe: Recipe | None = None,
    validation: Examples | None = None,
    law: WeightLaw | None = None,
    scale: Scale = "kaiming",
    seed: int = 0,
    device: str | None = None,
    folder: str | Path | None = None,
    progress: Progress | bool | None = None,
) -> Generator[None, None, TrainResult]:
    """Train as :func:`train` does, step by step: several trainings can take turns."""
    instance(method, TrainableMethod, "method", "use slth.IMP(); searches go to slth.search")
    instance(data, Examples, "data", _EXAMPLES)
    if not maskable(module_given(module, ready=True)):
        remedy = "use linear layers, convolutions, embeddings or attention"
        raise ArgumentError("module", type(module).__name__, "has no weight that a mask is for", remedy)
    source = None if law is None else random_source(module, law=law, seed=seed, scale=scale, density=None)
    bench = Bench(
        module if source is None else source.module,
        data,
        method.usual if recipe is None else instance(recipe, Recipe, "recipe", "pass a slth.training.Recipe"),
        source=source,
        validation=validation,
        seed=seed,
        device=device,
        progress=reporter(progress),
        trainings=method.trainings,
    )
    if folder is not None:
        bench.open(file_of(folder, "folder"), method.compared())
    levels = []
    for level in method.run(bench):
        if level is None:
            yield
        else:
            levels.append(level)
    loss, normalisation = bench.recipe.loss, bench.recipe.normalisation
    return TrainResult(bench.module, tuple(levels), bench.start, source, loss, method.product, normalisation)

"""Benchmark tasks around searches: what a step costs beside the dense step and beside published recipes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from slth.benchmarks.contenders import Cell, Contender, Declined
from slth.errors import ArgumentError, did_you_mean
from slth.networks import conv_n, lenet300, maskable, prunable_weights, resnet, resnet_cifar
from slth.networks.devices import resolve_device
from slth.rng import WeightLaw
from slth.searches import EdgePopup
from slth.searches.method import Searched, Selected
from slth.searches.random_source import random_source
from slth.training import SGD, Constant, Examples, FixedMasks, Recipe, TrainingRun

_MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "lenet-300-100": (lenet300, (784,)),
    **{f"conv-{depth}": (lambda depth=depth: conv_n(depth), (3, 32, 32)) for depth in (2, 4, 6, 8)},  # type: ignore[misc]
    "resnet-20": (lambda: resnet_cifar(20), (3, 32, 32)),
    "resnet-18": (lambda: resnet(18, images="small", classes=10), (3, 32, 32)),
}


def search_step(cell: Cell, seed: int) -> Sequence[Contender]:
    """Time steps of edge-popup and of a pruned level beside the dense and the published step, on random images."""
    model, density, batch, steps = cell["model"], cell["density"], cell["batch"], cell["steps"]
    if model not in _MODELS:
        raise ArgumentError("model", model, "is not a model of this benchmark", did_you_mean(model, _MODELS))
    try:
        device = resolve_device(cell.get("device", "cpu"))
    except ArgumentError as refusal:
        raise Declined(str(refusal)) from None
    make, shape = _MODELS[model]
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn((4 * batch, *shape), generator=generator)
    data = Examples(inputs, torch.randint(0, 10, (4 * batch,), generator=generator))
    recipe = Recipe(epochs=10**6, batch_size=batch, schedule=Constant(0.01), optimizer=SGD(weight_decay=1e-4))
    sizes = {"weights": prunable_weights(make()), "batch": batch}

    def ours() -> TrainingRun:
        source = random_source(make(), law=WeightLaw("signed-constant"), seed=seed, scale="kaiming", density=density)
        method = Searched(Selected(EdgePopup(density)), source)
        return TrainingRun(source.module, data, recipe, method=method, seed=seed, device=device)

    def pruned() -> TrainingRun:
        module = make()
        masks = {name: module.get_parameter(name).abs() for name in maskable(module)}
        masks = {name: size > size.flatten().quantile(1.0 - density) for name, size in masks.items()}
        return TrainingRun(module, data, recipe, method=FixedMasks(masks), seed=seed, device=device)

    runs: dict[str, Callable[[], Iterator[Any]]] = {
        "slth edge-popup": lambda: ours().records(steps),
        "dense step": lambda: TrainingRun(make(), data, recipe, seed=seed, device=device).records(steps),
        "slth step of a pruned level": lambda: pruned().records(steps),
        "as published, each layer sorted": lambda: _published(make(), data, density, _by_sort, steps, device),
        "published with kthvalue": lambda: _published(make(), data, density, _by_kth_value, steps, device),
    }
    return [_stepping(name, begin, steps, sizes, device) for name, begin in runs.items()]


def _stepping(
    name: str, begin: Callable[[], Iterator[Any]], steps: int, sizes: Mapping[str, int], device: str
) -> Contender:
    """Return a contender that does steps of one run, and goes on where it was."""
    started: list[Iterator[Any]] = []

    def run() -> Mapping[str, Any]:
        if not started:
            started.append(begin())
        first = time.perf_counter()
        next(started[0])
        if device != "cpu":
            torch.cuda.synchronize()
        return {**sizes, "milliseconds_a_step": 1e3 * (time.perf_counter() - first) / steps}

    return Contender(name, run, steps)


def _published(
    module: nn.Module, data: Examples, density: float, select: Callable[[Tensor, int], Tensor], steps: int, device: str
) -> Iterator[None]:
    """Do steps of edge-popup as its authors describe them: masks of each layer by the order of its scores."""
    module, data = module.to(device), data.to(torch.device(device))
    weights = {name: module.get_parameter(name).detach() for name in maskable(module)}
    scores = {name: torch.empty_like(weight).uniform_(-0.1, 0.1).requires_grad_() for name, weight in weights.items()}
    optimizer = torch.optim.SGD(scores.values(), 0.01, 0.9, weight_decay=1e-4)
    module.train()
    mask_of: Callable[..., Tensor] = _Order.apply
    batches = [data.at(part) for part in torch.arange(len(data), device=device).chunk(4)]
    while True:
        for step in range(steps):
            examples = batches[step % 4]
            used = {name: weight * mask_of(scores[name].abs(), density, select) for name, weight in weights.items()}
            loss = nn.functional.cross_entropy(functional_call(module, used, (examples.inputs,)), examples.targets)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        yield


class _Order(torch.autograd.Function):
    """The mask of the largest scores; its gradient is that of the scores."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, density: float, select: Callable[[Tensor, int], Tensor]) -> Tensor:
        """Return 1.0 for what is kept, 0.0 elsewhere."""
        del ctx
        return select(scores, int((1.0 - density) * scores.numel()))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Pass the gradient on."""
        del ctx
        return gradient, None, None


def _by_sort(scores: Tensor, removed: int) -> Tensor:
    """Sort all scores, and remove the first."""
    order = scores.flatten().sort().indices
    mask = torch.ones(scores.numel(), device=scores.device)
    mask[order[:removed]] = 0.0
    return mask.reshape(scores.shape)


def _by_kth_value(scores: Tensor, removed: int) -> Tensor:
    """Find the threshold, and compare."""
    threshold = scores.flatten().kthvalue(max(1, removed)).values
    return (scores > threshold).to(scores.dtype)

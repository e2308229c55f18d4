"""Scores of weights at initialisation: random, magnitude, SNIP, GraSP, SynFlow; the largest are kept."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from slth.arrays import positive_number, whole
from slth.errors import ArgumentError, ConstructionError
from slth.networks import maskable, totals
from slth.networks.structures import fixed_rows
from slth.resources import Progress
from slth.rng import Stream
from slth.searches.baseline import Baseline, Finding, Problem
from slth.training import Examples, split
from slth.training.fit import device_of
from slth.training.recipe import Loss

Scores = dict[str, Tensor]
BATCH = 256
"""Examples whose gradients are taken at once."""


@dataclass(frozen=True)
class Criterion(Baseline):
    """A score of each weight of a network that was not trained; what scores least is removed in one or more rounds.

    A criterion of one's own inherits from this class and overrides :meth:`score`.

    Parameters
    ----------
    rounds : int
        Scores are taken anew in each; after round r of n a share :math:`density^{r/n}` is kept, and what is removed
        does not return.

    Examples
    --------
    >>> class Negative(slth.searches.Criterion):
    ...     def score(self, module, examples, loss, seed):
    ...         return {name: -module.get_parameter(name).detach() for name in slth.networks.maskable(module)}
    >>> Negative().rounds
    1
    """

    rounds: int = 1

    def __post_init__(self) -> None:
        """Check the number of rounds."""
        whole(self.rounds, "rounds", remedy="use 1, or 100 for SynFlow")

    def score(self, module: nn.Module, examples: Examples, loss: Loss, seed: int) -> Scores:
        """Return the scores of a module's maskable weights, by name and in their shapes; the module stays as it is."""
        raise NotImplementedError

    def grouped(self, problem: Problem, module: nn.Module) -> Scores:
        """Return the scores of the groups: sums over their weights."""
        scores = self.score(module, problem.data, problem.loss, problem.seed)
        structure = problem.selection.structure
        return {name: totals(structure, scores[name], axes) for name, axes in problem.axes.items()}

    def find(self, problem: Problem, progress: Progress | None = None) -> Finding:
        """Remove what scores least, round by round."""
        selection = problem.selection
        if self.rounds > 1 and fixed_rows(selection.structure):
            raise ArgumentError("rounds", self.rounds, "have no number to keep of each m", "use rounds=1")
        alive = {
            name: torch.ones(selection.structure.shape(axes), dtype=torch.bool, device=device_of(problem.module))
            for name, axes in problem.axes.items()
        }
        removal = _Removal(alive)
        for number in range(1, self.rounds + 1):
            module = problem.module if number == 1 else _written(problem, alive)
            scores = self.grouped(problem, module)
            _check_finite(scores)
            ranked = {name: one.masked_fill(~alive[name], -torch.inf) for name, one in scores.items()}
            # Densities of rounds are powers of the layers' own, so that no layer is ever asked to keep more again.
            share = selection.density if number == self.rounds else _power(selection.density, number / self.rounds)
            kept = replace(selection, density=share).select(ranked, problem.axes)
            removal.note(number, alive, kept, scores)
            alive = kept
            self.report(progress, number, self.rounds)
        return Finding(alive, scores if self.rounds == 1 else removal.ranks())


@dataclass(frozen=True)
class Random(Criterion):
    """Scores that say nothing: a random mask, with the layer densities that it is given.

    Examples
    --------
    >>> import torch
    >>> from slth.searches import Random
    >>> from slth.training import Examples
    >>> sorted(Random().score(torch.nn.Linear(2, 1), Examples([[0.0, 0.0]], [0]), torch.nn.functional.mse_loss, 0))
    ['weight']
    """

    def score(self, module: nn.Module, examples: Examples, loss: Loss, seed: int) -> Scores:
        del examples, loss
        return {name: _uniform(seed, name, axes.shape, module) for name, axes in maskable(module).items()}

    def grouped(self, problem: Problem, module: nn.Module) -> Scores:
        # Sums would prefer large groups.
        shapes = {name: problem.selection.structure.shape(axes) for name, axes in problem.axes.items()}
        return {name: _uniform(problem.seed, name, shape, module) for name, shape in shapes.items()}


@dataclass(frozen=True)
class Magnitude(Criterion):
    r"""Magnitude at initialisation, :math:`|w|`: needs a law whose weights differ in size.

    Examples
    --------
    >>> import torch
    >>> from slth.searches import Magnitude
    >>> from slth.training import Examples
    >>> layer = torch.nn.Linear(2, 1, bias=False)
    >>> _ = layer.weight.data.copy_(torch.tensor([[0.5, -2.0]]))
    >>> Magnitude().score(layer, Examples([[0.0, 0.0]], [0]), torch.nn.functional.mse_loss, 0)["weight"]
    tensor([[0.5000, 2.0000]])
    """

    def score(self, module: nn.Module, examples: Examples, loss: Loss, seed: int) -> Scores:
        del examples, loss, seed
        found = {name: module.get_parameter(name).detach().abs() for name in maskable(module)}
        for name, scores in found.items():
            if scores.numel() > 1 and bool((scores == scores.reshape(-1)[0]).all()):
                remedy = 'use law=slth.WeightLaw("normal")'
                raise ArgumentError("law", name, "has weights of one size, which magnitude cannot rank", remedy)
        return found


@dataclass(frozen=True)
class SNIP(Criterion):
    r"""Connection sensitivity, :math:`|\partial L / \partial m| = |w \, \partial L / \partial w|` at m = 1.

    Parameters
    ----------
    rounds : int
        One in the paper.
    examples : int or None
        How many of the data the loss is over, drawn by the seed, of each class its share; all if None.

    Notes
    -----
    Source: Lee, Ajanthan, Torr, "SNIP: Single-shot Network Pruning based on Connection Sensitivity", ICLR 2019, section
    4: one batch of 128, all layers ranked together. Its division by the sum of all changes no order and is left out.
    The gradient is the mean over the examples, with norm layers in training mode. Its code draws other weights
    afterwards; here the weights that were scored are those of the ticket.

    Examples
    --------
    >>> import torch
    >>> layer = torch.nn.Linear(2, 1, bias=False)
    >>> _ = layer.weight.data.copy_(torch.tensor([[0.5, -2.0]]))
    >>> examples = slth.training.Examples([[1.0, 1.0]], [[0.0]])  # loss (w_1 + w_2)^2: gradient -3, -3
    >>> slth.searches.SNIP().score(layer, examples, torch.nn.functional.mse_loss, 0)["weight"]
    tensor([[1.5000, 6.0000]])
    """

    examples: int | None = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_examples(self.examples)

    def score(self, module: nn.Module, examples: Examples, loss: Loss, seed: int) -> Scores:
        some, net = _drawn(examples, self.examples, seed), _Differentiable(module, loss)
        gradients = net.gradients(some, seed)
        return {name: (net.weights[name].detach() * one).abs() for name, one in gradients.items()}


@dataclass(frozen=True)
class GraSP(Criterion):
    r"""Gradient signal preservation: :math:`w \odot H g`, H and g the Hessian and the gradient of the loss.

    Removing a weight changes :math:`g^\top g` by about :math:`-2 w (H g)`: what is kept holds the gradient up.

    Parameters
    ----------
    rounds : int
        One in the paper.
    examples : int or None
        As :class:`SNIP` has them; 250 are the published 25 of each of ten classes.
    temperature : float
        Outputs are divided by it in front of the loss.

    Notes
    -----
    Source: Wang, Zhang, Grosse, "Picking Winning Tickets Before Training by Preserving Gradient Flow", ICLR 2020,
    algorithm 1 with T = 200. The paper scores with the other sign, :math:`-w \odot H g`, and removes the largest; its
    code draws the last layer anew before scoring, which is left out. g and H are both means over all examples.

    Examples
    --------
    >>> import torch
    >>> layer = torch.nn.Linear(2, 1, bias=False)
    >>> _ = layer.weight.data.copy_(torch.tensor([[0.5, -2.0]]))
    >>> examples = slth.training.Examples([[1.0, 1.0]], [[0.0]])  # g = (-3, -3), H = 2 everywhere
    >>> slth.searches.GraSP(temperature=1.0).score(layer, examples, torch.nn.functional.mse_loss, 0)["weight"]
    tensor([[-6., 24.]])
    """

    examples: int | None = 250
    temperature: float = 200.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_examples(self.examples)
        positive_number(self.temperature, "temperature", remedy="use 200.0")

    def score(self, module: nn.Module, examples: Examples, loss: Loss, seed: int) -> Scores:
        some = _drawn(examples, self.examples, seed)
        net = _Differentiable(module, lambda outputs, targets: loss(outputs / self.temperature, targets))
        gradients = net.gradients(some, seed)
        products = net.gradients(some, seed, along=gradients)
        return {name: net.weights[name].detach() * one for name, one in products.items()}


@dataclass(frozen=True)
class SynFlow(Criterion):
    r"""Synaptic flow, :math:`|w \, \partial R / \partial w|`: R sums the outputs of the network of absolute weights.

    No example is looked at: the input is all ones. Scores are taken in float64, norm layers in evaluation mode with
    their statistics as they are.

    Parameters
    ----------
    rounds : int
        100 in the paper: with one, whole layers are removed.

    Notes
    -----
    Source: Tanaka, Kunin, Yamins, Ganguli, "Pruning neural networks without any data by iteratively conserving synaptic
    flow", NeurIPS 2020, algorithm 1.

    Examples
    --------
    >>> import torch
    >>> from slth.searches import SynFlow
    >>> from slth.training import Examples
    >>> layer = torch.nn.Linear(2, 1, bias=False)
    >>> _ = layer.weight.data.copy_(torch.tensor([[0.5, -2.0]]))
    >>> SynFlow().score(layer, Examples([[0.0, 0.0]], [0]), torch.nn.functional.mse_loss, 0)["weight"].tolist()
    [[0.5, 2.0]]
    """

    rounds: int = 100

    def score(self, module: nn.Module, examples: Examples, loss: Loss, seed: int) -> Scores:
        del loss, seed
        if examples.are_tokens:
            rule = "are token indices, and the paths of SynFlow begin at inputs that are all one"
            raise ArgumentError("examples", list(examples.inputs.shape), rule, "use SNIP, GraSP or magnitude")
        net = copy.deepcopy(module).double().eval()
        for parameter in net.parameters():
            parameter.requires_grad_().data.abs_()
        weights = {name: net.get_parameter(name) for name in maskable(module)}
        ones = torch.ones_like(examples.inputs[:1], dtype=torch.float64, device=device_of(module))
        found = _gradients(net(ones).sum(), weights)
        return {name: weights[name].detach() * one for name, one in found.items()}


class _Differentiable:
    """A copy of a module in training mode, whose loss is differentiated by its weights."""

    def __init__(self, module: nn.Module, loss: Loss) -> None:
        self.module, self.loss = copy.deepcopy(module).train(), loss
        self.weights = {name: self.module.get_parameter(name).requires_grad_() for name in maskable(module)}

    def gradients(self, examples: Examples, seed: int, *, along: Mapping[str, Tensor] | None = None) -> Scores:
        """Return the gradients of the mean loss, or where a direction is given, the product of its Hessian with it."""
        found = {name: torch.zeros_like(weight) for name, weight in self.weights.items()}
        # Only this form of attention can be differentiated twice everywhere.
        with _addressed(seed, device_of(self.module)), sdpa_kernel(SDPBackend.MATH):
            for start in range(0, len(examples), BATCH):
                inputs, targets = examples.inputs[start : start + BATCH], examples.targets[start : start + BATCH]
                value = self.loss(self.module(inputs), targets) * (len(inputs) / len(examples))
                if along is not None:
                    first = _gradients(value, self.weights, graph=True)
                    value = sum((torch.sum(one * along[name]) for name, one in first.items()), torch.zeros(()))
                for name, one in _gradients(value, self.weights).items():
                    found[name] += one
        return found


class _Removal:
    """In which round each group was removed, and with which score."""

    def __init__(self, alive: Mapping[str, Tensor]) -> None:
        self.round = {name: torch.zeros(one.shape, dtype=torch.int64) for name, one in alive.items()}
        self.score = {name: torch.zeros(one.shape, dtype=torch.float64) for name, one in alive.items()}

    def note(self, number: int, before: Scores, after: Scores, scores: Scores) -> None:
        """Note the scores of those that were alive; those that stay are removed in a later round, or never."""
        for name, alive in before.items():
            self.score[name][alive.cpu()] = scores[name].double().cpu()[alive.cpu()]
            self.round[name][alive.cpu()] = number
            self.round[name][after[name].cpu()] = number + 1

    def ranks(self) -> Scores:
        """Return numbers that have the order of removal over all weights: what goes first has 0."""
        rounds, scores = (
            np.concatenate([one.reshape(-1).numpy() for one in held.values()]) for held in (self.round, self.score)
        )
        # Of equal scores the first in index order is kept, so it ranks highest.
        order = np.lexsort((-np.arange(len(rounds)), scores, rounds))
        ranks = np.empty(len(order))
        ranks[order] = np.arange(len(order))
        sizes = [one.numel() for one in self.round.values()]
        parts = torch.split(torch.from_numpy(ranks), sizes)
        return {name: part.reshape(one.shape) for part, (name, one) in zip(parts, self.round.items(), strict=True)}


def _gradients(value: Tensor, weights: Mapping[str, Tensor], *, graph: bool = False) -> Scores:
    """Return the gradients of a number, zero for weights that it does not depend on."""
    if not value.requires_grad:
        return {name: torch.zeros_like(weight) for name, weight in weights.items()}
    found = torch.autograd.grad(value, list(weights.values()), create_graph=graph, materialize_grads=True)
    return dict(zip(weights, found, strict=True))


def _written(problem: Problem, alive: Mapping[str, Tensor]) -> nn.Module:
    """Return a copy of the random network with what is left of its weights."""
    module = copy.deepcopy(problem.module)
    for name, weight in problem.masked(alive, module).items():
        module.get_parameter(name).data.copy_(weight)
    return module


def _power(density: Any, exponent: float) -> Any:
    """Return a density, or each of several, to a power below one."""
    if isinstance(density, Mapping):
        return {name: float(one) ** exponent for name, one in density.items()}
    return float(density) ** exponent


def _uniform(seed: int, name: str, shape: Any, module: nn.Module) -> Tensor:
    """Return numbers on [0, 1) by the stream of a name."""
    numbers = Stream(seed, f"baselines/random/{name}").uniform(0, int(torch.Size(shape).numel()))
    return torch.from_numpy(numbers).reshape(tuple(shape)).to(device_of(module))


def _drawn(examples: Examples, number: int | None, seed: int) -> Examples:
    """Return so many of the examples, of each class its share."""
    if number is None or number >= len(examples):
        return examples
    classes = examples.targets.ndim == 1 and not examples.targets.is_floating_point()
    return split(examples, number, seed=seed, stratified=classes)[1]


def _check_examples(number: int | None) -> None:
    if number is not None:
        whole(number, "examples", remedy="use 128, or None for all")


def _check_finite(scores: Mapping[str, Tensor]) -> None:
    """Name the weight whose scores are no numbers."""
    for name, one in scores.items():
        if not bool(torch.isfinite(one).all()):
            raise ConstructionError(f"scores of {name} are not finite: its random weights or the loss are too large")


@contextmanager
def _addressed(seed: int, device: torch.device) -> Iterator[None]:
    """Let layers such as dropout draw by a seed inside, and leave torch's generators as they were found."""
    word = int(Stream(seed, "baselines/layers").raw(0, 1)[0] >> np.uint64(1))
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(word)
        if device.type == "cuda":
            torch.cuda.default_generators[device.index or 0].manual_seed(word)
        yield

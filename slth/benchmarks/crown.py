"""What auto_LiRPA's CROWN says of two networks on balls: bounds of the module that subtracts them, and of each alone.

Version 0.3, the newest on PyPI, asks torch and numpy for what they have moved since; :func:`mended` lends it that while
it is at work. Maxima are written as ReLUs and convolutions multiplied out, which it cannot bound otherwise everywhere.
Its float32 bounds are not rounded outwards.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from slth.arrays import Floats, Indices
from slth.benchmarks.contenders import Declined
from slth.certificates.balls import Ball
from slth.certificates.near import Product
from slth.certificates.problem import Place, Problem
from slth.certificates.rules.add import AddRule
from slth.certificates.rules.affine import AffineRule
from slth.certificates.rules.gather import GatherRule
from slth.certificates.rules.largest import LargestRule
from slth.certificates.rules.relu import ReluRule

INSTALL = "pip install --no-deps auto_LiRPA appdirs tqdm"


class Both(nn.Module):
    """What a ticket gives less what its target gives: [batch, outputs]."""

    def __init__(self, target: nn.Module, ticket: nn.Module) -> None:
        super().__init__()
        self.target, self.ticket = target, ticket

    def forward(self, inputs: Tensor) -> Tensor:
        difference: Tensor = self.ticket(inputs) - self.target(inputs)
        return difference


class Rules(nn.Module):
    """The target's side of a problem as linear layers and ReLUs: [batch, inputs] to [batch, outputs]."""

    def __init__(self, problem: Problem, inputs: int) -> None:
        super().__init__()
        widths, layers = [inputs], []
        for place in problem.places:
            layer, width = _layer(place, widths[place.sources[0]])
            layers.append(layer)
            widths.append(width)
        self.layers, self.sources = nn.ModuleList(layers), [place.sources for place in problem.places]
        self.output = problem.output

    def forward(self, inputs: Tensor) -> Tensor:
        values = [inputs]
        for layer, sources in zip(self.layers, self.sources, strict=True):
            values.append(layer(*(values[source] for source in sources)))
        return values[self.output]


class _Sum(nn.Module):
    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            first = first + other
        return first


class _Largest(nn.Module):
    """Maxima over windows, of two numbers at a time: b + max(a - b, 0)."""

    def __init__(self, windows: Indices, width: int) -> None:
        super().__init__()
        many, columns = windows.shape
        self.smaller, self.apart = nn.ModuleList(), nn.ModuleList()
        order, held = windows.T.ravel(), width
        while columns > 1:
            half = columns // 2 * many
            first, second, rest = order[:half], order[half : 2 * half], order[2 * half :]
            none = np.zeros((len(rest), held))
            smaller = np.concatenate([_chosen(second, held), _chosen(rest, held)])
            apart = np.concatenate([_chosen(first, held) - _chosen(second, held), none])
            self.smaller.append(_linear(smaller))
            self.apart.append(_linear(apart))
            columns -= columns // 2
            held, order = len(smaller), np.arange(len(smaller))

    def forward(self, values: Tensor) -> Tensor:
        for smaller, apart in zip(self.smaller, self.apart, strict=True):
            values = smaller(values) + torch.relu(apart(values))
        return values


def _layer(place: Place, width: int) -> tuple[nn.Module, int]:
    """Return a rule as a module, and how many numbers it gives."""
    rule = place.rule
    if isinstance(rule, AffineRule):
        matrix = Product.of(rule.layout, rule.weights).middle
        dense = matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix)
        return _linear(dense, 0.5 * (rule.bias.lower + rule.bias.upper)), len(dense)
    if isinstance(rule, GatherRule):
        return _linear(_chosen(rule.indices, width)), len(rule.indices)
    if isinstance(rule, LargestRule):
        return _Largest(rule.windows.reshape(len(rule.windows), -1), width), len(rule.windows)
    if isinstance(rule, ReluRule):
        return nn.ReLU(), width
    if isinstance(rule, AddRule):
        return _Sum(), width
    raise Declined(f"{type(rule).__name__} is not written as linear layers and ReLUs here")


def _chosen(indices: Indices, width: int) -> Floats:
    """Return a matrix that takes some of its numbers, or 0 where an index is negative."""
    return np.where(indices[:, None] == np.arange(width), 1.0, 0.0)


def _linear(matrix: Floats, bias: Floats | None = None) -> nn.Linear:
    layer = nn.Linear(matrix.shape[1], matrix.shape[0])
    layer.weight.data = torch.tensor(matrix, dtype=torch.float32)
    layer.bias.data = torch.zeros(len(matrix)) if bias is None else torch.tensor(bias, dtype=torch.float32)
    return layer


def crown_errors(target: Problem, ticket: Problem, balls: Sequence[Ball], *, at_once: bool) -> Floats:
    """Return the most by which outputs can differ on each ball: of the difference, or by the ranges of both."""
    one, other = (Rules(each, balls[0][0].size) for each in (target, ticket))
    if at_once:
        lower, upper = crown(Both(one, other), balls)
    else:
        (low, high), (ticket_low, ticket_high) = (crown(each, balls) for each in (one, other))
        lower, upper = ticket_low - high, ticket_high - low
    errors: Floats = np.maximum(-lower, upper).max(axis=1)
    return errors


def crown(module: nn.Module, balls: Sequence[Ball]) -> tuple[Floats, Floats]:
    """Return lower and upper bounds of a module's outputs on each ball: float64[balls, outputs] each."""
    low, high = (torch.from_numpy(np.stack([ball[end].ravel() for ball in balls])).float() for end in (0, 1))
    with mended() as lirpa:
        middle = 0.5 * (low + high)
        bounded = lirpa.BoundedModule(module, middle)
        norm = lirpa.perturbations.PerturbationLpNorm(norm=np.inf, x_L=low, x_U=high)
        found = bounded.compute_bounds(x=(lirpa.BoundedTensor(middle, norm),), method="CROWN")
    lower, upper = (each.detach().double().numpy() for each in found)
    return lower, upper


@contextmanager
def mended() -> Iterator[Any]:
    """Give auto_LiRPA 0.3, with what it asks of older releases of torch and numpy in its place."""
    symbolic_helper = import_module("torch.onnx.symbolic_helper")
    settings = import_module("torch.onnx._internal.torchscript_exporter._globals").GLOBALS
    moved = ModuleType("numpy.lib.arraysetops")
    moved.isin = np.isin  # type: ignore[attr-defined]

    def set_opset(version: int) -> None:
        settings.export_onnx_opset_version = version

    def attribute(node: Any, name: str) -> Any:
        return getattr(node, node.kindOf(name))(name)

    lent = [(symbolic_helper, "_set_opset_version", set_opset), (torch._C.Node, "__getitem__", attribute)]
    with ExitStack() as stack:
        for owner, name, value in lent:
            if not hasattr(owner, name):
                setattr(owner, name, value)
                stack.callback(delattr, owner, name)
        if sys.modules.setdefault(moved.__name__, moved) is moved:
            stack.callback(sys.modules.pop, moved.__name__)
        try:
            lirpa = import_module("auto_LiRPA")
            import_module("auto_LiRPA.perturbations")
        except ImportError as problem:
            raise Declined(f"auto_LiRPA is not installed ({problem}): {INSTALL}") from None
        yield lirpa

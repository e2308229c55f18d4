"""Norms of the gradients of single examples, without their gradients where the layers allow it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import grad, vmap

from slth.arrays import Floats
from slth.errors import ArgumentError
from slth.networks.calls import Calling
from slth.trainable.calibration import Predictions
from slth.training import Examples

_BATCH = 1024
_GRADIENTS = 2**22  # numbers that the gradients of examples taken together may have: what a cache is for
_ALIKE = 1e-3
Parameters: TypeAlias = Mapping[str, Tensor]


@dataclass
class _Calls:
    """What linear layers were given and gave, in the order of the calls."""

    layers: list[nn.Linear] = field(default_factory=list)
    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)

    def add(self, layer: nn.Module, given: tuple[Any, ...], output: Tensor) -> None:
        """Keep a call: a forward hook."""
        self.layers.append(cast("nn.Linear", layer))
        self.inputs.append(given[0])
        self.outputs.append(output)

    def clear(self) -> None:
        """Forget all calls."""
        for held in (self.layers, self.inputs, self.outputs):
            held.clear()


@contextmanager
def _watched(module: nn.Module) -> Iterator[_Calls]:
    """Watch the linear layers of a module in evaluation mode; it is left as it was found."""
    calls = _Calls()
    modes = [(part, part.training) for part in module.modules()]
    hooks = [part.register_forward_hook(calls.add) for part in module.modules() if isinstance(part, nn.Linear)]
    module.eval()
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()
        for part, mode in modes:
            part.training = mode


def last_layer_norms(module: nn.Module, examples: Examples) -> Floats:
    """Return the norms of the gradients for the last linear layer, of one pass in which its input is seen."""
    squares = []
    with _watched(module) as calls:

        def outputs(inputs: Tensor) -> Tensor:
            calls.clear()
            found: Tensor = module(inputs)
            if not calls.outputs or calls.outputs[-1] is not found or found.ndim != 2:
                rule = "does not end with a linear layer of [examples, features]"
                raise ArgumentError("module", type(module).__name__, rule, 'use kind="grand"')
            bias = 0.0 if calls.layers[-1].bias is None else 1.0
            squares.append((calls.inputs[-1].square().sum(1) + bias).cpu().numpy())
            return found

        errors = Predictions.of(_Function(module, outputs), examples).errors
    found: Floats = np.linalg.norm(errors, axis=1) * np.sqrt(np.concatenate(squares).astype(np.float64))
    return found


class _Function(nn.Module):
    """A module that is called in another way."""

    def __init__(self, module: nn.Module, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.module, self.function = module, function

    def forward(self, inputs: Tensor) -> Tensor:
        """Call the function."""
        return self.function(inputs)


def gradient_norms(module: nn.Module, examples: Examples) -> Floats:
    r"""Return the norms of the gradients for all parameters that require one.

    Of a linear layer of input h whose outputs have the gradient d, weight and bias have :math:`\|d\|^2 (\|h\|^2 + 1)`,
    of one pass backward for all examples; the other parameters' gradients are made example by example (torch.func).
    """
    trained = {name: one for name, one in module.named_parameters() if one.requires_grad}
    if not trained:
        rule = "has no parameter that requires a gradient"
        raise ArgumentError("module", type(module).__name__, rule, "call requires_grad_() on what is trained")
    place = next(iter(trained.values())).device
    _check_labels(module, examples)
    with _watched(module) as calls:
        covered = _covered(module, calls, trained, examples.inputs[:2].to(place))
        rest = {name: one for name, one in trained.items() if name not in covered}
        at_once = min(_BATCH, max(1, _GRADIENTS // max(1, sum(one.numel() for one in rest.values()))))
        parts = []
        for start in range(0, len(examples), _BATCH):
            calls.clear()
            inputs, targets = (one[start : start + _BATCH].to(place) for one in (examples.inputs, examples.targets))
            found = [
                _one_by_one(module, rest, *part)
                for part in zip(torch.split(inputs, at_once), torch.split(targets, at_once), strict=True)
            ]
            squares = _of_linear(module, calls, trained, inputs, targets)[1] if covered else 0.0
            parts.append(torch.cat(found) + squares)
    norms: Floats = torch.cat(parts).double().sqrt().cpu().numpy()
    return norms


def _check_labels(module: nn.Module, examples: Examples) -> None:
    """Refuse a module that does not take the examples, and labels that are none of its classes."""
    classes = Predictions.of(module, examples.at(torch.arange(1))).probabilities.shape[1]
    low, high = int(examples.targets.min()), int(examples.targets.max())
    if low < 0 or high >= classes:
        raise ArgumentError(
            "labels", [low, high], f"must be classes from 0 to {classes - 1}", "pass those of the module"
        )


def _covered(module: nn.Module, calls: _Calls, trained: Parameters, inputs: Tensor) -> set[str]:
    """Return the parameters whose norms are known in closed form, if two examples of unlikely labels confirm it.

    A weight may be used in another way beside its layer, or the layer's output be changed in place.
    """
    with torch.no_grad():
        unlikely = module(inputs).argmin(1)
    covered, squares = _of_linear(module, calls, trained, inputs, unlikely)
    rest = {name: one for name, one in trained.items() if name not in covered}
    found = squares + _one_by_one(module, rest, inputs, unlikely)
    alike = torch.allclose(found, _one_by_one(module, trained, inputs, unlikely), rtol=_ALIKE)
    return covered if alike else set()


def _of_linear(
    module: nn.Module, calls: _Calls, trained: Parameters, inputs: Tensor, targets: Tensor
) -> tuple[set[str], Tensor]:
    """Return the parameters of linear layers of which norms are known in closed form, and their squares, [examples]."""
    calls.clear()
    with torch.enable_grad():
        losses = nn.functional.cross_entropy(module(inputs), targets, reduction="sum")
    names = {id(one): name for name, one in trained.items()}
    uses = Counter(id(one) for _, one in module.named_parameters(remove_duplicate=False))
    times = Counter(id(layer) for layer in calls.layers)
    covered: set[str] = set()
    # A parametrised weight is no parameter of its layer.
    rows: list[tuple[Tensor, Tensor]] = []
    for layer, given, output in zip(calls.layers, calls.inputs, calls.outputs, strict=True):
        parameters = dict(layer.named_parameters(recurse=False))
        own = [one for one in parameters.values() if one.requires_grad]
        plain = all(uses[id(one)] == 1 for one in own) and times[id(layer)] == 1 and output.ndim == 2
        if not own or not plain or "weight" not in parameters:
            continue
        factor = given.detach().square().sum(1) if layer.weight.requires_grad else torch.zeros_like(given[:, 0])
        if layer.bias is not None and layer.bias.requires_grad:
            factor = factor + 1.0
        covered.update(names[id(one)] for one in own)
        rows.append((output, factor))
    if not rows:
        return covered, torch.zeros(len(inputs), device=inputs.device)
    slopes = torch.autograd.grad(losses, [output for output, _ in rows])
    squares = [slope.square().sum(1) * factor for slope, (_, factor) in zip(slopes, rows, strict=True)]
    return covered, torch.stack(squares).sum(0)


def _one_by_one(module: nn.Module, trained: Parameters, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return the squares of the gradients for some parameters, [examples]."""
    if not trained:
        return torch.zeros(len(inputs), device=inputs.device)
    own = {name: one.detach() for name, one in trained.items()}
    others = {name: one.detach() for name, one in module.named_parameters() if name not in own}
    others |= dict(module.named_buffers())

    def loss(parameters: dict[str, Tensor], example: Tensor, target: Tensor) -> Tensor:
        outputs = Calling(module)(module, {**others, **parameters}, (example[None],))
        return nn.functional.cross_entropy(outputs, target[None])

    def square(example: Tensor, target: Tensor) -> Tensor:
        slopes = grad(loss)(own, example, target)
        return torch.stack([torch.linalg.vector_norm(one) for one in slopes.values()]).square().sum()

    found: Tensor = vmap(square)(inputs, targets)
    return found

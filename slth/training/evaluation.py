"""What a module does on examples: loss and accuracy in batches, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from slth.arrays import whole
from slth.errors import ArgumentError
from slth.networks.given import instance, module_given, tensor_given
from slth.training.examples import Examples
from slth.training.recipe import CrossEntropy, Loss


@dataclass(frozen=True)
class Evaluation:
    """Measured on some examples.

    Parameters
    ----------
    loss : float
        Mean over the examples.
    accuracy : float or None
        Share of the examples whose largest score is at their label; None where targets are no classes.
    examples : int
    """

    loss: float
    accuracy: float | None
    examples: int


def evaluate(module: nn.Module, examples: Examples, *, loss: Loss | None = None, batch_size: int = 1024) -> Evaluation:
    """Return loss and accuracy of a module in evaluation mode, without gradients; its mode is left as it is found.

    Parameters
    ----------
    module : torch.nn.Module
        On the device of the examples.
    examples : Examples
    loss : callable, optional
        Maps outputs and targets to their mean loss; cross entropy by default.
    batch_size : int
        Examples at a time, which bound the memory.

    Returns
    -------
    Evaluation

    Examples
    --------
    >>> import torch
    >>> from slth.training import Examples, evaluate
    >>> evaluate(torch.nn.Identity(), Examples(torch.tensor([[0.0, 1.0], [2.0, 1.0]]), [1, 1])).accuracy
    0.5
    """
    modes = [(part, part.training) for part in module_given(module, ready=True).modules()]
    instance(examples, Examples, "examples", "make them with slth.training.Examples(inputs, targets)")
    whole(batch_size, "batch_size", remedy="use 1024")
    module.eval()
    try:
        return evaluate_function(module, examples, CrossEntropy() if loss is None else loss, batch_size)
    finally:
        for part, mode in modes:
            part.training = mode


def evaluate_function(
    function: Callable[[Tensor], Tensor], examples: Examples, loss: Loss, batch_size: int
) -> Evaluation:
    """Return loss and accuracy of a function of inputs."""
    device = examples.inputs.device
    total = torch.zeros((), dtype=torch.float64, device=device)
    right = torch.zeros((), dtype=torch.int64, device=device)
    classes = False
    with torch.no_grad():
        for start in range(0, len(examples), batch_size):
            targets = examples.targets[start : start + batch_size]
            outputs = function(examples.inputs[start : start + batch_size])
            total += loss(outputs, targets).double() * len(targets)
            classes = targets.ndim == 1 and outputs.ndim == 2 and not targets.is_floating_point()
            if classes:
                right += (outputs.argmax(dim=1) == targets).sum()
    share = int(right) / len(examples) if classes else None
    return Evaluation(float(total) / len(examples), share, len(examples))


def accuracy(module: nn.Module, inputs: Tensor, labels: Tensor, *, batch_size: int = 1024) -> float:
    """Return the share of examples whose largest score is at their label.

    Parameters
    ----------
    module : torch.nn.Module
        Maps inputs to scores [batch, classes]; its mode is left as it is found.
    inputs : Tensor [examples, ...]
    labels : Tensor [examples]
        Integer classes.
    batch_size : int
        Examples evaluated at once.

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> import torch
    >>> slth.training.accuracy(torch.nn.Identity(), torch.tensor([[0.0, 1.0], [2.0, 1.0]]), torch.tensor([1, 1]))
    0.5
    """
    if tensor_given(labels, "labels").ndim != 1 or tensor_given(labels, "labels").is_floating_point():
        raise ArgumentError("labels", type(labels).__name__, "must be integer classes [examples]", "pass torch.int64")
    share = evaluate(module, Examples(inputs, labels), batch_size=batch_size).accuracy
    if share is None:
        raise ArgumentError("module", type(module).__name__, "gives no scores [batch, classes]", "use evaluate(loss=)")
    return share

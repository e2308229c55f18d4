"""What a search or a trainable ticket adds to training: pure functions over a state, and which tensors are trained."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from slth.errors import ArgumentError
from slth.networks.given import module_given

Tensors: TypeAlias = Mapping[str, Tensor]
"""Tensors by their names in the module, such as ``"layer1.0.conv1.weight"``."""
Trained: TypeAlias = Collection[str] | Callable[[str], bool]
"""Names of the parameters that are trained, or a function that says so of a name."""


@dataclass(frozen=True)
class Step:
    """Where training is.

    Parameters
    ----------
    number : int
        Steps done.
    per_epoch : int
        Steps of an epoch.
    epochs : int
        Epochs in all.

    Examples
    --------
    >>> slth.training.Step(10, per_epoch=5, epochs=4).epoch
    2
    """

    number: int
    per_epoch: int
    epochs: int

    @property
    def epoch(self) -> int:
        """Epochs that are over."""
        return self.number // self.per_epoch

    @property
    def ends_epoch(self) -> bool:
        """Whether an epoch has just ended."""
        return self.number > 0 and self.number % self.per_epoch == 0

    @property
    def total(self) -> int:
        """Steps in all."""
        return self.per_epoch * self.epochs


@dataclass(frozen=True, eq=False)
class MethodState:
    """Tensors that a method has beside the module's own; all that it knows, so that a checkpoint can hold it.

    Parameters
    ----------
    trained : mapping of str to Tensor
        What gradients reach, such as scores.
    fixed : mapping of str to Tensor
        What they do not reach: masks, flags, thresholds, redrawn weights, counters.
    """

    trained: Tensors = field(default_factory=dict)
    fixed: Tensors = field(default_factory=dict)


class Method(Protocol):
    """A way to find or to hold a mask while a module is trained.

    A method is a frozen dataclass that inherits from this class and overrides what it needs. Its functions are pure;
    all that changes is in the state. Without a method training is ordinary training.
    """

    @property
    def trains_weights(self) -> bool:
        """Whether weights are trained (a trainable ticket), or stay as they are drawn (a strong one)."""
        return False

    @property
    def masks_gradients(self) -> bool:
        """Whether what masks remove is set to zero in the module once, and stays so as it is given no gradient."""
        return False

    def init(self, weights: Tensors, seed: int) -> MethodState:
        """Return the first state for the maskable weights of a module; random numbers come from streams of the seed."""
        ...

    def mask(self, state: MethodState, step: Step) -> Tensors:
        """Return what weights are multiplied by, differentiable in ``state.trained``; names may be left out."""
        ...

    def weights(self, weights: Tensors, state: MethodState, step: Step) -> Tensors:
        """Return the weights that the module is evaluated with: by default the product with the mask."""
        return {name: weights[name] * mask for name, mask in self.mask(state, step).items()}

    def evaluated(self, weights: Tensors, state: MethodState, step: Step) -> Tensors:
        """Return the weights of evaluations, where they are others than in training, which may draw or relax masks."""
        return self.weights(weights, state, step)

    def penalty(self, state: MethodState, step: Step) -> Tensor | None:
        """Return what is added to the loss, if anything."""
        del state, step
        return None

    def after(self, state: MethodState, step: Step, weights: Tensors) -> MethodState:
        """Return the state behind a step (projection, freezing, redraw); without gradients, never changed in place."""
        del step, weights
        return state

    def phase(self, step: Step) -> Hashable:
        """Return what of a step its weights and its penalty depend on: a captured step serves while it stays."""
        return step.number


@dataclass(frozen=True, eq=False)
class Partition:
    """A module's tensors, said once: what is trained, what stays, what the forward pass itself may change.

    Parameters
    ----------
    trained, frozen : mapping of str to Tensor
        Parameters by their first name; tied ones stand once. They share the module's memory.
    buffers : mapping of str to Tensor

    Examples
    --------
    >>> from torch import nn
    >>> parts = slth.training.partition(nn.BatchNorm1d(2), trained=["weight"])
    >>> list(parts.trained), list(parts.frozen), list(parts.buffers)
    (['weight'], ['bias'], ['running_mean', 'running_var', 'num_batches_tracked'])
    """

    trained: Tensors
    frozen: Tensors
    buffers: Tensors


def partition(module: nn.Module, *, trained: Trained | None = None) -> Partition:
    """Part a module's tensors into trained, frozen and buffers.

    Parameters
    ----------
    module : torch.nn.Module
    trained : collection of str or callable, optional
        Names of the trained parameters, or a function of the name; by default all that require a gradient.

    Returns
    -------
    Partition

    Raises
    ------
    slth.errors.ArgumentError
        A name is none of the module's parameters, or a tensor has no numbers yet.
    """
    parameters = dict(module_given(module).named_parameters())
    for name, parameter in (*parameters.items(), *module.named_buffers()):
        if is_lazy(parameter):
            remedy = "call the module once on an example"
            raise ArgumentError("module", type(module).__name__, f"has no numbers yet in {name}", remedy)
    if trained is None:
        chosen = {name for name, parameter in parameters.items() if parameter.requires_grad}
    elif callable(trained):
        chosen = {name for name in parameters if trained(name)}
    elif not isinstance(trained, Collection):
        raise ArgumentError("trained", trained, "names no parameters", "pass names, or a function of a name")
    else:
        chosen = {trained} if isinstance(trained, str) else set(trained)
        unknown = sorted(chosen - set(parameters))
        if unknown:
            remedy = f"its parameters are {', '.join(parameters) or 'none'}"
            raise ArgumentError("trained", unknown[0], "is no parameter of the module", remedy)
    # A detached tensor shares memory: an optimiser that steps on it trains the module, whose own flags stay.
    tensors = {name: parameter.detach() for name, parameter in parameters.items()}
    return Partition(
        {name: tensor.requires_grad_() for name, tensor in tensors.items() if name in chosen},
        {name: tensor for name, tensor in tensors.items() if name not in chosen},
        dict(module.named_buffers()),
    )

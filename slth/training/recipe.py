"""How to train, as values: the optimiser, the loss, and the recipe that holds all of it.

Each refuses a number outside its range by ArgumentError.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

import torch
from torch import Tensor, nn

from slth.arrays import as_double, whole
from slth.errors import ArgumentError
from slth.networks.given import pair, sequence
from slth.training.augmentation import Augmentation
from slth.training.method import Step
from slth.training.schedules import Cosine, Schedule

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Maps the outputs and the targets of a batch to one number."""
Decayed: TypeAlias = Literal["all", "matrices"]


class Optimizer(Protocol):
    """What makes the torch optimiser of tensors; the loop sets its rate before each step."""

    def build(self, tensors: Sequence[Tensor]) -> torch.optim.Optimizer: ...


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent with momentum; weight decay is added to the gradient.

    Parameters
    ----------
    momentum : float
        In [0, 1).
    nesterov : bool
        Nesterov's form, which needs a momentum.
    weight_decay : float
    decayed : {"all", "matrices"}
        Whether biases and norm parameters (tensors of at most one dimension) decay too.

    Examples
    --------
    >>> import torch
    >>> slth.training.SGD(momentum=0.0).build([torch.zeros(1, requires_grad=True)]).defaults["momentum"]
    0.0
    """

    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 5e-4
    decayed: Decayed = "all"

    def __post_init__(self) -> None:
        _check_decay(self.weight_decay, self.decayed)
        if not 0.0 <= as_double(self.momentum) < 1.0:
            raise ArgumentError("momentum", self.momentum, "must lie in [0, 1)", "use 0.9")
        if self.nesterov and self.momentum == 0.0:
            raise ArgumentError("nesterov", self.nesterov, "needs a momentum", "use momentum=0.9")

    def build(self, tensors: Sequence[Tensor]) -> torch.optim.Optimizer:
        groups = _groups(tensors, self.weight_decay, self.decayed)
        return torch.optim.SGD(groups, lr=1.0, momentum=self.momentum, nesterov=self.nesterov)


@dataclass(frozen=True)
class Adam:
    """Adam; with decoupled weight decay it is AdamW.

    Parameters
    ----------
    betas : (float, float)
        Decay rates of the two moments, in [0, 1).
    eps : float
    weight_decay : float
    decoupled : bool
        Whether weights shrink by themselves (AdamW) or their decay is added to the gradient (Adam).
    decayed : {"all", "matrices"}
        Whether biases and norm parameters (tensors of at most one dimension) decay too.
    fused : bool
        Whether a processor does a step in one kernel: a sixth of the time, and rounded otherwise in the last bits.
        Without it steps are those of a plain torch loop, which are slow where many weights are removed.

    Examples
    --------
    >>> import torch
    >>> type(slth.training.Adam(weight_decay=0.1).build([torch.zeros(1, requires_grad=True)])).__name__
    'AdamW'
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    decoupled: bool = True
    decayed: Decayed = "all"
    fused: bool = False

    def __post_init__(self) -> None:
        _check_decay(self.weight_decay, self.decayed)
        object.__setattr__(self, "betas", tuple(self.betas))
        if len(self.betas) != 2 or not all(0.0 <= as_double(beta) < 1.0 for beta in self.betas):
            raise ArgumentError("betas", self.betas, "must be two numbers in [0, 1)", "use (0.9, 0.999)")
        if not 0.0 < as_double(self.eps) < math.inf:  # else what has never had a gradient is divided by 0
            raise ArgumentError("eps", self.eps, "must be positive", "use 1e-8")

    def build(self, tensors: Sequence[Tensor]) -> torch.optim.Optimizer:
        kind = torch.optim.AdamW if self.decoupled else torch.optim.Adam
        groups = _groups(tensors, self.weight_decay, self.decayed)
        fused = self.fused and all(tensor.device.type == "cpu" for tensor in tensors)
        return kind(groups, lr=1.0, betas=self.betas, eps=self.eps, fused=fused)


@dataclass(frozen=True)
class RMSprop:
    """Gradients divided by the root of their mean square, a running mean.

    Parameters
    ----------
    alpha : float
        Of the running mean, in [0, 1).
    weight_decay : float
    decayed : {"all", "matrices"}
        As :class:`SGD` has it.

    Examples
    --------
    >>> import torch
    >>> slth.training.RMSprop(alpha=0.9).build([torch.zeros(1, requires_grad=True)]).defaults["alpha"]
    0.9
    """

    alpha: float = 0.99
    weight_decay: float = 0.0
    decayed: Decayed = "all"

    def __post_init__(self) -> None:
        _check_decay(self.weight_decay, self.decayed)
        if not 0.0 <= as_double(self.alpha) < 1.0:
            raise ArgumentError("alpha", self.alpha, "must lie in [0, 1)", "use 0.99")

    def build(self, tensors: Sequence[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.RMSprop(_groups(tensors, self.weight_decay, self.decayed), lr=1.0, alpha=self.alpha)


@dataclass(frozen=True)
class CrossEntropy:
    """Mean cross entropy of scores [batch, classes, ...] and labels.

    Parameters
    ----------
    label_smoothing : float
        Share of the target that is spread over all classes, in [0, 1).

    Examples
    --------
    >>> import torch
    >>> round(float(slth.training.CrossEntropy()(torch.zeros(1, 2), torch.tensor([0]))), 4)
    0.6931
    """

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= as_double(self.label_smoothing) < 1.0:
            raise ArgumentError("label_smoothing", self.label_smoothing, "must lie in [0, 1)", "use 0.1")

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of a batch."""
        return nn.functional.cross_entropy(outputs, targets, label_smoothing=self.label_smoothing)


@dataclass(frozen=True)
class Recipe:
    r"""How to train.

    Parameters
    ----------
    epochs : int
        Passes over the data.
    batch_size : int
        Examples of a step; the last batch of a pass may be smaller.
    schedule : Schedule
        Learning rates: :class:`Constant`, :class:`StepDecay`, :class:`MultiStep`, :class:`Cosine`, :class:`Warmup`.
    optimizer : Optimizer
        :class:`SGD` or :class:`Adam`.
    loss : callable
        Maps outputs and targets of a batch to one number. Where it has a method ``at(step)`` too, training takes the
        loss that this returns for a :class:`Step`, and evaluations the loss itself.
    augmentation : sequence of Augmentation
        Applied to each batch of training images, in this order, before the normalisation.
    mixup : float
        Parameter a of mixup, 0.0 for none: in a step each input becomes :math:`s x + (1 - s) x'` and its loss
        :math:`s\, l(y) + (1 - s)\, l(y')`, with another one s ~ Beta(a, a) for each step, and with another order of all
        examples for each epoch, which says what each is mixed with (Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond
        Empirical Risk Minimization", ICLR 2018, whose code mixes within the batch; unverified).
    normalisation : (sequence of float, sequence of float), optional
        Mean and standard deviation of each channel (the dimension behind the batch); what the network is given is
        ``(inputs - mean) / deviation``, in training and in evaluation.
    clip : float, optional
        Largest norm of the whole gradient.
    start : int
        Steps that count as done: the schedule begins there, with fresh momentum, as after rewinding.
    drop_last : bool
        Whether a smaller last batch of a pass is left out.
    bfloat16 : bool
        Whether products are computed in bfloat16 where that is safe (autocast); weights stay as they are.
    cuda_graphs : bool
        Whether steps are captured as CUDA graphs, which small networks gain most by: what a step launches is then
        launched at once. For CUDA devices, and for methods, modules and losses that never wait for the device.
    compiled : bool
        Whether the network is compiled by ``torch.compile``, which takes a while at first.

    Examples
    --------
    >>> slth.training.Recipe(epochs=2).schedule.rate(0, 10, 2)
    0.1
    """

    epochs: int = 20
    batch_size: int = 64
    schedule: Schedule = field(default_factory=Cosine)
    optimizer: Optimizer = field(default_factory=SGD)
    loss: Loss = field(default_factory=CrossEntropy)
    augmentation: Sequence[Augmentation] = ()
    mixup: float = 0.0
    normalisation: tuple[Sequence[float], Sequence[float]] | None = None
    clip: float | None = None
    start: int = 0
    drop_last: bool = False
    bfloat16: bool = False
    # how the same is computed faster: a checkpoint is taken up with and without
    cuda_graphs: bool = field(default=False, repr=False)
    compiled: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        augmentation = sequence(self.augmentation)
        if augmentation is None or not all(hasattr(one, "apply") for one in augmentation):
            raise ArgumentError("augmentation", self.augmentation, "is no list of augmentations", "use CROP_AND_FLIP")
        object.__setattr__(self, "augmentation", augmentation)
        object.__setattr__(self, "epochs", whole(self.epochs, "epochs", 0, remedy="use 0 to train not at all"))
        object.__setattr__(self, "start", whole(self.start, "start", 0, remedy="use 0, or the step to rewind to"))
        object.__setattr__(self, "batch_size", whole(self.batch_size, "batch_size", remedy="use 64"))
        rules: list[tuple[str, bool, str, str]] = [
            ("schedule", hasattr(self.schedule, "rate"), "is not a schedule", "use Cosine(0.1) or Constant(1e-3)"),
            ("optimizer", hasattr(self.optimizer, "build"), "is not an optimiser", "use SGD() or Adam()"),
            ("loss", callable(self.loss), "is not a loss", "use CrossEntropy() or a function of outputs and targets"),
            # further out doubles cannot hold the quantiles of Beta(a, a)
            (
                "mixup",
                as_double(self.mixup) == 0.0 or 1e-9 <= as_double(self.mixup) <= 1e9,
                "must be 0.0, or lie in [1e-9, 1e9]",
                "use 0.2, or 0.0 for none",
            ),
            (
                "clip",
                self.clip is None or 0.0 < as_double(self.clip) < math.inf,
                "must be positive and finite",
                "use 1.0 or None",
            ),
        ]
        for name, holds, rule, remedy in rules:
            if not holds:
                raise ArgumentError(name, getattr(self, name), rule, remedy)
        if self.normalisation is not None:
            object.__setattr__(self, "normalisation", _checked_normalisation(self.normalisation))

    def loss_at(self, step: Step) -> Loss:
        """Return the loss of a training step, which a loss with a schedule has another one for."""
        at: Callable[[Step], Loss] | None = getattr(self.loss, "at", None)
        return self.loss if at is None else at(step)

    def steps_per_epoch(self, examples: int) -> int:
        """Return how many steps a pass over so many examples has."""
        return examples // self.batch_size if self.drop_last else -(-examples // self.batch_size)


def _check_decay(weight_decay: float, decayed: str) -> None:
    """Refuse a decay that is negative, or of unknown tensors."""
    if not 0.0 <= as_double(weight_decay) < math.inf:
        raise ArgumentError("weight_decay", weight_decay, "must not be negative", "use 0.0 for none")
    if decayed not in ("all", "matrices"):
        raise ArgumentError("decayed", decayed, "does not say what decays", 'use "all" or "matrices"')


def _groups(tensors: Sequence[Tensor], weight_decay: float, decayed: Decayed) -> list[dict[str, Any]]:
    """Return torch's parameter groups, empty ones left out."""
    first = [tensor for tensor in tensors if decayed == "all" or tensor.ndim > 1]
    others = [tensor for tensor in tensors if decayed == "matrices" and tensor.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": first, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def _checked_normalisation(given: Any) -> tuple[tuple[float, ...], ...]:
    """Return mean and deviation as tuples of floats."""
    remedy = "pass (mean of each channel, deviation of each channel)"
    parts = [sequence(part) for part in pair(given, "normalisation", remedy=remedy)]
    mean, deviation = (tuple(map(as_double, part or ())) for part in parts)
    usable = all(map(math.isfinite, mean)) and all(0.0 < number < math.inf for number in deviation)
    if None in parts or not mean or len(mean) != len(deviation) or not usable:
        raise ArgumentError("normalisation", given, "must be as many means as positive deviations", remedy)
    return mean, deviation

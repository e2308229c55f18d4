"""Examples in memory, a split of them, and the random numbers that belong to each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from slth.arrays import as_double
from slth.errors import ArgumentError
from slth.networks.given import instance, tensor_given, whole_numbers
from slth.rng import Stream

Normalisation: TypeAlias = tuple[Sequence[float], Sequence[float]]
"""Mean and deviation of each channel."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs and their targets, all in memory.

    Parameters
    ----------
    inputs : Tensor or array_like [examples, ...]
        Floating-point numbers (float64 arrays become float32, tensors stay as they are), or token indices of int64, as
        ``nn.Embedding`` takes them.
    targets : Tensor or array_like [examples, ...]
        Integer classes, or whatever the loss takes.
    shape : sequence of int, optional
        Of one input, where it is given flat.

    Raises
    ------
    slth.errors.ArgumentError
        There are no examples, their numbers differ, inputs are neither floating point nor int64 from 0 on, or the shape
        does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> slth.training.Examples(np.zeros((3, 4)), [0, 1, 0], shape=(1, 2, 2)).inputs.shape
    torch.Size([3, 1, 2, 2])
    """

    inputs: Tensor
    targets: Tensor

    def __init__(
        self, inputs: Tensor | ArrayLike, targets: Tensor | ArrayLike, *, shape: Sequence[int] | None = None
    ) -> None:
        points, labels = tensor_given(inputs, "inputs"), tensor_given(targets, "targets")
        if not isinstance(inputs, Tensor) and points.dtype == torch.float64:
            points = points.float()
        if not points.is_floating_point() and points.dtype != torch.int64:
            rule = "must be floating point, or int64 where they are token indices"
            raise ArgumentError("inputs", points.dtype, rule, "divide pixels by 255")
        if points.ndim < 1 or len(points) == 0 or not torch.isfinite(points).all():
            rule = "must be finite numbers, one example at least"
            raise ArgumentError("inputs", list(points.shape), rule, "pass [examples, ...]")
        if points.dtype == torch.int64 and points.numel() and int(points.min()) < 0:
            raise ArgumentError("inputs", int(points.min()), "is no token index", "number tokens from 0")
        if labels.ndim < 1 or len(points) != len(labels):
            rule = "must be one target (for classes: labels) per example"
            raise ArgumentError("targets", list(labels.shape), rule, f"pass {len(points)} targets")
        if shape is not None:
            shape = whole_numbers(shape, "shape", remedy="pass the shape of one input, such as (1, 28, 28)")
            if points.numel() != len(points) * prod(shape):
                rule = f"are no inputs of that shape {list(shape)}"
                raise ArgumentError("inputs", list(points.shape), rule, "pass the shape of one input")
            points = points.reshape(len(points), *shape)
        object.__setattr__(self, "inputs", points)
        object.__setattr__(self, "targets", labels)

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.inputs)

    @property
    def are_tokens(self) -> bool:
        """Whether inputs are indices of tokens, and no numbers to calculate with."""
        return not self.inputs.is_floating_point()

    def at(self, places: Tensor) -> Examples:
        """Return some of the examples, in the order of the places."""
        return Examples(self.inputs[places], self.targets[places])

    def to(self, device: str | torch.device, layout: torch.memory_format = torch.channels_last) -> Examples:
        """Return them on a device, images with the channels last unless another layout is asked for.

        On the CPU a step of a small convolution takes between a third and two thirds of the time so.
        """
        inputs = self.inputs.to(device)
        if inputs.ndim == 4:
            inputs = inputs.contiguous(memory_format=layout)
        return Examples(inputs, self.targets.to(device))

    def normalised(self, normalisation: Normalisation | None) -> Examples:
        """Return what a network is given that was trained by a recipe with this normalisation; None changes nothing."""
        if normalisation is None:
            return self
        mean, deviation = moments(self.inputs, normalisation)
        return Examples((self.inputs - mean) / deviation, self.targets)

    def sha256(self) -> str:
        """Return a digest of numbers, shapes and dtypes."""
        content = hashlib.sha256()
        for tensor in (self.inputs, self.targets):
            content.update(f"{tensor.dtype} {list(tensor.shape)}".encode())
            for part in torch.split(tensor.detach(), max(1, (1 << 24) // max(1, tensor[:1].numel()))):
                content.update(part.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        return content.hexdigest()


def moments(inputs: Tensor, normalisation: Normalisation) -> tuple[Tensor, Tensor]:
    """Return mean and deviation of each channel as tensors that inputs are normalised by."""
    shape = (1, -1, *[1] * (inputs.ndim - 2))
    mean, deviation = (inputs.new_tensor(numbers).reshape(shape) for numbers in normalisation)
    return mean, deviation


def split(
    examples: Examples, held_out: float | int, *, seed: int = 0, stratified: bool = True
) -> tuple[Examples, Examples]:
    """Set examples apart at random, to choose by: the test set is for the end.

    Parameters
    ----------
    examples : Examples
    held_out : float or int
        Share in (0, 1), or number, of the examples that are held out.
    seed : int
        The split depends on it and on the classes alone (stream "training/split").
    stratified : bool
        Whether each class loses its share (largest remainders first), or all examples are drawn alike.

    Returns
    -------
    (Examples, Examples)
        What is trained on and what is held out, each in the order that it had.

    Raises
    ------
    slth.errors.ArgumentError
        Nothing would be left on one side, or targets are no classes.

    Examples
    --------
    >>> import numpy as np
    >>> train, validation = slth.training.split(slth.training.Examples(np.zeros((10, 1)), [0] * 5 + [1] * 5), 0.2)
    >>> len(train), validation.targets.tolist()
    (8, [0, 1])
    """
    total = len(instance(examples, Examples, "examples", "make them with slth.training.Examples(inputs, targets)"))
    share = as_double(held_out)
    whole_number = isinstance(held_out, int | np.integer)
    count = (
        int(held_out)
        if whole_number
        else int(Fraction(repr(share if abs(share) < 1 else 0.0)) * total + Fraction(1, 2))
    )
    if isinstance(held_out, bool) or not 0 < count < total:
        rule = f"must leave some of the {total} examples on both sides"
        remedy = "use more examples (a larger limit, if there is one), or a share such as 0.1"
        raise ArgumentError("held_out", held_out, rule, remedy)
    labels = examples.targets.cpu().numpy()
    if not stratified:
        labels = np.zeros(total, np.int64)
    elif labels.ndim != 1 or labels.dtype.kind not in "iub":
        remedy = "use stratified=False"
        raise ArgumentError("stratified", stratified, f"needs classes, not targets of {labels.dtype}", remedy)
    order = _order(Stream(seed, "training/split"), total)
    chosen = np.zeros(total, bool)
    classes, sizes = np.unique(labels, return_counts=True)
    for label, share in zip(classes, _shares(sizes, count), strict=True):
        chosen[order[labels[order] == label][:share]] = True
    places = torch.from_numpy(chosen).to(examples.inputs.device)
    return examples.at(~places), examples.at(places)


def order_of_epoch(seed: int, epoch: int, examples: int) -> NDArray[np.int64]:
    """Return the order of the examples in an epoch: that of the words of its stream."""
    return _order(Stream(seed, f"training/order/{epoch}"), examples)


def partners_of_epoch(seed: int, epoch: int, examples: int) -> NDArray[np.int64]:
    """Return what each example is mixed with in an epoch: each one is the partner of one."""
    return _order(Stream(seed, f"training/partners/{epoch}"), examples)


def words_of_epoch(seed: int, name: str, epoch: int, examples: int) -> NDArray[np.int64]:
    """Return one word from 0 to 2**63 - 1 for each example: number i belongs to example i, wherever it stands."""
    words: NDArray[np.int64] = (Stream(seed, f"training/{name}/{epoch}").raw(0, examples) >> np.uint64(1)).astype(
        np.int64
    )
    return words


def _order(stream: Stream, count: int) -> NDArray[np.int64]:
    """Return the places of the words of a stream from the smallest on."""
    return np.argsort(stream.raw(0, count), kind="stable")


def _shares(sizes: NDArray[np.int64], count: int) -> list[int]:
    """Return how many of each class: its exact share rounded down, and one more for the largest remainders."""
    total = int(sizes.sum())
    exact = [Fraction(int(size) * count, total) for size in sizes]
    shares = [int(share) for share in exact]
    rest = sorted(range(len(sizes)), key=lambda i: (shares[i] - exact[i], i))
    for place in rest[: count - sum(shares)]:
        shares[place] += 1
    return shares

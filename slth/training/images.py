"""Training a network on images: arrays in, a described network out, and the recipes of the standard models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from slth.errors import ArgumentError
from slth.networks import describe_module
from slth.networks.conv_models import cnn6, lenet5, small_cnn
from slth.networks.threads import threads_for
from slth.tickets import ConvNetwork, DenseNetwork
from slth.training.loop import Progress, Training, train


@dataclass(frozen=True)
class Recipe:
    """A standard model, the data that it is for, and how to train it.

    Parameters
    ----------
    model : callable
        Makes the module; takes ``input_shape``, ``classes``, ``bias``, ``batch_norm`` and ``seed``.
    data : str
        Name of the data set.
    training : Training
    batch_norm : bool
        Whether the recipe normalises batches.
    """

    model: Callable[..., nn.Sequential]
    data: str
    training: Training
    batch_norm: bool = False


RECIPES = {
    "small-cnn": Recipe(small_cnn, "fashion-mnist", Training(epochs=8, batch_size=64, learning_rate=0.05)),
    "lenet5": Recipe(lenet5, "mnist", Training(epochs=6, batch_size=64, learning_rate=0.05)),
    "cnn6": Recipe(cnn6, "cifar10", Training(epochs=15, batch_size=128, learning_rate=0.04), batch_norm=True),
}
"""How the reference convolutional networks are trained.

On one core and with seed 0: 89.2 % of Fashion-MNIST's test images in 22 s, 99.3 % of MNIST's in
28 s, 77.4 % of CIFAR-10's in 215 s. With a rate of 0.1 cnn6 diverges: its inputs are raw pixels.
"""


def train_module(
    module: nn.Module,
    inputs: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    input_shape: Sequence[int],
    training: Training | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress | None = None,
) -> DenseNetwork | ConvNetwork:
    """Train a classifier of images in place, and describe it.

    The module is described before it is trained too, so that one that cannot be is refused at once.

    Parameters
    ----------
    module : torch.nn.Module
        Maps [batch, channels, height, width] to scores [batch, classes]; comes back on the CPU.
    inputs : float32[examples, ...]
        Images, flat or not, in raw scale: pixels from 0 to 1, without normalisation.
    labels : int64[examples]
        Classes from 0.
    input_shape : (channels, height, width)
        Of one image.
    training : Training, optional
        How to train.
    seed : int
        Of the order of the examples.
    device : {"cpu", "cuda"}
        Where to train.
    progress : callable, optional
        Called with ("training", epochs done, epochs).

    Returns
    -------
    ConvNetwork or DenseNetwork
        What :func:`slth.networks.describe_module` gives of the trained module.

    Raises
    ------
    ArgumentError
        If the module cannot be described, or sizes, data and labels do not fit.

    Examples
    --------
    >>> images = np.zeros((8, 16), np.float32)
    >>> images[4:] = 1.0
    >>> model = small_cnn(input_shape=(1, 4, 4), channels=(4,), classes=2, bias=True)
    >>> settings = Training(epochs=40, learning_rate=0.02)
    >>> network = train_module(model, images, np.repeat([0, 1], 4), input_shape=(1, 4, 4), training=settings)
    >>> network.forward(images.reshape(-1, 1, 4, 4))[:, :, 0, 0].argmax(axis=1).tolist()
    [0, 0, 0, 0, 1, 1, 1, 1]
    """
    shape = tuple(input_shape)
    describe_module(module, input_shape=shape)
    if inputs.size != len(inputs) * int(np.prod(shape)):
        raise ArgumentError("inputs", list(inputs.shape), f"are no images of {list(shape)}", "pass their input_shape")
    # With the channels last, a step of a small convolution on the CPU takes between a third and two thirds of the time.
    images = torch.tensor(inputs.reshape(-1, *shape), device=device).to(memory_format=torch.channels_last)
    module.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    # One thread: a second one gains a third on an idle machine, and loses a factor of five on a busy one.
    with threads_for(0):
        train(
            module, images, torch.tensor(labels, device=device), training=training, seed=seed, progress=progress
        )  # fmt: skip
    return describe_module(module.cpu(), input_shape=shape)

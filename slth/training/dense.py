"""Training a fully connected classifier on arrays: numbers in, a described network out, nothing of torch in between."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from slth.networks import describe_module, mlp
from slth.networks.threads import threads_for
from slth.tickets import DenseNetwork
from slth.training.loop import Progress, Training, train


def train_dense(
    sizes: Sequence[int],
    inputs: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    bias: bool = True,
    training: Training | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress | None = None,
) -> DenseNetwork:
    """Train a fully connected ReLU classifier from a seed and describe it.

    Parameters
    ----------
    sizes : sequence of int
        Neurons of each layer, inputs first: ``(64, 32, 10)``.
    inputs : float32[examples, sizes[0]]
        Flat inputs.
    labels : int64[examples]
        Classes, from 0 to sizes[-1] - 1.
    bias : bool
        Whether layers have biases.
    training : Training, optional
        How to train.
    seed : int
        Of the initial weights and of the order of the examples.
    device : {"cpu", "cuda"}
        Where to train; the network comes back to the CPU.
    progress : callable, optional
        Called with ("training", epochs done, epochs).

    Returns
    -------
    DenseNetwork
        float64 numbers that are exactly the trained float32 weights.

    Raises
    ------
    ArgumentError
        If sizes, data and labels do not fit.

    Examples
    --------
    >>> points = np.array([[0.0], [1.0]], dtype=np.float32)
    >>> network = train_dense((1, 4, 2), points, np.array([0, 1]), training=Training(epochs=50, weight_decay=0.0))
    >>> network.forward(points).argmax(axis=1).tolist()
    [0, 1]
    """
    settings = Training() if training is None else training
    module = mlp(sizes, bias=bias, seed=seed).to(device)
    work = settings.batch_size * sum(parameter.numel() for parameter in module.parameters())
    with threads_for(work):
        train(
            module,
            torch.tensor(inputs, device=device),
            torch.tensor(labels, device=device),
            training=settings,
            seed=seed,
            progress=progress,
        )
    return describe_module(module.cpu())

"""Training an attention classifier on arrays: numbers in, a described target out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from slth.networks.attention import AttentionClassifier, describe_attention
from slth.networks.threads import threads_for
from slth.tickets import AttentionNetwork
from slth.training.loop import Progress, Training, train


def train_attention(
    tokens: int,
    inputs: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    width: int = 32,
    heads: int = 2,
    hidden: Sequence[int] = (64,),
    classes: int = 10,
    embedding: str = "relu",
    residual: bool = True,
    training: Training | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress | None = None,
) -> AttentionNetwork:
    """Train an :class:`AttentionClassifier` from a seed and describe it.

    Parameters
    ----------
    tokens : int
        Tokens that an input is cut into; divides its length.
    inputs : float32[examples, features]
    labels : int64[examples]
    width, heads, hidden, classes, embedding, residual
        As for :class:`slth.networks.attention.AttentionClassifier`.
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
    AttentionNetwork

    Raises
    ------
    ArgumentError
        If sizes, data and labels do not fit.
    """
    settings = Training() if training is None else training
    module = AttentionClassifier(
        tokens,
        inputs.shape[1] // tokens,
        width=width,
        heads=heads,
        hidden=hidden,
        classes=classes,
        embedding=embedding,
        residual=residual,
        seed=seed,
    ).to(device)
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
    return describe_attention(module.cpu())

"""Initial weights that have an address: each tensor is drawn from a generator of its own, by the seed and its name."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from slth.rng import Stream

M = TypeVar("M", bound=nn.Module)


def initialised(make: Callable[[], M], seed: int) -> M:
    r"""Make a module and draw its parameters from a seed, by torch's own default laws, without any global generator.

    Weights and biases of linear layers and convolutions are uniform on :math:`\pm 1/\sqrt{m}`, m the inputs that an
    output sees; projections of attention are Glorot uniform with zero biases, embeddings standard normal, norms ones
    and zeros, and parameters that a module holds itself normal with deviation 0.02.

    Parameters
    ----------
    make : callable
        Makes the module, such as a class.
    seed : int
        0 <= seed < 2**64.

    Returns
    -------
    torch.nn.Module
        On the CPU, in float32 unless the module says otherwise.

    Raises
    ------
    slth.errors.ArgumentError
        The seed is outside its range.

    Examples
    --------
    >>> one, other = (initialised(lambda: nn.Linear(3, 2), seed) for seed in (0, 0))
    >>> bool((one.weight == other.weight).all())
    True
    """
    Stream(seed, "")  # refuses a seed outside its range
    with torch.device("meta"):  # where the default initialisation draws nothing
        module = make()
    module.to_empty(device="cpu")
    with torch.no_grad():
        for path, part in module.named_modules():
            _initialise(path, part, seed)
    return module


def _initialise(path: str, part: nn.Module, seed: int) -> None:
    """Draw what a layer holds itself, its children aside."""
    own = {
        name: (tensor, _generator(seed, f"{path}.{name}" if path else name))
        for name, tensor in part._parameters.items()
    }
    attention = isinstance(part, nn.MultiheadAttention)
    for name, (tensor, generator) in own.items():
        if tensor is None:
            continue
        if attention and name.endswith("_weight"):
            nn.init.xavier_uniform_(tensor, generator=generator)
        elif attention or (isinstance(part, nn.modules.linear.NonDynamicallyQuantizableLinear) and name == "bias"):
            nn.init.zeros_(tensor)
        elif isinstance(part, nn.Embedding):
            nn.init.normal_(tensor, generator=generator)
        elif isinstance(part, nn.Linear | nn.modules.conv._ConvNd):
            bound = 1.0 / math.sqrt(max(1, _inputs(part)))
            nn.init.uniform_(tensor, -bound, bound, generator=generator)
        elif not hasattr(part, "reset_parameters"):
            nn.init.normal_(tensor, std=0.02, generator=generator)
    if isinstance(part, nn.modules.batchnorm._NormBase | nn.LayerNorm | nn.GroupNorm):
        part.reset_parameters()


def _inputs(part: nn.Module) -> int:
    """Return how many inputs an output of a layer sees."""
    return part.get_parameter("weight")[0].numel()


def _generator(seed: int, name: str) -> torch.Generator:
    """Return the generator of one tensor."""
    return torch.Generator().manual_seed(int(Stream(seed, f"initial/{name}").raw(0, 1)[0] >> 1))

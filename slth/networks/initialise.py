"""Initial weights that have an address: drawn by torch's own default laws, from a seed and a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

import torch
from torch import Tensor, nn

from slth.errors import ArgumentError
from slth.rng import Stream

M = TypeVar("M", bound=nn.Module)
Draw: TypeAlias = Callable[[Tensor, torch.Generator], object]


def initialised(make: Callable[[], M], seed: int) -> M:
    r"""Make a module and draw its parameters from a seed, by torch's own default laws, without any global generator.

    Weights and biases of linear layers and convolutions are uniform on :math:`\pm 1/\sqrt{m}`, m the inputs that an
    output sees; projections of attention are Glorot uniform with zero biases, embeddings standard normal, norms ones
    and zeros, and parameters that a module holds itself normal with deviation 0.02. Each tensor has a generator of its
    own, by its name.

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
    >>> from torch import nn
    >>> one, other = (slth.networks.initialised(lambda: nn.Linear(3, 2), seed) for seed in (0, 0))
    >>> bool((one.weight == other.weight).all())
    True
    """
    if not callable(make):
        raise ArgumentError("make", make, "makes no module", "pass a class, or lambda: nn.Linear(3, 2)")
    Stream(seed, "")  # refuses a seed outside its range
    return _filled(make, lambda name: _generator(seed, f"initial/{name}"))


def drawn(make: Callable[[], M], seed: int, stream: str) -> M:
    """Make a module as :func:`initialised` does, with one generator for all of its tensors in their order."""
    generator = torch.Generator().manual_seed(Stream(seed, stream).seed)
    return _filled(make, lambda _: generator)


def _filled(make: Callable[[], M], generator: Callable[[str], torch.Generator]) -> M:
    with torch.device("meta"):  # where the default initialisation draws nothing
        module = make()
    module.to_empty(device="cpu")
    with torch.no_grad():
        for path, part in module.named_modules():
            for name, tensor in part._parameters.items():
                draw = _law(part, name)
                if tensor is not None and draw is not None:
                    draw(tensor, generator(f"{path}.{name}" if path else name))
            if isinstance(part, nn.modules.batchnorm._NormBase | nn.LayerNorm | nn.GroupNorm):
                part.reset_parameters()
    return module


def _law(part: nn.Module, name: str) -> Draw | None:
    """Return what draws a parameter that a layer holds itself; None where the layer fills it without chance."""
    if isinstance(part, nn.MultiheadAttention):
        weight = name.endswith("_weight")
        return (lambda tensor, generator: nn.init.xavier_uniform_(tensor, generator=generator)) if weight else _zero
    if isinstance(part, nn.modules.linear.NonDynamicallyQuantizableLinear) and name == "bias":
        return _zero
    if isinstance(part, nn.Embedding):
        return lambda tensor, generator: nn.init.normal_(tensor, generator=generator)
    if isinstance(part, nn.Linear | nn.modules.conv._ConvNd):
        bound = max(1, part.weight[0].numel()) ** -0.5
        return lambda tensor, generator: nn.init.uniform_(tensor, -bound, bound, generator=generator)
    if not hasattr(part, "reset_parameters"):
        return lambda tensor, generator: nn.init.normal_(tensor, std=0.02, generator=generator)
    return None


def _zero(tensor: Tensor, _: torch.Generator) -> Tensor:
    return nn.init.zeros_(tensor)


def _generator(seed: int, name: str) -> torch.Generator:
    return torch.Generator().manual_seed(int(Stream(seed, name).raw(0, 1)[0] >> 1))

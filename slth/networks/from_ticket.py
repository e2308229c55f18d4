"""From a ticket to a torch module: the masked random network itself, regenerated and held as buffers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from slth.errors import ArgumentError
from slth.tickets import ProductPair, RandomLinear, Ticket
from slth.tickets.weights import linear_blocks, product_blocks

_DTYPES = (torch.float32, torch.float64)


class MaskedPair(nn.Module):
    r"""The kept part of a product pair: :math:`y = g \max(u x_{owner}, 0) V`, 0 in V where a connection is removed.

    Hidden units of which nothing is kept are not there; neither is the first matrix but for its one open weight a unit.
    """

    owners: Tensor
    first: Tensor
    second: Tensor
    gain: Tensor

    def __init__(self, owners: Tensor, first: Tensor, second: Tensor, gain: Tensor) -> None:
        super().__init__()
        self.register_buffer("owners", owners)
        self.register_buffer("first", first)
        self.register_buffer("second", second)
        self.register_buffer("gain", gain)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, inputs] to [batch, outputs]; the constant input 1 is added here."""
        _check_dtype(x, self.first)
        with_constant = torch.cat([x, x.new_ones(len(x), 1)], dim=1)
        hidden = torch.relu(with_constant[:, self.owners] * self.first)
        return (hidden @ self.second) * self.gain


class MaskedLinear(nn.Module):
    """A plain random layer, with 0 where a connection is removed."""

    weight: Tensor
    gain: Tensor

    def __init__(self, weight: Tensor, gain: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("gain", gain)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, inputs] to [batch, outputs]."""
        _check_dtype(x, self.weight)
        return (x @ self.weight) * self.gain


def _check_dtype(x: Tensor, weight: Tensor) -> None:
    if x.dtype != weight.dtype:
        remedy = "convert the inputs, or ask for the module with dtype=torch.float64"
        raise ArgumentError("x", x.dtype, f"must be {weight.dtype}, as the network's weights are", remedy)


def module_from_ticket(ticket: Ticket, *, dtype: torch.dtype = torch.float32) -> nn.Sequential:
    """Return the masked random network of a ticket as a torch module without parameters.

    Parameters
    ----------
    ticket : Ticket
        The ticket.
    dtype : torch.dtype
        ``torch.float32`` or ``torch.float64``; the regenerated weights are rounded to it.

    Returns
    -------
    torch.nn.Sequential
        Flatten, then one masked block and its activation for each layer. Weights are buffers: they move with
        ``.to(device)``, stand in ``state_dict()``, and no optimiser sees them.

    Raises
    ------
    ArgumentError
        For another dtype.

    Examples
    --------
    >>> import numpy as np
    >>> from slth.rng import WeightLaw
    >>> from slth.tickets import Mask, NetworkDescription
    >>> description = NetworkDescription([ProductPair("layer0", inputs=2, outputs=1, units=3)])
    >>> kept = np.ones((3, 3, 1), bool)
    >>> mask = Mask({"layer0.units": kept.any(axis=2), "layer0.connections": kept})
    >>> ticket = Ticket(description, WeightLaw("uniform"), 0, mask, [1.0])
    >>> module = module_from_ticket(ticket, dtype=torch.float64)
    >>> x = np.array([[0.5, -0.5]])
    >>> bool(np.allclose(module(torch.tensor(x)).numpy(), ticket.forward(x), rtol=0, atol=1e-12))
    True
    """
    if dtype not in _DTYPES:
        raise ArgumentError("dtype", dtype, "must be float32 or float64", "convert the module afterwards if you must")
    parts: list[nn.Module] = [nn.Flatten()]
    for layer, gain in zip(ticket.description.layers, ticket.gains.tolist(), strict=True):
        factor = torch.tensor(gain, dtype=dtype)
        build: Any = _pair if isinstance(layer, ProductPair) else _linear
        parts.append(build(layer, ticket, factor))
        parts.append(nn.ReLU() if layer.activation == "relu" else nn.Identity())
    return nn.Sequential(*parts).eval()


def _pair(layer: ProductPair, ticket: Ticket, gain: Tensor) -> MaskedPair:
    blocks = list(product_blocks(layer, ticket.mask, ticket.law, ticket.seed))
    owners = np.concatenate([np.zeros(0, np.int64), *(block.owners for block in blocks)])
    first = np.concatenate([np.zeros(0), *(block.first for block in blocks)])
    second = np.concatenate([np.zeros((0, layer.outputs)), *(block.second for block in blocks)])
    return MaskedPair(
        torch.from_numpy(owners),
        torch.from_numpy(first).to(gain.dtype),
        torch.from_numpy(second).to(gain.dtype),
        gain,
    )


def _linear(layer: RandomLinear, ticket: Ticket, gain: Tensor) -> MaskedLinear:
    weight = torch.zeros(layer.inputs, layer.outputs, dtype=gain.dtype)
    for rows, block in linear_blocks(layer, ticket.mask, ticket.law, ticket.seed):
        weight[rows] = torch.from_numpy(block).to(gain.dtype)
    return MaskedLinear(weight, gain)

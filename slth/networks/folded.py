r"""A ticket multiplied out: one kernel in place of each pair, which is no longer a subnetwork of the random network.

A hidden channel computes :math:`v * \max(u x, 0)`, which is :math:`u v * \max(x, 0)` for u > 0 and
:math:`u v * \min(x, 0)` for u < 0. So a pair acts as two kernels of the target's shape, the sums of g u v over each
sign, and as one where its inputs are never negative or no channel of the other sign is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from slth.networks.conv_modules import Dtype, StepNetwork, as_dtype, check_dtype
from slth.networks.conv_tickets import numbered_pairs
from slth.tickets import ConvPair, RandomLinear, Ticket
from slth.tickets.conv_weights import folded_kernel
from slth.tickets.steps import walk

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Halves:
    """What acts on max(x, 0), on min(x, 0) (None where nothing does), and whether x is never negative."""

    positive: Floats
    negative: Floats | None
    nonnegative: bool


class _Folded(nn.Module):
    """Weights on max(x, 0) and min(x, 0), as buffers."""

    positive: Tensor
    negative: Tensor | None

    def __init__(self, halves: _Halves, dtype: torch.dtype) -> None:
        super().__init__()
        self.nonnegative = halves.nonnegative
        self.register_buffer("positive", torch.from_numpy(np.array(halves.positive)).to(dtype))
        negative = None if halves.negative is None else torch.from_numpy(np.array(halves.negative)).to(dtype)
        self.register_buffer("negative", negative)

    def folded_sum(self, x: Tensor, through: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Add what both halves give; ``through`` applies one weight."""
        check_dtype(x, self.positive)
        total = through(x if self.nonnegative else x.clamp(min=0.0), self.positive)
        if self.negative is not None:
            total = total + through(x.clamp(max=0.0), self.negative)
        return total


class FoldedConv(_Folded):
    """A pair of convolutions multiplied out to one or two kernels: no longer a subnetwork of the random network.

    The channels that are 1 everywhere have a kernel too, of which the border sees a part only, as of any other.
    """

    constant: Tensor | None

    def __init__(self, pair: ConvPair, halves: _Halves, constant: Floats | None, dtype: torch.dtype) -> None:
        super().__init__(halves, dtype)
        self.pair = pair
        self.register_buffer("constant", None if constant is None else torch.from_numpy(constant).to(dtype))

    @property
    def channels_held(self) -> int:
        """Channels that come in: there are no hidden ones any more."""
        return self.pair.inputs

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, inputs, height, width] to [batch, outputs, height, width], without the activation."""
        total = self.folded_sum(x, self.through)
        if self.constant is not None:
            total = total + self.through(x.new_ones(1, self.pair.groups, *x.shape[2:]), self.constant)
        return total

    def through(self, x: Tensor, weight: Tensor) -> Tensor:
        """Convolve with one kernel."""
        pair = self.pair
        return functional.conv2d(x, weight, stride=pair.stride, padding=pair.padding, groups=pair.groups)


class FoldedLinear(_Folded):
    """A layer of a dense ticket multiplied out to one or two matrices: no longer a subnetwork of the random network."""

    constant: Tensor

    def __init__(self, halves: _Halves, constant: Floats, dtype: torch.dtype) -> None:
        super().__init__(halves, dtype)
        self.register_buffer("constant", torch.from_numpy(np.array(constant)).to(dtype))

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, inputs] to [batch, outputs]."""
        return self.folded_sum(x, self.through) + self.constant

    def through(self, x: Tensor, weight: Tensor) -> Tensor:
        """Multiply by one matrix."""
        return x @ weight.T


class FoldedNetwork(StepNetwork):
    """A convolutional ticket with each pair multiplied out: no longer a subnetwork of the random network."""


def folded_module(ticket: Ticket, *, dtype: Dtype = torch.float32) -> nn.Sequential | FoldedNetwork:
    """Return a ticket with each pair multiplied out to the target's shape: no longer a subnetwork.

    The weights are sums of products of the random network's, so nothing of it can be recognised any more; the function
    is the ticket's up to rounding. One kernel does where the inputs of a pair are never negative (behind a ReLU), or
    where all kept channels serve one sign; elsewhere there are two, on max(x, 0) and min(x, 0), so that this
    is exact for all inputs.

    Parameters
    ----------
    ticket : Ticket
    dtype : torch.dtype or str
        ``torch.float32`` or ``torch.float64``, or their names; sums are rounded to it once.

    Returns
    -------
    torch.nn.Sequential or FoldedNetwork
        Takes and gives what :func:`slth.networks.module_from_ticket` does.

    Raises
    ------
    ArgumentError
        For another dtype.

    Examples
    --------
    >>> from slth.rng import WeightLaw
    >>> from slth.tickets import Mask, NetworkDescription
    >>> pair = ConvPair("layer0", inputs=1, outputs=2, channels=5, kernel=(3, 3), bias=False)
    >>> mask = Mask({"layer0.channels": np.ones((5, 1), bool)})
    >>> ticket = Ticket(NetworkDescription([pair], (1, 4, 4)), WeightLaw("normal"), 0, mask, [1.0])
    >>> x = torch.rand(2, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 0.5
    >>> found = folded_module(ticket, dtype=torch.float64)(x).numpy()
    >>> bool(np.allclose(found, ticket.forward(x.numpy()), rtol=0, atol=1e-12))
    True
    """
    number_type = as_dtype(dtype)
    if ticket.description.input_shape is None:
        return _folded_dense(ticket, number_type)
    places = list(walk(ticket.description.layers, ticket.description.input_shape))
    pairs = {}
    for (number, pair, _), folded in zip(numbered_pairs(ticket), ticket.folded_kernels(), strict=True):
        positive, constant = folded_kernel(pair, folded.plus)
        negative, _ = folded_kernel(pair, folded.minus)
        halves = _halves(positive, negative, nonnegative=places[number].nonnegative)
        pairs[number] = FoldedConv(pair, halves, None if constant is None else constant[:, None].copy(), number_type)
    return FoldedNetwork(ticket.description, pairs).eval()


def _folded_dense(ticket: Ticket, dtype: torch.dtype) -> nn.Sequential:
    parts: list[nn.Module] = [nn.Flatten()]
    nonnegative = False
    for layer, folded in zip(ticket.description.layers, ticket.folded_layers(), strict=True):
        positive, negative = folded.plus[:, :-1], folded.minus[:, :-1]
        # a plain random layer has one matrix for both signs
        halves = _halves(positive, negative, nonnegative=nonnegative or isinstance(layer, RandomLinear))
        parts.append(FoldedLinear(halves, folded.plus[:, -1], dtype))
        nonnegative = layer.activation == "relu"
        parts.append(nn.ReLU() if nonnegative else nn.Identity())
    return nn.Sequential(*parts).eval()


def _halves(positive: Floats, negative: Floats, *, nonnegative: bool) -> _Halves:
    """Leave out the half that meets zeros only, or has zeros only."""
    return _Halves(positive, None if nonnegative or not negative.any() else negative, nonnegative)

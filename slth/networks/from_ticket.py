"""From a ticket to a torch module: the random network itself, its kept part or masked, regenerated as buffers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from slth.errors import ArgumentError
from slth.networks.conv_modules import Dtype, as_dtype, check_dtype
from slth.networks.conv_tickets import masked_network, require_masked_memory, small_network
from slth.rng import Stream
from slth.tickets import ProductPair, RandomLinear, Ticket
from slth.tickets.attention import has_attention
from slth.tickets.weights import linear_blocks, product_blocks


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
        check_dtype(x, self.first)
        with_constant = torch.cat([x, x.new_ones(x.shape[0], 1)], dim=1)
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
        check_dtype(x, self.weight)
        return (x @ self.weight) * self.gain


class FullPair(nn.Module):
    """The whole random pair of matrices with its masks applied: hidden units (k, j), the candidate k slowest."""

    first: Tensor
    second: Tensor
    gain: Tensor

    def __init__(self, first: Tensor, second: Tensor, gain: Tensor) -> None:
        super().__init__()
        self.register_buffer("first", first)
        self.register_buffer("second", second)
        self.register_buffer("gain", gain)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, inputs] to [batch, outputs]; the constant input 1 is added here."""
        check_dtype(x, self.first)
        hidden = torch.relu(torch.cat([x, x.new_ones(x.shape[0], 1)], dim=1) @ self.first.T)
        return (hidden @ self.second) * self.gain


def module_from_ticket(ticket: Ticket, *, dtype: Dtype = torch.float32, masked: bool = False) -> nn.Module:
    """Return the network of a ticket as a torch module without parameters.

    By default the **small** network: what is kept. Of a pair of convolutions that is, for each kept hidden channel, the
    number of its source and its weight u, and one dense convolution over the kept channels (one a group), so that every
    number in it is a weight of the random network or a gain, or 0 where single weights are removed.

    Parameters
    ----------
    ticket : Ticket
        The ticket.
    dtype : torch.dtype or str
        ``torch.float32`` or ``torch.float64``, or their names; the regenerated weights are rounded to it.
    masked : bool
        The whole random network in full instead, with zeros where the block masks or the ticket's masks remove a
        weight: what the small network is compared with. It takes ``random_parameters`` numbers;
        :func:`slth.networks.masked_forward` computes the same without holding them.

    Returns
    -------
    torch.nn.Module
        For dense layers an ``nn.Sequential`` of Flatten, then one block and its activation for each layer. For
        convolutions a :class:`StepNetwork`, which maps [batch, channels, height, width] to [batch, outputs] where the
        network flattens, and else to images. For attention what ``module_from_attention_ticket`` gives.
        Weights are buffers: they move with ``.to(device)``, stand in ``state_dict()``, and no optimiser sees them.

    Raises
    ------
    ArgumentError
        For another dtype, or ``masked`` for a ticket of attention.
    ResourceError
        If ``masked`` asks for more memory than is free.

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
    number_type = as_dtype(dtype)
    if has_attention(ticket.description.layers):
        from slth.networks.attention_tickets import module_from_attention_ticket  # it is built of this module's pairs

        if masked:
            raise ArgumentError("masked", masked, "is not for tickets of attention", "leave it out")
        return module_from_attention_ticket(ticket, dtype=number_type)
    if ticket.description.input_shape is not None:
        return (masked_network(ticket, number_type) if masked else small_network(ticket, number_type)).eval()
    if masked:
        require_masked_memory(ticket, number_type)
    parts: list[nn.Module] = [nn.Flatten()]
    for layer, gain in zip(ticket.description.layers, ticket.gains.tolist(), strict=True):
        factor = torch.tensor(gain, dtype=number_type)
        if isinstance(layer, ProductPair):
            parts.append(_full(layer, ticket, factor) if masked else _pair(layer, ticket, factor))
        else:
            parts.append(_linear(layer, ticket, factor))
        parts.append(nn.ReLU() if layer.activation == "relu" else nn.Identity())
    return nn.Sequential(*parts).eval()


def _full(layer: ProductPair, ticket: Ticket, gain: Tensor) -> FullPair:
    sources, units = layer.sources, np.arange(layer.units)
    first = torch.zeros(layer.units, sources, sources, dtype=gain.dtype)
    second = torch.zeros(layer.units, sources, layer.outputs, dtype=gain.dtype)
    for j in range(sources):
        owner = np.full(layer.units, j)
        u = ticket.law.weights_at(Stream(ticket.seed, layer.streams[0]), layer.first_indices(units, owner))
        places = layer.second_indices(units[:, None], owner[:, None], np.arange(layer.outputs))
        v = ticket.law.weights_at(Stream(ticket.seed, layer.streams[1]), places)
        first[:, j, j] = torch.from_numpy(u * ticket.mask[f"{layer.path}.units"][:, j])
        second[:, j] = torch.from_numpy(v * ticket.mask[f"{layer.path}.connections"][:, j])
    return FullPair(first.reshape(-1, sources), second.reshape(-1, layer.outputs), gain)


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

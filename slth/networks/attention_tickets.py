"""From an attention ticket to a torch module: its kept random weights, regenerated and held as buffers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slth.errors import ArgumentError
from slth.networks.from_ticket import MaskedPair
from slth.tickets import ProductPair, QueryKey, Ticket, TokenMean, Tokens, ValueOutput
from slth.tickets.attention import HeadPair, has_attention
from slth.tickets.attention_weights import heads_of
from slth.tickets.weights import product_blocks


class MaskedHeads(nn.Module):
    """The kept inner units of two random matrices of each head; 0 in the second where a connection is removed."""

    gain: Tensor

    def __init__(self, pair: HeadPair, ticket: Ticket, gain: Tensor) -> None:
        super().__init__()
        self.heads = pair.heads
        self.register_buffer("gain", gain)
        for number, head in enumerate(heads_of(pair, ticket.mask, ticket.law, ticket.seed)):
            self.register_buffer(f"owners{number}", torch.from_numpy(head.owners))
            self.register_buffer(f"first{number}", torch.from_numpy(head.first).to(gain.dtype))
            self.register_buffer(f"second{number}", torch.from_numpy(head.second).to(gain.dtype))

    def inner(self, head: int, x: Tensor) -> Tensor:
        """Return the queries or values of a head, [batch, tokens, units]."""
        return x[:, :, self.get_buffer(f"owners{head}")] * self.get_buffer(f"first{head}")


class AttentionTicket(nn.Module):
    """The kept part of a random attention network; maps [batch, ...] to [batch, outputs]."""

    def __init__(
        self,
        tokens: Tokens,
        embedding: nn.Module,
        scores: MaskedHeads,
        values: MaskedHeads,
        readout: nn.Module,
        *,
        residual: bool,
    ) -> None:
        super().__init__()
        self.count, self.size, self.residual = tokens.count, tokens.size, residual
        self.embedding, self.scores, self.values, self.readout = embedding, scores, values, readout

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, ...] to [batch, outputs]."""
        rows = x.reshape(-1, self.count, self.size)
        places = torch.eye(self.count, dtype=x.dtype, device=x.device).expand(len(rows), -1, -1)
        flat = torch.cat([rows, places], dim=2).reshape(-1, self.size + self.count)
        embedded: Tensor = self.embedding(flat).reshape(len(rows), self.count, -1)
        mixed = torch.zeros_like(embedded[:, :, :1])
        for head in range(self.scores.heads):
            keys = embedded @ self.scores.get_buffer(f"second{head}").T
            scores = self.scores.inner(head, embedded) @ keys.transpose(1, 2) * self.scores.gain
            values = scores.softmax(dim=2) @ self.values.inner(head, embedded)
            mixed = mixed + values @ self.values.get_buffer(f"second{head}")
        mixed = mixed * self.values.gain
        if self.residual:
            mixed = mixed + embedded
        outputs: Tensor = self.readout(mixed.mean(dim=1))
        return outputs


def module_from_attention_ticket(ticket: Ticket, *, dtype: torch.dtype = torch.float32) -> AttentionTicket:
    """Return the kept part of an attention ticket as a torch module without parameters.

    Parameters
    ----------
    ticket : Ticket
    dtype : torch.dtype
        ``torch.float32`` or ``torch.float64``; the regenerated weights are rounded to it.

    Returns
    -------
    AttentionTicket

    Raises
    ------
    ArgumentError
        For a ticket without attention, or another dtype.
    """
    if dtype not in (torch.float32, torch.float64):
        raise ArgumentError("dtype", dtype, "must be float32 or float64", "convert the module afterwards if you must")
    if not has_attention(ticket.description.layers):
        raise ArgumentError("ticket", ticket.description.to_json(), "has no attention", "use module_from_ticket()")
    gains = iter(ticket.gains.tolist())
    parts: tuple[list[nn.Module], list[nn.Module]] = ([], [])
    heads: list[MaskedHeads] = []
    behind, residual = False, True
    for layer in ticket.description.layers:
        behind = behind or isinstance(layer, TokenMean)
        if isinstance(layer, ProductPair):
            parts[behind].append(_pair(layer, ticket, torch.tensor(next(gains), dtype=dtype)))
            parts[behind].append(nn.ReLU() if layer.activation == "relu" else nn.Identity())
        elif isinstance(layer, QueryKey | ValueOutput):
            heads.append(MaskedHeads(layer, ticket, torch.tensor(next(gains), dtype=dtype)))
            residual = layer.residual if isinstance(layer, ValueOutput) else residual
    embedding, readout = (nn.Sequential(*part) for part in parts)
    steps = ticket.description.layers[0]
    return AttentionTicket(steps, embedding, heads[0], heads[1], readout, residual=residual).eval()


def _pair(layer: ProductPair, ticket: Ticket, gain: Tensor) -> MaskedPair:
    blocks = list(product_blocks(layer, ticket.mask, ticket.law, ticket.seed))
    if not blocks:
        nothing = torch.zeros(0, dtype=gain.dtype)
        return MaskedPair(torch.zeros(0, dtype=torch.int64), nothing, nothing.reshape(0, layer.outputs).clone(), gain)
    owners, first, second = (
        torch.cat([torch.from_numpy(getattr(block, name)) for block in blocks])
        for name in ("owners", "first", "second")
    )
    return MaskedPair(owners, first.to(gain.dtype), second.to(gain.dtype), gain)

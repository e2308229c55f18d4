"""Tickets: a random network, what is kept of it, and the file from which anybody regenerates it bit for bit."""

from slth.tickets.attention import QueryKey, TokenMean, Tokens, ValueOutput
from slth.tickets.attention_network import AttentionNetwork
from slth.tickets.attention_weights import FoldedHeads
from slth.tickets.coding import decode_symbols, encode_symbols, multinomial_bits
from slth.tickets.conv_pair import ConvPair
from slth.tickets.conv_weights import FoldedConv
from slth.tickets.convolutional import ConvLayer, ConvNetwork
from slth.tickets.description import NetworkDescription, ProductPair, RandomLinear
from slth.tickets.file import load_ticket, save_ticket, ticket_bytes, ticket_from_bytes
from slth.tickets.folding import FoldedLayer
from slth.tickets.mask import Mask
from slth.tickets.network import DenseLayer, DenseNetwork
from slth.tickets.steps import Branch, Flatten, Join, Pool, Swap
from slth.tickets.ticket import Ticket, TicketStatistics

__all__ = [
    "AttentionNetwork",
    "Branch",
    "ConvLayer",
    "ConvNetwork",
    "ConvPair",
    "DenseLayer",
    "DenseNetwork",
    "Flatten",
    "FoldedConv",
    "FoldedHeads",
    "FoldedLayer",
    "Join",
    "Mask",
    "NetworkDescription",
    "Pool",
    "ProductPair",
    "QueryKey",
    "RandomLinear",
    "Swap",
    "Ticket",
    "TicketStatistics",
    "TokenMean",
    "Tokens",
    "ValueOutput",
    "decode_symbols",
    "encode_symbols",
    "load_ticket",
    "multinomial_bits",
    "save_ticket",
    "ticket_bytes",
    "ticket_from_bytes",
]

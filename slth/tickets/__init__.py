"""Tickets: a random network, a seed and a mask, and the file from which anybody regenerates it bit for bit."""

from slth.tickets.coding import decode_symbols, encode_symbols, multinomial_bits
from slth.tickets.folded import Folded
from slth.tickets.layout import Layout
from slth.tickets.mask import Mask
from slth.tickets.members import joined, members
from slth.tickets.pair import Pair, RandomLayer
from slth.tickets.ticket import Ticket, TicketStatistics, load_ticket, ticket_from_bytes

__all__ = [
    "Folded",
    "Layout",
    "Mask",
    "Pair",
    "RandomLayer",
    "Ticket",
    "TicketStatistics",
    "decode_symbols",
    "encode_symbols",
    "joined",
    "load_ticket",
    "members",
    "multinomial_bits",
    "ticket_from_bytes",
]

"""Several tickets of one random network in one: an ensemble's file has one seed, and codes what is kept jointly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError
from slth.tickets.layout import Layout
from slth.tickets.mask import KEEP, OF_MEMBERS, Mask
from slth.tickets.ticket import Ticket

MOST = 7
"""Members of a file: their bits are the symbols of a code with at most 255."""


def joined(tickets: Sequence[Ticket], reading: Literal["members", "mixture"] = "members") -> Ticket:
    r"""Return one ticket with the masks of several: :math:`\sum_b 2^b m_b`, whose entries are coded together.

    What members have in common is stored once, and no code of all masks with the same numbers of each combination is
    shorter on average than the file's. Stored numbers that differ, such as running statistics, have the members as
    their first axis.

    Parameters
    ----------
    tickets : sequence of Ticket
        One to seven, of one layout, law, seed and gains, with masks that keep or remove.
    reading : {"members", "mixture"}
        Whether members' outputs are averaged or their probabilities.

    Returns
    -------
    Ticket
        With a mask of that reading; :func:`members` takes it apart.

    Raises
    ------
    slth.errors.ArgumentError
        There are none or too many, or they are of different random networks.

    Examples
    --------
    >>> import numpy as np
    >>> from slth.tickets.layout import TensorLayout
    >>> layout, law = slth.Layout([TensorLayout("weight", (1, 4))]), slth.WeightLaw("normal")
    >>> masks = [slth.Mask({"weight": np.array([row], bool)}) for row in ([1, 0, 1, 0], [1, 1, 0, 0])]
    >>> one = slth.tickets.joined([slth.Ticket(layout, law, 0, mask, [1.0]) for mask in masks])
    >>> one.mask["weight"].tolist(), [member.mask.kept for member in slth.tickets.members(one)]
    ([[3, 2, 1, 0]], [2, 2])
    """
    if not 1 <= len(tickets) <= MOST:
        raise ArgumentError("tickets", len(tickets), f"must be 1 to {MOST}", "write more files")
    first = tickets[0]
    for number, ticket in enumerate(tickets):
        difference = _difference(first, ticket)
        if difference is not None:
            rule = f"{difference} of ticket {number} is not that of ticket 0"
            raise ArgumentError(
                "tickets", number, rule, "search all members on one module, with one seed, law and scale"
            )
    arrays = {
        name: np.sum([ticket.mask[name].astype(np.uint8) << bit for bit, ticket in enumerate(tickets)], axis=0)
        for name in first.mask.arrays
    }
    # The alphabet (0, 1) is that of bools.
    whole = {name: array.astype(bool if len(tickets) == 1 else np.uint8) for name, array in arrays.items()}
    mask = Mask(whole, tuple(range(2 ** len(tickets))), first.mask.structure, reading)
    buffers = {name: _stacked([ticket.buffers[name] for ticket in tickets]) for name in first.buffers}
    return Ticket(first.source, first.law, first.seed, mask, first.gains, first.family, buffers)


def members(ticket: Ticket) -> tuple[Ticket, ...]:
    """Return the tickets that were joined to one; a ticket of one mask is its own only member.

    Parameters
    ----------
    ticket : Ticket

    Returns
    -------
    tuple of Ticket
        In the order in which they were joined; see :func:`joined` for an example.

    Raises
    ------
    slth.errors.ArgumentError
        A stored number is of another number of members.
    """
    mask = ticket.mask
    if mask.reading not in OF_MEMBERS:
        return (ticket,)
    assert isinstance(ticket.source, Layout), "only layouts have members"
    shapes = {tensor.name: tuple(tensor.shape) for tensor in ticket.source.tensors}
    for name, array in ticket.buffers.items():
        if array.shape not in (shapes.get(name), (mask.members, *shapes.get(name, ()))):
            rule = f"must be one for each of the {mask.members} members, or for all"
            raise ArgumentError(f"buffer {name}", list(array.shape), rule, "use what joined made")
    return tuple(
        Ticket(
            ticket.source,
            ticket.law,
            ticket.seed,
            Mask({name: array >> bit & 1 != 0 for name, array in _whole(mask)}, KEEP, mask.structure),
            ticket.gains,
            ticket.family,
            {name: array if array.shape == shapes[name] else array[bit] for name, array in ticket.buffers.items()},
        )
        for bit in range(mask.members)
    )


def _whole(mask: Mask) -> list[tuple[str, NDArray[np.uint8]]]:
    """Return names and entries, of one member too as integers."""
    return [(name, array.astype(np.uint8)) for name, array in mask.arrays.items()]


def _stacked(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return numbers that are the same in all members once, and others with the members as first axis."""
    same = all(array.tobytes() == arrays[0].tobytes() for array in arrays)
    return arrays[0] if same else np.stack(arrays)


def _difference(one: Ticket, other: Ticket) -> str | None:
    """Return in what two tickets are of different random networks, or no masks that can be joined."""
    if not isinstance(one.source, Layout) or one.source != other.source:
        return "the module"
    if (one.seed, one.law, one.family) != (other.seed, other.law, other.family):
        return "seed, law or family"
    if not np.array_equal(one.gains, other.gains):
        return "a gain"
    plain = all(ticket.mask.reading == "factor" and ticket.mask.alphabet == KEEP for ticket in (one, other))
    if not plain or one.mask.arrays.keys() != other.mask.arrays.keys() or one.buffers.keys() != other.buffers.keys():
        return "the kind of mask, or what it is for,"
    return None

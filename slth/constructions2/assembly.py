"""From what was chosen for each layer to the ticket, and to all that is said about it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from slth.arrays import Bools, frozen
from slth.certificates import Certificate
from slth.constructions2.construction import rows_of
from slth.constructions2.layout import Work, masks_of, source_of
from slth.constructions2.method import Built
from slth.constructions2.setting import Setting
from slth.constructions2.solving import Answer
from slth.graphs import Graph
from slth.tickets.mask import Mask, Structure
from slth.tickets2.ticket import Ticket


def ticket_of(
    target: Graph,
    chosen: Sequence[tuple[Work, Bools, float]],
    setting: Setting,
    structure: Structure = "weight",
) -> Ticket:
    """Return the ticket of (work, kept, gain) of each layer."""
    source = source_of(target, {name: work.layer for work, *_ in chosen for name in work.nodes})
    masks = {name: array for work, kept, _ in chosen for name, array in masks_of(work.layer, kept).items()}
    gains = np.array([gain for *_, gain in chosen])
    return Ticket(source, setting.law, setting.seed, Mask(masks, structure=structure), gains)


def assemble(target: Graph, answers: Sequence[Answer], setting: Setting) -> Ticket:
    """Return the ticket that answers have come to so far."""
    return ticket_of(target, [(one.work, one.solved.connections, one.gain) for one in answers], setting)


def built(
    target: Graph,
    answers: Sequence[Answer],
    setting: Setting,
    ticket: Ticket | None = None,
    certificate: Certificate | None = None,
) -> Built:
    """Return what a method hands back."""
    ticket = ticket or assemble(target, answers, setting)
    return Built(
        ticket,
        rows_of(answers, ticket),
        errors=tuple(frozen(one.solved.errors[one.work.posed]) for one in answers),
        log_rates=tuple(frozen(one.solved.log_rates[one.work.posed]) for one in answers),
        certificate=certificate,
    )

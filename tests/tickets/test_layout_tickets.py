"""Tickets of modules outside the network language: a layout as their source, a file, and the user's own instance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import slth
from slth.errors import ArgumentError, TicketError
from slth.networks import layout_of
from slth.rng import Stream, WeightLaw
from slth.tickets import Mask, Ticket, ticket_from_bytes
from tests.tickets.ticket_files import forged, same

LAW = WeightLaw("normal", 0.5)


def module() -> nn.Module:
    return nn.Sequential(nn.Embedding(5, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 3))


def ticket(seed: int = 3) -> Ticket:
    rng = np.random.default_rng(0)
    masks = {name: rng.random(shape) < 0.6 for name, shape in (("0.weight", (5, 4)), ("3.weight", (3, 4)))}
    stored = {"1.weight": np.ones(4), "1.bias": np.zeros(4), "3.bias": np.array([0.5, -1.0, 0.25])}
    return Ticket(layout_of(module()), LAW, seed, Mask(masks), [1.0, 2.0], buffers=stored)


def test_the_file_gives_the_same_ticket_and_the_instance_its_weights(tmp_path) -> None:
    made = ticket()
    made.save(tmp_path / "net.ticket")
    read = slth.load_ticket(tmp_path / "net.ticket")
    same(read, made)
    own = slth.apply_to(module(), read)
    for name, gain in (("0.weight", 1.0), ("3.weight", 2.0)):
        mask = made.mask[name]
        weights = LAW.weights(Stream(3, name), 0, mask.size).reshape(mask.shape) * gain * mask
        assert np.array_equal(own.state_dict()[name].numpy(), weights.astype(np.float32))
    assert own.state_dict()["3.bias"].tolist() == [0.5, -1.0, 0.25]
    assert made.statistics().kept == int(made.mask["0.weight"].sum() + made.mask["3.weight"].sum())
    assert made.statistics().target_weights is None


def test_two_instances_give_the_same_outputs() -> None:
    x = torch.tensor([[0, 1, 4]])
    first, second = (slth.apply_to(module(), ticket())(x) for _ in range(2))
    assert torch.equal(first, second)


def test_what_needs_a_graph_says_so() -> None:
    for use in (lambda: ticket().forward([[1.0]]), lambda: ticket().folded, lambda: slth.to_torch(ticket())):
        with pytest.raises(ArgumentError, match=r"outside the network language.*slth.apply_to"):
            use()


def test_another_module_is_refused_by_its_first_difference_and_nothing_is_written() -> None:
    other = nn.Sequential(nn.Embedding(5, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 2))
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(ArgumentError, match=r"3.weight has shape \[3, 4\] there and \[2, 4\] here"):
        slth.apply_to(other, ticket())
    assert all(torch.equal(before[name], tensor) for name, tensor in other.state_dict().items())


def test_a_ticket_of_a_graph_is_not_applied() -> None:
    target = slth.Graph((2,), [slth.Node("a", slth.Conv([[0.5, 0.25]]), ("input",))])
    made = slth.construct(target, method=slth.PerWeight(candidates=4)).ticket
    with pytest.raises(ArgumentError, match=r"is a network of its own: use slth.to_torch"):
        slth.apply_to(nn.Linear(2, 1), made)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('{"layout":3,"masked":[]}', "does not describe a layout"),
        ('{"layout":[],"masked":["a"]}', "is no tensor of the layout"),
        ('{"layout":[],"masked":[],"more":1}', "must have layout and masked"),
        ('{"layout":[],"masked":[]}', "too many behind the last of 0 codes"),
    ],
)
def test_layouts_made_to_deceive_are_refused(source: str, message: str) -> None:
    with pytest.raises(TicketError, match=message):
        ticket_from_bytes(forged(ticket().to_bytes(), metadata={"source": source}))

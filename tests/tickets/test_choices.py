"""Masks whose entries choose one of several random numbers a weight."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import slth
from slth.errors import ArgumentError, TicketError
from slth.networks import layout_of
from slth.rng import Stream, WeightLaw
from slth.tickets import Mask, Ticket, ticket_from_bytes
from slth.tickets.layout import TensorLayout, masked_weights
from tests.ticket_sources import ticket_of, two_pairs
from tests.tickets.ticket_files import forged, same

LAW = WeightLaw("normal", 0.5)
CHOICES = (0, 1, 2, 3)


def chosen(seed: int = 3, candidates: int = 3, reading: str = "choice") -> Ticket:
    rng = np.random.default_rng(0)
    mask = Mask({"weight": rng.integers(0, 4, (3, 4))}, tuple(range(candidates + 1)), reading=reading)  # type: ignore[arg-type]
    return Ticket(layout_of(nn.Linear(4, 3)), LAW, seed, mask, [2.0], buffers={"bias": np.zeros(3)})


@given(st.integers(0, 2**64 - 1), st.lists(st.integers(0, 4), min_size=1, max_size=20), st.sampled_from([np.int8, int]))
def test_each_entry_takes_the_number_that_it_chooses(seed: int, entries: list[int], dtype: type) -> None:
    found = masked_weights(
        TensorLayout("w", (len(entries),)), np.array(entries, dtype), seed=seed, law=LAW, gain=0.1, reading="choice"
    )
    for place, (entry, weight) in enumerate(zip(entries, found.tolist(), strict=True)):
        number = np.array([place + (entry - 1) * len(entries)])
        assert weight == (LAW.weights_at(Stream(seed, "w"), number)[0] * 0.1 if entry else 0.0)


def test_an_entry_of_a_small_dtype_chooses_beyond_its_range() -> None:
    entries = np.full(100, 3, np.int8)
    found = masked_weights(TensorLayout("w", (100,)), entries, seed=1, law=LAW, reading="choice")
    assert np.array_equal(found, LAW.weights(Stream(1, "w"), 200, 100))


def test_the_file_gives_the_same_ticket_and_the_module_the_chosen_numbers() -> None:
    made = chosen()
    read = ticket_from_bytes(made.to_bytes())
    same(read, made)
    assert (read.mask.reading, read.mask.alphabet, read.mask.candidates) == ("choice", CHOICES, 3)
    assert read.statistics().random_parameters == 36
    own = slth.apply_to(nn.Linear(4, 3), read).weight.detach().numpy()
    drawn = np.stack([LAW.weights(Stream(3, "weight"), 12 * k, 12).reshape(3, 4) for k in range(3)])
    picked = np.take_along_axis(drawn, np.maximum(made.mask["weight"].astype(int) - 1, 0)[None], 0)[0]
    assert np.array_equal(own, (picked * 2.0 * (made.mask["weight"] != 0)).astype(np.float32))


def test_more_candidates_extend_the_same_network() -> None:
    fewer, more = (slth.apply_to(nn.Linear(4, 3), chosen(candidates=count)).weight for count in (3, 9))
    assert np.array_equal(fewer.detach().numpy(), more.detach().numpy())


def test_the_hash_covers_which_numbers_were_chosen() -> None:
    assert chosen().kept_weights_sha256() != chosen(reading="factor").kept_weights_sha256()
    with pytest.raises(TicketError, match="the kept weights do not regenerate"):
        ticket_from_bytes(forged(chosen().to_bytes(), without={"reading"}))


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"reading": "guess"}, "reading='guess' is not known"),
        ({"reading": ""}, "reading='' is not known"),
        ({"alphabet": "[0,1,2,4]"}, r"alphabet=.*must be 0, 1, ..., K for choices"),
        ({"alphabet": "[0,2,1,3]"}, r"alphabet=.*must be 0, 1, ..., K for choices"),
    ],
)
def test_choices_made_to_deceive_are_refused(metadata: dict[str, str], message: str) -> None:
    with pytest.raises(TicketError, match=message):
        ticket_from_bytes(forged(chosen().to_bytes(), metadata=metadata))


def test_a_graph_has_one_number_a_weight_and_no_choice() -> None:
    made = ticket_of(two_pairs())
    mask = Mask(made.mask.arrays, reading="choice")
    with pytest.raises(ArgumentError, match="is no mask of a graph, whose random layers have one number"):
        Ticket(made.source, made.law, made.seed, mask, made.gains)
    with pytest.raises(TicketError, match="is no mask of a graph"):
        ticket_from_bytes(forged(made.to_bytes(), metadata={"reading": "choice"}))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Mask({"a": np.array([2])}, (0, 2), reading="choice"),
        lambda: Mask({"a": np.array([1])}, (-1, 0, 1), reading="choice"),
        lambda: Mask({"a": np.array([True])}, reading="both"),  # type: ignore[arg-type]
        lambda: masked_weights(TensorLayout("a", (1,)), [-1], seed=0, law=LAW, reading="choice"),
        lambda: masked_weights(TensorLayout("a", (1,)), [1], seed=0, law=LAW, reading="both"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_choice_is_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError):
        make()

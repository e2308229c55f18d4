"""Masks that are constant on groups: the groups are found, coded once each, and no file may say otherwise."""

from __future__ import annotations

from dataclasses import replace
from math import comb, log2

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from slth.errors import ArgumentError, TicketError
from slth.networks.structures import Axes, Blocks, Heads, InputChannels, Kernels, NOfM, OutputChannels, Structure
from slth.rng import WeightLaw
from slth.tickets import Layout, Mask, Ticket, encode_symbols, ticket_from_bytes
from slth.tickets.grains import Grain, coded_bits, grain_from_text, grain_of
from slth.tickets.grains import NOfM as Patterns
from slth.tickets.layout import TensorLayout
from tests.tickets.ticket_files import forged, joined, same, taken_apart

LAW = WeightLaw("signed-constant")
STRUCTURES = [
    (OutputChannels(), Axes((64, 32, 3, 3)), 64, "1,288"),
    (InputChannels(), Axes((64, 32, 3, 3)), 32, "64,9"),
    (InputChannels(), Axes((64, 32, 3, 3), groups=4), 128, "16,9"),
    (Kernels(), Axes((64, 32, 3, 3)), 64 * 32, "1,9"),
    (Heads(), Axes((96, 32), heads=8, parts=3), 8, "4,32,3"),
    (Heads(), Axes((32, 96), heads=8, parts=0), 8, "32,12"),
    (Blocks(4), Axes((37, 50)), 10 * 13, "4,4"),
    (Blocks(4), Axes((18, 10, 3, 3)), 5 * 23, "4,4"),
]


def structured(structure: Structure, axes: Axes) -> Mask:
    scores = torch.rand(structure.shape(axes), generator=torch.Generator().manual_seed(1))
    kept = structure.select(scores, structure.kept(axes, 0.5))
    return Mask({"w": structure.expand(kept, axes).numpy()})


def ticket_with(mask: Mask) -> Ticket:
    return Ticket(Layout([TensorLayout("w", mask["w"].shape)]), LAW, 3, mask, [1.0])


def source(grain: str) -> dict[str, str]:
    return {"source": f"layout;w 4,6 *{grain}"}


@pytest.mark.parametrize(("structure", "axes", "groups", "text"), STRUCTURES)
def test_a_structured_mask_costs_what_its_groups_cost(structure: Structure, axes: Axes, groups: int, text: str) -> None:
    made = ticket_with(structured(structure, axes))
    grain = grain_of(made.mask["w"])
    assert grain.text == text
    assert np.prod(grain.entries(made.mask["w"].shape)) == groups
    bits = log2(comb(groups, groups // 2))
    assert made.statistics().entropy_bound_bits == pytest.approx(bits)
    content = made.to_bytes()
    assert taken_apart(content)[1]["masks"].nbytes <= bits / 8 + 10
    same(ticket_from_bytes(content), made)


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 2), (3, 8), (1, 16), (1, 1)])
@pytest.mark.parametrize("shape", [(256, 128), (64, 32, 3, 3), (32, 512, 2)])
def test_n_of_m_costs_the_number_of_patterns_of_each_group(n: int, m: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    kept = NOfM(n, m).select(torch.from_numpy(rng.random(shape)), 0).numpy()
    made = ticket_with(Mask({"w": kept}))
    groups = kept.size // m
    assert made.statistics().entropy_bound_bits <= groups * log2(comb(m, n)) + 1e-6
    header = 60 + 2 * comb(m, n)
    assert taken_apart(made.to_bytes())[1]["masks"].nbytes <= groups * log2(comb(m, n)) / 8 + header
    same(ticket_from_bytes(made.to_bytes()), made)


def test_n_of_m_is_found_where_there_are_groups_enough_and_no_larger_m_is_taken() -> None:
    rng = np.random.default_rng(0)
    for rows, found in ((64, "2:4"), (2, "")):
        kept = NOfM(2, 4).select(torch.from_numpy(rng.random((rows, 32))), 0).numpy()
        assert grain_of(kept).text == found


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 5), (3, 6), (4, 8)])
def test_each_pattern_has_a_number_of_its_own(n: int, m: int) -> None:
    numbers = np.arange(comb(m, n), dtype=np.uint8)
    shape = (len(numbers), m)
    kept = Patterns(n, m).expand(numbers, shape)
    assert (kept.sum(axis=1) == n).all()
    assert len(np.unique(kept, axis=0)) == len(numbers)
    assert np.array_equal(Patterns(n, m).reduce(kept), numbers)


@st.composite
def coarse(draw):  # type: ignore[no-untyped-def]
    """An array that repeats itself somehow, along some of its axes."""
    array = draw(arrays(np.int8, array_shapes(min_dims=0, max_dims=4, max_side=4), elements=st.integers(-1, 1)))
    for axis in range(array.ndim):
        array = array.repeat(draw(st.integers(1, 3)), axis=axis)
        array = np.concatenate([array] * draw(st.integers(1, 2)), axis=axis)
    return array[: draw(st.integers(1, len(array)))] if array.ndim else array


@given(coarse(), st.booleans())
def test_any_array_comes_back_from_its_grain(array: np.ndarray, signed: bool) -> None:
    array = array if signed else array != 0
    grain = grain_of(array)
    assert grain_from_text(grain.text, array.shape) == grain
    entries = grain.reduce(array)
    assert entries.shape == grain.entries(array.shape)
    again = grain.expand(entries, array.shape)
    assert again.dtype == array.dtype
    assert np.array_equal(again, array)


@given(coarse(), st.integers(1, 12), st.integers(1, 12))
def test_no_longer_runs_tell_an_array(array: np.ndarray, rows: int, columns: int) -> None:
    """The runs found are the longest: others that give the array back divide them, or all is one run."""
    grain, other = grain_of(array), Grain(rows, columns)
    if isinstance(grain, Grain) and other.fits(array.shape):
        same_again = np.array_equal(other.expand(other.reduce(array), array.shape), array)
        tall, wide = (array.shape[0] if array.ndim else 1), int(np.prod(array.shape[1:], dtype=int))
        along = grain.rows == tall or grain.rows % rows == 0
        across = grain.columns == wide or grain.columns % columns == 0
        assert same_again == (along and across)


def test_signed_and_chosen_masks_have_grains_too() -> None:
    entries = np.array([[0, 2, 1], [1, 1, 0]])
    for reading in ("factor", "choice"):
        mask = Mask({"w": entries.repeat(4, 0).repeat(3, 1)}, (0, 1, 2), reading=reading)  # type: ignore[arg-type]
        made = ticket_with(mask)
        assert grain_of(mask["w"]).text == "4,3"
        assert coded_bits(mask) == pytest.approx(replace(mask, arrays={"w": entries}).entropy_bound_bits)
        same(ticket_from_bytes(made.to_bytes()), made)


def test_a_large_structured_mask_is_read_back() -> None:
    """More positions, and more weights kept, than a graph of so few bytes may ask for."""
    rows = np.arange(5000) < 1200
    made = ticket_with(Mask({"w": np.broadcast_to(rows[:, None], (5000, 4000))}))
    content = made.to_bytes()
    assert len(content) < 500
    assert ticket_from_bytes(content).mask.kept == 1200 * 4000


BLOCKS = Mask({"w": np.array([[1, 0, 1], [0, 1, 1]], bool).repeat(2, 0).repeat(2, 1)})


def test_the_grain_of_the_samples() -> None:
    assert taken_apart(ticket_with(BLOCKS).to_bytes())[0]["source"] == source("2,2")["source"]


@pytest.mark.parametrize(
    ("grain", "entries", "message"),
    [
        ("", BLOCKS["w"], r"mask w: its grain is not 1; the file was changed"),
        ("2,1", BLOCKS["w"][::2], r"mask w: its grain is not 2,1"),
        ("2,2", np.ones((2, 3)), r"mask w: its grain is not 2,2"),
        ("2,2,2", np.ones((1, 3)), r"mask w: its grain is not 2,2,2"),
        ("2,2", np.ones((2, 4)), "expected 6 symbols, found a code of 8"),
        ("3,2", np.ones((2, 3)), "mask w: its grain"),
        ("0,2", np.ones((2, 3)), "is none of a mask of shape"),
        ("-2,2", np.ones((2, 3)), "is none of a mask of shape"),
        ("5,2", np.ones((1, 3)), "is none of a mask of shape"),
        ("2,7", np.ones((2, 1)), "is none of a mask of shape"),
        ("2,2,3", np.ones((2, 1)), "is none of a mask of shape"),
        ("2,2,0", np.ones((2, 1)), "is none of a mask of shape"),
        ("2,2,1", np.ones((2, 3)), "is not as a layout is written"),
        ("02,2", np.ones((2, 3)), "is not as a layout is written"),
        ("2,2,2,2", np.ones((2, 1)), "is none of a mask of shape"),
        ("a", np.ones((2, 1)), "is none of a mask of shape"),
        ("9" * 5000, np.ones((2, 1)), "is none of a mask of shape"),
        ("1:2", np.ones((2, 1)), "is none of a mask of shape"),
        ("1:999999999999", np.ones((2, 1)), "is none of a mask of shape"),
    ],
)
def test_a_grain_made_to_deceive_is_refused(grain: str, entries: np.ndarray, message: str) -> None:
    code = encode_symbols(entries.astype(np.uint8).ravel(), alphabet=2)
    with pytest.raises(TicketError, match=message):
        ticket_from_bytes(
            forged(ticket_with(BLOCKS).to_bytes(), metadata=source(grain), tensors={"masks": joined([code])})
        )


def test_a_small_file_does_not_ask_for_any_memory() -> None:
    code = encode_symbols(np.ones(1, np.uint8), alphabet=2)
    huge = {"source": f"layout;w {2**20},{2**20} *{2**20},{2**20}"}
    with pytest.raises(TicketError, match="it asks for 1099511627776 positions of masks"):
        ticket_from_bytes(forged(ticket_with(BLOCKS).to_bytes(), metadata=huge, tensors={"masks": joined([code])}))


def test_only_masks_that_keep_or_remove_have_n_of_m() -> None:
    shape = (128, 4)
    mask = Mask({"w": np.tile([1, -1, 0, 0], (128, 1))}, (0, 1, -1))
    code = encode_symbols(np.zeros(128, np.uint8), alphabet=6)
    changed = {"source": f"layout;w {shape[0]},{shape[1]} *2:4"}
    with pytest.raises(TicketError, match="only masks that keep or remove have 2:4"):
        ticket_from_bytes(forged(ticket_with(mask).to_bytes(), metadata=changed, tensors={"masks": joined([code])}))


def test_a_grain_of_another_shape_is_named() -> None:
    with pytest.raises(ArgumentError, match=r"grain='3,3' is none of a mask of shape \[2, 2\]: the file was changed"):
        grain_from_text("3,3", (2, 2))

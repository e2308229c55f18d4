"""Numbers and arrays from outside: each rule has a value that passes and one that is refused."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slth.arrays import as_double, finite_array, finite_number, frozen, positive_number, whole
from slth.errors import ArgumentError

REFUSED_ARRAYS = [
    ([1.0, math.nan], r"x\[1\]=nan must be finite"),
    ([[1.0, 2.0], [math.inf, 0.0]], r"x\[1, 0\]=inf must be finite"),
    (math.inf, "x=inf must be finite"),
    (["a"], "real numbers"),
    ([1.0, None], "real numbers"),
    ([1 + 2j], "real numbers"),
    ([[1, 2], [3]], "different lengths"),
    (np.ma.masked_array([1.0, 2.0], mask=[0, 1]), "every value present"),
    (torch.ones(3, requires_grad=True), "detach"),
    (torch.ones(3, dtype=torch.bfloat16), "double"),
    ([10**400], "beyond the largest double"),
    ([[[1.0]]], r"must have 0 or 1 or 2 dimension\(s\)"),
    (np.zeros((3, 0)), "no empty axis"),
]


@pytest.mark.parametrize(("value", "message"), REFUSED_ARRAYS)
def test_arrays_that_break_a_rule_are_refused(value, message):
    with pytest.raises(ArgumentError, match=message):
        finite_array(value, "x", axes=(0, 1, 2), empty=False)


def test_one_number_of_axes_may_be_asked_for():
    assert finite_array([1, 2], "x", axes=1).shape == (2,)
    with pytest.raises(ArgumentError, match=r"must have 1 dimension\(s\): flatten it"):
        finite_array(2.0, "x", axes=1, remedy="flatten it")


def test_the_remedy_for_a_tensor_works():
    tensor = torch.ones(3, dtype=torch.bfloat16, requires_grad=True)
    assert finite_array(tensor.detach().cpu().double().numpy(), "x").tolist() == [1.0, 1.0, 1.0]


@given(st.lists(st.integers(-(2**80), 2**80) | st.floats(-(2.0**80), 2.0**80), min_size=1, max_size=4))
def test_every_number_that_is_given_is_the_one_that_is_kept_or_the_array_is_refused(numbers):
    exact = all(Fraction(float(number)) == Fraction(number) for number in numbers)
    if exact:
        assert [Fraction(kept) for kept in finite_array(numbers, "x").tolist()] == [Fraction(x) for x in numbers]
    else:
        with pytest.raises(ArgumentError, match="cannot hold exactly"):
            finite_array(numbers, "x")


def test_an_integer_that_only_numpy_would_round_is_refused():
    with pytest.raises(ArgumentError, match="cannot hold exactly"):
        finite_array([2**63 + 1, -4], "values")
    with pytest.raises(ArgumentError, match="cannot hold exactly"):
        finite_array(np.array([2**70 + 1], dtype=object), "values")
    assert finite_array([2**70, -(2**64)], "values").tolist() == [2.0**70, -(2.0**64)]


def test_arrays_are_copies_that_nobody_writes():
    given = np.arange(6.0).reshape(2, 3)
    kept = finite_array(given.T, "x")
    given[0, 0] = 7.0
    assert kept[0, 0] == 0.0
    assert kept.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        kept[0, 0] = 1.0


def test_frozen_keeps_shape_and_values():
    for array in (np.arange(6).reshape(2, 3).T, np.array(3.0), np.zeros((0, 2))):
        kept = frozen(array)
        assert kept.shape == array.shape
        assert (kept == array).all()
        assert not kept.flags.writeable


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), torch.tensor(3)])
def test_integers_of_every_kind_become_pythons(value):
    assert whole(value, "n", 3, 3) == 3
    assert type(whole(value, "n")) is int


@pytest.mark.parametrize("value", [True, np.True_, 3.0, "3", None, 0, 5, 10**30])
def test_what_is_no_integer_of_the_range_is_refused(value):
    with pytest.raises(ArgumentError, match="must be an integer from 1 to 4: pass fewer"):
        whole(value, "n", 1, 4, remedy="pass fewer")


def test_a_range_may_be_open_above():
    assert whole(10**30, "n", 0) == 10**30
    with pytest.raises(ArgumentError, match="n=-1 must be an integer of at least 0"):
        whole(-1, "n", 0)


def test_numbers_of_every_kind_become_doubles():
    for value in (2, 2.0, np.float32(2.0), np.int8(2), np.array(2.0), torch.tensor(2.0), Fraction(2)):
        assert finite_number(value, "x") == positive_number(value, "x") == 2.0
    assert as_double(10**400) == math.inf
    assert as_double(-(10**400)) == -math.inf


@pytest.mark.parametrize("value", ["2", True, np.True_, None, 1j, [2.0], np.ones(1), math.nan, math.inf, 10**400])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(ArgumentError, match="must be a finite number"):
        finite_number(value, "x")
    with pytest.raises(ArgumentError, match="must be positive and finite"):
        positive_number(value, "x")


def test_zero_is_finite_and_not_positive():
    assert finite_number(0.0, "x") == 0.0
    with pytest.raises(ArgumentError, match=r"x=0\.0 must be positive"):
        positive_number(0.0, "x")

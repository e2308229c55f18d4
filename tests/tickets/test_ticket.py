import sys
import tracemalloc
import types
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ticket_samples import PAIR_AND_LINEAR, TWO_PAIRS, UNIFORM, naive_forward, random_mask, sample_ticket

import slth
from slth.errors import ArgumentError
from slth.rng import WeightLaw
from slth.tickets import Mask, NetworkDescription, ProductPair, RandomLinear, Ticket, evaluation, weights


@given(
    st.sampled_from([TWO_PAIRS, PAIR_AND_LINEAR]),
    st.sampled_from([WeightLaw("uniform", 1.0), WeightLaw("uniform", 0.25), WeightLaw("normal", 2.0)]),
    st.integers(0, 2**64 - 1),
    st.sampled_from([0.0, 0.3, 1.0]),
)
def test_forward_is_the_naive_pass_through_the_full_random_matrices(description, law, seed, density):
    ticket = sample_ticket(description, law=law, seed=seed, density=density, mask_seed=seed)
    x = np.random.default_rng(seed).normal(size=(3, description.inputs))
    np.testing.assert_allclose(ticket.forward(x), naive_forward(ticket, x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("description", [TWO_PAIRS, PAIR_AND_LINEAR])
def test_batches_and_blocks_do_not_show(description, monkeypatch):
    layers = [replace(layer, activation="identity") for layer in description.layers]
    ticket = sample_ticket(NetworkDescription(layers), density=0.9)
    x = np.random.default_rng(2).normal(size=(23, description.inputs))
    whole, before = ticket.forward(x), x.copy()
    assert (np.ptp(whole, axis=0) > 0.01).all()  # no output is dead
    for name, module in (("_BATCH_VALUES", evaluation), ("_HIDDEN_VALUES", evaluation), ("_BLOCK_WEIGHTS", weights)):
        monkeypatch.setattr(module, name, 11)
        np.testing.assert_allclose(ticket.forward(x), whole, rtol=1e-13, atol=1e-15)
    np.testing.assert_array_equal(x, before)
    assert ticket.forward(x[:0]).shape == (0, description.outputs)


def test_a_removed_weight_has_no_influence_and_a_kept_one_has():
    """Zero pattern: an output moves with an input exactly where some kept path joins them."""
    ticket = sample_ticket(
        NetworkDescription([ProductPair("a", 3, 4, units=2, activation="identity")]), density=0.4, gains=[1.0]
    )
    x = np.random.default_rng(3).normal(size=(1, 3))
    joined = ticket.mask["a.connections"].any(axis=0)
    moved = np.zeros((3, 4), bool)
    for j in range(3):
        for step in (10.0, -10.0):  # beyond zero on both sides, so that units of either half answer
            other = x.copy()
            other[0, j] = step
            moved[j] |= (ticket.forward(other) != ticket.forward(x))[0]
    np.testing.assert_array_equal(moved, joined[:3])


def test_statistics():
    ticket = sample_ticket()
    kept = sum(int(array.sum()) for array in ticket.mask.arrays.values())
    positions = 5 * 4 * (1 + 4) + 3 * 5 * (1 + 2)
    statistics = ticket.statistics()
    assert (statistics.kept, statistics.open_positions) == (kept, positions)
    assert statistics.density == kept / positions
    assert statistics.random_parameters == 5 * 4 * (4 + 4) + 3 * 5 * (5 + 2)
    assert statistics.target_weights == 4 * 4 + 5 * 2
    assert statistics.entropy_bound_bits == ticket.mask.entropy_bound_bits
    assert statistics.entropy_bound_bits_per_weight == statistics.entropy_bound_bits / 26
    assert sample_ticket(PAIR_AND_LINEAR).statistics().target_weights is None
    assert sample_ticket(PAIR_AND_LINEAR).statistics().entropy_bound_bits_per_weight is None


def test_biases_count_only_where_the_constant_is_used():
    arrays = {name: array.copy() for name, array in random_mask(TWO_PAIRS).arrays.items()}
    arrays["layer0.units"][:, -1] = False
    arrays["layer0.connections"][:, -1] = False
    assert Ticket(TWO_PAIRS, UNIFORM, 0, Mask(arrays), [1.0, 1.0]).statistics().target_weights == 3 * 4 + 5 * 2


def test_to_torch_reaches_up_only_when_asked(monkeypatch):
    stand_in = types.ModuleType("slth.api")
    stand_in.to_torch = lambda ticket, dtype: ("module of", ticket)
    monkeypatch.setitem(sys.modules, "slth.api", stand_in)
    monkeypatch.setattr(slth, "api", stand_in, raising=False)
    ticket = sample_ticket()
    assert ticket.to_torch() == ("module of", ticket)


def built(**changes):
    ticket = sample_ticket()
    parts = {name: getattr(ticket, name) for name in ("description", "law", "seed", "mask", "gains", "family")}
    return Ticket(**parts | changes)


def mask_with(**changes):
    arrays = {name: array.copy() for name, array in random_mask(TWO_PAIRS).arrays.items()}
    return Mask(arrays | {name.replace("_", "."): array for name, array in changes.items()})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"description": "784-500-10"}, "description=.* must be a NetworkDescription"),
        ({"law": "uniform"}, "law='uniform' must be a WeightLaw"),
        ({"mask": {}}, "mask={} must be a Mask"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 2**64}, "seed="),
        ({"seed": True}, "seed=True"),
        ({"seed": 1.0}, "seed=1.0"),
        ({"family": "weak"}, "family='weak'"),
        ({"gains": [1.0]}, "gains=.* must be 2 positive numbers"),
        ({"gains": [1.0, 0.0]}, "gains=.* must be 2 positive numbers"),
        ({"gains": [1.0, np.inf]}, "gains=.* must be finite"),
        ({"mask": random_mask(PAIR_AND_LINEAR)}, "missing or unknown arrays"),
        ({"mask": mask_with(other=np.zeros(2, bool))}, r"mask=\['other'\] are missing or unknown"),
        ({"mask": mask_with(layer0_units=np.zeros((4, 5), bool))}, r"\[4, 5\] must have shape \[5, 4\]"),
        ({"mask": mask_with(layer0_units=np.ones((5, 4), bool))}, "exactly where one of its connections is kept"),
        ({"mask": mask_with(layer0_units=np.zeros((5, 4), bool))}, "exactly where one of its connections is kept"),
        ({"mask": Mask(dict(random_mask(TWO_PAIRS).arrays), alphabet=(-1, 0, 1))}, "mask.alphabet"),
    ],
)
def test_bad_tickets_are_named(changes, message):
    with pytest.raises(ArgumentError, match=message):
        built(**changes)


def test_bad_batches_are_named():
    for wrong in ([1.0, 2.0, 3.0], [[1.0, 2.0]], [[np.nan, 0.0, 0.0]]):
        with pytest.raises(ArgumentError, match="x="):
            sample_ticket().forward(wrong)


@pytest.mark.slow
def test_forward_in_bounded_memory():
    description = NetworkDescription([ProductPair("a", 784, 500, units=40), RandomLinear("b", 500, 10)])
    ticket = sample_ticket(description, density=0.7)
    x = np.zeros((30_000, 784))
    tracemalloc.start()
    ticket.forward(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**30

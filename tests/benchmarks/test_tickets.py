"""Tasks of tickets: every method on networks of several kinds, and one training for all cells of a target."""

from __future__ import annotations

import numpy as np
import pytest

from slth.benchmarks.contenders import Declined
from slth.benchmarks.runner import resolve_task
from slth.benchmarks.targets import target_of
from slth.benchmarks.tickets import METHODS, method_of
from slth.constructions import Structured
from slth.errors import ArgumentError

DENSE = {"data": "synthetic", "hidden": [6], "epochs": 1}
IMAGES = {"model": "small-cnn", "data": "digits", "epochs": 1}
SIZES = {"per-weight": {"candidates": 8}, "shallow": {"candidates": 8}, "structured": {"channels": 60, "gain": "unit"}}


@pytest.mark.parametrize("method", METHODS)
def test_a_ticket_of_each_method_stays_within_its_certificate(method):
    (ours,) = resolve_task("ticket")({**DENSE, "method": method, **SIZES[method]}, 0)
    found = ours.run()
    assert ours.instances == found["weights"] == 16 * 6 + 6 + 6 * 4 + 4
    assert 0.0 < found["sampled_error"] <= found["certified_error"] <= found["norm_bound"]
    assert found["largest_candidates"] == SIZES[method].get("candidates")
    assert found["bits_per_target_weight"] == 8.0 * found["ticket_bytes"] / found["weights"]


def test_numbers_are_medians_over_the_seeds():
    _, target = target_of(IMAGES, 0)
    made = [Structured(**SIZES["structured"]).ticket(target, seed=seed) for seed in range(3)]
    (ours,) = resolve_task("tickets")({**IMAGES, "method": "structured", **SIZES["structured"], "seeds": 3}, 0)
    found = ours.run()
    assert ours.instances == 3
    for rows in zip(*(rows for _, rows in made), strict=True):
        assert found[f"error_{rows[0].path}"] == np.median([row.relative_error for row in rows])
    assert found["kept"] == np.median([ticket.mask.kept for ticket, _ in made])
    assert found["open_positions"] == made[0][0].mask.total
    assert found["lowest_accuracy"] <= found["ticket_accuracy"] <= 1.0
    assert found["random_over_target"] > found["small_over_target"] > 1.0


def test_an_attack_finds_no_more_than_is_certified_and_forms_agree():
    cell = {**IMAGES, "method": "structured", **SIZES["structured"], "starts": 1, "steps": 2}
    (ours,) = resolve_task("ticket-certificate")(cell, 0)
    found = ours.run()
    assert 0.0 < found["attack_error"] <= found["certified_error"] <= found["norm_bound"]
    assert found["certified_over_attack"] == found["certified_error"] / found["attack_error"]
    assert found["small_minus_masked_float64"] < 1e-12
    assert found["small_minus_masked_float32"] < 1e-4


def test_kernels_come_nearer_with_longer_lists():
    few, many = (resolve_task("kernel-weights")({**IMAGES, "n": n}, 0)[0].run() for n in (5, 12))
    assert few["weights"] == many["weights"]
    for name in ("weight_error", "output_error_train", "output_error_test"):
        assert 0.0 < many[name] < few[name]


def test_a_target_is_trained_once():
    assert target_of(DENSE, 0)[1] is target_of({**DENSE, "method": "shallow"}, 0)[1]
    assert target_of({**DENSE, "bias": False}, 0)[1].parameters == 16 * 6 + 6 * 4


def test_methods_are_read_from_cells():
    assert method_of({"method": "structured", "channels": [5, 6], "beam": 2}) == Structured(channels=[5, 6], beam=2)
    assert method_of({"method": "shallow", "eps": 0.1, "delta": 0.2}).delta == 0.2
    with pytest.raises(ArgumentError, match="did you mean 'per-weight'"):
        method_of({"method": "per-weigth", "candidates": 8})


def test_missing_data_decline():
    with pytest.raises(Declined, match="is not in"):
        resolve_task("ticket")({"data": "mnist", "data_dir": "nowhere", "method": "per-weight", "candidates": 8}, 0)

"""Certificates around inputs: ranges of one network hold what it gives, and lose what both have in common."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from slth.benchmarks.around import own_range
from slth.benchmarks.contenders import Declined
from slth.benchmarks.runner import resolve_task
from slth.certificates.apart import alone
from slth.certificates.balls import balls_around
from slth.certificates.correspond import problem_of_both
from slth.certificates.near import Nearby
from slth.constructions import PerWeight
from tests.constructions.graph_samples import chain

CELL = {"data": "digits", "hidden": [8], "epochs": 1, "method": "per-weight", "candidates": 20, "inputs": 2}


def errors_of(radius, name):
    ours = resolve_task("certificates-around")({**CELL, "radius": radius}, 0)[:3]
    return [each.run()[name] for each in ours]


def test_steps_on_a_device_and_an_absent_peer_take_part_by_their_names():
    every = resolve_task("certificates-around")({**CELL, "radius": 0.0, "device": "cuda"}, 0)
    assert every[-1].name == "slth, both at once, steps on cuda"
    peers = [each for each in every if "CROWN" in each.name]
    assert len(peers) == 2
    if find_spec("auto_LiRPA") is None:
        for each in peers:
            with pytest.raises(Declined, match="auto_LiRPA"):
                each.run()


def test_both_networks_at_once_are_nearer_to_the_attack_than_one_by_one():
    for name in ("median_error", "largest_over_attack"):
        at_once, one_by_one, ascent = errors_of(0.02, name)
        assert 0.0 < ascent <= at_once < 0.1 * one_by_one
    assert ascent == 1.0


def test_at_the_inputs_themselves_nothing_is_lost():
    assert np.ptp(errors_of(0.0, "largest_error")) < 1e-9


def test_ranges_of_each_network_hold_what_it_gives():
    rng = np.random.default_rng(0)
    target = chain(rng, (3, 5, 4, 2), bias=True)
    ticket, _ = PerWeight(candidates=6).ticket(target, seed=0)
    folded = {node.name: ticket.folded[node.step.path] for node in ticket.graph.weighted}
    both, _ = problem_of_both(target, ticket.graph, folded, nonnegative=True)
    x = rng.uniform(0.2, 0.8, (1, *target.input_shape))
    _, (ball,) = balls_around(target.input_shape, x, 0.2, (0.0, 1.0))
    points = rng.uniform(*ball, (2000, *target.input_shape))
    for whose, network in ((False, target), (True, ticket)):
        one = alone(both, ticket=whose, nonnegative=True)
        found, given = own_range(one, Nearby(one), ball), network.forward(points).reshape(2000, -1)
        assert (given >= found.lower).all()
        assert (given <= found.upper).all()
        assert (found.upper - found.lower < 4.0 * np.ptp(given, axis=0)).all()

"""The solver benchmarks on cells of a second; what peers return is summed again."""

from __future__ import annotations

import numpy as np
import pytest

from slth.benchmarks.contenders import Declined
from slth.benchmarks.large import measure, sample
from slth.benchmarks.peers import PEERS, installed
from slth.benchmarks.solvers import (
    accelerator,
    exact_batch,
    heuristics,
    large_instance,
    machine_limit,
    start_up,
    two_list_steps,
    within_tolerance,
)
from slth.subset_sum import solve_batch


def test_the_cost_model():
    assert two_list_steps(21) == 2 * (2**10 + 2**11) + 2**10 + 2**11


@pytest.mark.parametrize("peer", ["milp", "numpy"])
def test_peers_are_summed_again(peer):
    values, targets = sample("uniform", 9, 4, 1)
    best = solve_batch(values, targets).errors
    row = PEERS[peer].contender(values, targets, best, count=4).run()
    assert row["median_error"] >= np.median(best) * (1 - 1e-12)
    assert 0 <= row["truly_optimal"] <= row["claimed_optimal"] <= 4
    if peer == "numpy":
        assert row["truly_optimal"] == 4


def test_exact_batch_and_tolerance():
    contenders = exact_batch({"n": 10, "instances": 30, "threads": 2, "peers": {"numpy": 5}}, 0)
    ours = contenders[0].run()
    assert ours["claimed_optimal"] == 30
    assert ours["steps"] == 30 * two_list_steps(10)
    assert [c.instances for c in contenders] == [30, 5, 512]
    row = within_tolerance({"n": 21, "instances": 50, "threads": 1, "tolerance": 0.01}, 0)[0].run()
    assert row["within"] == 50
    assert row["largest_error"] <= 0.01


@pytest.mark.slow
def test_large_instances_run_in_a_process_of_their_own():
    row = large_instance({"solver": "two-list", "n": 24, "law": "integers:1:1000"}, 0)[0].run()
    assert row["claimed_optimal"] == 1
    assert row["error"] in (0.0, 1.0)
    assert row["peak_mib"] >= row["added_mib"] >= 0
    with pytest.raises(Declined, match=r"n=51 .*FourList"):
        large_instance({"solver": "two-list", "n": 51}, 0)[0].run()


def test_peers_get_the_same_large_instance_up_to_their_largest_n():
    cell = {"n": 22, "law": "normal", "peers": {"numpy": 22}}
    ours, theirs = (measure({**cell, "solver": solver, "seed": 0}) for solver in ("two-list", "numpy"))
    assert theirs["truly_optimal"] == theirs["claimed_optimal"] == 1
    assert theirs["error"] == pytest.approx(ours["error"], abs=1e-14)
    with pytest.raises(Declined, match="no n above 22"):
        large_instance({**cell, "n": 24, "solver": "numpy"}, 0)[0].run()


def test_heuristics_accelerator_and_limit():
    for contender in heuristics({"n": 200}, 0):
        assert contender.run()["error"] < 1e-6
    kernels, tensors = accelerator({"n": 12, "instances": 20, "on": "cpu"}, 0)
    assert kernels.run()["median_error"] > 0
    assert tensors.run()["rows_at_once"] >= 1
    with pytest.raises(Declined, match="device"):
        accelerator({"n": 12, "instances": 2, "on": "gpu0"}, 0)[1].run()
    assert machine_limit(12)["steps"] == 512 * two_list_steps(12)


def test_start_up_measures_what_it_says():
    contenders = start_up({"what": ["python -c pass", "import slth"]}, 0)
    assert [c.name for c in contenders] == ["python -c pass", "import slth"]
    assert contenders[0].run() == {}


def test_a_peer_that_is_not_installed_says_how_to_install_it():
    with pytest.raises(Declined, match=r"pip install 'slth\[baselines\]'"):
        installed("no_such_module_of_ours", "baselines")

"""Benchmarks of integers on small instances; peers that are not installed decline and say how to install them."""

from __future__ import annotations

import itertools
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from slth.benchmarks.contenders import Declined
from slth.benchmarks.integers import about_instance, counting, meeting
from slth.errors import ArgumentError


def brute(values, target, sizes):
    return [
        chosen
        for k in sizes
        for chosen in itertools.combinations(range(len(values)), k)
        if (values[list(chosen)].sum(axis=0) == target).all()
    ]


def test_ours_meets_what_is_planted_and_misses_odd_targets_by_one():
    for text, met, error in (
        ("n=20 top=50", 3, 0.0), ("n=20 d=2 size=5 top=50", 3, 0.0), ("n=20 top=50 odd=1", 0, 1.0),
    ):  # fmt: skip
        row = meeting({"instance": text, "instances": 3}, 0)[0].run()
        assert row == {"met": met, "largest_error": error}


def test_peers_are_asked_alike_and_what_they_find_is_summed_again(monkeypatch):
    def gen(values, low, high, **options):
        del high
        found = brute(values, low, [options["len"]])
        return [np.array(chosen) for chosen in found[:1]]

    monkeypatch.setitem(sys.modules, "flsss", SimpleNamespace(gen=gen))
    peer = meeting({"instance": "n=14 d=2 size=4 top=30", "instances": 2}, 0)[1]
    assert peer.run() == {"met": 2, "largest_error": 0.0}
    monkeypatch.setitem(sys.modules, "flsss", SimpleNamespace(gen=lambda *_, **__: [np.array([0, 1])]))
    with pytest.raises(Declined, match="2 values instead of 4"):
        peer.run()
    monkeypatch.setitem(sys.modules, "flsss", SimpleNamespace(gen=lambda *_, **__: []))
    assert peer.run() == {"met": 0, "largest_error": np.inf}


def test_counts_are_those_of_enumeration(monkeypatch):
    def find_subset(values, target, size):
        return brute(np.array(values)[:, None], target, range(1, size + 1))

    monkeypatch.setitem(sys.modules, "dpss", SimpleNamespace(find_subset=find_subset))
    ours, theirs, _ = counting({"instance": "n=16 size=5 top=40"}, 0)
    assert ours.run() == theirs.run()
    assert ours.run()["subsets"] > 5


@pytest.mark.parametrize("which", [1, 2])
def test_what_is_not_installed_declines(monkeypatch, which):
    for module in ("flsss", "approx_subsetsum"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Declined, match=r"pip install 'slth\[baselines\]'"):
        meeting({"instance": "n=12 top=20", "instances": 1}, 0)[which].run()


@pytest.mark.parametrize("text", ["n=12", "n=12 top=x", "n=12 top=5 b=2", ""])
def test_a_description_that_is_none_is_named(text):
    with pytest.raises(ArgumentError, match="is no description of an instance"):
        about_instance(text)

"""A baseline's job ends as a search does: with a ticket that was read back, and the same summary."""

from __future__ import annotations

import pytest
import torch

import slth
from slth.data import datasets
from slth.jobs.models import made, model_of
from slth.jobs.searching import TICKET_NAME, SearchJob, run_search
from slth.networks import apply_ticket, kept_count
from slth.training import Recipe

DATA = datasets.load("digits")
MODEL = model_of("mlp", {"hidden": (32,)})


@pytest.mark.parametrize(
    ("method", "options", "inverted"),
    [("snip", {"family": "trainable"}, True), ("evolution", {"generations": 3, "allocation": "erk"}, False)],
)
def test_a_baseline_has_the_summary_of_a_search(method, options, inverted, tmp_path):
    job = SearchJob(MODEL, method, {"density": 0.2, **options}, seed=3, limit=300, checks=2)
    said = run_search(job, DATA, tmp_path).summary
    job = SearchJob(MODEL, "edge-popup", {"density": 0.2}, Recipe(epochs=1), seed=3, limit=300, checks=2)
    searched = run_search(job, DATA, tmp_path / "search").summary
    assert said.keys() == searched.keys()
    assert said["kept"] == kept_count(0.2, said["total"])
    assert said["family"] == options.get("family", "strong")
    assert said["epochs"] == said["epoch"] == len(said["trace"])
    assert ("inverted" in said["sanity"]) == inverted
    assert len(said["sanity"]["shuffled"]) == 2
    assert searched["sanity"]["inverted"]
    ticket = slth.load_ticket(tmp_path / TICKET_NAME)
    net = apply_ticket(made(MODEL, DATA, 3), ticket)
    mean, deviation = (torch.tensor(said["normalisation"][name]) for name in ("mean", "deviation"))
    inputs = (torch.from_numpy(DATA.inputs("test", limit=300).reshape(-1, 64).copy()) - mean) / deviation
    right = net(inputs).argmax(1) == torch.from_numpy(DATA.labels("test", limit=300).copy())
    assert said["accuracy"] == pytest.approx(right.float().mean().item())

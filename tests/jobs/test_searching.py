"""A baseline's job ends as a search does: with a ticket that was read back, and the same summary."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch

import slth
from slth.data import datasets
from slth.errors import ArgumentError, DataError, SlthError
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


class Heard:
    """Counts epochs by what they are of, and stops a job behind so many."""

    def __init__(self, stop=0):
        self.stop, self.epochs = stop, Counter()

    def __call__(self, label, done, total):
        self.epochs[label] += 1
        if sum(self.epochs.values()) == self.stop:
            raise SlthError("stopped here")


IMITATING = SearchJob(MODEL, "edge-popup", {"density": 0.5}, Recipe(epochs=3), seed=3, limit=200, checks=0, distil=True)


def test_a_dense_network_that_is_imitated_is_trained_once_however_often_a_job_is_stopped(tmp_path):
    whole = Heard()
    run_search(IMITATING, DATA, tmp_path / "whole", progress=whole)
    dense = whole.epochs["training"]
    assert whole.epochs == {"training": dense, "search": 3}
    stopped = Heard(3), Heard(dense - 2), Heard(2), Heard()  # epochs of dense training, all but one, and of the search
    for heard in stopped[:-1]:
        with pytest.raises(SlthError, match="stopped here"):
            run_search(IMITATING, DATA, tmp_path / "parts", progress=heard)
    run_search(IMITATING, DATA, tmp_path / "parts", progress=stopped[-1])
    # Written before they are told: an epoch at which a job is stopped is not trained again.
    assert [heard.epochs["training"] for heard in stopped] == [3, dense - 3, 0, 0]
    tickets = [(tmp_path / one / TICKET_NAME).read_bytes() for one in ("whole", "parts")]
    assert tickets[0] == tickets[1]
    assert [path.name for path in (tmp_path / "parts").iterdir()] == [TICKET_NAME]


def test_a_dense_network_of_another_job_or_that_is_damaged_is_refused(tmp_path):
    with pytest.raises(SlthError, match="stopped here"):
        run_search(IMITATING, DATA, tmp_path, progress=Heard(2))
    with pytest.raises(ArgumentError, match=r"dense\.checkpoint.*was written for another problem: data"):
        run_search(replace(IMITATING, seed=4), DATA, tmp_path)
    file = tmp_path / "search" / "dense.checkpoint"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"dense\.checkpoint: cannot be read.*remove .*search to begin anew"):
        run_search(IMITATING, DATA, tmp_path)

"""One pipeline for every kind of target: what is written is what is measured."""

import json
from dataclasses import replace

import numpy as np
import pytest
from slth.jobs.attention import attention_job
from slth.jobs.conv_jobs import ConvJob, demo_conv_job
from slth.jobs.dense_jobs import DenseJob
from slth.jobs.target_file import load_target

from slth.constructions import Conv, Dense, Structured, construct_dense
from slth.data.datasets import load
from slth.errors import ArgumentError, TicketError
from slth.files import dumps
from slth.jobs import pipeline as delivery
from slth.jobs.evaluation import flat_outputs
from slth.jobs.pipeline import run_job
from slth.tickets import load_ticket
from slth.training import Recipe
from tests.jobs.samples import small_target

DENSE = DenseJob((6,), Dense(candidates=9), Recipe(epochs=2), seed=2)
QUICK = Recipe(epochs=1)


def test_a_whole_job(tmp_path):
    seen = []
    record = run_job(
        DENSE,
        load("synthetic"),
        tmp_path / "new",
        title="t",
        command="c",
        progress=lambda *report: seen.append(report[0]),
    )
    ticket, target = load_ticket(tmp_path / "new/net.ticket"), load_target(tmp_path / "new/target.safetensors")
    inputs = load("synthetic").inputs("test")
    assert np.array_equal(record.ticket_outputs, ticket.forward(inputs))
    assert np.array_equal(record.target_outputs, target.forward(inputs))
    assert record.summary["ticket_bytes"] == (tmp_path / "new/net.ticket").stat().st_size
    assert record.summary["kept_weights_sha256"] == ticket.kept_weights_sha256()
    assert {"training", "layer0", "layer1", "evaluation"} <= set(seen)
    again = run_job(DENSE, load("synthetic"), tmp_path / "again", title="t", command="c")
    assert (tmp_path / "again/net.ticket").read_bytes() == (tmp_path / "new/net.ticket").read_bytes()
    assert again.summary["certified_error"] == record.summary["certified_error"]


@pytest.mark.parametrize("kind", ["dense", "structured", "conv", "attention"])
def test_every_kind_says_the_same_of_itself(kind, tmp_path):
    """The summary of all kinds, held against what is in the folder; the network's outputs by its own forward pass."""
    data = load("digits")
    job = {
        "dense": DenseJob((4,), Dense(candidates=8), QUICK),
        "structured": ConvJob("small-cnn", Structured(channels=100), QUICK),
        "conv": ConvJob("small-cnn", Conv(candidates=6), QUICK),
        "attention": replace(attention_job(data, candidates=6), training=QUICK, width=4, hidden=()),
    }[kind]
    record = run_job(job, data, tmp_path, title="t", command="c", limit=60)
    summary, files = json.loads(dumps(record.summary)), [tmp_path / "net.ticket", tmp_path / "target.safetensors"]
    ticket, target = load_ticket(files[0]), load_target(files[1])
    inputs, labels = data.inputs("test", limit=60), data.labels("test", limit=60)
    found, wanted = (flat_outputs(network, inputs, data.shape) for network in (ticket, target))
    assert [summary["ticket"], summary["target"]] == [str(path) for path in files]
    assert [summary["ticket_bytes"], summary["target_bytes"]] == [path.stat().st_size for path in files]
    assert summary["target_weights"] == target.parameters
    assert summary["bits_per_target_weight"] == 8 * summary["ticket_bytes"] / target.parameters
    assert summary["examples"] == len(labels) == 60
    assert summary["target_accuracy"] == np.mean(wanted.argmax(axis=1) == labels)
    assert summary["ticket_accuracy"] == np.mean(found.argmax(axis=1) == labels)
    assert summary["agreement"] == np.mean(found.argmax(axis=1) == wanted.argmax(axis=1))
    assert summary["sampled_error"] == pytest.approx(np.abs(found - wanted).max(), rel=1e-9)
    allowed = summary["certified_error"] + summary["float64_allowance"]
    assert max(summary["sampled_error"], summary["attack_error"]) <= allowed
    assert summary["density"] == ticket.statistics().density
    assert summary["input_box"] == "[0, 1]"
    assert len(summary["layers"]) == len(record.layers)
    assert (summary["verified"], record.title, record.command) == (True, "t", "c")


def test_a_file_that_gives_another_ticket_back_is_refused(tmp_path, monkeypatch):
    other = construct_dense(small_target(), Dense(candidates=5)).ticket
    monkeypatch.setattr(delivery, "load_ticket", lambda path: other)
    with pytest.raises(TicketError, match=r"net\.ticket: gives other outputs than the ticket that was written"):
        run_job(DENSE, load("synthetic"), tmp_path, title="t", command="c")


def test_the_demos_job():
    job = demo_conv_job(seed=3, channels=7)
    assert job.seed == 3
    assert job.method.channels == 7


def test_models_and_data_that_do_not_fit_are_named(tmp_path):
    with pytest.raises(ArgumentError, match="model='resnet' is not a known model"):
        ConvJob("resnet", Conv(candidates=6))
    with pytest.raises(ArgumentError, match="and no images"):
        run_job(demo_conv_job(), load("synthetic"), tmp_path / "o", title="t", command="c")
    assert not (tmp_path / "o").exists()

"""Attention from end to end, and its error by the number of candidates."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from slth.constructions.attention import Attention
from slth.jobs.attention import attention_job, tokens_of
from slth.jobs.target_file import load_target

from slth.data.datasets import load
from slth.errors import ArgumentError
from slth.jobs.pipeline import run_job
from slth.studies.attention_decay import error_by_candidates
from slth.tickets import load_ticket
from slth.training import Adam, Cosine, Recipe

QUICK = Recipe(epochs=2, schedule=Cosine(0.01), optimizer=Adam())


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def run(job, data, folder, **options):
    return run_job(job, data, folder, title="t", command="c", **options).summary


def check(summary, folder):
    assert json.loads(json.dumps(summary)) == summary
    assert summary["verified"] is True
    allowed = summary["certified_error"] + summary["float64_allowance"]
    assert summary["sampled_error"] <= summary["attack_error"] <= allowed
    assert summary["certified_error"] <= summary["lemma_certified_error"]
    assert summary["softmax"]["sharp"] <= summary["softmax"]["lemma"]
    assert summary["ticket_bytes"] == (folder / "net.ticket").stat().st_size
    assert any(text.startswith("softmax") for text in summary["not_approximated"])


def test_a_short_run_measures_what_was_written(tmp_path, digits):
    job = replace(attention_job(digits, candidates=12), training=QUICK, width=8, hidden=(6,))
    labels = []
    summary = run(job, digits, tmp_path / "out", limit=100, progress=lambda label, done, total: labels.append(label))
    check(summary, tmp_path / "out")
    assert [row["path"] for row in summary["layers"]] == ["layer1", "layer2", "layer3", "layer5", "layer6"]
    assert {"training", "layer2", "evaluation"} <= set(labels)
    ticket = load_ticket(tmp_path / "out" / "net.ticket")
    target = load_target(tmp_path / "out" / "target.safetensors")
    x = digits.inputs("test", limit=100).astype(float)
    assert np.abs(ticket.forward(x) - target.forward(x)).max() == summary["sampled_error"]


def test_without_residual_it_is_not_named(tmp_path, digits):
    job = replace(attention_job(digits, candidates=6), training=QUICK, width=4, hidden=(), residual=False)
    summary = run(job, digits, tmp_path, limit=50)
    assert not any(text.startswith("residual") for text in summary["not_approximated"])


@pytest.mark.slow
def test_digits_reach_95_percent_and_the_ticket_decides_as_its_target(tmp_path, digits):
    summary = run(attention_job(digits), digits, tmp_path)
    check(summary, tmp_path)
    assert summary["target_accuracy"] >= 0.95
    assert summary["agreement"] == 1.0
    assert summary["certified_error"] < 0.02
    assert summary["ticket_bytes"] < 1.02 * summary["counting_bits_per_weight"] * summary["target_weights"] / 8 + 2000


@pytest.mark.slow
@pytest.mark.data
def test_mnist_in_28_tokens(tmp_path, data_dir):
    mnist = load("mnist", data_dir=data_dir)
    job = attention_job(mnist, candidates=24)
    job = replace(job, width=16, training=replace(job.training, epochs=30))
    summary = run(job, mnist, tmp_path, limit=3000)
    check(summary, tmp_path)
    assert (summary["tokens"], summary["token_size"]) == (28, 28)
    assert summary["target_accuracy"] > 0.85


def test_tokens_must_divide_the_inputs(digits):
    job = attention_job(digits)
    assert tokens_of(job, digits) == 8
    assert tokens_of(replace(job, tokens=16), digits) == 16
    for tokens in (0, 7, True):
        with pytest.raises(ArgumentError, match="must divide"):
            tokens_of(replace(job, tokens=tokens), digits)
    with pytest.raises(ArgumentError):
        Attention(candidates=True)


def test_errors_fall_exponentially_with_candidates():
    decay = error_by_candidates((6, 12, 18), width=3, networks=8, seed=1)
    medians = [row.median for row in decay.rows]
    assert medians[0] > 3.0 * medians[1] > 9.0 * medians[2]
    assert [row.inner_width for row in decay.rows] == [18, 36, 54]
    assert decay.rate > 0.05
    assert decay.rows[0].as_dict()["candidates"] == 6
    predicted = decay.factor * math.exp(-decay.rate * 36)
    assert medians[2] < predicted < medians[0]
    for bad in ((5,), (5, 5), (0, 5)):
        with pytest.raises(ArgumentError):
            error_by_candidates(bad)

"""One pipeline for every kind of target: what is written is what is measured."""

import json
from dataclasses import replace

import numpy as np
import pytest

from slth.constructions import PerWeight, Structured
from slth.data.datasets import load
from slth.errors import ArgumentError, ConstructionError, TicketError
from slth.figures.report import render_report
from slth.files import dumps
from slth.graphs.file import load_graph
from slth.jobs import pipeline
from slth.jobs.models import MODELS, model_of
from slth.jobs.pipeline import Job, demo_job, run_job
from slth.tickets import Pair, load_ticket
from slth.training import Recipe, TrainingRun
from tests.jobs.samples import KINDS, small_target

SMALL = Job(model_of("mlp", {"hidden": (6,)}), PerWeight(candidates=9), Recipe(epochs=2), seed=2)


def run(job, data, folder, *, limit=None, **options):
    return run_job(replace(job, limit=limit), data, folder, title="t", command="c", **options)


def test_a_whole_job(tmp_path):
    seen, targets, data = [], [], load("synthetic")
    record = run(SMALL, data, tmp_path / "new", progress=lambda *report: seen.append(report[0]), before=targets.append)
    ticket, target = load_ticket(tmp_path / "new/net.ticket"), load_graph(tmp_path / "new/target.safetensors")
    inputs = data.inputs("test").astype(float)
    np.testing.assert_allclose(record.ticket_outputs, ticket.forward(inputs, form="masked"), rtol=0, atol=1e-10)
    np.testing.assert_allclose(record.target_outputs, target.forward(inputs), rtol=0, atol=1e-10)
    assert np.array_equal(targets[0].forward(inputs), target.forward(inputs))
    assert record.summary["kept_weights_sha256"] == ticket.kept_weights_sha256()
    assert record.pictured is None  # vectors
    assert {"training", *(layer.path for layer in ticket.layers), "evaluation"} <= set(seen)
    again = run(SMALL, data, tmp_path / "again")
    assert (tmp_path / "again/net.ticket").read_bytes() == (tmp_path / "new/net.ticket").read_bytes()
    assert again.summary["certified_error"] == record.summary["certified_error"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_the_same_of_itself(kind, tmp_path):
    """The summary of all kinds, held against what is in the folder; the outputs by numpy's own walk."""
    data, job = load("digits"), KINDS[kind].job
    record = run(job, data, tmp_path, limit=60)
    summary, files = json.loads(dumps(record.summary)), [tmp_path / "net.ticket", tmp_path / "target.safetensors"]
    ticket, target = load_ticket(files[0]), load_graph(files[1])
    inputs = data.inputs("test", limit=60).astype(float).reshape(-1, *target.input_shape)
    labels = data.labels("test", limit=60)
    found, wanted = (network.forward(inputs).reshape(len(labels), -1) for network in (ticket, target))
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
    assert summary["sampled_error"] <= summary["attack_error"] <= allowed
    assert summary["certified_error"] <= summary["norm_bound"] * (1 + 1e-12)
    assert summary["density"] == ticket.statistics().density == summary["kept"] / summary["open_positions"]
    assert summary["input_box"] == "[0, 1]"
    assert summary["small_difference"] < 1e-4
    assert (summary["information_bits_mean"] is None) == (kind == "structured")
    assert [row["path"] for row in summary["layers"]] == [layer.path for layer in ticket.layers]
    assert len(ticket.layers) == KINDS[kind].paths
    plain = [layer.path for layer in ticket.layers if isinstance(layer, Pair) and not layer.rectified]
    assert len(plain) == (2 if kind == "attention" else 0)  # no ReLU in front of products of queries, keys and values
    assert [
        layer.path for layer in record.layers if layer.row["removal"] != "plain" and not layer.row["rectified"]
    ] == plain
    shown = record.pictured  # digits, which attention reads as rows
    np.testing.assert_array_equal(shown.images, data.inputs("test").reshape(-1, 8, 8)[shown.indices])
    assert (summary["verified"], record.title, record.command) == (True, "t", "c")
    assert (summary["model"], summary["method"]) == (job.model.name, type(job.method).__name__)
    assert [text.split()[0].rstrip(":") for text in summary["not_approximated"]] == list(KINDS[kind].exact)


def test_a_file_that_gives_another_ticket_back_is_refused(tmp_path, monkeypatch):
    other = PerWeight(candidates=5).construct(small_target()).ticket
    monkeypatch.setattr(pipeline, "load_ticket", lambda path: other)
    with pytest.raises(TicketError, match=r"net\.ticket: gives other outputs than the ticket that was written"):
        run(SMALL, load("synthetic"), tmp_path)


def test_the_demos_job():
    job = demo_job(seed=3, channels=7)
    assert job.seed == 3
    assert job.method.channels == 7
    assert MODELS["small-cnn"].options == {}  # the demo changes its own copy


def test_what_cannot_be_constructed_leaves_no_folder(tmp_path, monkeypatch):
    def construct(*args, **options):
        raise ConstructionError("eps=1e-30 could not be certified")

    monkeypatch.setattr(PerWeight, "construct", construct)
    with pytest.raises(ConstructionError, match="eps=1e-30"):
        run(SMALL, load("synthetic"), tmp_path / "o")
    assert not (tmp_path / "o").exists()


def test_a_job_that_was_stopped_trains_no_target_again(tmp_path, monkeypatch):
    def stop(*args, **options):
        raise KeyboardInterrupt

    fresh = run(SMALL, load("synthetic"), tmp_path / "fresh")
    with monkeypatch.context() as patch:
        patch.setattr(PerWeight, "construct", stop)
        with pytest.raises(KeyboardInterrupt):
            run(SMALL, load("synthetic"), tmp_path / "o")
    assert (tmp_path / "o/unfinished/target.checkpoint").exists()
    monkeypatch.setattr(TrainingRun, "_one_step", lambda *_: pytest.fail("there was a step"))
    again = run(SMALL, load("synthetic"), tmp_path / "o")
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["net.ticket", "target.safetensors"]
    assert again.summary["kept_weights_sha256"] == fresh.summary["kept_weights_sha256"]
    for name in ("net.ticket", "target.safetensors"):
        assert (tmp_path / "o" / name).read_bytes() == (tmp_path / "fresh" / name).read_bytes()


def test_a_damaged_checkpoint_of_the_target_is_replaced(tmp_path):
    fresh = run(SMALL, load("synthetic"), tmp_path / "fresh")
    (tmp_path / "o/unfinished").mkdir(parents=True)
    (tmp_path / "o/unfinished/target.checkpoint").write_bytes(b"nonsense")
    assert run(SMALL, load("synthetic"), tmp_path / "o").summary["kept"] == fresh.summary["kept"]


def test_deep_networks_are_certified_around_test_inputs(tmp_path):
    deep = replace(SMALL, model=model_of("mlp", {"hidden": (6, 6, 6)}))
    found = run(deep, load("synthetic"), tmp_path / "deep", limit=5).summary
    assert found["around"]["inputs"] == 5
    assert found["around"]["error"] < found["certified_error"]
    ticket, target = load_ticket(tmp_path / "deep/net.ticket"), load_graph(tmp_path / "deep/target.safetensors")
    x = load("synthetic").inputs("test")[:5].astype(float)
    assert np.abs(ticket.forward(x) - target.forward(x)).max() <= found["around"]["error"] + found["float64_allowance"]
    assert run(SMALL, load("synthetic"), tmp_path / "flat", limit=5).summary["around"] is None


def test_a_network_too_large_to_be_run_is_only_counted_and_a_slow_one_runs_on_few_inputs(tmp_path, monkeypatch):
    data = load("synthetic")
    record = run(SMALL, data, tmp_path / "whole")
    monkeypatch.setattr(pipeline, "_SMALL_WORK", 1)
    few = run(SMALL, data, tmp_path / "few").summary
    assert (few["small_examples"], few["small_parameters"]) == (1, record.summary["small_parameters"])
    assert 0.0 <= few["small_difference"] < 1e-4
    monkeypatch.setattr(pipeline, "_SMALL_BYTES", 0)
    none = run(SMALL, data, tmp_path / "none")
    assert (none.summary["small_examples"], none.summary["small_difference"]) == (0, None)
    assert none.summary["small_parameters"] == none.summary["costs"]["small"]["weights"]
    assert "has too many numbers to be run here" in render_report(none)


def test_images_are_asked_for_by_name(tmp_path):
    job = Job(model_of("small-cnn"), Structured(channels=7))
    with pytest.raises(ArgumentError, match="and no images"):
        run(job, load("synthetic"), tmp_path / "o")
    assert not (tmp_path / "o").exists()


@pytest.mark.slow
def test_attention_on_digits_reaches_95_percent_and_the_ticket_decides_as_its_target(tmp_path):
    summary = run(Job(model_of("attention"), PerWeight(candidates=24)), load("digits"), tmp_path).summary
    assert summary["target_accuracy"] >= 0.95
    assert summary["agreement"] == 1.0
    assert summary["ticket_bytes"] < 1.02 * summary["counting_bits_per_weight"] * summary["target_weights"] / 8 + 2000


@pytest.mark.slow
@pytest.mark.data
def test_attention_on_mnist_in_28_tokens(tmp_path, data_dir):
    mnist = load("mnist", data_dir=data_dir)
    model = model_of("attention", {"width": 16})
    job = Job(model, PerWeight(candidates=24), replace(model.recipe(mnist), epochs=30))
    summary = run(job, mnist, tmp_path, limit=3000).summary
    assert summary["attack_error"] <= summary["certified_error"] + summary["float64_allowance"]
    assert summary["target_accuracy"] > 0.85

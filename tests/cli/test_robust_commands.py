"""``slth train dro`` and ``connectivity`` write what they say, go on where they stopped, and refuse by name."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from safetensors import safe_open

from slth.data.datasets import load
from slth.jobs import connecting, ensembles
from slth.networks import lenet300
from slth.trainable import Predictions, load_ensemble
from slth.training import Examples, TrainingRun
from tests.cli.running import run

QUICK = ["--data", "digits", "--epochs", "2", "--limit", "300", "--json"]


def standardised(said):
    """The test examples, standardised as the summary says."""
    digits = load("digits")
    (mean,), (deviation,) = said["normalisation"]["mean"], said["normalisation"]["deviation"]
    inputs = (digits.inputs("test", limit=300) - np.float32(mean)) / np.float32(deviation)
    return Examples(inputs, digits.labels("test", limit=300))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("dro")


@pytest.mark.slow
def test_dro_writes_one_file_that_is_what_it_says(capsys, folder):
    ran = run(capsys, "train", "dro", *QUICK, "--kl-weights", "1,inf", "--density", 0.4, "--seed", 4, "--out", folder)
    assert ran.code == 0
    said = ran.json
    assert sorted(path.name for path in folder.iterdir()) == [
        "ensemble.ticket", "members", "report.html", "train-dro.json",
    ]  # fmt: skip
    assert json.loads((folder / "train-dro.json").read_text()) == said
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    (command,) = re.findall(r"<pre>(slth train dro .*)</pre>", page)
    again = run(capsys, *command.split()[1:], "--json", "--out", folder / "again").json
    assert again["ensembles"] == said["ensembles"]
    kinds = [row["kind"] for row in said["ensembles"]]
    assert kinds == [
        "robust", *["robust member"] * 2, "plain", *["plain member"] * 2, "single", "dense", "mixup", "magnitude",
        "deep", *["deep member"] * 2,
    ]  # fmt: skip
    densities = {row["kind"]: row["density"] for row in said["ensembles"]}
    assert densities["robust"] == densities["plain"] == pytest.approx(0.4, abs=1e-3)
    assert densities["single"] == densities["magnitude"] == pytest.approx(0.4, abs=1e-3)
    assert densities["dense"] == densities["mixup"] == 1.0
    assert 0.38 < densities["deep"] <= densities["robust"]
    assert densities["robust member"] == pytest.approx(0.2, abs=1e-3)
    made = load_ensemble(folder / "ensemble.ticket").to_module(lenet300(features=64, seed=9))
    measured = Predictions.of(made, standardised(said)).summary()
    robust = said["ensembles"][0]
    assert {name: robust[name] for name in ("accuracy", "ece", "brier")} == pytest.approx(
        {name: measured[name] for name in ("accuracy", "ece", "brier")}, abs=1e-6
    )
    assert said["ticket_bytes"] < said["separate_bytes"]
    for row in said["ensembles"]:  # one product for each weight: there are no convolutions
        assert row["multiply_adds"] == round(row["density"] * 50_200)
        assert 0.0 < row["wrong_confidence"] <= 1.0
    assert len(said["corruptions"]) == 5 * 5 * 7
    assert {row["kind"] for row in said["corruptions"]} == {kind for kind in kinds if not kind.endswith("member")}
    shown = run(capsys, "ticket", "info", folder / "ensemble.ticket", "--json").json
    assert shown["reading"] == "members"


class KilledError(Exception):
    pass


@pytest.mark.slow
def test_dro_that_was_stopped_goes_on_to_the_same_table_and_trains_nothing_twice(capsys, folder, monkeypatch):
    options = ["train", "dro", *QUICK, "--kl-weights", "1,inf", "--baselines", "plain,deep", "--seed", 4]
    expected = run(capsys, *options, "--out", folder / "whole").json
    calls, steps = [], []
    search, step = ensembles.RobustEnsemble.train, TrainingRun._one_step

    def stopped(self, *given, **named):
        calls.append(self)
        if len(calls) == 2:
            raise KilledError
        return search(self, *given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(ensembles.RobustEnsemble, "train", stopped)
        assert run(capsys, *options, "--out", folder / "stopped").code != 0
    assert (folder / "stopped" / "members" / "robust" / "member0").is_dir()
    found = run(capsys, *options, "--out", folder / "stopped").json
    monkeypatch.setattr(TrainingRun, "_one_step", lambda *given: steps.append(step(*given)) or steps[-1])
    again = run(capsys, *options, "--out", folder / "stopped").json
    for name in ("ensembles", "corruptions", "ticket_bytes"):
        assert again[name] == found[name] == expected[name]
    assert not steps
    other = run(capsys, *options, "--out", folder / "stopped", "--learning-rate", 0.2)
    assert other.code == 2


def test_other_data_is_told_by_confidence(capsys, folder):
    own = folder / "other.npz"
    digits = load("digits")
    images = 1.0 - digits.inputs("train", limit=100).reshape(-1, 8, 8)
    labels = np.arange(100) % 10
    np.savez(own, x_train=images, y_train=labels, x_test=images, y_test=labels)
    options = ["train", "dro", *QUICK, "--kl-weights", "inf", "--baselines", "", "--seed", 4, "--out", folder / "other"]
    ran = run(capsys, *options, "--against", own)
    assert ran.code == 0
    assert set(ran.json["against"]["robust"]) == {"kind", "auroc", "average_precision", "fpr95"}
    assert 0.0 <= ran.json["against"]["robust"]["auroc"] <= 1.0
    assert [row["kind"] for row in ran.json["ensembles"]] == ["robust"]
    refused = run(capsys, *options[:-1], folder / "another", "--against", "synthetic")
    assert refused.code == 2
    assert "has inputs of shape [16]" in refused.err


def test_connectivity_measures_paths_and_goes_on(capsys, folder):
    options = ["train", "connectivity", *QUICK, "--points", 3, "--seed", 2, "--out", folder / "paths"]
    ran = run(capsys, *options, "--steps", "0,4")
    assert ran.code == 0
    assert [row["step"] for row in ran.json["paths"]] == [0, 4]
    for row in ran.json["paths"]:
        assert row["shares"] == [0.0, 0.5, 1.0]
        assert row["barrier"] == pytest.approx(max(row["errors"]) - (row["errors"][0] + row["errors"][2]) / 2)
    assert (folder / "paths" / connecting.CHILDREN / "step4" / "child2" / "last.checkpoint").is_file()
    more = run(capsys, *options, "--steps", "4,6").json["paths"]
    assert more[0] == ran.json["paths"][1]
    shown = run(capsys, *[one for one in options if one != "--json"], "--steps", "4")
    assert "error barrier" in shown.out
    assert (folder / "paths" / "report.html").read_text(encoding="utf-8").count("<svg") == 1


def test_tickets_of_steps_have_children_too(capsys, tmp_path):
    options = ["train", "connectivity", *QUICK, "--points", 3, "--seed", 2, "--out", tmp_path]
    dense = run(capsys, *options, "--steps", "0,4").json["paths"]
    found = run(capsys, *options, "--steps", "0,4", "--levels", 2, "--rate", 0.5).json["paths"]
    assert [(row["step"], row["kind"]) for row in found] == [
        (step, kind) for step in (0, 4) for kind in ("dense", "ticket")
    ]
    assert [row for row in found if row["kind"] == "dense"] == dense
    assert [row["density"] for row in found] == [1.0, 0.25, 1.0, 0.25]
    module = lenet300(features=64, classes=10, seed=2)
    (file,) = (tmp_path / connecting.LEVELS / "step4").glob("level-02-ticket.safetensors")
    assert file.is_file()
    last = tmp_path / connecting.CHILDREN / "step4-ticket" / "child2" / "last.checkpoint"
    with safe_open(last, "pt") as held, safe_open(file, "pt") as level:
        for name in ("fc1.weight", "fc2.weight", "fc3.weight"):
            mask = level.get_tensor(f"mask.{name}")
            assert mask.shape == module.get_parameter(name).shape
            assert (held.get_tensor(f"module.{name}")[~mask] == 0).all()
            assert (held.get_tensor(f"module.{name}")[mask] != 0).all()
    assert "ticket, density 25" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("verb", "options", "message"),
    [
        ("dro", ["--kl-weights", "1,x"], "must be numbers with commas"),
        ("dro", ["--kl-weights", "0"], "--kl-weights=0.0 must be positive"),
        ("dro", ["--baselines", "dense,boosting"], "is no baseline"),
        ("dro", ["--density", 4], "must lie in (0, 3]"),
        ("dro", ["--scale", "local"], "gives each member weights of its own"),
        ("connectivity", ["--steps", "1.5"], "must be whole numbers"),
        ("connectivity", ["--steps", "0,1000000"], "--steps=1000000"),
        ("dro", ["--against", "nothing.npz"], "--against='nothing.npz'"),
        ("connectivity", ["--points", 1], "points"),
        ("connectivity", ["--levels", -1], "--levels=-1"),
        ("connectivity", ["--levels", 1, "--rate", 2], "--rate=2.0 must lie"),
    ],
)
def test_what_cannot_be_is_refused_by_name(capsys, tmp_path, verb, options, message):
    ran = run(capsys, "train", verb, *QUICK[:-1], *options, "--out", tmp_path)
    assert ran.code == 2
    assert message in ran.err

"""``slth train data-diet``: networks begin on subsets by score; the same command gives the same table; refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from slth.data import datasets
from slth.errors import ArgumentError
from slth.jobs import data_diet
from slth.jobs.data_diet import DietJob
from slth.jobs.models import made, model_of
from slth.jobs.standardising import Standardised
from slth.jobs.training import recipe_of
from slth.trainable import IMP, children, interpolated
from slth.training import Recipe, split
from tests.cli.running import run

QUICK = ["--data", "digits", "--epochs", "3", "--limit", "300", "--levels", 1, "--steps", 6, "--size", 40]


def options(*more, out):
    return ["train", "data-diet", *QUICK, "--runs", 1, "--score-epochs", 2, *more, "--json", "--out", out]


def test_each_way_and_level_has_a_row_and_subsets_are_what_they_say(capsys, tmp_path):
    ran = run(capsys, *options("--balanced", "--noise", 0.1, out=tmp_path))
    assert ran.code == 0
    said = ran.json
    assert [(row["way"], row["level"]) for row in said["rows"]] == [
        (way, level) for way in ("easy", "hard", "random", "all", "none") for level in (0, 1)
    ]
    densities = {row["level"]: row["density"] for row in said["rows"]}
    assert densities[0] == 1.0
    assert densities[1] == pytest.approx(0.8, abs=1e-3)
    assert {way: sum(counts) for way, counts in said["classes"].items()} == {"easy": 40, "hard": 40, "random": 40}
    assert abs(said["rank_correlation"]["random"]) < 0.3  # of 270 examples: five deviations
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 1
    again = run(capsys, *options("--balanced", "--noise", 0.1, out=tmp_path)).json
    assert {**again, "seconds": 0} == {**said, "seconds": 0}


def test_connected_examples_are_those_of_two_children_of_each_beginning(capsys, tmp_path):
    said = run(capsys, *options("--ways", "easy,none", "--connected", out=tmp_path)).json
    assert set(said["connectivity"]) == {"easy", "none"}
    data, model = datasets.load("digits"), model_of("lenet-300-100")
    inputs = Standardised.of(data, model.input_shape(data), limit=300)
    used, _ = split(inputs.examples("train"), 0.1, seed=0)
    recipe = replace(recipe_of(model, IMP()), epochs=3)
    one, other = children(made(model, data, 0), used, recipe, seed=0)  # none begins at the first weights
    losses = [
        nn.functional.cross_entropy(interpolated(one, other, share)(used.inputs), used.targets, reduction="none")
        for share in (0.0, 0.5, 1.0)
    ]
    expected = (losses[1] <= (losses[0] + losses[2]) / 2).double().mean().item()
    assert said["connectivity"]["none"]["connected"] == pytest.approx(expected, abs=0.01)
    assert 0.0 < expected < 1.0
    assert "half way" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert run(capsys, *options("--ways", "easy,none", out=tmp_path)).json["connectivity"] == {}


class KilledError(Exception):
    pass


def test_what_was_stopped_goes_on_to_the_same_table(capsys, tmp_path, monkeypatch):
    given = ("--ways", "hard,none", "--score", "grand-last")
    expected = run(capsys, *options(*given, out=tmp_path / "whole")).json
    training = data_diet.training

    def stopped(*arguments, folder, **named):
        if folder.name == "none":  # the second
            raise KilledError
        return (yield from training(*arguments, folder=folder, **named))

    with monkeypatch.context() as patched:
        patched.setattr(data_diet, "training", stopped)
        assert run(capsys, *options(*given, out=tmp_path / "stopped")).code != 0
    assert list((tmp_path / "stopped").rglob("hard/level-00-ticket.safetensors"))
    found = run(capsys, *options(*given, out=tmp_path / "stopped")).json
    assert {**found, "report": ""} == {**expected, "report": ""}


@pytest.mark.parametrize("score", ["forgetting", "connectivity", "margin", "input-norm", "random"])
def test_every_score_orders_the_examples(capsys, tmp_path, score):
    said = run(capsys, *options("--score", score, "--ways", "easy", out=tmp_path)).json
    assert said["scores"]["least"] <= said["scores"]["median"] <= said["scores"]["largest"]
    assert np.isfinite(said["scores"]["median"])
    if score == "input-norm":
        assert said["rank_correlation"]["input-norm"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--ways", "easy,odd"], "must be some of them, once"),
        (["--ways", "easy,easy"], "must be some of them, once"),
        (["--size", 1000], "--size=1000 must be"),
        (["--steps", 0], "--steps=0 must be"),
        (["--steps", 1000], "--steps=1000 must be"),
        (["--noise", 2.0], "--noise=2.0"),
        (["--runs", 0], "--runs=0 must be"),
        (["--rate", 2], "--rate=2.0 must lie"),
    ],
)
def test_what_cannot_be_is_refused_by_name(capsys, tmp_path, given, message):
    quick = [word for pair in zip(QUICK[::2], QUICK[1::2], strict=True) if pair[0] != given[0] for word in pair]
    ran = run(capsys, "train", "data-diet", *quick, *given, "--json", "--out", tmp_path)
    assert ran.code == 2
    assert message in ran.err


def test_forgetting_needs_an_epoch():
    with pytest.raises(ArgumentError, match="score_epochs=0"):
        DietJob(model_of("lenet-300-100"), Recipe(), "forgetting", score_epochs=0)

"""Options of all searches: many tasks, fine-tuning, distillation, binary activations; and masks of trained weights."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import slth
from slth.data.datasets import load
from slth.jobs import pretrained, searching
from slth.jobs.tasks import order
from slth.networks import attach_masks, lenet300, untied, vit
from slth.tickets import members
from slth.training import Examples, evaluate
from tests.cli.running import run

DATA = ["--data", "digits", "--limit", "400", "--json"]
QUICK = [*DATA, "--checks", "0", "--epochs", "4"]
LONGER = [*QUICK[:-1], "10"]


def _test(said, places=None):
    """Return the test images as a search standardises them, their numbers in an order."""
    digits = load("digits")
    (mean,), (deviation,) = said["normalisation"]["mean"], said["normalisation"]["deviation"]
    inputs = (digits.inputs("test", limit=400) - np.float32(mean)) / np.float32(deviation)
    return Examples(inputs if places is None else inputs[:, places], digits.labels("test", limit=400))


def _images(said):
    """Return the test images as a search of images standardises them."""
    flat = _test(said)
    return Examples(flat.inputs.reshape(-1, 1, 8, 8), flat.targets)


def _stop_at(monkeypatch, module, name, count):
    """Let a search end with an error where it says that it has done so many epochs, over all of its calls."""
    true, calls = getattr(module, name), []

    def stopped(*given, progress=None, **options):
        def until(*_):
            calls.append(0)
            if len(calls) == count:
                raise slth.SlthError("stopped here")

        return true(*given, progress=until, **options)

    monkeypatch.setattr(module, name, stopped)


def test_tasks_have_masks_of_one_network_and_go_on_where_they_were_stopped(capsys, tmp_path, monkeypatch):
    """The task is inferred: chance would be one in 3; the seed is fixed."""
    arguments = ["search", "edge-popup", *QUICK, "--tasks", 3, "--density", 0.4, "--seed", 5, "--out"]
    said = run(capsys, *arguments, tmp_path / "whole").json
    assert [row["inferred_task"] for row in said["tasks"]] == [0, 1, 2]
    assert said["inferred"] == 1.0
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert names == ["report.html", "search-edge-popup.json", "tasks-0.ticket"]
    tickets = members(slth.load_ticket(tmp_path / "whole" / "tasks-0.ticket"))
    assert [one.seed for one in tickets] == [5, 5, 5]
    for task, ticket in enumerate(tickets):
        module = slth.apply_to(lenet300(features=64, seed=9), ticket)
        found = evaluate(module, _test(said, order(5, task, 64))).accuracy
        assert found == said["tasks"][task]["accuracy"] > 0.6
        assert evaluate(module, _test(said)).accuracy < 0.4  # of pixels in another order it knows little
    _stop_at(monkeypatch, searching, "search", 6)  # in the second task
    assert run(capsys, *arguments, tmp_path / "parts").code == 1
    monkeypatch.undo()
    parts = run(capsys, *arguments, tmp_path / "parts").json
    assert [row["accuracy"] for row in parts["tasks"]] == [row["accuracy"] for row in said["tasks"]]
    assert (tmp_path / "parts/tasks-0.ticket").read_bytes() == (tmp_path / "whole/tasks-0.ticket").read_bytes()
    assert not (tmp_path / "parts" / "search").exists()


def test_masks_that_cannot_be_joined_have_a_file_each(capsys, tmp_path):
    ran = run(capsys, "search", "signed-supermask", *QUICK[:4], *QUICK[5:], "--tasks", 2, "--out", tmp_path)
    assert ran.code == 0
    assert "inferred rightly" in ran.out
    assert sorted(path.name for path in tmp_path.glob("*.ticket")) == ["tasks-0.ticket", "tasks-1.ticket"]


def test_tasks_have_a_report_and_sanity_checks_as_a_search_of_one_has(capsys, tmp_path):
    """The check of a task is that of its own ticket on its own order of the inputs."""
    arguments = ["--tasks", 2, "--checks", 1, "--density", 0.5, "--out", tmp_path]
    said = run(capsys, "search", "edge-popup", *DATA, "--epochs", 4, *arguments).json
    assert [list(row["sanity"]) for row in said["tasks"]] == [["shuffled", "redrawn", "random", "inverted"]] * 2
    for row, ticket in zip(said["tasks"], members(slth.load_ticket(tmp_path / "tasks-0.ticket")), strict=True):
        redrawn = slth.apply_to(lenet300(features=64), replace(ticket, seed=ticket.seed + 1))
        assert evaluate(redrawn, _test(said, order(0, row["task"], 64))).accuracy == row["sanity"]["redrawn"][0]
        assert max(one for each in row["sanity"].values() for one in each) < 0.5 < row["accuracy"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert said["report"] == str(tmp_path / "report.html")
    assert "--checks 1 --tasks 2 --seed 0" in page


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("edge-popup", ["--tasks", 1], "--tasks=1 must be an integer of at least 2"),
        ("edge-popup", ["--tasks", 2, "--fine-tune", 2], "--fine-tune=2 is of one search, and --tasks asks for many"),
        ("edge-popup", ["--fine-tune", 0], "--fine-tune=0 must be an integer of at least 1"),
        (
            "edge-popup",
            ["--activations", "sign", "--model", "mlp", "--hidden", ""],
            "takes the place of nn.ReLU layers",
        ),
        ("edge-popup", ["--activations", "gelu"], "--activations"),
        ("pretrained", [], "--weights=None must name the file of the trained weights"),
        ("pretrained", ["--weights", "none.safetensors"], "--weights='none.safetensors' is not a file"),
    ],
)
def test_what_does_not_fit_is_named(capsys, tmp_path, name, options, said):
    words = DATA if name == "pretrained" else QUICK
    ran = run(capsys, "search", name, *words, *options, "--out", tmp_path / "o")
    assert ran.code == 2
    assert said in " ".join(ran.err.split())
    assert not list(tmp_path.iterdir())


def test_a_baseline_has_nothing_to_distil(capsys, tmp_path):
    ran = run(capsys, "search", "random", *DATA, "--distil", "--out", tmp_path / "o")
    assert ran.code == 2
    assert "--distil=True is of a search that trains scores, and random trains nothing" in ran.err


@pytest.mark.parametrize("structure", ["weights", "output-channels"])
def test_fine_tuned_weights_are_beside_the_ticket_and_said_to_be_none(capsys, tmp_path, structure):
    options = ["--density", 0.3, "--structure", structure, "--fine-tune", 3]
    said = run(capsys, "search", "gem-miner", *LONGER, *options, "--out", tmp_path).json
    tuned = said["fine_tuned"]
    assert (tuned["epochs"], tuned["nature"]) == (3, "trained weights: no strong ticket")
    assert tuned["accuracy"] > said["accuracy"]
    module = lenet300(features=64, seed=9)
    module.load_state_dict(load_file(tmp_path / "fine-tuned.safetensors"))
    assert evaluate(module, _test(said)).accuracy == tuned["accuracy"]
    ticket = slth.load_ticket(tmp_path / "net.ticket")
    assert ticket.family == "strong"
    kept = sum(int(torch.count_nonzero(module.get_parameter(name))) for name in ticket.mask.arrays)
    assert kept == tuned["kept"] >= said["kept"]  # what was not frozen out, also where it was rounded to 0
    shown = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "--fine-tune 3" in shown


@pytest.mark.slow
def test_scores_learn_the_outputs_of_a_dense_network(capsys, tmp_path):
    said = run(capsys, "search", "edge-popup", *LONGER, "--distil", "--out", tmp_path).json
    assert said["distilled"]["dense_accuracy"] > 0.9
    assert said["recipe"]["loss"]["kind"] == "ReverseKL"
    module = slth.apply_to(lenet300(features=64, seed=9), slth.load_ticket(tmp_path / "net.ticket"))
    assert evaluate(module, _test(said)).accuracy == said["accuracy"] > 0.5
    labels = run(capsys, "search", "edge-popup", *LONGER, "--out", tmp_path / "l").json
    assert labels["distilled"] is None
    assert [one["loss"] for one in labels["trace"]] != [one["loss"] for one in said["trace"]]


def test_binary_activations_are_of_the_network_that_is_evaluated(capsys, tmp_path):
    sign = ["--activations", "sign"]
    said = run(capsys, "search", "biprop", *QUICK, *sign, "--out", tmp_path).json
    assert said["model"] == "lenet-300-100 with sign"
    module = slth.apply_to(lenet300(features=64, seed=9), slth.load_ticket(tmp_path / "net.ticket"))
    for name in ("relu1", "relu2"):
        assert isinstance(getattr(module, name), nn.ReLU)
        setattr(module, name, slth.searches.SignActivation())
    assert evaluate(module, _test(said)).accuracy == said["accuracy"]
    given = ["--model", "lenet-300-100", "--data", "digits", "--limit", 400, "--json"]
    assert run(capsys, "ticket", "eval", tmp_path / "net.ticket", *given, *sign).json["accuracy"] == said["accuracy"]


def test_blocks_of_one_random_layer_have_masks_of_their_own(capsys, tmp_path):
    model = ["--model", "vit", "--width", 8, "--heads", 2, "--depth", 3, "--shared-layers"]
    file, given = tmp_path / "net.ticket", [*DATA[:4], "--json"]
    ran = run(capsys, "search", "edge-popup", *QUICK[:4], *QUICK[5:], *model, "weights", "--out", tmp_path)
    said = json.loads((tmp_path / "search-edge-popup.json").read_text())
    once, block = 8 * 4 + 16 * 8 + 8 * 10, 12 * 8 * 8
    assert (said["total"], said["random_parameters"]) == (once + 3 * block, once + block)
    for shown in (ran.out, (tmp_path / "report.html").read_text(encoding="utf-8")):
        assert f"which share {once + block:,} random numbers" in " ".join(shown.split())
    assert run(capsys, "ticket", "eval", file, *given, *model, "weights").json["accuracy"] == said["accuracy"]
    assert run(capsys, "ticket", "verify", file, "--json").json["random_parameters"] == once + block
    layers = {one["path"]: one["stream"] for one in run(capsys, "ticket", "info", file, "--json").json["layers"]}
    assert layers["blocks.2.fc1.weight"] == layers["blocks.0.fc1.weight"] == "blocks.0.fc1.weight"
    ran = run(capsys, "ticket", "eval", file, *given, *model, "masks")
    assert (ran.code, "slth.networks.untied" in ran.err) == (2, True)
    net = vit(channels=1, size=8, patch=2, width=8, heads=2, depth=3, shared=True)
    module = slth.apply_to(untied(net), slth.load_ticket(file))
    assert evaluate(module, _images(said)).accuracy == said["accuracy"]


@pytest.mark.slow
def test_masks_of_trained_weights_are_no_ticket_and_go_on(capsys, tmp_path, monkeypatch):
    """Weights of a dense network, kept by a search and by size; the seed is fixed."""
    dense = ["--density", 1, "--fine-tune", 10, "--out", tmp_path / "dense"]
    trained = run(capsys, "search", "random", *DATA, *dense).json
    file = tmp_path / "dense" / "fine-tuned.safetensors"
    arguments = ["search", "pretrained", *DATA, "--epochs", 4, "--weights", file, "--density", 0.1, "--out"]
    said = run(capsys, *arguments, tmp_path / "whole").json
    assert said["nature"] == "masks over trained weights: neither a strong ticket nor one of a seed"
    assert said["dense_accuracy"] == trained["fine_tuned"]["accuracy"]
    assert said["kept"] == 1920 + 3000 + 100
    assert {path.name for path in (tmp_path / "whole").iterdir()} == {"masks.safetensors", "search-pretrained.json"}
    module = lenet300(features=64)
    module.load_state_dict(load_file(file))
    masked = attach_masks(module, load_file(tmp_path / "whole" / "masks.safetensors"))
    assert evaluate(masked, _test(said)).accuracy == said["accuracy"] > said["magnitude_accuracy"]
    _stop_at(monkeypatch, pretrained, "mask_pretrained", 2)
    assert run(capsys, *arguments, tmp_path / "parts").code == 1
    monkeypatch.undo()
    other = json.loads(json.dumps(run(capsys, *arguments, tmp_path / "parts").json))
    assert other["accuracy"] == said["accuracy"]
    masks = [(tmp_path / one / "masks.safetensors").read_bytes() for one in ("whole", "parts")]
    assert masks[0] == masks[1]
    raw = run(capsys, *arguments, tmp_path / "raw", "--no-standardise").json
    assert raw["normalisation"] is None
    assert raw["dense_accuracy"] < said["dense_accuracy"]


def test_options_and_masks_of_trained_weights_are_listed(capsys):
    said = run(capsys, "search", "ls", "--json").json
    assert "pretrained" in {one["name"] for one in said["methods"]}
    assert {"--tasks N", "--fine-tune EPOCHS", "--distil"} <= {one["name"] for one in said["options"]}

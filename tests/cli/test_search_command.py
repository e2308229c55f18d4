"""``slth search edge-popup`` finds, writes and measures a ticket, goes on where it was stopped, and refuses by name."""

from __future__ import annotations

import json

import numpy as np
import pytest

import slth
from slth.data.datasets import load
from slth.jobs import searching
from slth.networks import lenet300
from slth.training import Examples, evaluate
from tests.cli.running import run

QUICK = ["--data", "digits", "--epochs", "3", "--limit", "300", "--json"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("search")


def test_it_writes_a_ticket_that_is_what_it_says(capsys, folder):
    ran = run(capsys, "search", "edge-popup", *QUICK, "--density", 0.3, "--seed", 4, "--out", folder)
    assert ran.code == 0
    said = ran.json
    assert said["density"] == pytest.approx(0.3, abs=1e-3)
    assert [layer["kept"] for layer in said["layers"]] == [5760, 9000, 300]
    assert {"accuracy", "validation_accuracy", "seconds", "sanity", "trace", "ticket_bytes"} <= said.keys()
    assert sorted(path.name for path in folder.iterdir()) == ["net.ticket", "report.html", "search-edge-popup.json"]
    ticket = slth.load_ticket(folder / "net.ticket")
    module = slth.apply_to(lenet300(features=64, seed=9), ticket)
    digits = load("digits")
    (mean,), (deviation,) = said["normalisation"]["mean"], said["normalisation"]["deviation"]
    assert mean == pytest.approx(digits.inputs("train", limit=300).mean(), rel=1e-5)
    inputs = (digits.inputs("test", limit=300) - np.float32(mean)) / np.float32(deviation)
    test = Examples(inputs, digits.labels("test", limit=300))
    assert evaluate(module, test).accuracy == said["accuracy"]


def test_ticket_eval_gives_the_accuracy_that_the_search_printed(capsys, folder):
    """For the data and the limit of the search; the ticket itself says no normalisation."""
    said = run(capsys, "search", "edge-popup", *QUICK, "--seed", 4, "--out", folder / "again").json
    file, options = folder / "again" / "net.ticket", ["--data", "digits", "--limit", 300]
    found = run(capsys, "ticket", "eval", file, "--model", "lenet-300-100", *options, "--json")
    assert found.code == 0
    assert {found.json[key] == said[key] for key in ("accuracy", "normalisation", "density", "model")} == {True}
    assert found.json["examples"] == 300
    shown = run(capsys, "ticket", "eval", file, "--model", "slth.networks:lenet300", *options)
    assert shown.code == 2  # of 784 inputs by default
    assert "fc1.weight has shape [300, 64] there and [300, 784] here" in shown.err
    shown = run(capsys, "ticket", "eval", file, "--model", "lenet-300-100", *options)
    assert "standardised by mean and deviation of the training examples" in shown.out


def test_ticket_eval_of_a_searched_ticket_says_what_it_needs(capsys, folder):
    file = folder / "eval" / "net.ticket"
    run(capsys, "search", "edge-popup", *QUICK, "--seed", 4, "--out", file.parent)
    for options, message in (
        ([], "model=None must name what the ticket was searched for: pass --model"),
        (["--model", "lenet"], "model='lenet' is not a known model"),
        (["--model", "lenet-300-100", "--data", "synthetic"], "fc1.weight has shape [300, 64] there"),
        (["--model", "lenet-300-100", "--target", file], "is none of a searched ticket"),
    ):
        ran = run(capsys, "ticket", "eval", file, *options)
        assert ran.code == 2
        assert message in ran.err
    info = run(capsys, "ticket", "info", file, "--json").json
    assert (info["reading"], info["alphabet"]) == ("factor", [0, 1])
    assert info["entropy_bound_bytes"] < info["bytes"] < info["entropy_bound_bytes"] + 700


def test_ticket_shrink_writes_a_small_network_of_the_module(capsys, tmp_path):
    file = tmp_path / "found" / "net.ticket"
    run(capsys, "search", "edge-popup", *QUICK, "--seed", 4, "--out", file.parent)
    options = ["--data", "digits", "--limit", 50]
    for more, message in (
        ([], "model=None must name what the ticket was searched for"),
        (["--model", "lenet-300-100", "--fold"], "--fold=True is of constructed tickets"),
        (["--model", "lenet-300-100", "--memory", "1"], "--memory=1.0 is of constructed tickets"),
    ):
        ran = run(capsys, "ticket", "shrink", file, *options, *more, "--out", tmp_path / "s")
        assert ran.code == 2
        assert message in ran.err
        assert not (tmp_path / "s").exists()
    ran = run(capsys, "ticket", "shrink", file, *options, "--model", "lenet-300-100", "--out", tmp_path / "s")
    assert ran.code == 0
    assert "times as fast" in ran.out
    facts = json.loads((tmp_path / "s" / "ticket-shrink.json").read_text())
    weights = 64 * 300 + 300 * 100 + 100 * 10
    assert facts["masked_parameters"] == weights + 300 + 100 + 10
    assert facts["small_parameters"] <= weights  # biases of 0 are none
    assert facts["accuracy"] == facts["masked_accuracy"]
    assert [one["batch"] for one in facts["timings"]] == [16, 128]
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == ["small.safetensors", "ticket-shrink.json"]


@pytest.mark.slow
def test_a_search_that_was_stopped_goes_on(capsys, tmp_path, monkeypatch):
    arguments = ["search", "edge-popup", *QUICK, "--seed", 1]
    whole = run(capsys, *arguments, "--out", tmp_path / "whole").json
    true = searching.search

    def stopped(*given, progress, **options):
        def until(name, done, total):
            if done == 2:
                raise slth.SlthError("stopped here")

        return true(*given, progress=until, **options)

    monkeypatch.setattr(searching, "search", stopped)
    assert run(capsys, *arguments, "--out", tmp_path / "parts").code == 1
    monkeypatch.undo()
    assert (tmp_path / "parts" / "search" / "last.checkpoint").is_file()
    parts = run(capsys, *arguments, "--out", tmp_path / "parts").json
    assert not (tmp_path / "parts" / "search").exists()
    assert (tmp_path / "parts/net.ticket").read_bytes() == (tmp_path / "whole/net.ticket").read_bytes()
    assert [one["loss"] for one in parts["trace"]] == [one["loss"] for one in whole["trace"]]


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--density", "0"], 2, "density"),
        (["--structure", "rows"], 2, "structure"),
        (["--structure", "3:7"], 2, "no weight a score"),
        (["--density", "1.5"], 2, "density"),
        (["--density", "half"], 2, "density"),
        (["--scope", "net"], 2, "scope"),
        (["--law", "cauchy"], 2, "law"),
        (["--scale", "big"], 2, "scale"),
        (["--model", "conv-4"], 2, "conv-4"),
        (["--model", "lenet-300"], 2, "lenet-300-100"),
        (["--weights", "w.safetensors"], 2, "Unknown option"),
        (["--hidden", "3"], 2, "--hidden"),
        (["--density", "0.0001", "--scope", "global", "--model", "mlp"], 1, "no weight of"),
    ],
)
def test_bad_input_is_named(capsys, tmp_path, options, code, said):
    ran = run(capsys, "search", "edge-popup", *QUICK, *options, "--out", tmp_path / "o")
    assert ran.code == code
    assert said in ran.err
    assert not (tmp_path / "o" / "net.ticket").exists()


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("slots", ["--values", 1], "--values=1 must be an integer from 2 to 254"),
        ("edge-popup", ["--anneal", 0], "--anneal=0 must be an integer of at least 1"),
        ("signed-supermask", ["--threshold", -1], "--threshold=-1.0 must not be negative"),
        ("signed-supermask", ["--threshold", "nan"], "--threshold=nan must not be negative"),
        ("gem-miner", ["--structure", "heads"], "--structure='heads' gives no weight a score"),
        ("edge-popup", ["--out", ""], "Invalid value for --out: an empty text names no folder"),
        ("edge-popup", ["--out", "/proc/x"], "--out='/proc/x' lies in /proc, which cannot be written"),
    ],
)
def test_an_option_has_its_own_name_in_what_is_wrong_with_it(capsys, tmp_path, monkeypatch, name, options, said):
    monkeypatch.chdir(tmp_path)
    ran = run(capsys, "search", name, *QUICK, *options)
    assert ran.code == 2
    assert said in ran.err
    assert not list(tmp_path.iterdir())


def test_signed_masks_of_a_convolutional_network(capsys, tmp_path):
    said = run(capsys, "search", "edge-popup", *QUICK, "--model", "small-cnn", "--signed", "--out", tmp_path).json
    ticket = slth.load_ticket(tmp_path / "net.ticket")
    assert said["family"] == ticket.family == "strong"
    assert ticket.mask.alphabet == (-1, 0, 1)
    assert all(not np.any(array) for name, array in ticket.buffers.items() if name.endswith("bias"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("structure", "density", "whole"),
    [("output-channels", 0.5, [2]), ("input-channels", 0.5, [0]), ("blocks:16", 0.5, []), ("2:4", 0.5, [])],
)
def test_groups_are_removed_whole_but_colours_and_classes(capsys, tmp_path, structure, density, whole):
    options = ["--structure", structure, "--density", density, "--checks", 0]
    said = run(capsys, "search", "edge-popup", *QUICK, *options, "--out", tmp_path).json
    assert [n for n, layer in enumerate(said["layers"]) if layer["kept"] == layer["total"]] == whole
    assert said["sanity"] is None
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"--structure {structure}" in text
    assert "masks shuffled" not in text


@pytest.mark.slow
@pytest.mark.parametrize("name", ["random", "magnitude", "snip", "grasp", "synflow", "evolution"])
def test_baselines_are_verbs_too(capsys, tmp_path, name):
    quick = {"synflow": ["--rounds", 3], "evolution": ["--generations", 2]}.get(name, [])
    options = ["--data", "digits", "--limit", "200", "--density", 0.2, "--checks", 1, "--json", *quick]
    ran = run(capsys, "search", name, *options, "--allocation", "erk", "--out", tmp_path)
    assert ran.code == 0
    assert ran.json["method"] == name
    assert ran.json["law"]["name"] == "normal"
    assert ran.json["kept"] == round(0.2 * ran.json["total"])
    assert (tmp_path / "report.html").is_file()
    assert "--allocation erk" in (tmp_path / "report.html").read_text(encoding="utf-8")
    refused = run(capsys, "search", name, *options, "--epochs", 3, "--out", tmp_path / "o")
    assert refused.code == 2
    assert "--epochs" in refused.err


@pytest.mark.parametrize("word", ["ls", "--list"])
def test_methods_and_recipes_are_listed(capsys, word):
    ran = run(capsys, "search", word, "--json")
    assert ran.code == 0
    assert {"edge-popup", "snip", "random"} <= {one["name"] for one in ran.json["methods"]}
    recipes = {one["name"]: one for one in ran.json["recipes"]}
    assert recipes["edge_popup_conv6"]["expected"] == 88.0
    assert recipes["edge_popup_conv6"]["source"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "alphabet"),
    [
        ("iterand", ["--density", 0.4, "--period", 4], None),
        ("biprop", ["--density", 0.2, "--scope", "global", "--anneal", 1], (0, 1)),
        ("partially-frozen", ["--structure", "output-channels", "--pruned", 0.1], (0, 1)),
        ("multicoated", ["--coats", 2, "--signed"], (-2, -1, 0, 1, 2)),
        ("signed-supermask", ["--threshold", 0.02], (-1, 0, 1)),
        ("gem-miner", ["--density", 0.2, "--unflag"], (0, 1)),
        ("concrete", ["--density", 0.2], (0, 1)),
        ("bernoulli", ["--density", 0.2, "--rescale"], (0, 1)),
        ("slots", ["--values", 3, "--draw", "sampled"], (0, 1, 2, 3)),
    ],
)
def test_the_kin_of_edge_popup_are_verbs_too(capsys, tmp_path, name, options, alphabet):
    ran = run(capsys, "search", name, *QUICK, *options, "--seed", 4, "--out", tmp_path)
    assert ran.code == 0
    assert ran.json["method"] == name
    ticket = slth.load_ticket(tmp_path / "net.ticket")
    assert ticket.mask.alphabet == (alphabet or ticket.mask.alphabet)
    assert ticket.law.name == ("normal" if name == "slots" else "signed-constant")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert ("<b>1 of 3</b><span>random numbers was chosen" in text) == (name == "slots")
    assert ("random weights stay" in text) == (name != "slots")
    assert ("log-odds of the gates" in text) == (name in ("concrete", "bernoulli"))
    assert ("whose magnitudes are ranked" in text) == (name in ("biprop", "partially-frozen", "multicoated"))
    assert all(str(option) in text for option in options if str(option).startswith("--"))


def test_a_number_of_checks_is_refused_before_anything_is_searched(capsys, tmp_path):
    ran = run(capsys, "search", "edge-popup", *QUICK, "--checks", -1, "--out", tmp_path / "out")
    assert ran.code == 2
    assert "--checks=-1" in ran.json["error"]
    assert not (tmp_path / "out").exists()


def test_a_report_says_what_a_baseline_did_and_numbers_exactly(capsys, tmp_path):
    ran = run(capsys, "search", "random", *QUICK[:2], *QUICK[4:], "--density", 0.123456789, "--out", tmp_path)
    assert ran.code == 0
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "--density 0.123456789" in text
    assert "gradient descent" not in text


def test_a_report_names_a_density_that_is_none(capsys, tmp_path):
    ran = run(capsys, "search", "concrete", *QUICK, "--density", "none", "--checks", 0, "--out", tmp_path)
    assert ran.code == 0
    assert "--density none" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["random", "magnitude", "snip", "gem-miner", "concrete", "bernoulli"])
@pytest.mark.parametrize(("structure", "whole"), [("output-channels", "fc3.weight"), ("input-channels", "fc1.weight")])
def test_classes_and_pixels_are_no_channels_to_remove(name, structure, whole):
    from slth.jobs.methods import method_of

    net = lenet300(features=16)
    method, others = method_of(name, net, {"density": 0.5, "structure": structure})
    assert list(others.get("spared", getattr(method, "spared", ()))) == [whole]

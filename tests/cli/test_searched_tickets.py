"""`slth ticket eval`, `shrink` and `export` make the network again that `slth search` was given, options and all."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import slth
from slth.networks import mlp
from tests.cli.running import run

QUICK = ["--data", "digits", "--epochs", "1", "--limit", "200", "--checks", "0", "--json"]
NARROW = ["--model", "mlp", "--hidden", "12,8"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("searched")


@pytest.fixture
def ticket(capsys, folder):
    """Searched once, 2 of 4 inputs kept."""
    file = folder / "net.ticket"
    if not file.is_file():
        options = ["--structure", "2:4", "--density", 0.5, "--out", folder]
        assert run(capsys, "search", "edge-popup", *QUICK, *NARROW, *options).code == 0
    return file


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        NARROW,
        ["--model", "mlp", "--hidden", "", "--no-bias"],
        ["--model", "attention", "--tokens", 4, "--width", 8, "--heads", 2, "--hidden", "6", "--embedding", "identity"],
        ["--model", "small-cnn", "--bias"],
    ],
)
def test_a_ticket_is_evaluated_with_the_options_of_its_search(capsys, tmp_path, options):
    said = run(capsys, "search", "edge-popup", *QUICK, *options, "--out", tmp_path).json
    given = ["--data", "digits", "--limit", 200, *options, "--json"]
    assert run(capsys, "ticket", "eval", tmp_path / "net.ticket", *given).json["accuracy"] == said["accuracy"]
    plain = run(capsys, "ticket", "eval", tmp_path / "net.ticket", *options[:2], "--data", "digits", "--json")
    assert plain.code == 2
    assert "there and" in plain.err or "is missing here" in plain.err or "is here and not there" in plain.err


def test_a_ticket_is_shrunk_with_the_options_of_its_search(capsys, tmp_path, ticket):
    ran = run(capsys, "ticket", "shrink", ticket, *NARROW, "--limit", 20, "--out", tmp_path, "--json")
    assert ran.code == 0
    assert ran.json["masked_parameters"] == 64 * 12 + 12 * 8 + 8 * 10 + 12 + 8 + 10


@pytest.mark.parametrize("to", ["dense", "csr", "2:4"])
def test_a_ticket_is_exported_as_the_module_that_it_makes(capsys, tmp_path, ticket, to):
    ran = run(capsys, "ticket", "export", ticket, *NARROW, "--to", to, "--out", tmp_path / "x", "--json")
    assert ran.code == 0
    names = {path.name for path in (tmp_path / "x").iterdir()}
    assert names == {"weights.safetensors", "ticket-export.json"}
    assert (ran.json["model"], ran.json["to"]) == ("mlp", to)
    path = tmp_path / "x" / "weights.safetensors"
    assert ran.json["written_bytes"] == path.stat().st_size
    slth.export(mlp((64, 12, 8, 10)), slth.load_ticket(ticket), tmp_path / "own", to=to)
    assert (tmp_path / "own").read_bytes() == path.read_bytes()
    weights = {name: part for name, part in load_file(path).items() if name.endswith("weight")}
    if to == "dense":
        module = slth.apply_to(mlp((64, 12, 8, 10)), slth.load_ticket(ticket))
        assert all(torch.equal(module.get_parameter(name), part) for name, part in weights.items())
    else:
        assert not weights
    shown = run(capsys, "ticket", "export", ticket, *NARROW, "--to", to, "--out", tmp_path / "x").out
    assert str(path) in shown.replace("\n", "")


def test_exports_that_cannot_be_are_refused_by_name(capsys, tmp_path, ticket):
    out = ["--out", tmp_path / "x"]
    kept = np.ones((3, 3, 1), bool)
    source = slth.Graph((2,), [slth.Node("a", slth.Pair("a", inputs=2, outputs=1, units=3), ("input",))])
    mask = slth.Mask({"a.units": kept.any(axis=2), "a.weights": kept})
    slth.Ticket(source, slth.WeightLaw("uniform", 1.0), 0, mask, [1.0]).save(tmp_path / "graph.ticket")
    for arguments, said in (
        ([ticket, *NARROW], "--out=None must name the folder for the file"),
        ([ticket, *out], "--model=None must name what the ticket was searched for"),
        ([ticket, *NARROW, "--to", "coo", *out], "--to='coo' is no form of a network"),
        ([ticket, *NARROW, "--to", "1:4", *out], "--to='1:4' does not fit the mask of"),
        ([ticket, *NARROW[:2], "--hidden", "9", *out], "has shape [12, 64] there and [9, 64] here"),
        ([ticket, *NARROW, "--tokens", 8, *out], "--model='mlp' takes no --tokens"),
        ([tmp_path / "none.ticket", *out], "is not a file"),
        ([tmp_path / "graph.ticket", *out], "holds a network of its own, whose random layers are no module's"),
        ([tmp_path / "graph.ticket", "--hidden", "9", *out], "--hidden=(9,) is not needed"),
        ([tmp_path / "graph.ticket", "--no-bias", *out], "--bias=False is not needed"),
    ):
        ran = run(capsys, "ticket", "export", *arguments)
        assert (ran.code, said in ran.err) == (2, True), ran.err
    assert not (tmp_path / "x").exists()


def test_hidden_channels_of_the_theorems_blocks_are_searched_and_gone(capsys, tmp_path):
    """One of each block of 4 is kept: the small network has a quarter of the weights, of both layers of a pair."""
    model = ["--model", "mlp", "--hidden", "5", "--block", 4]
    options = ["--structure", "middle-channels", "--density", 0.25, "--out", tmp_path]
    said = run(capsys, "search", "edge-popup", *QUICK, *model, *options).json
    firsts, seconds = 4 * (64 + 5), 4 * (64 * 5 + 5 * 10)
    assert (said["kept"], said["total"]) == (firsts + seconds // 4, firsts + seconds)
    assert said["model"] == "mlp in blocks of 4"
    assert f"--block {4}" in (tmp_path / "report.html").read_text()
    given = ["--data", "digits", "--limit", 200, *model, "--json"]
    small = run(capsys, "ticket", "shrink", tmp_path / "net.ticket", *given, "--out", tmp_path / "small").json
    assert small["small_parameters"] * 4 == small["masked_parameters"] == firsts + seconds
    assert small["accuracy"] == said["accuracy"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--structure", "middle-channels"], "is of pairs of layers, and the model has none"),
        (["--structure", "middle-channels", "--block", 3], "keeps no whole number of the 3 hidden channels"),
        (["--block", 0], "--block"),
        (["--structure", "middle-channels", "--block", 4, "--allocation", "erk"], "--allocation='erk' gives layers"),
    ],
)
def test_blocks_that_do_not_fit_are_named(capsys, tmp_path, options, said):
    ran = run(capsys, "search", "edge-popup", *QUICK, *NARROW, *options, "--out", tmp_path)
    assert ran.code == 2
    assert said in " ".join(ran.err.split())

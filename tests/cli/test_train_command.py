"""``slth train imp`` writes levels, masks and a ticket, goes on where it was killed, and refuses by name."""

from __future__ import annotations

import json
import signal
import time

import pytest
import torch
from safetensors.torch import load_file

import slth
from slth.networks import lenet300
from tests.cli.running import run
from tests.processes import python

BRIEF = ["train", "imp", "--limit", 200, "--rate", 0.5, "--levels", 2, "--json", "--seed", 3]
QUICK = [*BRIEF, "--epochs", 2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("train")


def test_it_writes_levels_masks_and_a_ticket_that_are_what_it_says(capsys, folder):
    ran = run(capsys, *QUICK, "--spared", "fc3.weight", "--branches", "shuffled,random", "--out", folder)
    assert ran.code == 0
    said = ran.json
    assert sorted(path.name for path in folder.iterdir()) == [
        "levels", "masks.safetensors", "net.ticket", "report.html", "train-imp.json"
    ]  # fmt: skip
    rows = said["levels"]
    assert [(row["level"], row["kind"]) for row in rows] == [
        (0, "ticket"), *((n, kind) for n in (1, 2) for kind in ("ticket", "shuffled", "random"))
    ]  # fmt: skip
    assert [row["kept"] for row in rows if row["kind"] == "ticket"] == [50200, 25600, 13300]
    assert (said["accuracy"], said["density"]) == (rows[4]["accuracy"], rows[4]["density"])
    masks = load_file(folder / "masks.safetensors")
    assert sum(int(mask.sum()) for mask in masks.values()) == 13300
    assert bool(masks["fc3.weight"].all())
    ticket = slth.load_ticket(folder / "net.ticket")
    assert ticket.family == "trainable"
    module = slth.apply_to(lenet300(features=64), ticket)
    assert all(torch.equal(module.get_parameter(name) != 0, mask) for name, mask in masks.items())
    level = load_file(folder / "levels" / "level-02-ticket.safetensors")
    assert not any(bool(level[f"state.{name}"][~mask].any()) for name, mask in masks.items())
    assert json.loads((folder / "train-imp.json").read_text()) == said
    report = (folder / "report.html").read_text()
    assert report.count("<svg") == 3
    assert "slth train imp --model lenet-300-100 --limit 200 --epochs 2 --rate 0.5 --levels 2 " in report


def test_rewinding_and_own_first_weights(capsys, folder):
    ran = run(capsys, *QUICK, "--rewind", 5, "--law", "none", "--out", folder / "own")
    assert ran.json["method"]["reset"] == "rewind"
    assert ran.json["ticket"] is None
    assert not (folder / "own" / "net.ticket").exists()


def test_rates_of_single_weights_and_fine_tuning(capsys, folder):
    options = ["--scope", "layer", "--rates", "fc3.*=0.1,fc1.weight=0.75", "--reset", "none", "--tuning-epochs", 1]
    ran = run(capsys, *QUICK, *options, "--tuning-rate", 0.0005, "--out", folder / "tuned")
    said = ran.json
    rows = {row["level"]: row for row in said["levels"]}
    assert [rows[2]["layers"][name] for name in ("fc1.weight", "fc2.weight", "fc3.weight")] == [0.0625, 0.25, 0.81]
    tuning = said["method"]["tuning"]
    assert (tuning["epochs"], tuning["schedule"]["learning_rate"], said["recipe"]["epochs"]) == (1, 0.0005, 2)
    report = (folder / "tuned" / "report.html").read_text()
    assert "--rates &#39;fc3.*=0.1,fc1.weight=0.75&#39;" in report
    assert "--tuning-epochs 1 --tuning-rate 0.0005" in report
    tenth = run(capsys, *QUICK, "--reset", "none", "--tuning-epochs", 1, "--out", folder / "tenth").json
    assert tenth["method"]["tuning"]["schedule"]["learning_rate"] == pytest.approx(1.2e-4)


@pytest.mark.slow
def test_killed_in_the_midst_it_goes_on_to_the_same_table(capsys, folder):
    arguments = [*BRIEF, "--epochs", 8]
    whole = run(capsys, *arguments, "--out", folder / "whole").json
    out = folder / "parts"
    with python("-m", "slth", *map(str, arguments), "--out", str(out)) as process:
        deadline = time.monotonic() + 120
        while not (out / "levels" / "level-01-ticket.running" / "last.checkpoint").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert not (out / "train-imp.json").exists()
    assert (out / "levels" / "level-00-ticket.safetensors").exists()
    parts = run(capsys, *arguments, "--out", out).json
    assert parts["levels"] == whole["levels"]
    assert (out / "net.ticket").read_bytes() == (folder / "whole" / "net.ticket").read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--scope", "layer", "--published-count"], "--published-count=True is global"),
        (["--density", 0.1], "--levels=2 and density say the same"),
        (["--branches", "other"], "--branches=('other',) are not known"),
        (["--rewind", 100000], "--rewind=100000 is not before the end of training"),
        (["--spared", "fc9"], "--spared='fc9' names no weight"),
        (["--data", "nothing"], "--data='nothing'"),
        (["--rates", "fc1.weight"], "--rates='fc1.weight' must be rates of weights"),
        (["--rates", "fc1.weight=0.1"], "are of tensors that are ranked apart"),
        (["--scope", "layer", "--rates", "fc9=0.1"], "names no weight"),
        (["--tuning-epochs", 1], "--tuning-epochs=1 is of fine-tuning: add --reset none"),
        (["--reset", "none", "--tuning-epochs", -3], "--tuning-epochs=-3 must be positive"),
        (["--reset", "none", "--tuning-rate", 0], "--tuning-rate=0.0 must be positive"),
        (["--scope", "layer", "--rates", "fc1.weight=2"], "rates fc1.weight=2.0 must lie in"),
    ],
)
def test_bad_options_are_named(capsys, tmp_path, options, message):
    ran = run(capsys, *QUICK, *options, "--out", tmp_path)
    assert ran.code == 2
    assert message in ran.err
    assert not list(tmp_path.iterdir())


def test_removed_connections_return(capsys, tmp_path):
    ran = run(
        capsys, "train", "dsd", "--limit", 200, "--epochs", 2, "--density", 0.3, "--out", tmp_path / "dsd", "--json"
    )
    assert [row["kind"] for row in ran.json["levels"]] == ["dense", "sparse", "restored", "fine-tuned"]
    assert (ran.json["density"], ran.json["masks"], ran.json["kind"]) == (1.0, None, "restored")
    options = ["--limit", 200, "--epochs", 1, "--density", 0.3, "--cycles", 2, "--out", tmp_path / "iht"]
    ran = run(capsys, "train", "iht", *options)
    assert ran.code == 0
    assert "at the last level (sparse)" in ran.out
    assert (tmp_path / "iht" / "net.ticket").is_file()
    assert "slth train iht" in (tmp_path / "iht" / "report.html").read_text()


def test_what_halves_agree_on(capsys, tmp_path):
    ran = run(capsys, "train", "colt", "--limit", 200, "--epochs", 1, "--levels", 1, "--out", tmp_path, "--json")
    assert [row["kind"] for row in ran.json["levels"]] == ["ticket", "part-0", "part-1", "ticket"]
    assert ran.json["density"] < 0.8
    assert (tmp_path / "net.ticket").is_file()

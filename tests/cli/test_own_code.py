"""The user's own code under the command line: what it prints, how it ends, how it is named."""

import numpy as np
import pytest

from tests.cli.running import run

CODE = """
import sys
from torch import nn

def talks():
    print("so far so good")
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))

def leaves():
    sys.exit(0)

def breaks():
    raise ValueError("no luck")

def hollow():
    return nn.Linear(4, 2, device="meta")

class Words(nn.Module):
    def __init__(self, input_shape, classes, vocabulary, width=16):
        super().__init__()
        assert input_shape == (5,)
        self.words = nn.Embedding(vocabulary, width)
        self.out = nn.Linear(width, classes)

    def forward(self, tokens):
        return self.out(self.words(tokens).mean(1))

class Deaf(nn.Linear):
    def __init__(self):
        super().__init__(4, 2)

    def forward(self, x):
        raise ValueError("no ears")
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / f"{tmp_path.name}.py").write_text(CODE)
    rng = np.random.default_rng(0)
    inputs, labels = rng.uniform(size=(40, 4)).astype(np.float32), np.arange(40) % 2
    np.savez(tmp_path / "own.npz", x_train=inputs, y_train=labels, x_test=inputs[:8], y_test=labels[:8])
    return tmp_path.name


def search(capsys, own, factory, *more):
    options = ("--data", "own.npz", "--epochs", "1", "--quiet", "--json", "--out", "out", *more)
    return run(capsys, "search", "edge-popup", "--model", f"{own}:{factory}", *options)


def test_what_own_code_prints_stays_out_of_the_json_and_norms_travel(capsys, own):
    ran = search(capsys, own, "talks")
    assert (ran.code, ran.json["kept"]) == (0, 24)
    assert "so far so good" in ran.err


def test_own_code_that_ends_the_process_is_no_success(capsys, own):
    ran = search(capsys, own, "leaves")
    assert ran.code == ran.json["exit_code"] == 1
    assert "ended the process (sys.exit(0))" in ran.json["error"]


@pytest.mark.parametrize(
    ("factory", "more", "words"),
    [
        ("breaks", (), "--model='{own}:breaks' failed when it was called"),
        ("hollow", (), "--model='{own}:hollow' made tensors without numbers"),
        ("Deaf", (), "--model='Deaf' does not take examples"),
        ("talks", ("--limit", "2"), "held_out=0.1 must leave some of the 2 examples"),  # no option of this name
    ],
)
def test_messages_name_what_was_typed(capsys, own, factory, more, words):
    ran = search(capsys, own, factory, *more)
    assert ran.code == 2
    assert ran.json["error"].startswith(words.format(own=own))


@pytest.fixture
def tokens(own):
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 30, (200, 5))
    labels = (inputs < 6).any(axis=1).astype(int)
    np.savez("tokens.npz", x_train=inputs[:150], y_train=labels[:150], x_test=inputs[150:], y_test=labels[150:])
    return ["--data", "tokens.npz"]


def test_tokens_of_own_data_go_to_an_own_embedding(capsys, own, tokens):
    found = ["--model", f"{own}:Words"]
    ran = run(capsys, "search", "edge-popup", *found, *tokens, "--epochs", 2, "--out", "out", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["normalisation"] is None
    assert [layer["total"] for layer in ran.json["layers"]] == [30 * 16, 32]
    said = run(capsys, "ticket", "eval", "out/net.ticket", *found, *tokens, "--json").json
    assert (said["accuracy"], said["normalisation"]) == (ran.json["accuracy"], None)
    assert run(capsys, "ticket", "eval", "out/net.ticket", *found, *tokens).code == 0
    out = run(capsys, "ticket", "export", "out/net.ticket", *found, *tokens, "--to", "csr", "--out", "csr", "--json")
    assert out.json["written_bytes"] > 0


def test_tokens_are_refused_where_numbers_are_asked_for(capsys, own, tokens):
    for arguments, said in (
        (["search", "edge-popup", "--model", "mlp"], "--data='tokens' holds token indices (integers), and mlp takes"),
        (["search", "synflow", "--model", f"{own}:Words"], "are token indices, and the paths of SynFlow"),
        (["construct", "per-weight"], "--data='tokens' holds token indices (integers), and mlp takes"),
    ):
        ran = (
            run(capsys, *arguments, *tokens, "--epochs", 1)
            if "synflow" not in arguments
            else run(capsys, *arguments, *tokens)
        )
        assert (ran.code, said in ran.err) == (2, True), ran.err

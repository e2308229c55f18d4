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

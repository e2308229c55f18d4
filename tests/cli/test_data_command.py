import gzip

import pytest

from tests.cli.running import run
from tests.data.samples import idx_bytes, small_mnist


@pytest.fixture(autouse=True)
def _nothing_of_the_users(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.delenv("SLTH_DATA_DIR", raising=False)
    monkeypatch.delenv("SLTH_OFFLINE", raising=False)


def states(ran):
    return {row["name"]: row.get("state", row.get("verdict")) for row in ran.json["data"]}


def test_folders_are_searched_in_order(capsys, tmp_path, monkeypatch):
    assert states(run(capsys, "data", "ls", "--json"))["mnist"] == "absent"
    small_mnist(tmp_path / "share/slth", name="fashion-mnist")
    small_mnist(tmp_path / "given")
    monkeypatch.setenv("SLTH_DATA_DIR", str(tmp_path / "given"))
    here = states(run(capsys, "data", "ls", "--json"))
    assert here == {
        "digits": "bundled", "synthetic": "bundled", "mnist": "here", "fashion-mnist": "here", "cifar10": "absent"
    }  # fmt: skip
    assert states(run(capsys, "data", "ls", "--data-dir", tmp_path / "none", "--json"))["mnist"] == "absent"


def test_verify_tells_the_three_apart(capsys, tmp_path):
    small_mnist(tmp_path / "d")
    ran = run(capsys, "data", "verify", "--data-dir", tmp_path / "d", "--json")
    assert ran.code == 0
    assert states(ran)["mnist"] == "right structure, other bytes"
    assert states(ran)["cifar10"] == "missing"  # nobody asked for it
    assert "warning" in ran.err
    (tmp_path / "d/MNIST/raw/train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes_of_nothing()))
    broken = run(capsys, "data", "verify", "mnist", "--data-dir", tmp_path / "d", "--json")
    assert broken.code == 1
    assert states(broken)["mnist"] == "wrong structure"
    assert run(capsys, "data", "verify", "cifar10", "--data-dir", tmp_path / "d").code == 1
    assert run(capsys, "data", "verify", "digits").code == 0


def idx_bytes_of_nothing():
    import numpy as np

    return idx_bytes(np.zeros(0, np.uint8))


def test_fetch_obeys_offline(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("SLTH_OFFLINE", "1")
    ran = run(capsys, "data", "fetch", "mnist", "--data-dir", tmp_path / "d", "--json")
    assert ran.code == 1
    assert "SLTH_OFFLINE" in ran.err
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("arguments", [["fetch"], ["fetch", "svhn"], ["verify", "svhn"], ["fetch", "digits"]])
def test_wrong_names(capsys, arguments):
    ran = run(capsys, "data", *arguments)
    assert ran.code == 2
    assert "NAME" in ran.err

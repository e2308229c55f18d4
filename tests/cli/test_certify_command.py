"""`slth ticket certify`: the curve of a small ticket, going on, and what is refused."""

from __future__ import annotations

import pytest

from slth.cli import main
from tests.cli.running import run

QUICK = ["--data", "synthetic", "--starts", "1", "--steps", "3", "--engine", "serial"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    told = ["--data", "synthetic", "--hidden", "5", "--epochs", "2", "--candidates", "9"]
    assert main(["construct", "per-weight", *told, "--out", str(folder), "--quiet"]) == 0
    return folder


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def certify(capsys, made, *more):
    return run(
        capsys, "ticket", "certify", made / "net.ticket", "--target", made / "target.safetensors", *QUICK, *more
    )  # fmt: skip


@pytest.mark.slow
def test_the_curve_is_written_and_the_same_command_goes_on(capsys, tmp_path, made):
    first = certify(capsys, made, "--limit", 5, "--radius", "0,1/50", "--out", "there", "--json")
    assert first.code == 0
    zero, wide = first.json["curve"]
    assert (zero["radius"], wide["radius"], wide["inputs"]) == (0.0, 0.02, 5)
    assert wide["agreement"] <= wide["attack_agreement"] <= zero["attack_agreement"]
    assert wide["attack_error"] <= wide["certified_error"]
    names = {"certified_agreement.pdf", "certified_agreement.png", "report.html", "table.csv", "ticket-certify.json"}
    assert names <= {path.name for path in (tmp_path / "there").iterdir()}
    page = (tmp_path / "there/report.html").read_text()
    assert "net.ticket on synthetic" in page
    assert "<svg" in page
    table = (tmp_path / "there/table.csv").read_text()
    again = certify(capsys, made, "--limit", 9, "--radius", "0,1/50", "--out", "there", "--json")
    assert again.json["inputs"] == 9
    assert again.json["curve"][1]["inputs"] == 9
    head = table.splitlines()[: 1 + 4 * 2]  # the block of one input that the first run ended with is another cell
    assert (tmp_path / "there/table.csv").read_text().splitlines()[: len(head)] == head


def test_it_reads_well_without_json(capsys, made):
    ran = certify(capsys, made, "--limit", 1, "--radius", "0")
    assert ran.code == 0
    assert "one class, proved" in ran.out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--radius", "a"], "must be numbers from 0 on, with commas between"),
        (["--radius", "1/0"], "must be numbers from 0 on"),
        (["--radius", "0,-1"], "must be numbers from 0 on"),
        (["--radius", "nan"], "must be numbers from 0 on"),
        (["--radius", "1e999"], "must be numbers from 0 on"),
        (["--limit", "0"], "limit"),
        (["--effort", "-1"], "effort"),
        (["--steps", "0"], "steps"),
    ],
)
def test_what_cannot_be_is_refused(capsys, tmp_path, made, more, words):
    ran = certify(capsys, made, *more)
    assert ran.code == 2
    assert words in ran.err
    assert not list(tmp_path.iterdir())


def test_other_data_and_missing_files_are_named(capsys, made):
    ran = run(capsys, "ticket", "certify", made / "net.ticket", "--target", made / "none", *QUICK)
    assert ran.code == 2
    assert "is not a file" in ran.err
    ran = run(capsys, "ticket", "certify", made / "net.ticket", "--target", made / "net.ticket", *QUICK)
    assert ran.code == 1
    assert "net.ticket" in ran.err
    ran = run(capsys, "ticket", "certify", made / "target.safetensors", "--target", made / "net.ticket", *QUICK)
    assert ran.code == 1
    ran = run(capsys, "ticket", "certify", made / "net.ticket", "--target", made / "target.safetensors",
              "--engine", "serial", "--limit", 1)  # fmt: skip
    assert ran.code == 2
    assert "name the data set that it was made for" in ran.err

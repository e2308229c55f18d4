"""The machine is not the developer's: what is in the way is named, and what is done is never lost."""

import json
import os
import subprocess
import sys

import pytest

from slth.cli.outcome import cell, table_of
from slth.errors import EngineError, printable
from slth.grids.engines import Loky
from tests.cli.running import run

TOY = ["construct", "per-weight", "--data", "synthetic", "--hidden", "4", "--candidates", "8", "--epochs", "1"]


def process(*arguments, **environment):
    command = [sys.executable, "-m", "slth", *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def test_a_backend_that_there_is_not(tmp_path):
    """Nor does a file of the user's settings change a byte of a figure."""
    code = """
import sys
from pathlib import Path
from slth.cli.streams import provide_streams
provide_streams()
from slth.figures.style import figure, save_figure, style
with style():
    drawing = figure(2.0, 2.0)
    drawing.subplots().plot([1, 2])
save_figure(drawing, Path(sys.argv[1]), title="a", about={})
"""
    (tmp_path / "matplotlibrc").write_text("savefig.bbox: tight\nsavefig.dpi: 30\npdf.compression: 0\nfont.size: 30\n")
    for name, more in (("a", {}), ("b", {"MPLBACKEND": "Nothing", "MATPLOTLIBRC": str(tmp_path)})):
        command = [sys.executable, "-c", code, str(tmp_path / name)]
        ran = subprocess.run(command, env={**os.environ, **more}, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
    for ending in ("pdf", "png"):
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_work_that_is_done_outlives_its_report(capsys, tmp_path, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("no picture")

    monkeypatch.setattr("slth.figures.report.write_report", fail)
    out = tmp_path / "caf\udce9"  # bytes that are no text
    ran = run(capsys, *TOY, "--out", out, "--json")
    assert ran.code == 1
    assert "report.html could not be made (ZeroDivisionError: no picture)" in ran.err
    assert ran.json["report"] is None
    summary = json.loads((out / "construct-per-weight.json").read_text())
    assert summary["certified_error"] == ran.json["certified_error"]
    assert (out / "net.ticket").exists()


def test_shared_memory_that_cannot_be_written(monkeypatch):
    def refused(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("joblib.externals.loky.process_executor.ProcessPoolExecutor.__init__", refused)
    with pytest.raises(EngineError, match=r"/dev/shm.*Read-only file system.*--engine serial"):
        next(Loky(jobs=1).compute([object()]))


@pytest.mark.parametrize("columns", ["0", "-3", "x", "1", ""])
def test_a_terminal_without_columns(columns):
    ran = process("--help", COLUMNS=columns)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Commands" in ran.stdout


def test_a_configuration_that_is_nested_too_deeply(capsys, tmp_path):
    (tmp_path / "deep.toml").write_text("a = " + "[" * 5000)
    ran = run(capsys, "env", "--config", tmp_path / "deep.toml")
    assert ran.code == 2
    assert "--config=" in ran.err
    assert "cannot be read" in ran.err


@pytest.mark.parametrize("place", ["a/" * 1000, "a" * 300, "b/" + "é" * 200])
def test_a_folder_that_no_system_holds(capsys, tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    ran = run(capsys, "env", "--out", place)
    assert ran.code == 2
    assert "--out=" in ran.err
    assert "name a folder that the system can hold" in ran.err


def test_names_that_are_no_text(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    odd = "caf\udce9"
    ran = run(capsys, "env", "--out", odd, "--json")
    assert ran.code == 0
    assert json.loads((tmp_path / odd / "env.json").read_text()) == ran.json
    for verb in (["run", odd], ["ticket", "info", odd], ["solve", odd, "--target", "1"], ["results", "show", odd]):
        refused = run(capsys, *verb, "--json")
        assert refused.code == 2
        refused.json["error"].encode()


STRANGE = "\x1b[31mred\x1b]0;title\x07\r\x9b2J\u202e\u2066 \ud800" + "long " * 10_000


def test_a_strangers_text_reaches_the_terminal_escaped_and_cut(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert printable("a\x1b[0m\tb\n") == r"a\x1b[0m b"
    assert len(printable(STRANGE)) == 300
    assert printable(STRANGE).isprintable()
    assert cell(STRANGE).isprintable()
    (tmp_path / "paper_figures/widths").mkdir(parents=True)
    text = json.dumps(STRANGE.replace("\ud800", ""))
    (tmp_path / "paper_figures/widths/spec.toml").write_text(f'task = "widths"\ndescription = {text}\n[grid]\n')
    (tmp_path / "benchmarks").mkdir()
    bench = f'task = "generate-weights"\nname = {text}\ndescription = {text}\n[grid]\ncount = [3]\nlaw = ["normal"]\n'
    (tmp_path / "benchmarks/b.toml").write_text(bench)
    (tmp_path / "x.toml").write_text(f'task = "widths"\n[grid]\n{text} = [1]\n')
    for verb in (["figure"], ["bench", "--verbose"], ["run", "x.toml"]):
        ran = run(capsys, *verb)
        assert (ran.out + ran.err).replace("\n", "").isprintable(), verb
        assert r"\x1b[31mred" in ran.out + ran.err
        assert len(ran.out + ran.err) < 30_000


def test_tables_hold_what_they_are_given():
    table = table_of([(1, "a", None), (2.5, "b\x07", 3)], ("x", "y", "z"), title="t")
    assert [column.justify for column in table.columns] == ["right", "left", "right"]
    assert [list(column.cells) for column in table.columns] == [["1", "2.5"], ["a", r"b\x07"], ["", "3"]]

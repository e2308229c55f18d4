"""The how-to pages run as they are written: files, packages, commands, and what these print."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from tests.cli.running import run
from tests.own_package import distribution

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(
    r"(?:^`(?P<file>[\w./]+)`[^\n]*\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


def install(folder: Path, pyproject: str) -> None:
    """What pip makes of a project's entry points."""
    project = tomllib.loads(pyproject)["project"]
    lines = []
    for group, names in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {place}" for name, place in names.items())]
    distribution(folder, project["name"].replace("-", "_"), "\n".join(lines))


def commands(text: str) -> list[tuple[str, str]]:
    """Each command of a block with what it prints."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts]


def check_output(said: str, wanted: str) -> None:
    """Lines as they are shown, however they are spaced; an ellipsis stands for any."""
    shown = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
    for line in (" ".join(line.split()) for line in wanted.splitlines() if line.strip()):
        if line != "...":
            assert line in shown, said
    if "..." not in wanted:
        assert len(shown) == len([line for line in wanted.splitlines() if line.strip()]), said


@pytest.mark.parametrize("page", ["own_study.md", "own_bound.md"])
def test_a_page_runs_as_it_is_written(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    seen = set()
    for block in BLOCK.finditer((DOCS / page).read_text(encoding="utf-8")):
        seen.add(block["kind"])
        if block["kind"] == "console":
            for command, output in commands(block["text"]):
                ran = run(capsys, *shlex.split(command)[1:])
                assert ran.code == 0, (command, ran.err)
                check_output(ran.out, output)
        elif block["file"] and block["file"] != "pyproject.toml":
            (tmp_path / block["file"]).parent.mkdir(exist_ok=True)
            (tmp_path / block["file"]).write_text(block["text"])
        else:
            install(tmp_path, block["text"])
    assert seen == {"python", "toml", "console"}

"""The site's pages: every block runs as it stands, in the order of its page, in an empty folder.

Python is executed; a block whose first line is ``# NAME.toml`` or ``# NAME.py``, or with its name in a line above, is
a file of that name, and a project of its own is installed. Commands of ``slth`` are given to the command line, to end
with 0 or with what ``# exit code N`` says. A ``text`` block below Python is what that prints, and so are the lines
below the commands of a ``console``; ``...`` stands for anything. ``<!-- not run: why -->`` stands above commands that
need what no test has: of those each verb and option must be there.
"""

from __future__ import annotations

import doctest
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from slth.cli.app import build_app
from tests.cli.running import run

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "made" not in path.relative_to(DOCS).parts)
BLOCK = re.compile(
    r"(?:^`(?P<file>[\w./]+)`[^\n]*:\n\n)?^(?:<!-- (?P<mark>[^>]*) -->\n)?```(?P<kind>[^\n]*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
FILE = re.compile(r"^# ([\w.]+\.(?:toml|py))\n")
CODE = re.compile(r"^(?P<command>.*?)(?:\s+# exit code (?P<code>\d+).*|\s+# .*)?$")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    kind: str
    body: str
    mark: str
    file: str


def blocks(page: Path) -> list[Block]:
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(one["kind"], one["body"], one["mark"] or "", file_of(one)) for one in found]


def file_of(block: re.Match[str]) -> str:
    """The name of the file that a block is, or an empty text."""
    first = FILE.match(block["body"])
    return block["file"] or (first[1] if first else "")


def commands(body: str) -> Iterator[tuple[list[str], int]]:
    """Each command of a block as tokens, with the exit code that it says."""
    for line in body.replace("\\\n", " ").splitlines():
        found = CODE.match(line)
        if found and found["command"].strip():
            yield shlex.split(found["command"]), int(found["code"] or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to be in, whose modules are forgotten behind it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


PAGES_THAT_RUN = [
    page for page in PAGES if any(one.kind in ("python", "sh", "toml", "console") for one in blocks(page))
]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES_THAT_RUN, ids=[str(page.relative_to(DOCS)) for page in PAGES_THAT_RUN])
def test_every_block_runs(page: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given: dict[str, Any] = {}
    printed = ""
    for number, block in enumerate(blocks(page)):
        if block.kind == "toml" and "[project]" in block.body:
            install(folder, tomllib.loads(block.body)["project"])
        elif block.file:
            (folder / block.file).parent.mkdir(exist_ok=True)
            (folder / block.file).write_text(block.body, encoding="utf-8")
        elif block.kind == "python":
            exec(compile(block.body, f"{page.name}, block {number}", "exec"), given)
            printed = capsys.readouterr().out
        elif block.kind == "text" and printed:
            assert doctest.OutputChecker().check_output(block.body, printed, OPTIONS), printed
            printed = ""
        elif block.kind == "sh":
            for tokens, code in commands(block.body):
                follow(tokens, code, block, capsys)
        elif block.kind == "console":
            for command, wanted in dialogue(block.body):
                ran = run(capsys, *shlex.split(command)[1:])
                assert ran.code == 0, ran.err
                assert is_shown(ran.out, wanted), ran.out
        else:
            assert block.kind in ("text", "bibtex") or block.kind.startswith("{"), f"nobody runs {block.kind}"


def follow(tokens: list[str], code: int, block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    """Do what one command says, or, where nobody can here, see that its verb and options are there."""
    if block.mark.startswith("not run: "):
        if tokens[0] == "slth":
            build_app().parse_args(tokens[1:], exit_on_error=False, print_error=False)
        return
    assert tokens[0] == "slth", f"{tokens} is run by nobody: write why above it"
    ran = run(capsys, *tokens[1:])
    assert ran.code == code, ran.err


def dialogue(body: str) -> list[tuple[str, str]]:
    """Each command of a console with the lines below it."""
    parts = re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]
    return [(command, below) for command, _, below in (part.partition("\n") for part in parts)]


def is_shown(printed: str, wanted: str) -> bool:
    """Whether the wanted lines are printed, however they are spaced, and nothing else but for an ellipsis."""
    lines, shown = (
        [" ".join(line.split()) for line in text.splitlines() if line.strip()] for text in (wanted, printed)
    )
    return all(line in shown for line in lines if line != "...") and ("..." in lines or len(lines) == len(shown))


def install(folder: Path, project: dict[str, Any]) -> None:
    """What pip makes of the entry points of a project."""
    about = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = [f"[{group}]\n" + "".join(f"{name} = {place}\n" for name, place in names.items())
              for group, names in project["entry-points"].items()]  # fmt: skip
    (about / "entry_points.txt").write_text("".join(groups))


def test_what_a_console_shows():
    assert dialogue("$ slth a\n 1  2\n$ slth b\n") == [("slth a", " 1  2\n"), ("slth b", "")]
    assert is_shown("1 2\n\n3\n", "1   2\n3\n")
    assert not is_shown("1 2\n3\n", "1 2\n")
    assert is_shown("1 2\n3\n", "1 2\n...\n")
    assert not is_shown("1 2\n3\n", "4\n...\n")


def test_blocks_are_found(tmp_path):
    """By hand, so that the reader above is not taken at its word."""
    page = tmp_path / "page.md"
    page.write_text(
        "# A\n\n```python\na\n```\n\n<!-- not run: why -->\n```sh\nslth x \\\n  --y 2  # z\nb  # exit code 3\n```\n"
    )
    first, second = blocks(page)
    assert (first.kind, first.body, first.mark) == ("python", "a\n", "")
    assert second.mark == "not run: why"
    assert list(commands(second.body)) == [(["slth", "x", "--y", "2"], 0), (["b"], 3)]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(DOCS)) for page in PAGES])
def test_every_page_has_one_title_and_stands_in_a_tree(page: Path) -> None:
    lines = re.sub(BLOCK, "", page.read_text(encoding="utf-8")).splitlines()
    assert len([line for line in lines if line.startswith("# ")]) == 1
    trees = [
        line.strip()
        for other in PAGES
        for one in blocks(other)
        if "toctree" in one.kind
        for line in one.body.splitlines()
    ]
    name = str(page.relative_to(DOCS).with_suffix(""))
    assert name == "index" or name in trees

"""The wheel, built from this checkout and unpacked elsewhere: it brings grids, specifications and tables."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Folder with the unpacked wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.builders.wheel import WheelBuilder\n"
    code += "print(*WheelBuilder('.').build(directory=sys.argv[1]))"
    built = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def slth(wheel: Path, folder: Path, *arguments: str) -> dict:
    """One command in a folder that is no checkout, with nothing of this checkout on the path."""
    code = f"import sys, slth; assert slth.__file__.startswith({str(wheel)!r}), slth.__file__\n"
    code += "from slth.cli import main\nsys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments, "--json"],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(wheel)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document: dict = json.loads(done.stdout)
    return document


def test_what_it_brings(wheel):
    shipped = wheel / "slth/shipped"
    files = {path.relative_to(shipped).as_posix() for path in shipped.rglob("*") if path.is_file()}
    wanted = [*ROOT.glob("benchmarks/*.toml"), ROOT / "paper_figures/README.md"]
    for name in ("*.toml", "table.csv", "provenance.json", "README.md"):
        wanted += ROOT.glob(f"paper_figures/*/{name}")
    assert files == {path.relative_to(ROOT).as_posix() for path in wanted}
    for path in wanted:
        assert (shipped / path.relative_to(ROOT)).read_bytes() == path.read_bytes()
    assert {path.name for path in wheel.iterdir() if not path.name.endswith(".dist-info")} == {"slth"}
    assert not list((wheel / "slth").rglob("*.pyc"))


def test_figures_are_made_below_out_from_any_folder(wheel, tmp_path):
    listed = slth(wheel, tmp_path, "figure")["figures"]
    assert len(listed) == len(list(ROOT.glob("paper_figures/*/spec.toml")))
    assert all(row["table"] and row["description"] and not row["picture"] for row in listed)
    assert list(tmp_path.iterdir()) == []
    made = slth(wheel, tmp_path, "figure", "solver_time", "--out", "there")
    assert made["figures"] == [
        {"figure": "solver_time", "status": "redrawn", "pdf": "there/solver_time/solver_time.pdf",
         "png": "there/solver_time/solver_time.png"}
    ]  # fmt: skip
    assert (tmp_path / "there/index.html").is_file()
    assert (tmp_path / "there/solver_time/solver_time.png").stat().st_size > 10_000
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_benchmarks_are_found_from_any_folder(wheel, tmp_path):
    ran = slth(wheel, tmp_path, "bench", "weights", "--limit", "1", "--out", "there")
    assert ran["failed"] == 0
    assert (tmp_path / "there/weights/table.csv").is_file()


def test_the_folder_here_comes_first(wheel, tmp_path):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/mine.toml").write_text(
        'task = "generate-weights"\nreplicates = 1\n[grid]\nlaw = ["uniform"]\ncount = [9]\n'
    )
    assert {row["benchmark"] for row in slth(wheel, tmp_path, "bench")["table"]} == {"mine"}

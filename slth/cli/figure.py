"""``slth figure``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import RenderableType

from slth.cli.checks import check_out
from slth.cli.endings import UsageError
from slth.cli.engines import WORK, Work, kept_if_interrupted
from slth.cli.failures import in_words_of_the_command_line
from slth.cli.options import COMMON, FLAG, Common
from slth.cli.outcome import LONGEST, Outcome, table_of
from slth.cli.places import repository_folder
from slth.cli.progress import Progress, note, progress
from slth.cli.run import RUNS
from slth.errors import ArgumentError, SlthError, printable

if TYPE_CHECKING:
    from slth.grids.run import Computation

FOLDER = Path("paper_figures")
OTHERS = "registered by another package"
MADE = RUNS / "figures"
"""Where figures are made of what came with slth, and where tables in the making are kept."""


@dataclass(frozen=True)
class _Call:
    """What is the same for all figures of a call."""

    source: Path
    folder: Path
    rerun: bool
    how: Computation
    common: Common
    beside: Mapping[str, Path]


def figure(
    *names: Annotated[str, Parameter(help="Figures, as the list without any names them.")],
    all: Annotated[bool, Parameter(name="--all", help="All figures.", **FLAG)] = False,  # noqa: A002
    rerun: Annotated[bool, Parameter(help="Compute the tables again.", **FLAG)] = False,
    dir: Annotated[Path | None, Parameter(name="--dir", help="Folder of the figures' folders.")] = None,  # noqa: A002
    work: Work = WORK,
    common: Common = COMMON,
) -> Outcome:
    """Draw paper figures from their tables, as PDF and PNG; without a name, list what there is.

    A table that is missing is computed first; interrupted, the same command goes on. Writes an index page of all
    figures. Exit code 1 where a figure could not be made, as where its table was edited.

    Figures are made in --out, which first receives their specifications and tables where it has none; without --out in
    the folder itself, and those that came with slth in runs/figures.
    """
    from slth.figures.catalogue import FIGURES, check_figure, folder_beside

    for name in names:
        check_figure(name)
    if dir is not None and not dir.is_dir():
        raise UsageError(f"there is no folder {dir} here: name a folder of figures with --dir")
    source = dir or repository_folder(FOLDER.name, "*/spec.toml")
    if source is None:
        raise UsageError("this installation came without figures: name a folder of figures with --dir")
    if not names and not all:
        return _list(source, common)
    wanted = list(FIGURES) if all else list(dict.fromkeys(names))
    beside = {} if dir else {name: place for name in wanted if (place := folder_beside(name))}
    folder = common.out or (source if source in {dir, FOLDER} and not beside else MADE)
    for name in wanted:
        check_out(folder / name, (f"{name}.pdf", f"{name}.png", "table.csv"))
    call = _Call(source, folder, rerun, work.computation(), common, beside)
    with kept_if_interrupted(common), progress(common) as report:
        made = [_make(name, call, report) for name in wanted]
    return _outcome(made, folder, common)


def _make(name: str, call: _Call, report: Progress) -> dict[str, Any]:
    """Make one figure; what goes wrong becomes a line of the report, so that the others are made."""
    from slth.figures.drawing import draw_figure

    folder = call.folder / name
    try:
        _bring(call.beside.get(name, call.source) / name, folder)
        computed = _table(name, call, report)
        pdf, png = draw_figure(name, folder)
    except (SlthError, OSError) as problem:
        reason = _reason(problem)
        note(call.common, f"{name}: {reason}")
        return {"figure": name, "status": "failed", "reason": reason}
    return {"figure": name, "status": "computed" if computed else "redrawn", "pdf": pdf, "png": png}


def _bring(source: Path, folder: Path) -> None:
    """Copy a figure's specification with what belongs to it to where it is made, unless one is there."""
    from slth.figures.tables import SPEC_NAME
    from slth.files import write_bytes
    from slth.grids.provenance import TABLE_FILES

    if (folder / SPEC_NAME).exists() or not (source / SPEC_NAME).exists():
        return
    for name in (*TABLE_FILES, "README.md", SPEC_NAME):  # the specification last: it says that all is there
        if (source / name).is_file():
            write_bytes(folder / name, (source / name).read_bytes())


def _reason(problem: SlthError | OSError) -> str:
    """What went wrong on one line; a specification is named by its path, for no argument of this verb names it."""
    if isinstance(problem, ArgumentError) and problem.argument in {"spec", "benchmark"}:
        return printable(f"{problem.value} {problem.rule}: {problem.remedy}", most=LONGEST)
    return printable(in_words_of_the_command_line(problem, ["figure"]), most=LONGEST)


def _table(name: str, call: _Call, report: Progress) -> bool:
    """See to it that a figure has its table, and say whether it was computed."""
    from slth.figures.catalogue import resolve_figure
    from slth.figures.tables import SPEC_NAME, compute_table, is_current
    from slth.grids.provenance import TABLE_NAME, read_provenance

    resolve_figure(name)  # before hours are spent on what nobody can draw
    folder = call.folder / name
    if call.rerun or not (folder / TABLE_NAME).is_file():
        scratch = MADE / name if call.folder == call.source else folder / "run"
        compute_table(folder, scratch, call.how, progress=report)
        return True
    provenance = read_provenance(folder)
    if call.how.full and not provenance.get("full"):
        note(call.common, f"{name}: its table is of the default grid: --rerun --full computes the larger one")
    if not is_current(folder / SPEC_NAME, provenance):
        note(call.common, f"{name}: its table was computed from another {SPEC_NAME}: --rerun computes it again")
    return False


def _outcome(made: list[dict[str, Any]], folder: Path, common: Common) -> Outcome:
    from slth.figures.index import write_index

    failed = sum(entry["status"] == "failed" for entry in made)
    page = write_index(folder) if failed < len(made) else None
    data = {"figures": made, "failed": failed, "index": page}

    def show() -> list[RenderableType]:
        lines = ((entry["figure"], entry["status"], entry.get("pdf") or entry["reason"]) for entry in made)
        return [table_of(lines, ("", "", "")), *([] if page is None else ["", f"open {page}"])]

    return Outcome("figure", common, data, show, exit_code=int(failed > 0))


def _list(folder: Path, common: Common) -> Outcome:
    from slth.figures.catalogue import FIGURES, figure_names
    from slth.figures.tables import SPEC_NAME, describe_spec
    from slth.grids.provenance import TABLE_NAME

    told = dict.fromkeys(FIGURES, "")
    rows = [
        {
            "figure": name,
            "description": describe_spec(folder / name / SPEC_NAME).get("description", told.get(name, OTHERS)),
            "table": (folder / name / TABLE_NAME).is_file(),
            "picture": (folder / name / f"{name}.png").is_file(),
        }
        for name in figure_names()
    ]

    def show() -> list[RenderableType]:
        here = {True: "here", False: "absent"}
        lines = ((row["figure"], here[row["table"]], here[row["picture"]], row["description"]) for row in rows)
        table = table_of(lines, ("figure", "table", "picture", "what it shows"))
        return [table, "", "slth figure NAME draws one, slth figure --all draws all"]

    return Outcome("figure", common, {"figures": rows}, show)

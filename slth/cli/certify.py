"""``slth ticket certify``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import RenderableType

from slth.cli.checks import check_file, check_out, check_unclaimed, load_data
from slth.cli.engines import WORK, Work, kept_if_interrupted, say_why_items_failed
from slth.cli.options import COMMON, Common
from slth.cli.outcome import Outcome, json_name, key_value_table, table_of
from slth.cli.places import data_folders
from slth.cli.progress import progress
from slth.cli.reporting import REPORT_NAME, with_report
from slth.cli.run import RUNS, exit_code
from slth.cli.targets import Module, command_text
from slth.errors import ArgumentError

if TYPE_CHECKING:
    from slth.grids.spec import Experiment

_BLOCK, _TOGETHER = 4, 32  # inputs of an item: what an interruption loses at most; where an accelerator takes many
PICTURE = "certified_agreement"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Balls:
    """Around which inputs, how far, and how hard to try."""

    radius: Annotated[str, Parameter(help="Radii of the balls in the largest norm.")] = "0,1/255,2/255,4/255,8/255"
    limit: Annotated[int, Parameter(help="The first test inputs, so many of them.")] = 100
    effort: Annotated[int, Parameter(help="Work where first bounds are loose; 0 for none, more takes longer.")] = 1
    starts: Annotated[int, Parameter(help="Beginnings of gradient ascent in each ball.")] = 2
    steps: Annotated[int, Parameter(help="Steps from each.")] = 30

    def cell(self) -> dict[str, Any]:
        """Return what a cell of the study says of it."""
        for name, least in (("limit", 1), ("effort", 0), ("starts", 1), ("steps", 1)):
            if getattr(self, name) < least:
                rule = f"must be at least {least}"
                raise ArgumentError(name, getattr(self, name), rule, "leave it out for the usual number")
        return {"radii": radii_of(self.radius), "effort": self.effort, "starts": self.starts, "steps": self.steps}


BALLS = Balls()


def certify(
    file: Path,
    /,
    *,
    target: Path,
    data: str = "digits",
    balls: Balls = BALLS,
    work: Work = WORK,
    common: Common = COMMON,
) -> Outcome:
    """On how many test inputs target and ticket provably give one class on a whole ball, beside what ascent finds.

    Balls are clipped to [0, 1]. With radius 0 everything is a theorem about the inputs themselves. Interrupted at any
    moment, the same command goes on. Writes results.sqlite, table.csv (a row for each input and radius),
    provenance.json, certified_agreement.pdf and .png, report.html and the summary to --out, runs/certify-DIGITS by
    default. A folder of another command is refused; --limit alone may grow.

    Parameters
    ----------
    file
        A ticket file of a construction.
    target
        target.safetensors of the network that it approximates.
    data
        digits, synthetic, mnist, fashion-mnist, cifar10, or your own FILE.npz: what the network was made for.
    """
    from slth import studies
    from slth.figures.certified_agreement import certified_agreement_figure
    from slth.figures.measured_report import write_measured_report
    from slth.figures.style import save_figure
    from slth.grids.provenance import TABLE_FILES
    from slth.grids.run import run_experiment
    from slth.studies.certified_agreement import curve

    check_file("FILE", file)
    check_file("target", target)
    experiment = _experiment(file, target, data, balls, work, common)
    folder = common.out or RUNS / experiment.name
    common = replace(common, out=folder)
    check_out(
        folder, (*TABLE_FILES, REPORT_NAME, f"{PICTURE}.pdf", f"{PICTURE}.png", json_name("ticket certify"))
    )  # fmt: skip
    command = _command(file, target, data, balls, work, common)
    check_unclaimed(folder, command, grows=("--limit",))
    with kept_if_interrupted(common, f" in {folder}"), progress(common) as report:
        table = run_experiment(experiment, folder, studies.STUDIES, work.computation(), progress=report).table
    say_why_items_failed(common, experiment.name, table)
    found = curve(table.rows)
    summary: dict[str, Any] = {
        "file": file, "target": target, "data": data, "inputs": len({row["example"] for row in table.rows}),
        "curve": found, "failed": table.failed, "missing": table.missing, "command": command,
    }  # fmt: skip
    title = f"{file.name} on {data}: certified agreement"
    if found:
        about = {"spec_sha256": experiment.digest, "seed": experiment.seed}
        save_figure(certified_agreement_figure(table.rows), folder / PICTURE, title=title, about=about)

    def show() -> list[RenderableType]:
        shown = {
            "radius": "radius", "agreement": "one class, proved", "attack_agreement": "attacked",
            "median_certified_error": "median error, proved", "median_attack_error": "attacked ",
            "median_ratio": "ratio", "seconds_an_input": "s an input",
        }  # fmt: skip
        rows = [[one[key] for key in shown] for one in found]
        told = {key: value for key, value in summary.items() if key not in ("curve", "command")}
        return [table_of(rows, list(shown.values())), "", key_value_table(told)]

    def draw() -> Path:
        about = {**summary, "model": file.name, "rows": table.rows, "seed": common.seed}
        return write_measured_report("agreement", about, folder / REPORT_NAME, title=title, command=command)

    done = Outcome("ticket certify", common, summary, show, exit_code=exit_code(table))
    return with_report(done, draw) if found else done


def _command(file: Path, target: Path, data: str, balls: Balls, work: Work, common: Common) -> str:
    """Return what to type to make the same again."""
    given = {name: value for name, value in asdict(balls).items() if value != getattr(BALLS, name)}
    given |= {"target": target, "device": None if work.device == "cpu" else work.device}
    return command_text("ticket certify", Module(data=data), given, seed=common.seed, file=file)


def _experiment(file: Path, target: Path, data: str, balls: Balls, work: Work, common: Common) -> Experiment:
    """Return the grid of blocks of test inputs."""
    from slth.grids.spec import Experiment
    from slth.studies.certified_agreement import check_pair, file_digest

    cell = balls.cell()
    data_set = load_data(data, data_folders(work.data_dir), seed=common.seed)
    check_pair(target, file, data_set)
    inputs = len(data_set.labels("test"))
    digest = file_digest(target, file)
    fixed: dict[str, Any] = {
        "ticket": str(file.resolve()), "target": str(target.resolve()), "digest": digest, "data": data, **cell,
    }  # fmt: skip
    many, block = min(balls.limit, inputs), _BLOCK if work.device == "cpu" else _TOGETHER
    whole = {"first": list(range(0, many - many % block, block)), "count": [block]}
    rest = {"first": [many - many % block], "count": [many % block]}
    grids = tuple(grid for grid in (whole, rest) if grid["first"] and grid["count"][0])
    about = "classes that target and ticket provably share around test inputs"
    return Experiment(
        name=f"certify-{digest[:8]}", task="certified-agreement", description=about, seed=common.seed, grids=grids,
        fixed=fixed,
    )  # fmt: skip


def radii_of(text: str) -> list[float]:
    """Read radii, which may be fractions, in increasing order."""
    try:
        found = sorted({float(Fraction(part.strip())) for part in text.split(",")})
    except (ValueError, ZeroDivisionError, OverflowError):
        found = [-1.0]
    if found[0] < 0.0:
        rule = "must be numbers from 0 on, with commas between"
        raise ArgumentError("radius", text, rule, "write 0,1/255,4/255 or 0.01")
    return found

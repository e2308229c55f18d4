"""What ``slth demo`` and ``slth construct`` share: run a job, write its report, say how it went."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table

from slth.cli.checks import check_out, check_unclaimed
from slth.cli.engines import kept_if_interrupted
from slth.cli.options import Common
from slth.cli.outcome import Outcome, json_name, key_value_table, number
from slth.cli.progress import progress
from slth.cli.reporting import REPORT_NAME, with_report

if TYPE_CHECKING:
    from slth.data.datasets import DataSet
    from slth.jobs.pipeline import Job

COLUMNS = {
    "dimension": ("dimensions", ","),
    "instances": ("instances", ","),
    "candidates": ("candidates", ""),
    "channels": ("channels", ","),
    "kept": ("kept", ","),
    "density": ("density", ".2%"),
    "gain": ("gain", ".6g"),
    "relative error": ("relative_error", ".3g"),
    "median error": ("median_error", ".3g"),
    "largest error": ("largest_error", ".3g"),
}
"""Columns of the table of layers: key of a row, and format; left out where no layer has a number."""


def run_job(
    verb: str, job: Job, data: DataSet, common: Common, *, command: str, folder: Path | None = None, **how: Any
) -> Outcome:
    """Run a job, write its report, and say how it went; without ``--out`` in ``folder``, or one named for the data.

    What else is given is handed to :func:`slth.jobs.pipeline.run_job`.
    """
    from slth.jobs.pipeline import TARGET_NAME, TICKET_NAME
    from slth.jobs.pipeline import run_job as run

    out = common.out or folder or Path("runs") / f"{data.name}-{verb.split()[-1]}"
    check_out(out, (TARGET_NAME, TICKET_NAME, REPORT_NAME, json_name(verb)))
    check_unclaimed(out, command)
    with kept_if_interrupted(common, f" in {out}"), progress(common) as report:
        record = run(job, data, out, command=command, progress=report, **how)
        summary = {**record.summary, "command": command, "report": None}

        def show() -> list[RenderableType]:
            exact = [*record.exact, ""] if record.exact else []
            end = [] if summary["report"] is None else [f"open {summary['report']}"]
            said = [f"note: {one}" for one in summary["verdict"]]
            behind = ["", *said] if said else []
            return [_headline(summary), *behind, "", _layers(summary["layers"]), "", *exact, *end]

        def draw() -> Path:
            from slth.figures.report import write_report

            report("report", 0, 1)
            written = write_report(record, out / REPORT_NAME)
            report("report", 1, 1)
            return written

        return with_report(Outcome(verb, replace(common, out=out), summary, show), draw)


def _headline(summary: dict[str, Any]) -> Table:
    percent = "{:.2%}".format
    eps = f", asked for {number(summary['eps'])}" if summary["eps"] is not None else ""
    return key_value_table(
        {
            "target accuracy": percent(summary["target_accuracy"]),
            "ticket accuracy": f"{percent(summary['ticket_accuracy'])} (agreement {percent(summary['agreement'])})",
            **_around(summary["around"]),
            "certified error": f"{number(summary['certified_error'])} for every input in {summary['input_box']}{eps}; "
            f"{number(summary['float32_error'])} as slth.to_torch runs it in float32",
            "largest found": f"{number(summary['attack_error'])} by gradient ascent, "
            f"{number(summary['sampled_error'])} on {summary['examples']} test images",
            "norm bound": number(summary["norm_bound"]),
            "density": f"{percent(summary['density'])} of {summary['open_positions']:,} open random {_open(summary)}",
            "ticket file": f"{summary['ticket_bytes']:,} bytes, {summary['bits_per_target_weight']:.1f} bits a target "
            f"weight (log2 C(open, kept) {summary['counting_bits_per_weight']:.1f}{_information(summary)})",
            "target's own file": f"{summary['target_bytes']:,} bytes, "
            f"{summary['target_file_bits_per_weight']:.1f} bits a weight",
            "multiply-adds": _costs(summary["costs"]),
            "read back": f"{summary['ticket']}, sha256 of the kept weights verified",
            "seconds": f"train {summary['train_seconds']:.1f}, construct {summary['construct_seconds']:.1f}, "
            f"evaluate {summary['evaluate_seconds']:.1f}",
            "seed": summary["seed"],
        }
    )


def _around(found: dict[str, Any] | None) -> dict[str, str]:
    """What is certified around test inputs, which for deep networks says more than what holds everywhere."""
    if found is None:
        return {}
    where = f"within {number(found['radius'])} of {found['inputs']} test inputs"
    return {
        "certified around": f"{number(found['error'])} {where}, one class on {found['agreement']:.0%} of these balls"
    }


def _costs(costs: dict[str, dict[str, int]]) -> str:
    """What networks cost an example, and as numbers in float32."""
    names = {"small": "the small network", "target": "target", "pruned": "pruned by magnitude to as many weights"}
    parts = [f"{name} {costs[key]['multiply_adds']:,} ({costs[key]['bytes']:,} bytes)" for key, name in names.items()]
    return ", ".join(parts)


def _open(summary: dict[str, Any]) -> str:
    """What a mask chooses from."""
    return "channels" if summary["removal"] == "channels" else "weights"


def _information(summary: dict[str, Any]) -> str:
    """What the weights alone would need, where each of them has an error of its own."""
    if summary["information_bits_mean"] is None:
        return ""
    mean, worst = summary["information_bits_mean"], summary["information_bits_per_weight"]
    return f"; log2(1/(2 e)) {mean:.1f} on average, {worst:.1f} at worst"


def _layers(rows: list[dict[str, Any]]) -> Table:
    columns = {name: key for name, key in COLUMNS.items() if any(row[key[0]] is not None for row in rows)}
    table = Table(box=None, pad_edge=False)
    table.add_column("layer", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right")
    for row in rows:
        cells = ("-" if row[key] is None else format(row[key], style) for key, style in columns.values())
        kernel = ", {} x {}".format(*row["kernel"]) if row["kernel"] != [1, 1] else ""
        table.add_row(f"{row['path']} {row['inputs']} -> {row['outputs']}{kernel}", *cells)
    return table

"""``slth demo``, and what it shares with ``slth construct``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table

from slth.cli.checks import check_out, load_data
from slth.cli.options import COMMON, Common
from slth.cli.outcome import Outcome, json_name, key_value_table, number
from slth.cli.progress import announce_compilation, note, progress

if TYPE_CHECKING:
    from slth.experiments.demo import DenseJob

REPORT_NAME = "report.html"
LONG = 60.0
"""Seconds beyond which it is said beforehand how long it will take."""


def demo(*, candidates: int = 27, common: Common = COMMON) -> Outcome:
    """Train on digits, prune a random network to match, save, reload, certify, and write report.html.

    Parameters
    ----------
    candidates
        Random products offered to each weight, 48 at most: more make errors smaller, and files and times larger.
    """
    from slth.experiments.demo import demo_job

    common = replace(common, out=common.out or Path("slth-demo"))
    return run_job(
        "demo",
        demo_job(seed=common.seed, candidates=candidates),
        common,
        data="digits",
        folders=(),
        title="A strong lottery ticket for handwritten digits",
        command=f"slth demo --seed {common.seed} --candidates {candidates}",
    )


def run_job(
    verb: str,
    job: DenseJob,
    common: Common,
    *,
    data: str,
    folders: tuple[Path, ...],
    title: str,
    command: str,
    limit: int | None = None,
    device: str = "cpu",
) -> Outcome:
    """Run a dense job, write its report, and say how it went."""
    from slth.experiments.demo import TARGET_NAME, TICKET_NAME, check_job, expected_seconds, run_dense_job

    assert common.out is not None, "the verb has chosen a folder"
    check_job(job)
    check_out(common.out, (TARGET_NAME, TICKET_NAME, REPORT_NAME, json_name(verb)))
    announce_compilation(common)
    data_set = load_data(data, folders, seed=common.seed)
    seconds = expected_seconds(job, data_set)
    if seconds > LONG:
        note(
            common,
            f"{job.method.candidates} candidates for each weight will take about {seconds / 60:.0f} min: "
            "two fewer take half as long, --verbose tells how far it is",
        )
    with progress(common) as report:
        record = run_dense_job(
            job,
            data_set,
            common.out,
            title=title,
            command=command,
            limit=limit,
            device=device,
            progress=report,
        )
        report("report", 0, 1)
        from slth.figures.report import write_report

        path = write_report(record, common.out / REPORT_NAME)
        report("report", 1, 1)
    summary = {**record.summary, "report": path}

    def show() -> list[RenderableType]:
        return [_headline(summary), "", _layers(summary["layers"]), "", f"open {path}"]

    return Outcome(verb, common, summary, show)


def _headline(summary: dict[str, Any]) -> Table:
    percent = "{:.2%}".format
    mean, worst = summary["information_bits_mean"], summary["information_bits_per_weight"]
    eps = f", asked for {number(summary['eps'])}" if summary["eps"] is not None else ""
    return key_value_table(
        {
            "target accuracy": percent(summary["target_accuracy"]),
            "ticket accuracy": f"{percent(summary['ticket_accuracy'])} (agreement {percent(summary['agreement'])})",
            "certified error": f"{number(summary['certified_error'])} for every input in {summary['input_box']}{eps}",
            "largest found": f"{number(summary['attack_error'])} by gradient ascent, "
            f"{number(summary['sampled_error'])} on {summary['examples']} test images",
            "norm bound": number(summary["norm_bound"]),
            "density": f"{percent(summary['density'])} of {summary['open_positions']:,} open random weights",
            "ticket file": f"{summary['ticket_bytes']:,} bytes, {summary['bits_per_target_weight']:.1f} bits a target "
            f"weight (log2 C(open, kept) {summary['counting_bits_per_weight']:.1f}; log2(1/(2 e)) "
            f"{mean:.1f} on average, {worst:.1f} at worst)",
            "target's own file": f"{summary['target_bytes']:,} bytes, "
            f"{summary['target_file_bits_per_weight']:.1f} bits a weight",
            "read back": f"{summary['ticket']}, sha256 of the kept weights verified",
            "seconds": f"train {summary['train_seconds']:.1f}, construct {summary['construct_seconds']:.1f}, "
            f"evaluate {summary['evaluate_seconds']:.1f}",
            "seed": summary["seed"],
        }
    )


def _layers(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("layer", no_wrap=True)
    for name in ("weights", "candidates", "density", "gain", "median error", "largest error"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            f"{row['path']} {row['inputs']} -> {row['outputs']}",
            f"{row['weights']:,}",
            str(row["candidates"]),
            f"{row['density']:.2%}",
            number(row["gain"]),
            number(row["median_error"]),
            number(row["largest_error"]),
        )
    return table

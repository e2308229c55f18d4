"""What ``slth demo`` and ``slth construct`` share: run a job, write its report, say how it went."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table

from slth.cli.checks import check_out, load_data
from slth.cli.options import Common
from slth.cli.outcome import Outcome, json_name, key_value_table, number
from slth.cli.progress import note, progress

if TYPE_CHECKING:
    from slth.experiments.conv_jobs import ConvJob
    from slth.experiments.datasets import DataSet
    from slth.experiments.demo import DenseJob
    from slth.experiments.record import TicketRecord

REPORT_NAME = "report.html"
LONG = 60.0
"""Seconds beyond which it is said beforehand how long it will take."""


def run_dense(
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
    from slth.experiments.demo import check_job, expected_seconds, run_dense_job

    check_job(job)

    def run(data_set: DataSet, folder: Path, report: Any) -> TicketRecord:
        seconds = expected_seconds(job, data_set)
        if seconds > LONG:
            note(
                common,
                f"{job.method.candidates} candidates for each weight will take about {seconds / 60:.0f} min: "
                "two fewer take half as long, --verbose tells how far it is",
            )
        return run_dense_job(
            job, data_set, folder, title=title, command=command, limit=limit, device=device, progress=report
        )

    return _run(verb, common, data, folders, run, _dense_layers)


def run_conv(
    verb: str,
    job: ConvJob,
    common: Common,
    *,
    data: str,
    folders: tuple[Path, ...],
    title: str,
    command: str,
    limit: int | None = None,
    device: str = "cpu",
) -> Outcome:
    """Run a job on a convolutional network, write its report, and say how it went."""
    from slth.experiments.conv_jobs import check_conv_job, run_conv_job

    check_conv_job(job)

    def run(data_set: DataSet, folder: Path, report: Any) -> TicketRecord:
        return run_conv_job(
            job, data_set, folder, title=title, command=command, limit=limit, device=device, progress=report
        )

    return _run(verb, common, data, folders, run, _conv_layers)


def _run(
    verb: str,
    common: Common,
    data: str,
    folders: tuple[Path, ...],
    run: Callable[[DataSet, Path, Any], TicketRecord],
    layers: Callable[[list[dict[str, Any]]], Table],
) -> Outcome:
    from slth.experiments.demo import TARGET_NAME, TICKET_NAME

    assert common.out is not None, "the verb has chosen a folder"
    check_out(common.out, (TARGET_NAME, TICKET_NAME, REPORT_NAME, json_name(verb)))
    data_set = load_data(data, folders, seed=common.seed)
    with progress(common) as report:
        record = run(data_set, common.out, report)
        report("report", 0, 1)
        from slth.figures.report import write_report

        path = write_report(record, common.out / REPORT_NAME)
        report("report", 1, 1)
    summary = {**record.summary, "report": path}

    def show() -> list[RenderableType]:
        return [_headline(summary), "", layers(summary["layers"]), "", f"open {path}"]

    return Outcome(verb, common, summary, show)


def _headline(summary: dict[str, Any]) -> Table:
    percent = "{:.2%}".format
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
            f"weight (log2 C(open, kept) {summary['counting_bits_per_weight']:.1f}{_information(summary)})",
            "target's own file": f"{summary['target_bytes']:,} bytes, "
            f"{summary['target_file_bits_per_weight']:.1f} bits a weight",
            "read back": f"{summary['ticket']}, sha256 of the kept weights verified",
            "seconds": f"train {summary['train_seconds']:.1f}, construct {summary['construct_seconds']:.1f}, "
            f"evaluate {summary['evaluate_seconds']:.1f}",
            "seed": summary["seed"],
        }
    )


def _dense_layers(rows: list[dict[str, Any]]) -> Table:
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


def _information(summary: dict[str, Any]) -> str:
    """What the weights alone would need, where each of them has an error of its own."""
    if "information_bits_mean" not in summary:
        return ""
    mean, worst = summary["information_bits_mean"], summary["information_bits_per_weight"]
    return f"; log2(1/(2 e)) {mean:.1f} on average, {worst:.1f} at worst"


def _conv_layers(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("layer", no_wrap=True)
    for name in ("dimension", "instances", "channels", "kept", "gain", "relative error", "largest error"):
        table.add_column(name, justify="right")
    for row in rows:
        height, width = row["kernel"]
        table.add_row(
            f"{row['path']} {row['inputs']} -> {row['outputs']}, {height} x {width}",
            str(row["dimensions"]),
            f"{row['instances']:,}",
            f"{row['open_channels']:,}",
            f"{row['kept_channels']:,}",
            number(row["gain"]),
            number(row["relative_error"]),
            number(row["largest_error"]),
        )
    return table

"""``slth construct attention``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from rich.console import RenderableType
from rich.table import Table

from slth.cli.app import data_folders
from slth.cli.checks import check_out, load_data
from slth.cli.jobs import REPORT_NAME
from slth.cli.options import COMMON, Common, DataDir, Device
from slth.cli.outcome import Outcome, json_name, key_value_table, number
from slth.cli.progress import progress


def attention(
    *,
    data: str = "digits",
    tokens: int | None = None,
    width: int | None = None,
    heads: int = 2,
    hidden: str | None = None,
    embedding: Literal["relu", "identity"] = "relu",
    residual: bool = True,
    candidates: int | None = None,
    epochs: int | None = None,
    limit: int | None = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    common: Common = COMMON,
) -> Outcome:
    """Train one attention block on rows of images, find its ticket in a random one, certify.

    Writes net.ticket, target.safetensors, report.html and a JSON summary; they name what is not approximated.

    Parameters
    ----------
    data
        digits, mnist, fashion-mnist or cifar10.
    tokens
        Tokens that an input is cut into; the rows of an image where not given.
    width
        Numbers of an embedded token, a multiple of --heads; 24 for small data sets, 32 for others.
    hidden
        Hidden layer sizes of the read-out, as 64,32; empty for none. 32 for small data sets, 64 for others.
    residual
        Whether tokens are added to what attention gives.
    candidates
        Random products offered to each entry, 48 at most; 30 for small data sets, 34 for others.
    epochs
        Of training the target; 80 for small data sets, 12 for others.
    limit
        At most so many training and test examples, for a quick look.
    """
    from slth.cli.construct import hidden_sizes
    from slth.experiments.attention import TARGET_NAME, TICKET_NAME, attention_job, run_attention_job, tokens_of
    from slth.networks.devices import resolve_device

    common = replace(common, out=common.out or Path("runs") / f"{data}-attention")
    assert common.out is not None
    check_out(common.out, (TARGET_NAME, TICKET_NAME, REPORT_NAME, json_name("construct attention")))
    data_set = load_data(data, data_folders(data_dir), seed=common.seed)
    job = attention_job(data_set, seed=common.seed, candidates=candidates)
    job = replace(
        job,
        tokens=tokens,
        width=job.width if width is None else width,
        heads=heads,
        hidden=job.hidden if hidden is None else hidden_sizes(hidden),
        embedding=embedding,
        residual=residual,
        training=job.training if epochs is None else replace(job.training, epochs=epochs),
    )
    tokens_of(job, data_set)
    command = f"slth construct attention --data {data} --width {job.width} --heads {heads}"
    command += (
        f" --hidden {','.join(map(str, job.hidden))} --embedding {embedding}{'' if residual else ' --no-residual'}"
    )
    command += f" --candidates {job.method.candidates} --epochs {job.training.epochs} --seed {common.seed}"
    with progress(common) as report:
        record = run_attention_job(
            job, data_set, common.out, command=command, limit=limit, device=resolve_device(device), progress=report
        )

        report("report", 0, 1)
        from slth.figures.report import write_report

        path = write_report(record, common.out / REPORT_NAME)
        report("report", 1, 1)
    summary = {**record.summary, "report": path}

    def show() -> list[RenderableType]:
        return [
            _headline(summary),
            "",
            _layers(summary["layers"]),
            "",
            *summary["not_approximated"],
            "",
            f"open {path}",
        ]

    return Outcome("construct attention", common, summary, show)


def _headline(summary: dict[str, Any]) -> Table:
    return key_value_table(
        {
            "target accuracy": f"{summary['target_accuracy']:.2%}",
            "ticket accuracy": f"{summary['ticket_accuracy']:.2%}",
            "certified error": f"{number(summary['certified_error'])} (by the paper's softmax lemma "
            f"{number(summary['lemma_certified_error'])})",
            "sampled error": number(summary["sampled_error"]),
            "attack error": number(summary["attack_error"]),
            "ticket": f"{summary['ticket']}, {summary['ticket_bytes']} bytes",
        }
    )


def _layers(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("layer", no_wrap=True)
    for name in ("weights", "candidates", "density", "gain", "median error", "largest error"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            row["path"],
            f"{row['weights']:,}",
            str(row["candidates"]),
            f"{row['density']:.2%}",
            number(row["gain"]),
            number(row["median_error"]),
            number(row["largest_error"]),
        )
    return table

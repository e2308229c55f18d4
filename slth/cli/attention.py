"""``slth construct attention``."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from slth.cli.checks import load_data
from slth.cli.construct import hidden_sizes
from slth.cli.jobs import run_job
from slth.cli.options import COMMON, Common, DataDir, Device
from slth.cli.outcome import Outcome
from slth.cli.places import data_folders


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
    from slth.jobs.attention import attention_job
    from slth.networks.devices import resolve_device

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
    command = f"slth construct attention --data {data} --width {job.width} --heads {heads}"
    command += (
        f" --hidden {','.join(map(str, job.hidden))} --embedding {embedding}{'' if residual else ' --no-residual'}"
    )
    command += f" --candidates {job.method.candidates} --epochs {job.training.epochs} --seed {common.seed}"
    outcome = run_job(
        "construct attention",
        job,
        common,
        data_set,
        title=f"{data}: a strong lottery ticket for an attention block",
        command=command,
        limit=limit,
        device=resolve_device(device),
    )
    return replace(outcome, data={**outcome.data, "command": command})

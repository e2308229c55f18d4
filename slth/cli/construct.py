"""``slth construct dense``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from slth.cli.app import data_folders
from slth.cli.demo import run_job
from slth.cli.options import COMMON, Common, DataDir, Device
from slth.cli.outcome import Outcome
from slth.errors import ArgumentError


def dense(
    *,
    data: str = "digits",
    hidden: str = "64,32",
    candidates: int | None = None,
    eps: float | None = None,
    delta: float | None = None,
    gain: Annotated[str, Parameter(help="auto, unit, or a number that outputs are multiplied by.")] = "auto",
    depth: Literal["double", "plus-one"] = "double",
    bias: bool = True,
    epochs: int = 20,
    batch_size: int = 64,
    learning_rate: float = 0.05,
    limit: int | None = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    common: Common = COMMON,
) -> Outcome:
    """Train a fully connected network, find its ticket in a random one, certify, and write a report.

    Give --candidates, or --eps and --delta. Writes net.ticket, target.safetensors, report.html and a JSON summary.

    Parameters
    ----------
    data
        digits, synthetic, mnist, fashion-mnist or cifar10.
    hidden
        Hidden layer sizes, as 64,32; empty for none.
    candidates
        Random products offered to each weight, 48 at most (20 where neither this nor --eps is given).
    eps
        Certified error to reach.
    delta
        Probability that the first number of candidates does not suffice; with --eps (0.01 by default).
    depth
        double: two random layers for each; plus-one: one more than the target has.
    bias
        Whether the target has biases.
    epochs
        Of training the target.
    limit
        At most so many training and test examples, for a quick look.
    """
    from slth.constructions import Dense
    from slth.experiments.demo import DenseJob
    from slth.networks.devices import resolve_device
    from slth.training import Training

    sizes = _sizes(hidden)
    if eps is not None and delta is None:
        delta = 0.01
    if candidates is None and eps is None:
        candidates = 20
    method = Dense(candidates=candidates, eps=eps, delta=delta, gain=_gain(gain), depth=depth)
    training = Training(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
    common = replace(common, out=common.out or Path("runs") / f"{data}-dense")
    asked = f"--candidates {candidates}" if eps is None else f"--eps {eps:g} --delta {delta:g}"
    command = f"slth construct dense --data {data} --hidden {hidden} {asked} --gain {gain} --depth {depth}"
    command += f"{'' if bias else ' --no-bias'} --epochs {epochs} --seed {common.seed}"
    return run_job(
        "construct dense",
        DenseJob(sizes, method, training, bias=bias, seed=common.seed),
        common,
        data=data,
        folders=data_folders(data_dir),
        title=f"{data}: a strong lottery ticket for a fully connected network",
        command=command,
        limit=limit,
        device=resolve_device(device),
    )


def _sizes(text: str) -> tuple[int, ...]:
    if not text.strip():
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ArgumentError("hidden", text, "must be numbers with commas", "write sizes such as 64,32") from None


def _gain(text: str) -> Literal["auto", "unit"] | float:
    if text == "auto":
        return "auto"
    if text == "unit":
        return "unit"
    try:
        return float(text)
    except ValueError:
        raise ArgumentError("gain", text, "must be auto, unit or a number", "leave it out for auto") from None

"""``slth construct dense``, ``conv`` and ``structured``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from slth.cli.checks import load_data
from slth.cli.jobs import run_job
from slth.cli.options import COMMON, Common, DataDir, Device
from slth.cli.outcome import Outcome
from slth.cli.places import data_folders
from slth.errors import ArgumentError

if TYPE_CHECKING:
    from slth.constructions import Conv, Structured

LONG = 1.0
"""Minutes beyond which it is said beforehand how long it will take."""


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
    from slth.jobs.dense_jobs import DenseJob, expected_seconds
    from slth.networks.devices import resolve_device
    from slth.training import Cosine, Recipe

    sizes = hidden_sizes(hidden)
    if eps is not None and delta is None:
        delta = 0.01
    if candidates is None and eps is None:
        candidates = 20
    method = Dense(candidates=candidates, eps=eps, delta=delta, gain=_gain(gain), depth=depth)
    training = Recipe(epochs=epochs, batch_size=batch_size, schedule=Cosine(learning_rate))
    job = DenseJob(sizes, method, training, bias=bias, seed=common.seed)
    data_set = load_data(data, data_folders(data_dir), seed=common.seed)
    minutes = expected_seconds(job, data_set) / 60.0
    warning = (
        f"{candidates} candidates for each weight will take about {minutes:.0f} min: "
        "two fewer take half as long, --verbose tells how far it is"
    )
    asked = f"--candidates {candidates}" if eps is None else f"--eps {eps:g} --delta {delta:g}"
    command = f"slth construct dense --data {data} --hidden {hidden} {asked} --gain {gain} --depth {depth}"
    command += f"{'' if bias else ' --no-bias'} --epochs {epochs} --seed {common.seed}"
    return run_job(
        "construct dense",
        job,
        common,
        data_set,
        title=f"{data}: a strong lottery ticket for a fully connected network",
        command=command,
        limit=limit,
        device=resolve_device(device),
        warning=warning if minutes > LONG else None,
    )


Model = Literal["small-cnn", "lenet5", "cnn6"]


def structured(
    *,
    model: Model = "small-cnn",
    data: str | None = None,
    channels: str = "2000",
    size: int | None = None,
    gain: Annotated[str, Parameter(help="auto, unit, theorem, or a number that outputs are multiplied by.")] = "auto",
    beam: int = 8,
    epochs: int | None = None,
    limit: int | None = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    common: Common = COMMON,
) -> Outcome:
    """Train a convolutional network, remove whole channels of a random one to match, certify, and write a report.

    Writes net.ticket, target.safetensors, report.html and a JSON summary.

    Parameters
    ----------
    model
        The reference of two convolutions, LeNet-5, or six convolutions with batch normalisation.
    data
        digits, mnist, fashion-mnist or cifar10; by default fashion-mnist, mnist and cifar10 in the order of the models.
    channels
        The theorem's n for all layers, or one for each as 10000,10000,2000: 2n random channels for each input channel.
    size
        Keep exactly so many channels for each input channel and sign.
    beam
        Annealing walks of each pursuit, of which the best is kept.
    epochs
        Of training the target; the model's recipe by default.
    limit
        At most so many training and test examples, for a quick look.
    """
    from slth.constructions import Structured

    method = Structured(channels=_numbers("channels", channels), size=size, gain=_gain(gain, "theorem"), beam=beam)
    asked = f"--channels {channels} --gain {gain} --beam {beam}{'' if size is None else f' --size {size}'}"
    return _convolutional("structured", model, data, method, asked, epochs, limit, data_dir, device, common)


def conv(
    *,
    model: Model = "small-cnn",
    data: str | None = None,
    candidates: int = 20,
    gain: Annotated[str, Parameter(help="auto, unit, or a number that outputs are multiplied by.")] = "auto",
    epochs: int | None = None,
    limit: int | None = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    common: Common = COMMON,
) -> Outcome:
    """Train a convolutional network, find each entry of its kernels in a random one, certify, and write a report.

    Writes net.ticket, target.safetensors, report.html and a JSON summary.

    Parameters
    ----------
    model
        The reference of two convolutions, LeNet-5, or six convolutions with batch normalisation.
    data
        digits, mnist, fashion-mnist or cifar10; by default fashion-mnist, mnist and cifar10 in the order of the models.
    candidates
        Random products offered to each entry, 48 at most.
    epochs
        Of training the target; the model's recipe by default.
    limit
        At most so many training and test examples, for a quick look.
    """
    from slth.constructions import Conv

    asked = f"--candidates {candidates} --gain {gain}"
    method = Conv(candidates=candidates, gain=_gain(gain))
    return _convolutional("conv", model, data, method, asked, epochs, limit, data_dir, device, common)


def _convolutional(
    kind: str,
    model: str,
    data: str | None,
    method: Structured | Conv,
    asked: str,
    epochs: int | None,
    limit: int | None,
    data_dir: Path | None,
    device: str,
    common: Common,
) -> Outcome:
    from slth.jobs.conv_jobs import ConvJob
    from slth.networks.devices import resolve_device
    from slth.training import TARGETS

    target = TARGETS[model]
    name = target.data if data is None else data
    training = target.recipe if epochs is None else replace(target.recipe, epochs=epochs)
    command = f"slth construct {kind} --model {model} --data {name} {asked} --epochs {training.epochs}"
    titles = {"structured": "a structured strong lottery ticket", "conv": "a strong lottery ticket, entry by entry"}
    return run_job(
        f"construct {kind}",
        # Which channels are kept depends on where they are searched: on a GPU only if one is asked for by name.
        ConvJob(model, method, training, seed=common.seed, device="cuda" if device == "cuda" else "cpu"),
        common,
        load_data(name, data_folders(data_dir), seed=common.seed),
        title=f"{name}: {titles[kind]} for {model}",
        command=f"{command} --seed {common.seed}" + (" --device cuda" if device == "cuda" else ""),
        limit=limit,
        device=resolve_device(device),
    )


def _numbers(argument: str, text: str) -> int | list[int]:
    """One number for all layers, or one for each."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        remedy = "write one number such as 2000, or one for each layer"
        raise ArgumentError(argument, text, "must be whole numbers with commas", remedy) from None
    return numbers[0] if len(numbers) == 1 else numbers


def hidden_sizes(text: str) -> tuple[int, ...]:
    """Hidden layer sizes, as 64,32; none for an empty text."""
    if not text.strip():
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ArgumentError("hidden", text, "must be numbers with commas", "write sizes such as 64,32") from None


def _gain(text: str, *more: str) -> Any:
    if text in ("auto", "unit", *more):
        return text
    try:
        return float(text)
    except ValueError:
        rule = f"must be {', '.join(('auto', 'unit', *more))} or a number"
        raise ArgumentError("gain", text, rule, "leave it out for auto") from None

"""``slth construct per-weight``, ``structured`` and ``shallow``: one verb a theorem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from slth.cli.jobs import run_job
from slth.cli.options import COMMON, Common
from slth.cli.outcome import Outcome
from slth.cli.progress import note
from slth.cli.targets import Target, command_text
from slth.errors import ArgumentError

if TYPE_CHECKING:
    from slth.constructions import Method
    from slth.graphs import Graph

LONG = 1.0
"""Minutes beyond which it is said beforehand how long it will take."""
SECONDS_A_STEP = 2e-8
"""Of one core, for each of the 2**(candidates / 2) steps that one weight takes: measured 1e-8 to 3e-8 up to 48."""
MOST_CANDIDATES, USUAL_DELTA = 48, 0.01
TARGET = Target()


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Sums:
    """How many candidates the subset sum of a weight has: a number, or as many as an error takes."""

    candidates: Annotated[int | None, Parameter(help="Random numbers offered to each weight; 20 by default.")] = None
    eps: Annotated[float | None, Parameter(help="Error to certify, in the place of --candidates.")] = None
    delta: Annotated[float | None, Parameter(help="With --eps: probability of failure that is allowed.")] = None
    gain: Annotated[str, Parameter(help="auto, unit, or a number that outputs are multiplied by.")] = "auto"

    def given(self, usual: int) -> dict[str, Any]:
        """Return candidates, eps and delta; refuse what takes no end, for exact search doubles its time every two."""
        if self.candidates is not None and self.candidates > MOST_CANDIDATES:
            rule = f"is more than the {MOST_CANDIDATES} that exact search takes, and its time doubles with every two"
            raise ArgumentError("candidates", self.candidates, rule, "20 to 36 take seconds to minutes")
        if self.candidates is None and self.eps is None and self.delta is None:
            return {"candidates": usual, "eps": None, "delta": None}
        delta = USUAL_DELTA if self.eps is not None and self.delta is None else self.delta
        return {"candidates": self.candidates, "eps": self.eps, "delta": delta}


SUMS = Sums()


def per_weight(*, sums: Sums = SUMS, target: Target = TARGET, common: Common = COMMON) -> Outcome:
    """Train a network, find every weight of it as a subset sum in a random one, certify, and write a report.

    Give --candidates, or --eps and --delta. Writes net.ticket, target.safetensors, report.html and a JSON summary.
    """
    from slth.constructions import PerWeight

    target = target.chosen("mlp")
    values = sums.given(30 if target.model == "attention" else 20)
    method = PerWeight(**values, gain=_gain(sums.gain))
    return _run("per-weight", method, target, {**values, "gain": sums.gain}, common)


def shallow(*, sums: Sums = SUMS, target: Target = TARGET, common: Common = COMMON) -> Outcome:
    """Train a chain of linear layers, find it in a random network of one layer more, certify, and write a report.

    Give --candidates, or --eps and --delta. Writes net.ticket, target.safetensors, report.html and a JSON summary.
    """
    from slth.constructions import Shallow

    values = sums.given(20)
    method = Shallow(**values, gain=_gain(sums.gain))
    return _run("shallow", method, target.chosen("mlp"), {**values, "gain": sums.gain}, common)


def structured(
    *,
    channels: Annotated[
        str | None, Parameter(help="Channels n for each input, of either sign; or a number a layer.")
    ] = None,
    eps: Annotated[float | None, Parameter(help="Error to certify, in the place of --channels.")] = None,
    size: Annotated[int | None, Parameter(help="Channels that each sum keeps; any number by default.")] = None,
    gain: Annotated[str, Parameter(help="auto, unit, theorem, or a number that outputs are multiplied by.")] = "auto",
    beam: Annotated[int | None, Parameter(help="Alternatives of a pursuit; 8, or 2 where it takes seconds.")] = None,
    target: Target = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Train a network, remove whole channels of a random one to match, certify, and write a report.

    Give --channels (2000 by default), or the error to certify as --eps: then layers get as many as that takes.
    Interrupted, the same command goes on from the last layer. Writes net.ticket, target.safetensors, report.html and a
    JSON summary.
    """
    from slth.constructions import Structured

    given = "2000" if channels is None and eps is None else channels
    counts = None if given is None else _numbers("channels", given)
    method = Structured(channels=counts, size=size, gain=_gain(gain, "theorem"), beam=beam, eps=eps)
    values = {"channels": given, "eps": eps, "size": size, "gain": gain, "beam": beam}
    return _run("structured", method, target.chosen("small-cnn"), values, common)


_TITLES = {
    "per-weight": "a strong lottery ticket, weight by weight",
    "shallow": "a strong lottery ticket of one layer more",
    "structured": "a structured strong lottery ticket",
}


def _run(kind: str, method: Method, target: Target, values: dict[str, Any], common: Common) -> Outcome:
    from slth.jobs.pipeline import Job
    from slth.networks.devices import resolve_device

    model = target.described()
    data = target.load(model, seed=common.seed)
    # Which channels are kept depends on where they are searched: on a GPU only if one is asked for by name.
    place = "cuda" if target.device == "cuda" and kind == "structured" else "cpu"
    trained_on = resolve_device(target.device)
    recipe = target.recipe(model, data)
    job = Job(model, method, recipe, target.weights, common.seed, place, trained_on, target.limit)
    return run_job(
        f"construct {kind}",
        job,
        data,
        common,
        title=f"{data.name}: {_TITLES[kind]} for {model.name}",
        command=command_text(f"construct {kind}", target, values, seed=common.seed),
        before=lambda graph: _warn(common, values.get("candidates"), graph),
    )


def _warn(common: Common, candidates: int | None, graph: Graph) -> None:
    """Forecast roughly how long subset sums take on all cores, and say so where it is long."""
    from slth.resources import thread_count

    if candidates is None:
        return
    minutes = graph.parameters * 2.0 ** (candidates / 2) * SECONDS_A_STEP / thread_count(None) / 60.0
    if minutes > LONG:
        forecast = f"{candidates} candidates for each weight will take about {minutes:.0f} min"
        note(common, f"{forecast}: two fewer take half as long, --verbose tells how far it is")


def _numbers(argument: str, text: str) -> int | list[int]:
    """One number for all layers, or one for each."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        remedy = "write one number such as 2000, or one for each layer"
        raise ArgumentError(argument, text, "must be whole numbers with commas", remedy) from None
    return numbers[0] if len(numbers) == 1 else numbers


def _gain(text: str, *more: str) -> Any:
    if text in ("auto", "unit", *more):
        return text
    try:
        return float(text)
    except ValueError:
        rule = f"must be {', '.join(('auto', 'unit', *more))} or a number"
        raise ArgumentError("gain", text, rule, "leave it out for auto") from None

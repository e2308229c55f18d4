"""``slth train``: trainable tickets, masks whose survivors are trained."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from slth.cli.options import COMMON, FLAG, Common
from slth.cli.outcome import Outcome
from slth.cli.searching import Scope
from slth.cli.targets import Trained
from slth.cli.training import MODEL, START, TARGET, Start, names, run_levels
from slth.errors import ArgumentError

if TYPE_CHECKING:
    from slth.training import Recipe

Kept = Annotated[float, Parameter(help="kept / total of the weights that may be removed, below 1.")]
Share = Annotated[Scope, Parameter(help="Each layer keeps its share, or all weights are ranked together.")]
Spared = Annotated[
    str, Parameter(help="Weights that are kept whole, by names or patterns, as fc3.weight,*.downsample.*")
]


def imp(
    *,
    rate: Annotated[float, Parameter(help="Share of what is left that each level removes.")] = 0.2,
    levels: Annotated[int | None, Parameter(help="Levels behind the dense one; 10 by default.")] = None,
    density: Annotated[
        float | None, Parameter(help="Instead of levels: kept / total of the weights that may be removed, at the end.")
    ] = None,
    scope: Annotated[
        Scope, Parameter(help="All weights are ranked together, or each layer loses its share.")
    ] = "global",
    rates: Annotated[
        str,
        Parameter(
            help="Other rates of some weights, by names or patterns, as fc3.weight=0.1,conv*=0.3; --scope layer."
        ),
    ] = "",
    spared: Spared = "",
    rewind: Annotated[int, Parameter(help="Step of dense training that levels go back to; 0: the first weights.")] = 0,
    reset: Annotated[
        Literal["init", "rewind", "learning-rate", "none"] | None,
        Parameter(
            help="Weights go back to the first or to those of --rewind, which is the default; the learning rate alone "
            "goes back to that step; or nothing does (fine-tuning)."
        ),
    ] = None,
    tuning_epochs: Annotated[
        int | None, Parameter(help="Of fine-tuning (--reset none); as many as those of training by default.")
    ] = None,
    tuning_rate: Annotated[
        float | None,
        Parameter(help="Largest of fine-tuning, in half a cosine; a tenth of that of training by default."),
    ] = None,
    branches: Annotated[
        str,
        Parameter(help="What is trained beside each level: some of reinitialised,shuffled,random,signs."),
    ] = "",
    published_count: Annotated[
        bool, Parameter(help="Remove one weight more a level, and count spared ones, as open_lth does.", **FLAG)
    ] = False,
    start: Start = START,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Train, remove the smallest weights, go back, and again: iterative magnitude pruning.

    A tenth of the training examples is held out; accuracy is measured on the test set. Every level is written to the
    folder `levels` (weights and masks, safetensors): the same command goes on from there, also to more levels. Writes
    masks.safetensors, net.ticket (seed and masks of the last level: where its training began), report.html and the
    summary.
    """
    from slth.trainable import IMP

    options = {
        "rate": rate, "levels": levels, "density": density, "scope": scope, "rates": rates, "spared": spared,
        "rewind": rewind, "reset": reset, "tuning_epochs": tuning_epochs, "tuning_rate": tuning_rate,
        "branches": branches, "published_count": published_count,
    }  # fmt: skip
    method = IMP(
        rate=rate,
        levels=levels,
        density=density,
        scope=scope,
        rates=_rates(rates),
        spared=names(spared),
        tuning=_tuning(target, reset, tuning_epochs, tuning_rate),
        reset=reset or ("rewind" if rewind else "init"),
        rewind=rewind,
        branches=names(branches),  # type: ignore[arg-type]
        published_count=published_count,
    )
    told = {key: value for key, value in options.items() if value not in (None, "", 0) and value is not False}
    return run_levels("imp", method, told, start, target, common)


def colt(
    *,
    rate: Annotated[float, Parameter(help="Share of what is left that each part removes.")] = 0.2,
    levels: Annotated[int, Parameter(help="Levels behind the dense one.")] = 5,
    scope: Annotated[
        Scope, Parameter(help="All weights are ranked together, or each layer loses its share.")
    ] = "global",
    spared: Spared = "",
    start: Start = START,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Prune what trainings on two halves of the classes agree on, level by level (overlapping tickets, COLT).

    What both halves keep goes back to the first weights and is trained on all classes. The same command goes on where
    it was stopped, also to more levels.
    """
    from slth.trainable import COLT

    method = COLT(rate, levels, scope, names(spared))
    options = {"rate": rate, "levels": levels, "scope": scope, "spared": spared or None}
    return run_levels("colt", method, options, start, target, common)


def iht(
    *,
    density: Kept = 0.1,
    cycles: Annotated[int, Parameter(help="How often weights are removed and return.")] = 3,
    scope: Share = "layer",
    spared: Spared = "",
    start: Start = START,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Train dense, then in cycles: the largest weights alone, and all of them again (iterative hard thresholding).

    Beside it the first sparse network is trained on. Where weights return, training begins at a tenth of the rate. The
    same command goes on where it was stopped, also to more cycles.
    """
    from slth.trainable import IHT

    method = IHT(density=density, cycles=cycles, scope=scope, spared=names(spared))
    options = {"density": density, "cycles": cycles, "scope": scope, "spared": spared or None}
    return run_levels("iht", method, options, start, target, common)


def dsd(
    *,
    density: Kept = 0.7,
    scope: Share = "layer",
    spared: Spared = "",
    start: Start = START,
    target: Trained = TARGET,
    common: Common = COMMON,
) -> Outcome:
    """Train dense, then the largest weights alone, then all of them again: the removed return at zero (DSD).

    Beside it the sparse network is trained as long. Where weights return, training begins at a tenth of the rate. The
    same command goes on where it was stopped.
    """
    from slth.trainable import DSD

    options = {"density": density, "scope": scope, "spared": spared or None}
    return run_levels("dsd", DSD(density=density, scope=scope, spared=names(spared)), options, start, target, common)


def _rates(text: str) -> dict[str, float]:
    """Return the rates of weights between commas."""
    try:
        return {name.strip(): float(rate) for name, _, rate in (part.rpartition("=") for part in names(text))}
    except ValueError:
        raise ArgumentError("rates", text, "must be rates of weights", "write them as fc3.weight=0.1") from None


def _tuning(target: Trained, reset: str | None, epochs: int | None, rate: float | None) -> Recipe | None:
    """Return the recipe of fine-tuning, if anything is said of it: that of training but for what is said."""
    from slth.jobs.training import recipe_of
    from slth.trainable import IMP
    from slth.training import Cosine

    for name, given in (("tuning_epochs", epochs), ("tuning_rate", rate)):
        if given is not None and reset != "none":
            raise ArgumentError(name, given, "is of fine-tuning", "add --reset none, or leave it out")
        if given is not None and not given > 0:
            raise ArgumentError(name, given, "must be positive", "leave it out for what is usual")
    if epochs is None and rate is None:
        return None
    recipe = target.changed(recipe_of(target.chosen(MODEL).described(), IMP()))
    first = recipe.schedule.rate(0, 1, recipe.epochs) / 10.0 if rate is None else rate
    return replace(recipe, epochs=recipe.epochs if epochs is None else epochs, schedule=Cosine(first))

"""Which tickets planted in random networks are found again, by searches and by baselines, and how good others are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slth.errors import ConstructionError
from slth.grids.context import Context
from slth.jobs.methods import METHODS, method_of
from slth.networks import kept_count, mlp
from slth.networks.threads import threads_for
from slth.rng import Stream, WeightLaw
from slth.searches import Baseline, MiCA, Planted, SearchResult, plant, prune, search
from slth.training import Adam, Cosine, Recipe

if TYPE_CHECKING:
    from torch import nn

HELD_OUT = 1024


def plant_and_recover(cell: Mapping[str, Any], *, seed: int, context: Context) -> list[dict[str, Any]]:
    r"""Plant a ticket among ``units`` of ``units * ratio`` hidden units of each layer, and let each method look for it.

    ``density`` is that of the planted ticket between the units that it uses; methods are told how many weights of each
    layer were planted (with ``scope=global`` how many in all). Inputs are Gaussian, targets what the planted ticket
    answers, and the loss is relative to their variance. A method is its name with options: "edge-popup scope=global".
    Scores are trained by Adam at ``rate``; a method that has a recipe of its own keeps that but for the epochs, and
    is told how many weights were planted in all. A search ends as "collapsed" where it keeps no weight of a layer.
    """
    del context
    module = mlp(_sizes(cell, cell["units"] * cell["ratio"]), bias=False)
    small = mlp(_sizes(cell, cell["units"]), bias=False)
    wide, used = ([one.numel() for one in net.parameters()] for net in (module, small))
    kept = [kept_count(cell["density"], count) for count in used]
    inputs, held = (
        Stream(seed, f"plant_and_recover/{name}").normal(0, count * cell["inputs"]).reshape(count, -1)
        for name, count in (("inputs", cell["examples"]), ("held", HELD_OUT))
    )
    shares = {
        name: count / total for (name, _), count, total in zip(module.named_parameters(), kept, wide, strict=True)
    }
    rows: list[dict[str, Any]] = []
    with threads_for(0):
        law = WeightLaw(cell["law"])
        planted = plant(module, inputs, density=shares, method=MiCA(units=cell["units"]), law=law, seed=seed)
        for method in cell["methods"]:
            row = {"method": method, "collapsed": 1, "kept": 0, "found": 0, "share": 0.0, "error": None}
            try:
                found = _sought(method, module, planted, kept, wide, cell)
            except ConstructionError:  # a layer lost all its weights: nothing is computed any more
                pass
            else:
                got = planted.recovery(found.ticket, held)
                row |= {"collapsed": 0, "kept": got.kept, "found": got.found, "share": got.share, "error": got.error}
            rows.append(row)
    total = {"planted": sum(kept), "weights": sum(wide), "chance": planted.recovery(planted.ticket).chance}
    return [{**row, **total} for row in rows]


def _sizes(cell: Mapping[str, Any], width: int) -> list[int]:
    return [cell["inputs"], *[width] * cell["layers"], cell["outputs"]]


def _sought(
    text: str, module: nn.Module, planted: Planted, kept: Sequence[int], wide: Sequence[int], cell: Mapping[str, Any]
) -> SearchResult:
    """Look for a planted ticket by a method in words."""
    name, *words = text.split()
    options = {key: _value(value) for key, _, value in (word.partition("=") for word in words)}
    # A quarter of a weight less than were planted: that many under each rule of rounding.
    shares = {path: (count - 0.25) / total for path, count, total in zip(planted.masks, kept, wide, strict=True)}
    usual = METHODS[name].usual if name in METHODS else None
    together = usual is not None or options.get("scope") == "global"
    density = (sum(kept) - 0.25) / sum(wide) if together else shares
    method, others = method_of(name, module, {**options, "density": density})
    given: dict[str, Any] = {"law": planted.source.law, "seed": planted.source.seed}
    if isinstance(method, Baseline):
        return prune(module, planted.data, method, loss=planted.loss, **others, **given)
    recipe = usual or Recipe(schedule=Cosine(cell["rate"]), batch_size=128, optimizer=Adam())
    recipe = replace(recipe, epochs=cell["epochs"], loss=planted.loss)
    return search(module, planted.data, method, recipe=recipe, **given)


def _value(text: str) -> Any:
    """Return an option's number or truth value, or its word."""
    try:
        return json.loads(text)
    except ValueError:
        return text

"""The trained networks that benchmark tasks start from, each trained once for all cells that differ in what follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from slth.benchmarks.contenders import Cell, Declined
from slth.data.data_set import DataSet
from slth.data.datasets import load
from slth.errors import DataError
from slth.graphs import Graph

_OPTIONS = ("hidden", "bias")


@dataclass(frozen=True)
class _Shown:
    """A data set that a cache compares by its digest."""

    digest: str
    data: DataSet = field(compare=False)


def target_of(cell: Cell, seed: int) -> tuple[DataSet, Graph]:
    """Return the data set of a cell and the network that was trained on it."""
    from slth.jobs.models import model_of

    name = cell.get("model", "mlp")
    try:
        data = load(cell.get("data", model_of(name).data), data_dir=cell.get("data_dir"))
    except DataError as missing:
        raise Declined(str(missing)) from missing
    given = ((key, cell[key]) for key in _OPTIONS if key in cell)
    options = tuple((key, tuple(value) if isinstance(value, list) else value) for key, value in given)
    return data, _trained(_Shown(data.provenance["arrays_sha256"], data), name, options, cell.get("epochs"), seed)


@lru_cache(maxsize=4)
def _trained(shown: _Shown, name: str, options: tuple[tuple[str, Any], ...], epochs: int | None, seed: int) -> Graph:
    from slth.jobs.models import model_of, train_target
    from slth.training import Cosine, Recipe

    recipe = None if epochs is None else Recipe(epochs=epochs, batch_size=128, schedule=Cosine(0.1))
    return train_target(model_of(name, dict(options)), shown.data, recipe=recipe, seed=seed)

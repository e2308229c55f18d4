"""From the names of the command line to engines."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from slth.errors import ArgumentError, did_you_mean
from slth.grids.engines.base import Engine
from slth.grids.engines.cluster import Dask, Slurm
from slth.grids.engines.local import Loky, Serial

ENGINES: dict[str, type[Serial | Loky | Dask | Slurm]] = {
    "serial": Serial,
    "loky": Loky,
    "dask": Dask,
    "slurm": Slurm,
}
"""What ``--engine`` takes."""


def make_engine(name: str, **options: Any) -> Engine:
    """Make an engine from its name and those of its options that are given; None stands for none."""
    if name not in ENGINES:
        raise ArgumentError("engine", name, "is not an engine", did_you_mean(name, ENGINES))
    given = {option: value for option, value in options.items() if value not in (None, ())}
    if name == "serial" and given.get("jobs") == 1:
        del given["jobs"]
    for option, value in given.items():
        if option not in _options(name):
            meant = next(other for other in ENGINES if option in _options(other))
            raise ArgumentError(option, value, f"is of no use to the engine {name}", f"add --engine {meant}")
    return ENGINES[name](**given)


def _options(name: str) -> set[str]:
    return {field.name for field in fields(ENGINES[name])}

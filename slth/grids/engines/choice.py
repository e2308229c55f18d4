"""From the names of the command line to engines."""

from __future__ import annotations

from dataclasses import fields, replace

from slth.errors import ArgumentError, did_you_mean
from slth.grids.engines.base import Engine
from slth.grids.engines.cluster import Dask, Slurm
from slth.grids.engines.local import Loky, Serial

ENGINES = ("serial", "loky", "dask", "slurm")
"""What ``--engine`` takes."""


def make_engine(
    name: str, *, jobs: int | None = None, address: str | None = None, slurm: Slurm | None = None
) -> Engine:
    """Make an engine from its name and options."""
    if name not in ENGINES:
        raise ArgumentError("engine", name, "is not an engine", did_you_mean(name, ENGINES))
    if address is not None and name != "dask":
        raise ArgumentError("address", address, f"is of no use to the engine {name}", "add --engine dask")
    if slurm is not None and name != "slurm":
        for field in fields(slurm):
            if (value := getattr(slurm, field.name)) != field.default:
                raise ArgumentError(field.name, value, f"is of no use to the engine {name}", "add --engine slurm")
    if name == "serial":
        if jobs not in (None, 1):
            raise ArgumentError("jobs", jobs, "is of no use to the engine serial", "use --engine loky")
        return Serial()
    if name == "loky":
        return Loky(jobs=jobs)
    if name == "dask":
        return Dask(jobs=jobs, address=address)
    options = slurm or Slurm()
    return options if jobs is None else replace(options, jobs=jobs)

"""Options of the verbs that run experiments: where the work is done, and how far one goes now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from slth.cli.endings import Terminated
from slth.cli.options import FLAG, Common, DataDir, Device
from slth.cli.places import data_folders
from slth.cli.progress import note

if TYPE_CHECKING:
    from slth.grids.results import ResultTable
    from slth.grids.run import Computation

EngineName = Literal["serial", "loky", "dask", "slurm"]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Work:
    """Where items are computed, and which."""

    engine: Annotated[
        EngineName,
        Parameter(help="This process, processes of this machine, a Dask cluster, or jobs of SLURM; same values."),
    ] = "loky"
    jobs: Annotated[int | None, Parameter(help="Workers: one for each core by default, for slurm 1 job.")] = None
    address: Annotated[
        str | None, Parameter(help="With --engine dask: a running scheduler, tcp://host:port or its scheduler file.")
    ] = None
    queue: Annotated[str | None, Parameter(help="With --engine slurm: partition.")] = None
    account: Annotated[str | None, Parameter(help="With --engine slurm: account.")] = None
    walltime: Annotated[str | None, Parameter(help="With --engine slurm: time of a job, 01:00:00 by default.")] = None
    memory: Annotated[str | None, Parameter(help="With --engine slurm: memory of a job, 4GB by default.")] = None
    directive: Annotated[
        tuple[str, ...], Parameter(negative="", help="With --engine slurm: further #SBATCH lines, such as --qos=long.")
    ] = ()

    full: Annotated[bool, Parameter(help="The larger grid that a specification may have.", **FLAG)] = False
    resume: Annotated[bool, Parameter(help="Go on with what is there; else it is set aside.")] = True
    repair: Annotated[
        bool, Parameter(help="Compute again what is damaged in a results file, which is set aside.", **FLAG)
    ] = False
    data_dir: DataDir = None
    device: Device = "cpu"

    def computation(self, *, limit: int | None = None) -> Computation:
        """Give what was asked for."""
        from slth.grids.context import Context
        from slth.grids.engines import make_engine
        from slth.grids.run import Computation

        given = {name: getattr(self, name) for name in ("jobs", "address", "queue", "account", "walltime", "memory")}
        return Computation(
            engine=make_engine(self.engine, **given, directives=self.directive),
            context=Context(folders=data_folders(self.data_dir), device=self.device),
            full=self.full,
            limit=limit,
            resume=self.resume,
            repair=self.repair,
        )


WORK = Work()


@contextmanager
def kept_if_interrupted(common: Common, place: str = "") -> Iterator[None]:
    """Say how to go on where a signal ends the work inside."""
    try:
        yield
    except (KeyboardInterrupt, Terminated):
        note(common, f"what is finished is kept{place}: run the same command again to go on")
        raise


def say_why_items_failed(common: Common, name: str, table: ResultTable) -> None:
    """Tell on stderr why items failed."""
    for reason, count in table.reasons.items():
        note(common, f"{name}: {count} failed: {reason}")

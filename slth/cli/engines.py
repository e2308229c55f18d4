"""Options of the verbs that run experiments: where the work is done, and how far one goes now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from slth.cli.options import Common
from slth.cli.progress import note

if TYPE_CHECKING:
    from slth.grids.engines import Engine
    from slth.grids.results import ResultTable

EngineName = Literal["serial", "loky", "dask", "slurm"]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Work:
    """Where items are computed."""

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
    walltime: Annotated[str, Parameter(help="With --engine slurm: time of a job.")] = "01:00:00"
    memory: Annotated[str, Parameter(help="With --engine slurm: memory of a job.")] = "4GB"
    directive: Annotated[
        tuple[str, ...], Parameter(negative="", help="With --engine slurm: further #SBATCH lines, such as --qos=long.")
    ] = ()

    def make(self) -> Engine:
        """Give the engine that was asked for."""
        from slth.grids.engines import Slurm, make_engine

        slurm = Slurm(
            queue=self.queue,
            account=self.account,
            walltime=self.walltime,
            memory=self.memory,
            directives=self.directive,
        )
        return make_engine(self.engine, jobs=self.jobs, address=self.address, slurm=slurm)


WORK = Work()


def say_what_is_kept(common: Common, name: str, table: ResultTable | None) -> None:
    """Tell on stderr why items failed and what was left aside."""
    if table is None:
        return
    for reason, count in table.reasons.items():
        note(common, f"{name}: {count} failed: {reason}")
    if table.left_aside:
        note(common, f"{name}: {table.left_aside} finished items of cells that left the grid are kept aside")

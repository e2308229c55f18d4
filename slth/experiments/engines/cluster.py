"""Engines on Dask: a cluster on this machine, a running scheduler, or the nodes of SLURM."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from slth.errors import ArgumentError, EngineError
from slth.experiments.engines.base import PINNED, check_jobs
from slth.experiments.environment import usable_cores
from slth.experiments.work import Finished, Item, failure, work, work_pinned

AHEAD = 4
"""Items handed out beforehand for each thread of the cluster."""

FEWEST_AHEAD = 64
"""Items handed out beforehand while nobody knows how many workers will come."""


@dataclass(frozen=True, kw_only=True)
class Dask:
    """A Dask cluster: one on this machine, or one whose scheduler runs already.

    Parameters
    ----------
    jobs : int, optional
        Workers on this machine; one for each usable core by default.
    address : str, optional
        Of a running scheduler ("tcp://host:8786"), or the path of its scheduler file.
    patience : float
        Seconds in which the first worker has to appear.

    Raises
    ------
    slth.errors.ArgumentError
        There is to be no worker, or both are given.
    """

    jobs: int | None = None
    address: str | None = None
    patience: float = 60.0
    name = "dask"

    def __post_init__(self) -> None:
        """Check the arguments."""
        check_jobs(self.jobs)
        if self.address is not None and self.jobs is not None:
            raise ArgumentError(
                "jobs", self.jobs, "says how many workers to start, and --address names a cluster that has them",
                "leave one of the two out",
            )  # fmt: skip

    def compute(self, items: Sequence[Item]) -> Generator[Finished, None, None]:
        """Yield the items as they are finished; what dead workers had in hand is computed again by others."""
        with ExitStack() as stack:
            if self.address is None:
                cluster = stack.enter_context(_local_cluster(self.jobs or usable_cores()))
                client = _client(stack, cluster)
            elif "://" in self.address:
                client = _client(stack, self.address)
            elif Path(self.address).is_file():
                client = _client(stack, None, scheduler_file=self.address)
            else:
                raise _no_scheduler(self.address, "no such file")
            function = work if self.address is None else work_pinned
            yield from _stream(client, items, patience=self.patience, function=function)


@dataclass(frozen=True, kw_only=True)
class Slurm:
    """Jobs of SLURM, each a Dask worker with one core; the scheduler runs in this process.

    What is None is taken from Dask's own configuration file (``jobqueue.yaml``), which many clusters provide.

    Parameters
    ----------
    jobs : int
        Jobs to submit.
    queue, account : str, optional
    walltime : str
        Hours, minutes and seconds that a job may take.
    memory : str
        Of a job.
    directives : tuple of str
        Further lines ``#SBATCH ...``, without that word.
    patience : float
        Seconds in which the first job has to start.
    local_directory : str, optional
        Scratch folder of the nodes.

    Raises
    ------
    slth.errors.ArgumentError
        There is to be no job.
    """

    jobs: int = 1
    queue: str | None = None
    account: str | None = None
    walltime: str = "01:00:00"
    memory: str = "4GB"
    directives: tuple[str, ...] = ()
    patience: float = 24 * 3600.0
    local_directory: str | None = None
    name = "slurm"

    def __post_init__(self) -> None:
        """Check the number of jobs."""
        check_jobs(self.jobs)

    def compute(self, items: Sequence[Item]) -> Generator[Finished, None, None]:
        """Yield the items as they are finished; jobs that end early are replaced."""
        with ExitStack() as stack:
            cluster = stack.enter_context(self._cluster())
            cluster.adapt(minimum_jobs=self.jobs, maximum_jobs=self.jobs)
            yield from _stream(_client(stack, cluster), items, patience=self.patience)

    def job_script(self) -> str:
        """Give the script that is handed to ``sbatch`` for each job.

        Returns
        -------
        str

        Raises
        ------
        slth.errors.EngineError
            dask-jobqueue is not installed.
        """
        with self._cluster() as cluster:
            script: str = cluster.job_script()
            return script

    @contextmanager
    def _cluster(self) -> Iterator[Any]:
        module = _import("dask_jobqueue", "slurm")
        given = {"queue": self.queue, "account": self.account, "local_directory": self.local_directory}
        with module.SLURMCluster(
            cores=1,
            processes=1,
            memory=self.memory,
            walltime=self.walltime,
            job_extra_directives=list(self.directives),
            job_script_prologue=[f"export {variable}=1" for variable in PINNED],
            scheduler_options={"dashboard_address": None},
            **{name: value for name, value in given.items() if value is not None},
        ) as cluster:
            yield cluster


def _stream(
    client: Any, items: Sequence[Item], *, patience: float, function: Callable[[Item], Finished] = work
) -> Generator[Finished, None, None]:
    """Hand out items a few ahead of what the workers can do, and yield what they return."""
    distributed = import_module("distributed")
    _await_workers(client, patience)
    waiting = iter(items)
    handed_out: dict[str, Item] = {}

    def hand_out(count: int) -> list[Any]:
        futures = []
        for _, item in zip(range(count), waiting, strict=False):
            futures.append(client.submit(function, item, pure=False))
            handed_out[futures[-1].key] = item
        return futures

    stream = distributed.as_completed(hand_out(_ahead(client)), loop=client.loop)
    try:
        for future in stream:
            item = handed_out.pop(future.key)
            yield _result(future, item, distributed)
            for further in hand_out(max(1, _ahead(client) - len(handed_out))):
                stream.add(further)
    finally:
        client.cancel(list(stream.futures))


def _result(future: Any, item: Item, distributed: Any) -> Finished:
    """What came of an item; one whose result was lost with its worker is waited for again."""
    try:
        finished: Finished = future.result()
    except CancelledError as problem:
        message = "the Dask scheduler is gone: what is finished is kept; run the same command again"
        raise EngineError(message) from problem
    except distributed.KilledWorker:
        return failure(item, EngineError("its workers died, perhaps for want of memory"))
    except Exception as problem:  # the study's own are caught on the worker: this one could not even begin
        return failure(item, problem)
    return finished


def _ahead(client: Any) -> int:
    cores: int = sum(client.ncores().values())
    return max(FEWEST_AHEAD, AHEAD * cores)


def _await_workers(client: Any, patience: float) -> None:
    try:
        client.wait_for_workers(1, timeout=patience)
    except TimeoutError as problem:
        raise EngineError(f"no Dask worker appeared in {patience:g} s: start some, or wait for the queue") from problem


def _client(stack: ExitStack, where: Any, **options: Any) -> Any:
    distributed = _import("distributed", "dask")
    try:
        return stack.enter_context(distributed.Client(where, set_as_default=False, **options))
    except (OSError, ValueError) as problem:
        raise _no_scheduler(options.get("scheduler_file", where), str(problem)) from problem


def _no_scheduler(address: Any, reason: str) -> ArgumentError:
    remedy = "start one with `dask scheduler`, and give its address or its scheduler file"
    return ArgumentError("address", str(address), f"leads to no scheduler ({' '.join(reason.split())})", remedy)


@contextmanager
def _local_cluster(workers: int) -> Iterator[Any]:
    distributed, dask = _import("distributed", "dask"), _import("dask", "dask")
    # Dask itself pins some libraries and forgets numba.
    settings = {f"distributed.nanny.pre-spawn-environ.{variable}": "1" for variable in PINNED}
    # A worker that is just being restarted when this time is over would be given up, and with the last one the run.
    settings["distributed.deploy.lost-worker-timeout"] = "1 day"
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
        ) as cluster,
    ):
        yield cluster


def _import(module: str, engine: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as problem:
        if problem.name != module:
            raise
        raise EngineError(
            f"the engine {engine} needs {module.replace('_', '-')}: pip install 'slth[cluster]', or use --engine loky"
        ) from problem

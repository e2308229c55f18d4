"""Engines on Dask: a cluster on this machine, a running scheduler, or the nodes of SLURM."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from slth.errors import ArgumentError, EngineError, printable
from slth.grids.engines.base import PINNED, check_jobs
from slth.grids.engines.quiet import SILENT, interrupts_later, same_interrupts, silent_loggers
from slth.grids.work import Finished, Item, failure, work, work_pinned
from slth.resources import thread_count

AHEAD = 4
"""Items handed out beforehand for each thread of the cluster."""

FEWEST_AHEAD = 64
"""Items handed out beforehand while nobody knows how many workers will come."""

LOOK = 0.5
"""Seconds between looks at what became of jobs while no worker is there."""

WALLTIME = re.compile(r"\d+|\d+:\d\d(:\d\d)?|\d+-\d+(:\d\d){0,2}")
"""Times as SLURM reads them: minutes, minutes:seconds, hours:minutes:seconds, days-hours, ... ."""

MEMORY = re.compile(r"\d+(\.\d+)? *[kMGTP]?i?B?", re.IGNORECASE)
"""Sizes as Dask reads them."""

NO_DASHBOARD: dict[str, Any] = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
"""One family of addresses: a free port of IPv4 may be taken in IPv6, and then a socket is left open."""


@dataclass(frozen=True, kw_only=True)
class Dask:
    """A Dask cluster: one on this machine, or one whose scheduler runs already."""

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

    def compute(self, items: Iterable[Item]) -> Generator[Finished, None, None]:
        """Yield the items as they are finished; what dead workers had in hand is computed again by others."""
        with silent_loggers(), ExitStack() as stack:
            if self.address is None:
                where, function = stack.enter_context(_local_cluster(self.jobs or thread_count(None))), work
            else:
                where, function = _contact(self.address), work_pinned
            yield from _stream(_client(stack, where), items, patience=self.patience, function=function)


@dataclass(frozen=True, kw_only=True)
class Slurm:
    """Jobs of SLURM, each a Dask worker with one core; the scheduler runs in this process.

    What is None is taken from Dask's own configuration file (``jobqueue.yaml``), which many clusters provide.
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
        """Check what can be checked without SLURM."""
        check_jobs(self.jobs)
        if not WALLTIME.fullmatch(self.walltime) or not re.search("[1-9]", self.walltime):
            raise ArgumentError("walltime", self.walltime, "is no time of SLURM", "write 02:30:00 or 1-12:00:00")
        if not MEMORY.fullmatch(self.memory):
            raise ArgumentError("memory", self.memory, "is no size", "write 4GB")

    def compute(self, items: Iterable[Item]) -> Generator[Finished, None, None]:
        """Yield the items as they are finished; jobs that end early are replaced."""
        with silent_loggers(), ExitStack() as stack:
            kind, check = _watched(_import("dask_jobqueue", "slurm").SLURMCluster.job_cls)
            command = kind.submit_command
            if shutil.which(command) is None:
                raise EngineError(
                    f"the engine slurm needs {command}, which is not here: run it where jobs are submitted"
                )
            cluster = stack.enter_context(self._cluster(job_cls=kind))
            cluster.adapt(minimum_jobs=self.jobs, maximum_jobs=self.jobs)
            yield from _stream(_client(stack, cluster), items, patience=self.patience, check=check)

    def job_script(self) -> str:
        """Give the script that is handed to ``sbatch`` for each job."""
        with self._cluster() as cluster:
            return str(cluster.job_script())

    def _cluster(self, **options: Any) -> Any:
        given = {name: getattr(self, name) for name in ("queue", "account", "local_directory", "memory", "walltime")}
        return _import("dask_jobqueue", "slurm").SLURMCluster(
            cores=1,
            processes=1,
            job_extra_directives=list(self.directives),
            job_script_prologue=[f"export {variable}=1" for variable in PINNED],
            scheduler_options=NO_DASHBOARD,
            **{name: value for name, value in given.items() if value is not None},
            **options,
        )


def _watched(base: Any) -> tuple[Any, Callable[[], None]]:
    """A kind of job that keeps what became of each, and a check that not all were refused: the log alone tells it."""
    taken: list[str] = []
    refused: list[str] = []

    async def start(self: Any) -> None:
        try:
            await base.start(self)
        except Exception as problem:
            refused.append(str(problem))
            self.status = import_module("distributed").Status.failed  # otherwise the cluster cannot be closed
            raise
        taken.append(str(self.job_id))

    def check() -> None:
        if refused and not taken:
            said = refused[0].partition("stderr:")[2].strip() or refused[0]  # the command's own words come last
            raise EngineError(f"{base.submit_command} took no job: {printable(said)}")

    return type(base.__name__, (base,), {"start": start}), check


def _stream(
    client: Any,
    items: Iterable[Item],
    *,
    patience: float,
    function: Callable[[Item], Finished] = work,
    check: Callable[[], None] = lambda: None,
) -> Generator[Finished, None, None]:
    """Hand out items a few ahead of what the workers can do, and yield what they return."""
    distributed = import_module("distributed")
    _await_workers(client, patience, check)
    waiting = iter(items)
    handed_out: dict[str, Item] = {}
    suspects: list[Item] = []

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
            if (finished := _result(future, item, distributed)) is None:
                suspects.append(item)
            else:
                yield finished
            for further in hand_out(max(1, _ahead(client) - len(handed_out))):
                stream.add(further)
    finally:
        client.cancel(list(stream.futures))
    for item in suspects:  # one at a time: Dask blames whatever was on a worker when it died
        finished = _result(client.submit(function, item, pure=False), item, distributed)
        yield finished or failure(item, EngineError("its workers died, perhaps for want of memory"))


def _result(future: Any, item: Item, distributed: Any) -> Finished | None:
    """What came of an item, None where several workers died of it or beside it; a lost result is waited for again."""
    try:
        finished: Finished = future.result()
    except CancelledError as problem:
        message = "the Dask scheduler is gone: what is finished is kept; run the same command again"
        raise EngineError(message) from problem
    except distributed.KilledWorker:
        return None
    except Exception as problem:  # the study's own are caught on the worker: this one could not even begin
        return failure(item, problem)
    return finished


def _ahead(client: Any) -> int:
    cores: int = sum(client.ncores().values())
    return max(FEWEST_AHEAD, AHEAD * cores)


def _await_workers(client: Any, patience: float, check: Callable[[], None]) -> None:
    end = time.monotonic() + patience
    while True:
        check()
        left = max(0.0, end - time.monotonic())
        try:
            client.wait_for_workers(1, timeout=min(left, LOOK))
            return
        except TimeoutError as problem:
            if left <= LOOK:
                raise EngineError(f"no Dask worker appeared in {patience:g} s: start some, or wait") from problem


def _contact(address: str) -> str:
    """The address of a scheduler, perhaps from its file; others than Dask knows would keep it waiting."""
    _import("distributed", "dask")
    given, address = address, address if "://" in address else _from_file(address)
    try:
        import_module("distributed.comm").get_address_host_port(address)
    except NotImplementedError:  # Dask says so of addresses within a process, which have no port and are fine
        pass
    except ValueError as problem:
        raise _no_scheduler(given, str(problem)) from problem
    return address


def _from_file(path: str) -> str:
    try:
        address = json.loads(Path(path).read_text(encoding="utf-8"))["address"]
    except OSError as problem:
        raise _no_scheduler(path, problem.strerror or str(problem)) from problem
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise _no_scheduler(path, "it is no scheduler file, JSON with an address") from problem
    if not isinstance(address, str) or "://" not in address:
        raise _no_scheduler(path, f"its address is {address!r:.80}")
    return address


def _client(stack: ExitStack, where: Any) -> Any:
    distributed = _import("distributed", "dask")
    try:
        return stack.enter_context(distributed.Client(where, set_as_default=False))
    except (OSError, ValueError) as problem:
        raise _no_scheduler(where, str(problem)) from problem


def _no_scheduler(address: Any, reason: str) -> ArgumentError:
    remedy = "start one with `dask scheduler`, and give its address or its scheduler file"
    return ArgumentError("address", str(address), f"leads to no scheduler ({printable(reason)})", remedy)


@contextmanager
def _local_cluster(workers: int) -> Iterator[Any]:
    distributed, dask = _import("distributed", "dask"), _import("dask", "dask")
    # Dask itself pins some libraries and forgets numba.
    settings = {f"distributed.nanny.pre-spawn-environ.{variable}": "1" for variable in PINNED}
    # A worker that is just being restarted when this time is over would be given up, and with the last one the run.
    settings["distributed.deploy.lost-worker-timeout"] = "1 day"
    with dask.config.set(settings), ExitStack() as stack:
        with interrupts_later():  # half a cluster cannot be closed
            cluster = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                silence_logs=SILENT,
                scheduler_kwargs=NO_DASHBOARD,
                dashboard_address=None,
            )
            stack.enter_context(cluster)
        yield cluster


def _import(module: str, engine: str) -> Any:
    try:
        with same_interrupts():
            return import_module(module)
    except ModuleNotFoundError as problem:
        if problem.name != module:
            raise
        raise EngineError(
            f"the engine {engine} needs {module.replace('_', '-')}: pip install 'slth[cluster]', or use --engine loky"
        ) from problem

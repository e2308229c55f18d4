"""Runs that take turns, step by step: on a GPU, which a small network alone leaves idle, on several streams."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from typing import Any, TypeVar

import torch

from slth.networks.devices import resolve_device
from slth.networks.threads import torch_threads
from slth.resources import Progress

T = TypeVar("T")


def finished(taken: Generator[None, None, T]) -> T:
    """Let a generator go on until it returns, and return what it returned."""
    with closing(taken):
        try:
            while True:
                next(taken)
        except StopIteration as end:
            found: T = end.value
            return found


def all_finished(runs: Sequence[Generator[None, None, Any]], device: str) -> list[Any]:
    """Return what generators return: on a GPU they take turns, and on a processor each waits for the one before."""
    place = torch.device(resolve_device(device))
    return taking_turns(runs, place) if place.type == "cuda" else [finished(run) for run in runs]


def together(progress: Progress | None, count: int) -> list[Progress | None]:
    """Return what each of several runs tells, of which the sums are told."""
    done: dict[str, list[int]] = {}

    def tell_of(number: int) -> Progress | None:
        def tell(what: str, epochs: int, of: int) -> None:
            known = done.setdefault(what, [0] * count)
            known[number] = epochs
            if progress is not None:
                progress(what, sum(known), of * count)

        return None if progress is None else tell

    return [tell_of(number) for number in range(count)]


def taking_turns(runs: Sequence[Generator[None, None, Any]], place: torch.device) -> list[Any]:
    """Let generators go on in turns until all have returned, and return what they returned."""
    results: dict[int, Any] = {}
    streams, threads = _Streams(place, len(runs)), [torch.get_num_threads()] * len(runs)
    with torch.random.fork_rng([place] if place.type == "cuda" else []), torch_threads(threads[0]):
        try:
            while len(results) < len(runs):
                for number, run in enumerate(runs):
                    if number in results:
                        continue
                    torch.set_num_threads(threads[number])  # each has its own number, as when it runs alone
                    try:
                        with streams.of(number):
                            next(run)
                    except StopIteration as end:
                        results[number] = end.value
                    threads[number] = torch.get_num_threads()
                    streams.look()
                streams.begin()
        finally:
            for run in runs:  # where one fails: left to the collector, the others would set generators back much later
                run.close()
    return [results[number] for number in range(len(runs))]


class _Streams:
    """A stream for each run, from the second step on, if the first step of none has drawn on the device."""

    def __init__(self, place: torch.device, count: int) -> None:
        self._place, self._count = place, count
        self._streams: list[Any] | None = None
        self._wanted = place.type == "cuda"

    def of(self, number: int) -> AbstractContextManager[Any]:
        """Return the stream of a run as a context."""
        return nullcontext() if self._streams is None else torch.cuda.stream(self._streams[number])

    def look(self) -> None:
        """Do without streams where a step drew from the one generator that all runs have there."""
        if self._wanted and torch.cuda.default_generators[self._place.index or 0].get_offset() != 0:
            self._wanted = False

    def begin(self) -> None:
        """Begin to use streams, behind the first step of all."""
        if self._wanted and self._streams is None:
            torch.cuda.synchronize(self._place)
            make: Callable[..., Any] = torch.cuda.Stream
            self._streams = [make(self._place) for _ in range(self._count)]
        self._wanted = False

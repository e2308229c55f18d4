"""Inputs that are certified at the same time: whoever asks for gradient steps waits until all others do or are done.

Then one call takes the steps of all, which is what an accelerator needs: the chains of one input are too small for it.
Who waits for whom does not depend on who is faster, so neither does what stands side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from threading import Condition
from typing import TypeVar

from slth.certificates.slopes import Chain, Improve, ImproveMany
from slth.kernels._jit import COMPILED

_Result = TypeVar("_Result")


class StoppedError(Exception):
    """Another task has failed, or the whole was interrupted."""


def steps_on(device: str) -> ImproveMany | None:
    """Return what takes the steps of many inputs on a device; None where compiled passes serve each by itself."""
    if isinstance(device, str) and device == "cpu" and COMPILED:
        return None
    from slth.certificates.tensor_slopes import TensorSteps  # torch is loaded only when it is asked for
    from slth.subset_sum.places import resolve_place

    place = resolve_place(device)
    if place is None:  # "auto", and there is no accelerator
        return steps_on("cpu")
    return TensorSteps(place)


class Lockstep:
    """Tasks of one thread each, whose gradient steps are taken together."""

    def __init__(self, improve_many: ImproveMany) -> None:
        self._improve_many = improve_many
        self._change = Condition()
        self._asked: dict[int, tuple[Chain, int]] = {}
        self._running = 0
        self._stopped = False

    def run(self, tasks: Sequence[Callable[[Improve], _Result]]) -> Iterator[_Result]:
        """Yield what each task returns, in their order; each is called with what takes its gradient steps."""
        self._running = len(tasks)
        with ThreadPoolExecutor(len(tasks)) as threads:
            try:
                futures = [threads.submit(self._run, number, task) for number, task in enumerate(tasks)]
                for future in futures:
                    yield future.result()
            except StoppedError:
                errors = (future.exception() for future in futures)
                raise next(error for error in errors if error and not isinstance(error, StoppedError)) from None
            finally:
                with self._change:
                    self._stopped = True
                    self._change.notify_all()

    def _run(self, number: int, task: Callable[[Improve], _Result]) -> _Result:
        def improve(chain: Chain, steps: int) -> None:
            self._ask(number, chain, steps)

        try:
            return task(improve)
        finally:
            with self._change:
                self._running -= 1
                self._serve()

    def _ask(self, number: int, chain: Chain, steps: int) -> None:
        with self._change:
            self._asked[number] = (chain, steps)
            self._serve()
            while number in self._asked and not self._stopped:
                self._change.wait()
            if self._stopped:
                raise StoppedError

    def _serve(self) -> None:
        """Take all steps that are asked for, once nobody is left who could ask."""
        if self._stopped or not self._asked or len(self._asked) < self._running:
            return
        try:
            asked = [self._asked[number] for number in sorted(self._asked)]
            for steps, some in groupby(sorted(asked, key=lambda one: one[1]), key=lambda one: one[1]):
                self._improve_many([chain for chain, _ in some], steps)
        except BaseException:
            self._stopped = True
            raise
        finally:
            self._asked.clear()
            self._change.notify_all()

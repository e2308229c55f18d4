"""A method is a theorem executed: a value that makes tickets of any Graph, and says of itself what it can do."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import ArrayLike

from slth.arrays import Floats
from slth.certificates import Certificate, certify
from slth.constructions.construction import Construction, Row
from slth.constructions.setting import Setting, checked_setting
from slth.errors import ArgumentError
from slth.graphs import Graph
from slth.resources import Interrupted, Progress
from slth.rng import WeightLaw
from slth.tickets.ticket import Ticket


class Traits(enum.Flag):
    """What a method can do."""

    NONE = 0
    STRONG = enum.auto()
    """The weights of its tickets are never trained."""
    STRUCTURED = enum.auto()
    """It removes whole channels: what is left is a smaller network."""
    REACHES_EPS = enum.auto()
    """It can be asked for a certified error, and a probability, instead of sizes."""
    CHAINS_ONLY = enum.auto()
    """Its targets are chains of linear layers."""
    DEVICES = enum.auto()
    """It searches on an accelerator where ``device`` says so."""
    RESUMES = enum.auto()
    """It keeps each layer in a folder, and goes on from there."""


@dataclass(frozen=True, eq=False)
class Built:
    """A ticket and how its layers went; the certificate where the method had to make one."""

    ticket: Ticket
    table: tuple[Row, ...]
    errors: tuple[Floats, ...] = ()
    log_rates: tuple[Floats, ...] = ()
    certificate: Certificate | None = None


@contextmanager
def _whole_or_nothing() -> Iterator[None]:
    """Say of every interruption that nothing was handed back, wherever it came."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise Interrupted("a part of the layers would make a poor ticket that looks like a finished one") from stop


class Method(ABC):
    """What all methods have in common."""

    traits: ClassVar[Traits]
    usual_law: ClassVar[WeightLaw]
    """The law of the random weights that the theorem supposes."""

    @abstractmethod
    def build(self, target: Graph, setting: Setting) -> Built:
        """Return the ticket that approximates a target."""

    def construct(
        self,
        target: Graph,
        *,
        input_box: tuple[ArrayLike, ArrayLike] = (0.0, 1.0),
        seed: int = 0,
        law: WeightLaw | None = None,
        device: str = "cpu",
        folder: str | Path | None = None,
        progress: Progress | None = None,
    ) -> Construction:
        """Return the ticket that approximates a network, with its certificate over a box of inputs.

        Parameters
        ----------
        target : Graph
            The network to approximate.
        input_box : tuple of two array_like
            Smallest and largest input: numbers, or arrays of the input's shape. Inputs that are never negative need
            half of the sums only.
        seed : int
            Seed of the random network, 0 <= seed < 2**64.
        law : WeightLaw, optional
            Law of the random weights, of a scale from 1e-75 to 1e75; ``usual_law`` if None.
        device : {"cpu", "cuda", "auto"} or str
            Where to search. Other devices walk with other random numbers: they keep other channels, with errors as
            small.
        folder : str or Path, optional
            Where each layer is kept as soon as its channels are chosen (``Structured``): the same call goes on from
            there to the same ticket.
        progress : callable, optional
            Called with (path of the layer, instances done, instances of the layer).

        Returns
        -------
        Construction
            Ticket, certificate and table.

        Raises
        ------
        ArgumentError
            For a bad box, seed, law or device, or a target that the method does not take; the message names the node.
        ConstructionError
            If what was asked for is beyond what the method can reach; the message says how far it came.
        Interrupted
            When the user ends it: there is no half a ticket.
        """
        with _whole_or_nothing():
            built, setting = self._built(
                target, input_box=input_box, seed=seed, law=law, device=device, folder=folder, progress=progress
            )
            certificate = built.certificate or certify(target, built.ticket, input_box=setting.box)
        return Construction(built.ticket, certificate, built.table, built.errors, built.log_rates)

    def ticket(
        self,
        target: Graph,
        *,
        input_box: tuple[ArrayLike, ArrayLike] = (0.0, 1.0),
        seed: int = 0,
        law: WeightLaw | None = None,
        device: str = "cpu",
        folder: str | Path | None = None,
        progress: Progress | None = None,
    ) -> tuple[Ticket, tuple[Row, ...]]:
        """Return the ticket and the table alone, without a certificate, which can take longer than all the rest.

        Parameters, results and errors are those of :meth:`construct`.
        """
        with _whole_or_nothing():
            built, _ = self._built(
                target, input_box=input_box, seed=seed, law=law, device=device, folder=folder, progress=progress
            )
        return built.ticket, built.table

    def _built(self, target: Graph, *, law: WeightLaw | None, **given: Any) -> tuple[Built, Setting]:
        setting = checked_setting(target, law=self.usual_law if law is None else law, **given)
        if Traits.DEVICES not in self.traits and setting.device not in ("cpu", "auto"):
            raise ArgumentError("device", setting.device, f"is not offered for {type(self).__name__}", 'use "cpu"')
        if Traits.RESUMES not in self.traits and setting.folder is not None:
            rule = f"is not offered for {type(self).__name__}, which keeps nothing on the way"
            raise ArgumentError("folder", str(setting.folder), rule, "leave it out")
        return self.build(target, setting), setting

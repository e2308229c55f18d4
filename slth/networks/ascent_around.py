"""The worst inputs in the balls around given ones: gradient ascent on differences, and on classes that change."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from slth.arrays import Floats, Indices, frozen, whole
from slth.certificates.balls import balls_around
from slth.certificates.certificate import Agreeing, Box
from slth.graphs import Graph
from slth.networks.ascent import MOST, Function, climb, functions_of, quick_dtype, same_shapes
from slth.networks.threads import threads_for
from slth.resources import Shown, reporter
from slth.rng import Stream
from slth.tickets.ticket import Ticket

_CLIMBS = 256  # at a time
_FIRST_STEP, _MOMENTUM = 0.5, 0.5  # in parts of the ball's width


@dataclass(frozen=True, eq=False)
class AttackAround(Agreeing):
    r"""What gradient ascent found around each of some inputs: counterpart of a certificate around them.

    Parameters
    ----------
    errors : float64[inputs]
        Largest difference of any output that was found in each ball: a lower bound on the true maximum.
    margins : float64[inputs]
        Smallest value found, over the ball and over both networks, of the class that the target gives to the input
        itself less the largest of any other; infinite where there is one output. An upper bound on the true minimum.
    classes : int64[inputs]
        That class.
    radius : float
    """

    errors: Floats
    margins: Floats
    classes: Indices
    radius: float


def attack_around(
    target: Graph,
    ticket: Ticket | Graph,
    inputs: ArrayLike,
    *,
    radius: float,
    input_box: Box | None = None,
    starts: int = 2,
    steps: int = 30,
    seed: int = 0,
    progress: Shown = None,
) -> AttackAround:
    """Look around inputs for where a ticket differs most and where a class changes: see :func:`slth.attack_around`.

    Examples
    --------
    >>> import numpy as np
    >>> from slth.graphs import Conv, Node
    >>> one, other = (slth.Graph((2,), [Node("a", Conv(w), ("input",))]) for w in (np.eye(2), np.eye(2) / 2))
    >>> found = slth.networks.attack_around(one, other, [[1.0, 0.0]], radius=0.25)
    >>> found.errors.round(12).tolist(), found.margins.round(12).tolist()
    ([0.625], [0.25])
    """
    remedy = "2 starts of 30 steps are a fair search"
    report = reporter(progress)
    starts, steps = (whole(*given, 1, MOST, remedy=remedy) for given in ((starts, "starts"), (steps, "steps")))
    same_shapes(target, ticket)
    examples, balls = balls_around(target.input_shape, inputs, radius, input_box)
    low, high = (torch.from_numpy(np.array([ball[end] for ball in balls])) for end in (0, 1))
    outputs = math.prod(target.output_shape)
    exact = _Both(target, ticket, outputs)
    classes = target.forward(examples).reshape(len(examples), -1).argmax(axis=1)
    errors, margins = exact.measured(torch.from_numpy(np.array(examples)), torch.from_numpy(classes))
    if radius > 0.0:
        generator = torch.Generator().manual_seed(Stream(seed, "attack around").seed)
        search = _Search(exact, low, high, torch.from_numpy(classes), steps)
        with threads_for(_CLIMBS * outputs * target.parameters):
            for start in range(starts):
                share = torch.full_like(low, 0.5) if not start else torch.rand(low.shape, generator=generator).double()
                for one, other in search.found(low + share * (high - low)):
                    errors, margins = torch.maximum(errors, one), torch.minimum(margins, other)
                if report is not None:
                    report("starts around inputs", start + 1, starts)
    return AttackAround(frozen(errors.numpy()), frozen(margins.numpy()), frozen(classes), float(radius))


class _Both:
    """Target and ticket as functions: quick ones to climb on, and in float64."""

    def __init__(self, target: Graph, ticket: Ticket | Graph, outputs: int) -> None:
        self.outputs, self.dtype = outputs, quick_dtype(target)
        self.quick, self.exact = (functions_of(target, ticket, dtype) for dtype in (self.dtype, torch.float64))

    def measured(self, points: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the largest difference of any output, and the smaller of both networks' margins, of each point."""
        with torch.no_grad():
            wanted, found = (network(points) for network in self.exact)
        return (found - wanted).abs().amax(dim=1), torch.minimum(*(_margins(one, classes) for one in (wanted, found)))


@dataclass(frozen=True)
class _Search:
    """What is climbed around each input: every output of the difference both ways, every rival in both networks."""

    both: _Both
    low: Tensor
    high: Tensor
    classes: Tensor
    steps: int

    def found(self, begin: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return error and margin of each input at the ends of all climbs from one beginning."""
        outputs, dtype = self.both.outputs, self.both.dtype
        target, ticket = self.both.quick
        signs = torch.cat([torch.eye(outputs, dtype=dtype), -torch.eye(outputs, dtype=dtype)])
        ends = [self._climbed(lambda x: ticket(x) - target(x), begin, [signs] * len(begin))]
        if outputs > 1:
            rivals = [_rivals(own, outputs, dtype) for own in self.classes.tolist()]
            ends += [self._climbed(network, begin, rivals) for network in (target, ticket)]
        return [self._of_each(found, len(found) // len(begin)) for found in ends]

    def _climbed(self, function: Function, begin: Tensor, directions: list[Tensor]) -> Tensor:
        """Return the best points of the climbs of each input, one input's behind the other's."""
        dtype, many = self.both.dtype, len(directions[0])
        box = self.low.to(dtype), self.high.to(dtype)
        every, found = torch.arange(len(begin)).repeat_interleave(many), []
        towards = torch.cat(directions)
        for part in torch.split(torch.arange(len(every)), _CLIMBS):
            own = every[part]
            best, _ = climb(
                function, begin[own].to(dtype), towards[part], (box[0][own], box[1][own]), steps=self.steps,
                first_step=_FIRST_STEP, momentum=_MOMENTUM,
            )  # fmt: skip
            found.append(best.double())
        points = torch.cat(found)
        return torch.minimum(torch.maximum(points, self.low[every]), self.high[every])

    def _of_each(self, points: Tensor, many: int) -> tuple[Tensor, Tensor]:
        """Return the largest error and the smallest margin of the points of each input."""
        errors, margins, every = [], [], self.classes.repeat_interleave(many)
        for part, own in zip(torch.split(points, _CLIMBS), torch.split(every, _CLIMBS), strict=True):
            error, margin = self.both.measured(part, own)
            errors.append(error)
            margins.append(margin)
        return torch.cat(errors).reshape(-1, many).amax(dim=1), torch.cat(margins).reshape(-1, many).amin(dim=1)


def _rivals(own: int, outputs: int, dtype: torch.dtype) -> Tensor:
    """Return the directions in which another output gains on one's own: [outputs - 1, outputs]."""
    rows = torch.eye(outputs, dtype=dtype)
    rows[:, own] -= 1.0
    return torch.cat([rows[:own], rows[own + 1 :]])


def _margins(values: Tensor, classes: Tensor) -> Tensor:
    """Return the value at each row's class less the largest of the others; infinite where there is no other."""
    own = values.gather(1, classes[:, None]).squeeze(1)
    if values.shape[1] == 1:
        return torch.full_like(own, math.inf)
    return own - values.scatter(1, classes[:, None], -math.inf).amax(dim=1)

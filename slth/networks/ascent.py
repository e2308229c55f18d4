"""The worst input that can be found: gradient ascent on the difference of two networks over a box of inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from slth.arrays import Floats, finite_array, frozen, whole
from slth.certificates.certificate import as_box
from slth.errors import ArgumentError
from slth.graphs import Graph
from slth.networks.given import instance
from slth.networks.modules import module_of
from slth.networks.random_layers import module_from_ticket
from slth.networks.threads import threads_for
from slth.resources import Progress, require_memory
from slth.rng import Stream
from slth.tickets.ticket import Ticket

Function: TypeAlias = Callable[[Tensor], Tensor]

_CLIMBS = 128  # at a time
MOST = 2**31 - 1  # starts, and steps: more are a mistake
_CHECKED = 8  # best points that are evaluated by the reference forward passes
# First step in parts of the box, and momentum. Measured: dense networks are climbed best by steps from corner to
# corner, convolutions by small ones with momentum, each about a tenth higher; half of the starts go each way.
_WAYS = ((0.5, 0.0), (0.1, 0.9))


@dataclass(frozen=True, eq=False)
class Attack:
    """The largest difference that gradient ascent found.

    Parameters
    ----------
    error : float
        ``|ticket(x)[output] - target(x)[output]|`` in float64, by the reference forward passes.
    input : float64[*input_shape]
        The input x.
    output : int
        The output at which it occurs, among all numbers of the result.
    """

    error: float
    input: Floats
    output: int


def attack(
    target: Graph,
    ticket: Ticket | Graph,
    *,
    input_box: tuple[ArrayLike, ArrayLike] = (0.0, 1.0),
    starts: int = 8,
    steps: int = 60,
    seed: int = 0,
    points: ArrayLike | None = None,
    progress: Progress | None = None,
) -> Attack:
    """Look for the input of a box at which a ticket differs most from its target graph: see :func:`slth.attack`.

    From random inputs and random corners, each output and each sign is climbed by steps of the gradient's sign that
    shrink to nothing, projected on the box; networks of ReLUs are piecewise linear, so that their extremes tend to lie
    in corners. Gradients and the choice of the worst point use the ticket folded to one convolution a layer; the
    answer is evaluated by the masked random network itself.

    Examples
    --------
    >>> import numpy as np
    >>> from slth.rng import WeightLaw
    >>> target = slth.Graph((2,), [slth.Node("a", slth.Conv([[0.5, -0.25]]), ("input",))])
    >>> nothing = slth.Mask({"a.units": np.zeros((1, 2), bool), "a.weights": np.zeros((1, 2, 1), bool)})
    >>> empty = slth.Graph((2,), [slth.Node("a", slth.Pair("a", 2, 1, 1, bias=False), ("input",))])
    >>> slth.networks.attack(target, slth.Ticket(empty, WeightLaw("uniform"), 0, nothing, [1.0])).error  # at (1, 0)
    0.5
    """
    effort = "8 starts of 60 steps are a fair search"
    starts, steps = (whole(*given, 1, MOST, remedy=effort) for given in ((starts, "starts"), (steps, "steps")))
    same_shapes(target, ticket)
    low, high = as_box(input_box, target.input_shape)
    exact = torch.from_numpy(np.array(low)), torch.from_numpy(np.array(high))
    require_memory(16 * starts * low.size, "starts", effort, value=starts)
    begin = _starting_points(*exact, starts=starts, seed=seed)
    if points is not None:
        more = finite_array(points, "points", axes=1 + len(target.input_shape))
        if more.shape[1:] != target.input_shape:
            rule = f"must have shape [n, {', '.join(map(str, target.input_shape))}]"
            raise ArgumentError("points", list(more.shape), rule, "pass inputs of the target")
        begin = torch.cat([begin, torch.from_numpy(np.array(more)).clamp(*exact)])
    dtype = quick_dtype(target)
    theirs, ours = functions_of(target, ticket, dtype)

    def difference(x: Tensor) -> Tensor:
        return ours(x) - theirs(x)

    with threads_for(_CLIMBS * target.outputs * target.parameters):
        best = _best_of_climbs(difference, begin.to(dtype), target.outputs, exact, steps=steps, progress=progress)
    candidates = torch.cat([best.double(), begin[:_CHECKED]]).clamp(*exact).numpy()
    found = _worst_of(candidates, ticket.forward(candidates) - target.forward(candidates))
    if isinstance(ticket, Graph):
        return found
    worst = found.input[None]  # alone: of a large random network an input can take half a minute
    return _worst_of(worst, ticket.forward(worst, form="masked") - target.forward(worst))


def same_shapes(target: Graph, ticket: Ticket | Graph) -> None:
    """Refuse what is no ticket of the target, by the shapes of inputs and outputs."""
    if not isinstance(ticket, Graph):
        instance(ticket, Ticket, "ticket", "pass the ticket of this target")
    other = ticket if isinstance(ticket, Graph) else ticket.graph
    shapes, found = ((one.input_shape, one.output_shape) for one in (target, other))
    if shapes != found:
        rule = f"must have the target's shapes {shapes}"
        raise ArgumentError("ticket", found, rule, "pass the ticket of this target")


def quick_dtype(target: Graph) -> torch.dtype:
    """Return in which numbers to climb: convolutions in single precision; what is reported is evaluated in double."""
    return torch.float32 if any(node.step.window.taps > 1 for node in target.weighted) else torch.float64


def functions_of(target: Graph, ticket: Ticket | Graph, dtype: torch.dtype) -> tuple[Function, Function]:
    """Return target and ticket, folded, as functions from [points, *input_shape] to [points, outputs]."""
    ours = (
        module_of(ticket, dtype=dtype)
        if isinstance(ticket, Graph)
        else module_from_ticket(ticket, form="folded", dtype=dtype)
    )
    theirs = module_of(target, dtype=dtype)
    return lambda x: theirs(x).flatten(1), lambda x: ours(x).flatten(1)


def _starting_points(low: Tensor, high: Tensor, *, starts: int, seed: int) -> Tensor:
    """Return random inputs of a box and, every other one, random corners."""
    generator = torch.Generator().manual_seed(Stream(seed, "attack").seed)
    uniform = torch.rand(starts, *low.shape, dtype=low.dtype, generator=generator)
    uniform[starts // 2 :] = uniform[starts // 2 :].round()
    return low + (high - low) * uniform


def _best_of_climbs(
    difference: Function,
    begin: Tensor,
    outputs: int,
    exact: tuple[Tensor, Tensor],
    *,
    steps: int,
    progress: Progress | None,
) -> Tensor:
    """Climb from every start in every direction, and return the best few points."""
    points = begin.repeat_interleave(2 * outputs, dim=0)
    direction = torch.eye(outputs, dtype=begin.dtype).repeat_interleave(2, dim=0).repeat(len(begin), 1)
    direction[1::2] *= -1.0
    box = exact[0].to(begin.dtype), exact[1].to(begin.dtype)
    found, heights = [], []
    for way, (first_step, momentum) in enumerate(_WAYS):
        chosen = torch.arange(len(points)) // (2 * outputs) % len(_WAYS) == way
        chosen = chosen if len(begin) > 1 else torch.ones_like(chosen)
        for some, towards in zip(
            torch.split(points[chosen], _CLIMBS), torch.split(direction[chosen], _CLIMBS), strict=True
        ):
            best, height = climb(difference, some, towards, box, steps=steps, first_step=first_step, momentum=momentum)
            found.append(best)
            heights.append(height)
            if progress is not None:
                progress("climbs", sum(map(len, found)), len(points))
    order = torch.cat(heights).argsort(descending=True)[:_CHECKED]
    return torch.cat(found)[order]


def climb(
    difference: Function,
    points: Tensor,
    direction: Tensor,
    box: tuple[Tensor, Tensor],
    *,
    steps: int,
    first_step: float = 0.5,
    momentum: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Return the best point of each climb of ``direction . difference(x)``, one a row of ``points``, and its height.

    Steps go along the sign of an average of the gradients so far, and shrink from ``first_step`` of the box to nothing.
    """
    low, high = box
    axes = tuple(range(1, points.dim()))
    best, record = points.clone(), torch.full((len(points),), -torch.inf, dtype=points.dtype)
    average = torch.zeros_like(points)
    for step in range(steps + 1):
        points = points.detach().requires_grad_()
        values = (difference(points) * direction).sum(dim=1)
        better = values.detach() > record
        record = torch.where(better, values.detach(), record)
        best = torch.where(better.reshape(-1, *(1 for _ in axes)), points.detach(), best)
        if step < steps:
            (gradient,) = torch.autograd.grad(values.sum(), points)
            size = gradient.abs().mean(dim=axes, keepdim=True)
            average = momentum * average + gradient / torch.where(size > 0.0, size, torch.ones_like(size))
            length = first_step * (1.0 - step / steps)
            points = torch.clamp(points.detach() + length * (high - low) * average.sign(), low, high)
    return best, record


def _worst_of(candidates: Floats, differences: Floats) -> Attack:
    gaps = np.abs(differences).reshape(len(candidates), -1)
    row, output = np.unravel_index(int(gaps.argmax()), gaps.shape)
    return Attack(float(gaps[row, output]), frozen(candidates[row].copy()), int(output))

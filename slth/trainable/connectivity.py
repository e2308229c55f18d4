"""Linear mode connectivity: the error along the straight path between two networks that began as one."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from slth.arrays import Floats, as_double, finite_array, frozen, one_of, whole
from slth.errors import ArgumentError
from slth.networks import outputs_of
from slth.networks.given import instance, module_given
from slth.networks.layouts import layout_of
from slth.resources import Progress
from slth.rng import Stream
from slth.trainable.calibration import Predictions
from slth.trainable.growing import Growing
from slth.training import Examples, Recipe
from slth.training.checkpoint import file_of
from slth.training.masked import fitting

Statistics: TypeAlias = Literal["interpolated", "recomputed"]
_BATCH = 1024


@dataclass(frozen=True, eq=False)
class LinearPath:
    r"""What networks between two others do, :math:`(1 - \alpha) \theta_1 + \alpha \theta_2`.

    Parameters
    ----------
    shares : float64[points]
        :math:`\alpha`, from 0 to 1.
    errors, losses : float64[points]
        Share of the examples that are wrong, and mean cross entropy.

    Examples
    --------
    >>> path = slth.trainable.LinearPath([0.0, 0.25, 0.5, 0.75, 1.0], [0.1, 0.5, 0.4, 0.3, 0.2], [0.0] * 5)
    >>> round(path.barrier, 2), round(path.midpoint_barrier, 2)
    (0.35, 0.25)
    """

    shares: Floats
    errors: Floats
    losses: Floats

    def __post_init__(self) -> None:
        for name in ("shares", "errors", "losses"):
            object.__setattr__(self, name, finite_array(getattr(self, name), name, axes=1))

    @property
    def barrier(self) -> float:
        """Largest error on the path less the mean of the errors at its ends: below 0.02 is called stable."""
        return float(self.errors.max() - self.errors[[0, -1]].mean())

    @property
    def midpoint_barrier(self) -> float:
        """Error half way less the mean of the errors at the ends."""
        return float(self.errors[int(np.abs(self.shares - 0.5).argmin())] - self.errors[[0, -1]].mean())

    @property
    def loss_barrier(self) -> float:
        """Largest loss on the path less the mean of the losses at its ends."""
        return float(self.losses.max() - self.losses[[0, -1]].mean())


def interpolated(
    one: nn.Module,
    other: nn.Module,
    share: float,
    *,
    masks: Mapping[str, Tensor] | None = None,
    statistics: Statistics = "interpolated",
    data: Examples | None = None,
) -> nn.Module:
    r"""Return the network at a place of the straight path between two, in evaluation mode.

    Parameters
    ----------
    one, other : torch.nn.Module
        Of one architecture.
    share : float
        :math:`\alpha` in [0, 1]: 0 is the one, 1 the other; neither is rounded.
    masks : mapping of str to Tensor, optional
        By name of a weight; what they remove is 0 on the path.
    statistics : {"interpolated", "recomputed"}
        Whether running means and variances of norm layers lie between those of the ends, as published, or are the means
        over ``data`` of the network itself: between two networks activations shrink, which interpolation does not see.
    data : slth.training.Examples, optional
        What statistics are recomputed on, such as the training examples.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    slth.errors.ArgumentError
        The modules are of two architectures, a mask fits no weight, the share is outside [0, 1], or statistics are to
        be recomputed without data.

    Notes
    -----
    Sources: Frankle, Dziugaite, Roy, Carbin, "Linear Mode Connectivity and the Lottery Ticket Hypothesis", ICML 2020;
    recomputed statistics: Jordan, Sedghi, Saukh, Entezari, Neyshabur, "REPAIR: REnormalizing Permuted Activations for
    Interpolation Repair", ICLR 2023 (unverified).

    Examples
    --------
    >>> from torch import nn
    >>> one, other = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.constant_(one.weight, 1.0), nn.init.constant_(other.weight, 5.0)
    >>> slth.trainable.interpolated(one, other, 0.25).weight.item()
    2.0
    """
    difference = layout_of(module_given(one, "one")).difference(layout_of(module_given(other, "other")))
    if difference is not None:
        raise ArgumentError("other", type(other).__name__, f"is another network: {difference}", "pass two children")
    if not 0.0 <= as_double(share) <= 1.0:
        raise ArgumentError("share", share, "must lie in [0, 1]", "use 0.5 for the midpoint")
    if not one_of(statistics, get_args(Statistics)) or (statistics == "recomputed" and data is None):
        rule = 'must be "interpolated", or "recomputed" with data'
        raise ArgumentError("statistics", statistics, rule, "pass data=, such as the training examples")
    found = copy.deepcopy(one).eval()
    ends = [dict([*module.named_parameters(), *module.named_buffers()]) for module in (found, other)]
    with torch.no_grad():
        for name, tensor in ends[0].items():
            if tensor.is_floating_point():
                there = ends[1][name].to(tensor)
                tensor.copy_(there if share == 1.0 else tensor + share * (there - tensor))
        for name, mask in fitting({} if masks is None else masks, ends[0]).items():
            ends[0][name].masked_fill_(mask.to(tensor.device) == 0, 0.0)
    if statistics == "recomputed" and data is not None:
        _recompute(found, data)
    return found


def linear_path(
    one: nn.Module,
    other: nn.Module,
    examples: Examples,
    *,
    points: int = 31,
    masks: Mapping[str, Tensor] | None = None,
    statistics: Statistics = "interpolated",
    data: Examples | None = None,
) -> LinearPath:
    """Return error and loss along the straight path between two networks.

    Parameters
    ----------
    one, other, masks, statistics, data
        As :func:`interpolated` has them.
    examples : slth.training.Examples
        What error and loss are measured on, as the networks take them.
    points : int
        Places on the path, both ends among them; an odd number has the midpoint.

    Returns
    -------
    LinearPath

    Raises
    ------
    slth.errors.ArgumentError
        As :func:`interpolated`, or there are less than two points.

    Examples
    --------
    >>> from torch import nn
    >>> one, other = nn.Linear(1, 2), nn.Linear(1, 2)
    >>> slth.trainable.linear_path(one, other, slth.training.Examples([[1.0]], [0]), points=3).shares.tolist()
    [0.0, 0.5, 1.0]
    """
    shares = np.linspace(0.0, 1.0, whole(points, "points", 2, remedy="use 31"))
    between = (interpolated(one, other, share, masks=masks, statistics=statistics, data=data) for share in shares)
    found = [Predictions.of(module, examples) for module in between]
    errors = [1.0 - each.accuracy for each in found]
    return LinearPath(shares, np.array(errors), np.array([each.negative_log_likelihood for each in found]))


def connectivity_scores(
    one: nn.Module,
    other: nn.Module,
    examples: Examples,
    *,
    masks: Mapping[str, Tensor] | None = None,
    statistics: Statistics = "interpolated",
    data: Examples | None = None,
) -> Floats:
    """Return each example's loss half way between two networks less the mean of its losses at the ends.

    Parameters
    ----------
    one, other, examples, masks, statistics, data
        As :func:`linear_path` has them.

    Returns
    -------
    float64[examples]
        A score of examples: those with 0 or less are linearly mode connected.

    Notes
    -----
    Source: Paul, Larsen, Ganguli, Frankle, Dziugaite, "Lottery Tickets on a Data Diet: Finding Initializations with
    Sparse Trainable Networks", NeurIPS 2022.

    Examples
    --------
    >>> from torch import nn
    >>> one = nn.Linear(1, 2)
    >>> slth.trainable.connectivity_scores(one, one, slth.training.Examples([[1.0], [2.0]], [0, 1])).tolist()
    [0.0, 0.0]
    """
    losses = []
    for share in (0.0, 0.5, 1.0):
        module = interpolated(one, other, share, masks=masks, statistics=statistics, data=data)
        found = Predictions.of(module, examples)
        losses.append(-found.log_probabilities[np.arange(len(examples)), found.labels])
    return frozen(losses[1] - (losses[0] + losses[2]) / 2.0)


def children(
    module: nn.Module,
    data: Examples,
    recipe: Recipe,
    *,
    step: int = 0,
    masks: Mapping[str, Tensor] | None = None,
    seed: int = 0,
    device: str | None = None,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> tuple[nn.Module, nn.Module]:
    """Train two networks that are one for some steps, and then see the examples in orders of their own.

    Parameters
    ----------
    module : torch.nn.Module
        Where training begins; it stays as it is.
    data : slth.training.Examples
    recipe : slth.training.Recipe
        Of the whole training. The children's begins at the step where they part, with fresh momentum.
    step : int
        Steps that they have in common, at most those of the recipe.
    masks : mapping of str to Tensor, optional
        By name of a weight: what they remove is 0 from the start.
    seed : int
        Of the order of the common steps; the children's are drawn from it.
    device : {"auto", "cpu", "cuda"}, optional
    folder : str or Path, optional
        Where each epoch is written: the same call goes on from there, on the CPU to the same bits.
    progress : callable, optional
        Called with ("what they share", epochs done, epochs) and ("child 1 of 2", ...).

    Returns
    -------
    (torch.nn.Module, torch.nn.Module)
        In evaluation mode.

    Raises
    ------
    slth.errors.ArgumentError
        The step is outside the recipe, or as :class:`slth.training.TrainingRun`.

    Examples
    --------
    >>> import torch
    >>> from slth.training import Recipe
    >>> data = slth.training.Examples(torch.tensor([[-1.0], [1.0]] * 8), [0, 1] * 8)
    >>> pair = slth.trainable.children(torch.nn.Linear(1, 2), data, Recipe(epochs=4, batch_size=4), step=8)
    >>> slth.trainable.linear_path(*pair, data, points=3).barrier
    0.0
    """
    instance(recipe, Recipe, "recipe", "pass a slth.training.Recipe")
    instance(data, Examples, "data", "make them with slth.training.Examples(inputs, targets)")
    total = recipe.steps_per_epoch(len(data)) * recipe.epochs
    whole(step, "step", recipe.start, total, remedy="use a step of the recipe, such as 0 for the start")
    place = None if folder is None else file_of(folder, "folder")
    trunk = Growing(copy.deepcopy(module_given(module)), data, recipe, masks, seed, device)
    trunk.until(
        step, None if place is None else place / "trunk", None if progress is None else (progress, "what they share")
    )
    found = []
    for child in (1, 2):
        own = int(Stream(seed, f"trainable/child/{child}").raw(0, 1)[0])
        growing = Growing(copy.deepcopy(trunk.module), data, replace(recipe, start=step), masks, own, device)
        label = None if progress is None else (progress, f"child {child} of 2")
        growing.until(total, None if place is None else place / f"child{child}", label)
        found.append(growing.module.eval())
    return found[0], found[1]


def _recompute(module: nn.Module, data: Examples) -> None:
    """Give norm layers the means over examples of the statistics of their batches."""
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm) and part.track_running_stats]
    momenta = [part.momentum for part in norms]
    for part in norms:
        part.reset_running_stats()
        part.momentum = None  # a plain mean of all batches
        part.train()
    outputs_of(module, data.inputs, batch=-(-len(data) // -(-len(data) // _BATCH)))  # about equal ones, none of one
    for part, momentum in zip(norms, momenta, strict=True):
        part.momentum = momentum
        part.eval()

"""Masks at initialisation: random, magnitude, SNIP, GraSP, SynFlow, evolution; the baselines of every search."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from slth.arrays import as_double
from slth.errors import ArgumentError, ConstructionError
from slth.networks import Axes, LayerRule, Structure, TopK, Weights, apply_ticket, densities, layer_densities, maskable
from slth.networks.devices import image_layout
from slth.networks.given import instance
from slth.networks.structures import fixed_rows
from slth.resources import Progress
from slth.rng import WeightLaw
from slth.searches.baseline import Baseline, Problem
from slth.searches.method import check_spared, kept_whole
from slth.searches.random_source import Scale, random_source
from slth.searches.search import SearchResult
from slth.tickets.ticket import Family
from slth.training import CrossEntropy, Examples, Recipe, evaluate
from slth.training.fit import check_fit, device_of
from slth.training.recipe import Loss
from slth.training.tokens import check_tokens


def prune(
    module: nn.Module,
    data: Examples,
    method: Baseline,
    *,
    density: float | Mapping[str, float],
    allocation: str | LayerRule | None = None,
    structure: Structure | None = None,
    spared: Sequence[str] = (),
    loss: Loss | None = None,
    law: WeightLaw | None = None,
    scale: Scale = "kaiming",
    family: Family = "strong",
    seed: int = 0,
    progress: Progress | None = None,
) -> SearchResult:
    r"""Keep a part of a random network of a module's architecture; neither weights nor scores are trained.

    Masks of :class:`SNIP`, :class:`GraSP`, :class:`SynFlow` and their kin are made to be trained: evaluated as they
    are, these networks are near chance. They are what a search is compared with, and with ``family="trainable"`` what
    training starts from.

    Parameters
    ----------
    module : torch.nn.Module
        Gives the architecture, as in :func:`search`; it stays as it is, on its device.
    data : Examples
        What scores are taken on, by the methods that look at any.
    method : Baseline
        :class:`Random`, :class:`Magnitude`, :class:`SNIP`, :class:`GraSP`, :class:`SynFlow`, :class:`Evolution`, or a
        :class:`Criterion` of one's own.
    density : float or mapping of str to float
        kept / total; of each weight apart if it is a mapping.
    allocation : str or LayerRule, optional
        How the density is shared among the weights ("uniform", "erk", ...: :func:`slth.networks.layer_densities`), each
        of which keeps its own share; without one all weights are ranked together (n of m in each weight alike).
    structure : Structure, optional
        What is kept or removed together; a group's score is the sum over its weights. Density then counts groups.
    spared : sequence of str
        Names, or patterns of names, of weights that are kept whole; density does not count them.
    loss : callable, optional
        Of outputs and targets, a mean; cross entropy by default.
    law : WeightLaw, optional
        Of the weights; normal by default.
    scale : {"kaiming", "elu", "kept", "local", "removed", "none"}
        As :func:`search` has it; where it is local, scores are those of the whole network, not yet scaled.
    family : {"strong", "trainable"}
        What the ticket says of its weights: final, or where training starts.
    seed : int
        Of weights, of the examples that are drawn, and of random scores; 0 <= seed < 2**64.
    progress : callable, optional
        Called with ("prune", done, total), rounds or generations.

    Returns
    -------
    SearchResult
        Exactly as many groups are kept as the density says, of equal scores those that come first. Where there are
        several rounds, ``scores`` have the order in which groups were removed.

    Raises
    ------
    slth.errors.ArgumentError
        The module has nothing to mask or does not take the examples, or an argument breaks a rule.
    slth.errors.ConstructionError
        Scores are not finite, or no weight of a layer is kept (the layer is named).

    Examples
    --------
    >>> import torch
    >>> data = slth.training.Examples(torch.tensor([[-1.0, 0.2], [1.0, 0.1]] * 8), [0, 1] * 8)
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    >>> found = slth.searches.prune(net, data, slth.searches.SNIP(), density=0.25, seed=1)
    >>> found.ticket.mask.kept, found.ticket.mask.total
    (32, 128)
    """
    instance(method, Baseline, "method", "use slth.searches.SNIP(), or inherit from Criterion")
    instance(data, Examples, "data", "make them with slth.training.Examples(inputs, targets)")
    loss = CrossEntropy() if loss is None else loss
    every = maskable(instance(module, nn.Module, "module", "pass an instance of one"))
    check_spared(spared, every)
    axes = {name: one for name, one in every.items() if not any(fnmatchcase(name, word) for word in spared)}
    selection = _selection(axes, density, allocation, Weights() if structure is None else structure)
    law = WeightLaw("normal") if law is None else law
    source = random_source(module, law=law, seed=seed, scale=scale, density=selection.density)
    network = source.module.eval()
    here = data.to(device_of(network), image_layout(network))
    check_fit(network, here, lambda two: evaluate(network, two, loss=loss))
    check_tokens(network, Recipe(loss=loss), here)
    problem = Problem(network, here, loss, source.seed, selection, axes)
    found = method.find(problem, progress)
    chosen = {name: selection.structure.expand(groups, axes[name]) for name, groups in found.chosen.items()}
    masks = {name: mask.cpu() for name, mask in kept_whole(chosen, source).items()}
    _check_kept(masks, named=isinstance(selection.density, Mapping))
    ticket = source.ticket(masks, source.stored(), gains=source.scaled(masks), family=family)
    made = apply_ticket(copy.deepcopy(module), ticket).eval()
    ranking = selection if found.scores else None
    epoch = found.trace[-1].epoch if found.trace else 0
    return SearchResult(ticket, made, found.scores, found.trace, epoch, densities(masks), ranking, loss=loss)


def _selection(
    axes: Mapping[str, Axes], density: Any, allocation: str | LayerRule | None, structure: Structure
) -> TopK:
    """Return how many groups of which weights are kept, ranked together or each weight by itself."""
    if isinstance(density, Mapping):
        if allocation is not None:
            raise ArgumentError("allocation", allocation, "is given by the densities", "pass one density, or no rule")
        return TopK(density, structure, "layer", magnitude=False)
    if not 0.0 < as_double(density) <= 1.0:
        raise ArgumentError("density", density, "must lie in (0, 1]", "density = kept / total; use 0.05")
    if allocation is None:
        return TopK(density, structure, "layer" if fixed_rows(structure) else "global", magnitude=False)
    return TopK(layer_densities(axes, density, allocation), structure, "layer", magnitude=False)


def _check_kept(masks: Mapping[str, Tensor], *, named: bool) -> None:
    """Name the layer that is cut through."""
    for name, mask in masks.items():
        if not bool(torch.any(mask)):
            remedy = "raise its density" if named else 'raise the density, or share it with allocation="erk"'
            raise ConstructionError(f"no weight of {name} is kept: the network has collapsed; {remedy}")

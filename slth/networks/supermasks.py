"""Selection methods: from the scores of a module's weights to their masks, and the gradient that scores get."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from slth.arrays import as_double, one_of, truth
from slth.errors import ArgumentError
from slth.networks.selection import Rounding, kept_count, top_k, top_k_each
from slth.networks.structures import Axes, Structure, Weights, fixed_rows
from slth.rng import Stream

Scope = Literal["layer", "global"]
Tensors: TypeAlias = Mapping[str, Tensor]
Places: TypeAlias = Mapping[str, Axes]


class Selection:
    """From scores to masks, as pure functions by the names of the weights; a method overrides what it needs.

    :meth:`select` is enough for a method: what is selected passes its gradient straight through to the scores.
    """

    structure: Structure = Weights()
    spared: Sequence[str] = ()
    """Patterns of the names of weights that have no scores: they are kept whole."""
    joint = False
    """Whether a mask depends on the scores of other weights too."""

    def first(self, axes: Places, seed: int) -> dict[str, Tensor]:
        r"""Return first scores, uniform on :math:`\pm 1/\sqrt{m}`, m weights of an output, by stream of the name.

        Where the scores of all weights are ranked together m is the mean over them: else the largest layers, whose
        scores would be the smallest, were removed before anything is learnt.
        """
        names = [name for name in axes if not any(fnmatchcase(name, pattern) for pattern in self.spared)]
        inputs = [max(1, int(torch.Size(axes[name].shape[1:]).numel())) for name in names]
        bound = (sum(inputs) / len(inputs)) ** -0.5 if self.joint and inputs else None
        return {
            name: first_scores(seed, name, self.structure.shape(axes[name]), axes[name], bound=bound) for name in names
        }

    def select(self, scores: Tensors, axes: Places) -> dict[str, Tensor]:
        """Return what groups are multiplied by, bool or int8 in the shape of their scores; without a gradient."""
        raise NotImplementedError

    def ranked(self, scores: Tensor) -> Tensor:
        """Return what the gradient of a mask is passed to: the scores, or a function of them."""
        return scores

    def order(self, scores: Tensor) -> Tensor | None:
        """Return what is kept where it is large; None where masks follow no order of the scores."""
        del scores
        return None

    def chosen(self, scores: Tensors, axes: Places) -> dict[str, Tensor]:
        """Return the masks as they stand, in the shapes of the weights."""
        with torch.no_grad():
            found = self._selected(scores, axes)
            return {name: self.structure.expand(found[name], axes[name]) for name in scores}

    def masks(self, scores: Tensors, axes: Places) -> dict[str, Tensor]:
        """Return the masks in the shapes of the weights, differentiable in the scores."""
        with torch.no_grad():
            found = self._selected(scores, axes)
        passed = {name: straight_through(self.ranked(tensor), found[name]) for name, tensor in scores.items()}
        return {name: self.structure.expand(mask, axes[name]) for name, mask in passed.items()}

    def _selected(self, scores: Tensors, axes: Places) -> Tensors:
        """Return what is selected, which must be something for each weight that has scores."""
        found = self.select(scores, axes)
        for name in scores:
            if name not in found:
                rule = f"selects nothing for {name}"
                raise ArgumentError(
                    "method", type(self).__name__, rule, "let select() return a mask for each of the scores"
                )
        return found


@dataclass(frozen=True)
class TopK(Selection):
    r"""Keep the groups of largest scores, exactly as many as the density says: edge-popup's rule and its kin.

    Parameters
    ----------
    density : float or mapping of str to float
        kept / total, of groups; for each weight apart if it is a mapping.
    structure : Structure, optional
        What is kept or removed together: single weights, channels, kernels, heads, blocks, n of m.
    scope : {"layer", "global"}
        Whether each weight keeps its share, or the scores of all weights are ranked together.
    magnitude : bool
        Whether absolute values of the scores are ranked.
    signed : bool
        Whether what is kept is multiplied by the sign of its score (a signed supermask): needs ``magnitude``.
    rounding : {"nearest", "up", "down"}
        From a density to a number; see :func:`kept_count`.
    spared : sequence of str
        Names of weights that are kept whole, such as ``"classifier.weight"``, or patterns such as ``"*.downsample.*"``.

    Notes
    -----
    Sources: Ramanujan et al. 2020, "What's Hidden in a Randomly Weighted Neural Network?" (edge-popup).

    Examples
    --------
    >>> import torch
    >>> scores = {"weight": torch.tensor([[0.1, -0.9]])}
    >>> slth.networks.TopK(0.5, signed=True).chosen(scores, {"weight": slth.networks.Axes((1, 2))})["weight"].tolist()
    [[0, -1]]
    """

    density: float | Mapping[str, float]
    structure: Structure = field(default_factory=Weights)
    scope: Scope = "layer"
    magnitude: bool = True
    signed: bool = False
    rounding: Rounding = "nearest"
    spared: Sequence[str] = ()

    def __post_init__(self) -> None:
        _check_structure(self.structure)
        names = self.spared if isinstance(self.spared, Iterable) and not isinstance(self.spared, str) else [None]
        if not all(isinstance(name, str) for name in names):
            raise ArgumentError("spared", self.spared, "must be names of weights", 'write ["classifier.weight"]')
        object.__setattr__(self, "spared", tuple(self.spared))
        truth(self.magnitude, "magnitude")
        several = isinstance(self.density, Mapping)
        for one in self.density.values() if isinstance(self.density, Mapping) else [self.density]:
            kept_count(one, 1, rounding=self.rounding)
        apart = several or fixed_rows(self.structure)
        if not one_of(self.scope, get_args(Scope)) or (self.scope == "global" and apart):
            remedy = 'use scope="layer", or one density and a structure without fixed rows'
            raise ArgumentError("scope", self.scope, "does not fit density and structure", remedy)
        if truth(self.signed, "signed") and not self.magnitude:
            raise ArgumentError("signed", self.signed, "ranks absolute values", "use magnitude=True")

    @property
    def joint(self) -> bool:  # type: ignore[override]
        return self.scope == "global"

    def ranked(self, scores: Tensor) -> Tensor:
        return scores.abs() if self.magnitude and not self.signed else scores

    def order(self, scores: Tensor) -> Tensor:
        return scores.abs() if self.magnitude else scores

    def select(self, scores: Tensors, axes: Places) -> dict[str, Tensor]:
        for name, tensor in scores.items():
            if name not in axes or tuple(tensor.shape) != tuple(self.structure.shape(axes[name])):
                wanted = list(self.structure.shape(axes[name])) if name in axes else "no weight of this name"
                raise ArgumentError(
                    "scores", (name, list(tensor.shape)), f"do not fit: {wanted}", "see maskable(module)"
                )
        ranks = {name: self.order(tensor.detach()) for name, tensor in scores.items()}
        found = self._together(ranks) if self.joint else self._apart(ranks, axes)
        return {name: _signs(scores[name], kept) for name, kept in found.items()} if self.signed else found

    def _apart(self, ranks: Tensors, axes: Places) -> dict[str, Tensor]:
        kept = {name: self._kept(name, axes[name]) for name in ranks}
        if fixed_rows(self.structure):
            return {name: self.structure.select(one, kept[name]) for name, one in ranks.items()}
        return top_k_each(ranks, kept)

    def _kept(self, name: str, axes: Axes) -> int:
        density = self.density
        if isinstance(density, Mapping) and name not in density:
            raise ArgumentError("density", sorted(density), f"has none for {name}", "give each weight its density")
        share = density[name] if isinstance(density, Mapping) else density
        try:
            return self.structure.kept(axes, share, self.rounding)
        except ArgumentError as error:
            raise ArgumentError(error.argument, error.value, f"in {name} {error.rule}", error.remedy) from None

    def _together(self, ranks: Tensors) -> dict[str, Tensor]:
        together = torch.cat([tensor.reshape(-1) for tensor in ranks.values()])
        mask = top_k(together, kept_count(self.density, len(together), rounding=self.rounding))  # type: ignore[arg-type]
        parts = torch.split(mask, [tensor.numel() for tensor in ranks.values()])
        return {name: part.reshape(tensor.shape) for (name, tensor), part in zip(ranks.items(), parts, strict=True)}


@dataclass(frozen=True)
class Threshold(Selection):
    r"""Keep what lies above a fixed threshold: :math:`[s > t]`, or signed :math:`\mathrm{sgn}(s)\,[|s| > t]`.

    Parameters
    ----------
    limit : float
        The threshold t, not negative where masks are signed.
    signed : bool
        Whether masks are -1, 0 or 1.
    structure : Structure, optional
        Single weights by default.

    Examples
    --------
    >>> import torch
    >>> from slth.networks import Axes, Threshold
    >>> scores = {"weight": torch.tensor([[0.1, -0.9]])}
    >>> Threshold(0.5, signed=True).chosen(scores, {"weight": Axes((1, 2))})["weight"].tolist()
    [[0, -1]]
    """

    limit: float = 0.0
    signed: bool = False
    structure: Structure = field(default_factory=Weights)

    def __post_init__(self) -> None:
        _check_structure(self.structure)
        if not (0.0 if self.signed else -torch.inf) <= as_double(self.limit) < torch.inf:
            raise ArgumentError("limit", self.limit, "is no threshold of such masks", "use 0.0")

    def order(self, scores: Tensor) -> Tensor:
        return scores.abs() if self.signed else scores

    def select(self, scores: Tensors, axes: Places) -> dict[str, Tensor]:
        del axes
        kept = {name: self.order(tensor) > self.limit for name, tensor in scores.items()}
        return {name: _signs(scores[name], mask) for name, mask in kept.items()} if self.signed else kept


def select_masks(
    scores: Mapping[str, Tensor],
    density: float | Mapping[str, float],
    *,
    structure: Structure | None = None,
    axes: Mapping[str, Axes] | None = None,
    scope: Scope = "layer",
    rounding: Rounding = "nearest",
) -> dict[str, Tensor]:
    """Return the masks that keep the groups of largest scores: :class:`TopK` without a module.

    Parameters
    ----------
    scores : mapping of str to Tensor
        By name of the weight, in the shape that the structure has for it; larger is better.
    density, structure, scope, rounding
        As :class:`TopK` has them.
    axes : mapping of str to Axes, optional
        As :func:`maskable` gives them; not needed for single weights.

    Returns
    -------
    dict of str to Tensor of bool
        In the shapes of the weights.

    Raises
    ------
    slth.errors.ArgumentError
        As :class:`TopK`; or scores do not have the structure's shape, or a weight is unknown.

    Examples
    --------
    >>> import torch
    >>> scores = {"a": torch.tensor([1.0, 4.0]), "b": torch.tensor([2.0, 3.0])}
    >>> {name: mask.tolist() for name, mask in slth.networks.select_masks(scores, 0.5, scope="global").items()}
    {'a': [False, True], 'b': [False, True]}
    """
    unit = Weights() if structure is None else structure
    places = {name: Axes(tuple(tensor.shape)) for name, tensor in scores.items()} if axes is None else axes
    return TopK(density, unit, scope, magnitude=False, rounding=rounding).chosen(scores, places)


def straight_through(scores: Tensor, mask: Tensor) -> Tensor:
    """Return a mask, exactly, whose gradient is that of the scores: ``mask + (scores - scores)``, one half detached.

    Parameters
    ----------
    scores : Tensor
        Finite.
    mask : Tensor
        Of the same shape.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import torch
    >>> scores = torch.tensor([0.3, 0.7], requires_grad=True)
    >>> (slth.networks.straight_through(scores, torch.tensor([False, True])) * 2.0).sum().backward()
    >>> scores.grad
    tensor([2., 2.])
    """
    return mask.to(scores.dtype) + (scores - scores.detach())


def first_scores(seed: int, name: str, shape: tuple[int, ...], axes: Axes, *, bound: float | None = None) -> Tensor:
    r"""Return first scores of a weight, uniform within a bound, :math:`1/\sqrt{m}` for m weights an output."""
    generator = torch.Generator().manual_seed(int(Stream(seed, f"scores/{name}").raw(0, 1)[0] >> 1))
    inputs = max(1, int(torch.Size(axes.shape[1:]).numel()))
    return (2.0 * torch.rand(shape, generator=generator) - 1.0) * (inputs**-0.5 if bound is None else bound)


def _signs(scores: Tensor, kept: Tensor) -> Tensor:
    """Return the sign of what is kept, 1 for a score of 0, and 0 elsewhere."""
    return torch.where(scores.detach() < 0, -1, 1).to(torch.int8) * kept


def _check_structure(structure: object) -> None:
    if not isinstance(structure, Structure):
        raise ArgumentError("structure", structure, "is no structure", "use Weights(), OutputChannels(), Blocks(16)")

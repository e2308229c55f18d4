"""Edge-popup: each weight has a score, the largest scores are kept, and gradients reach the scores straight through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from slth.arrays import as_double, positive_number, whole
from slth.errors import ArgumentError
from slth.networks import TopK
from slth.networks.given import instance
from slth.networks.selection import Rounding
from slth.training import Step


@dataclass(frozen=True)
class Annealing:
    r"""A density that falls over the first epochs of a search: :math:`d + (d_0 - d) (1 - e / E)^p` in epoch e.

    Parameters
    ----------
    epochs : int
        E, from where on the density is the one asked for, d.
    first : float
        :math:`d_0`, in (0, 1]; a density above it is not annealed.
    power : float
        p: 3 falls fast at first, 1 along a line.

    Raises
    ------
    slth.errors.ArgumentError
        A number is outside its range.

    Notes
    -----
    Source: the code of Diffenderfer, Bartoldson, Chaganti, Zhang, Kailkhura, "A Winning Hand: Compressing Deep Networks
    Can Improve Out-of-Distribution Robustness", NeurIPS 2021, with the numbers that are the defaults here, for global
    rankings; gradual decay helped in Huang et al. 2022, "You Can Have Better Graph Neural Networks by Not Training
    Weights at All" (unverified).

    Examples
    --------
    >>> [round(slth.searches.Annealing(epochs=4).density(0.1, epoch), 3) for epoch in (0, 1, 2, 3, 4, 9)]
    [0.5, 0.269, 0.15, 0.106, 0.1, 0.1]
    """

    epochs: int = 10
    first: float = 0.5
    power: float = 3.0

    def __post_init__(self) -> None:
        """Check each number."""
        whole(self.epochs, "epochs", remedy="use 10")
        if not 0.0 < as_double(self.first) <= 1.0:
            raise ArgumentError("first", self.first, "must lie in (0, 1]", "use 0.5")
        positive_number(self.power, "power", remedy="use 3.0, or 1.0 for a line")

    def density(self, density: float, epoch: int) -> float:
        """Return the density of an epoch, of which the first is 0."""
        left = max(0.0, 1.0 - epoch / self.epochs)
        return float(density + max(0.0, self.first - density) * left**self.power)


@dataclass(frozen=True)
class EdgePopup(TopK):
    r"""Edge-popup: keep the weights of largest score, exactly as many as the density says, at every step.

    The network computes with :math:`w_i m_i`, where :math:`m_i = 1` for the k largest of :math:`|s_i|`; the scores are
    trained by :math:`\partial L / \partial s_i = \partial L / \partial (w_i m_i) \cdot w_i \,\mathrm{sign}(s_i)`, also
    where the weight is removed. Weights are never trained.

    Parameters
    ----------
    density : float or mapping of str to float
        kept / total, in (0, 1]; for each weight apart if it is a mapping.
    structure : Structure, optional
        What has one score: single weights, or :class:`~slth.networks.OutputChannels`, ``InputChannels``, ``Kernels``,
        ``Heads``, ``Blocks(size)``, ``NOfM(n, m)``. Density then counts these groups.
    scope : {"layer", "global"}
        Whether each layer keeps its share, as published, or the scores of all layers are ranked together.
    magnitude : bool
        Whether :math:`|s_i|` is ranked, as in the published code, or :math:`s_i`, as the paper's text has it.
    signed : bool
        Whether a kept weight is multiplied by the sign of its score (a signed supermask).
    rounding : {"up", "nearest", "down"}
        From a density to a number; the published code removes ``int((1 - density) total)``, which is "up".
    spared : sequence of str
        Names, or patterns of names, of weights that are kept whole: a classifier whose outputs are all needed.
    anneal : Annealing, optional
        How the density falls to the one asked for in the first epochs of a search; in a loop of one's own the density
        is the one asked for.

    Raises
    ------
    slth.errors.ArgumentError
        The density is outside (0, 1], or scope, structure and density do not fit together.

    Notes
    -----
    Source: Ramanujan, Wortsman, Kembhavi, Farhadi, Rastegari, "What's Hidden in a Randomly Weighted Neural Network?",
    CVPR 2020. In its code ``prune_rate`` is the share that is kept in one class and the share removed in another.

    Examples
    --------
    >>> import torch
    >>> scores = {"weight": torch.tensor([[0.1, -0.9, 0.3]])}
    >>> slth.EdgePopup(density=0.5).chosen(scores, {"weight": slth.networks.Axes((1, 3))})["weight"].tolist()
    [[False, True, True]]
    """

    density: float | Mapping[str, float] = 0.5
    rounding: Rounding = "up"
    anneal: Annealing | None = None

    def __post_init__(self) -> None:
        """Check density and scope."""
        super().__post_init__()
        if self.anneal is not None:
            instance(self.anneal, Annealing, "anneal", "pass an Annealing, or None")
        for one in self.density.values() if isinstance(self.density, Mapping) else [self.density]:
            if as_double(one) == 0.0:
                raise ArgumentError("density", self.density, "keeps nothing", "density = kept / total; use 0.5")

    def at(self, step: Step) -> EdgePopup:
        """Return the selection of a step of a search, which an annealing has at another density."""
        anneal = self.anneal
        if anneal is None:
            return self
        if step.epochs < anneal.epochs:
            rule = f"takes longer than the {step.epochs} epochs of the recipe: the density would never be reached"
            raise ArgumentError("anneal", anneal, rule, "search for more epochs, or anneal in fewer")
        if step.epoch >= anneal.epochs:
            return self
        density = self.density
        if isinstance(density, Mapping):
            return replace(self, density={name: anneal.density(one, step.epoch) for name, one in density.items()})
        return replace(self, density=anneal.density(density, step.epoch))

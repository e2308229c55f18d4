"""Edge-popup: each weight has a score, the largest scores are kept, and gradients reach the scores straight through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from slth.arrays import as_double
from slth.errors import ArgumentError
from slth.networks import TopK
from slth.networks.selection import Rounding


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
    >>> from slth.networks import Axes
    >>> scores = {"weight": torch.tensor([[0.1, -0.9, 0.3]])}
    >>> EdgePopup(density=0.5).chosen(scores, {"weight": Axes((1, 3))})["weight"].tolist()
    [[False, True, True]]
    """

    density: float | Mapping[str, float] = 0.5
    rounding: Rounding = "up"

    def __post_init__(self) -> None:
        """Check density and scope."""
        super().__post_init__()
        for one in self.density.values() if isinstance(self.density, Mapping) else [self.density]:
            if as_double(one) == 0.0:
                raise ArgumentError("density", self.density, "keeps nothing", "density = kept / total; use 0.5")

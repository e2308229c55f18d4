"""Multicoated supermasks: nested masks of several densities, whose sum a weight is multiplied by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from slth.arrays import whole
from slth.networks import TopK
from slth.networks.supermasks import Places, Tensors


@dataclass(frozen=True)
class Multicoated(TopK):
    r"""A multicoated supermask: a weight is multiplied by the number of masks that keep it, 0, 1, ..., N.

    Mask i of N, for i = 0, ..., N - 1, keeps the largest scores at density :math:`d (N - i) / N`, exactly; so each lies
    within the one before. The gradient of a score is that of edge-popup, once for the sum (the published code passes it
    once for each mask: there the rate is N times as large).

    Parameters
    ----------
    density : float or mapping of str to float
        d, kept / total: what the first mask keeps.
    structure, scope, magnitude, signed, rounding, spared
        As :class:`slth.networks.TopK` has them; with ``signed`` factors are -N, ..., N.
    coats : int
        N, at least 1; 1 is edge-popup.

    Raises
    ------
    slth.errors.ArgumentError
        As :class:`slth.networks.TopK`; or there is no mask, or more than 127.

    Notes
    -----
    Source: Okoshi, García-Arias, Hirose, Ando, Kawamura, Van Chu, Motomura, Yu, "Multicoated Supermasks Enhance Hidden
    Networks", ICML 2022, with linear spacing; weights of ``scale="kept"`` are as large as there.

    Examples
    --------
    >>> import torch
    >>> from slth.networks import Axes
    >>> scores = {"weight": torch.tensor([[0.1, -0.9, 0.3, 0.6]])}
    >>> slth.searches.Multicoated(0.75, coats=3).chosen(scores, {"weight": Axes((1, 4))})["weight"].tolist()
    [[0, 3, 1, 2]]
    """

    density: float | Mapping[str, float] = 0.5
    coats: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        whole(self.coats, "coats", 1, torch.iinfo(torch.int8).max, remedy="use 3")

    def select(self, scores: Tensors, axes: Places) -> dict[str, Tensor]:
        masks = [TopK.select(self._coat(number), scores, axes) for number in range(self.coats)]
        return {name: torch.stack([mask[name] for mask in masks]).sum(0, dtype=torch.int8) for name in scores}

    def _coat(self, number: int) -> Multicoated:
        """Return the same with the density of a mask."""
        share, density = (self.coats - number) / self.coats, self.density
        if isinstance(density, Mapping):
            return replace(self, density={name: round(one * share, 12) for name, one in density.items()})
        return replace(self, density=round(density * share, 12))

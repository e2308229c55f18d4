"""From one density of a network to a density of each of its weights: the layer rules of the literature."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from types import MappingProxyType

from torch import nn

from slth.arrays import as_double
from slth.errors import ArgumentError
from slth.networks.masking import maskable
from slth.networks.selection import kept_count
from slth.networks.structures import Axes

Shape = tuple[int, ...]


class LayerRule:
    """How many entries each weight keeps, as exact numbers before they are rounded; a rule overrides ``counts``."""

    def counts(self, shapes: Sequence[Shape], kept: int) -> list[Fraction]:
        """Return numbers from 1 to the size of each weight, with the sum ``kept``."""
        raise NotImplementedError


class _Proportional(LayerRule):
    """Counts in proportion to a number of each shape; what exceeds a weight's size goes to the others alike."""

    def share(self, shape: Shape) -> int:
        """Return that number."""
        raise NotImplementedError

    def counts(self, shapes: Sequence[Shape], kept: int) -> list[Fraction]:
        shares, sizes = [self.share(shape) for shape in shapes], [prod(shape) for shape in shapes]

        def at(scale: Fraction) -> list[Fraction]:
            both = zip(shares, sizes, strict=True)
            return [min(max(scale * share, Fraction(1)), Fraction(size)) for share, size in both]

        # The sum is piecewise linear in the scale, and bends where a weight begins to grow or is full.
        bends = sorted({Fraction(bend, share) for share, size in zip(shares, sizes, strict=True) for bend in (1, size)})
        start = max(bend for bend in bends if bend == bends[0] or sum(at(bend)) <= kept)
        free = [share for share, size in zip(shares, sizes, strict=True) if 1 <= start * share < size]
        return at(start + (kept - sum(at(start))) / Fraction(sum(free) or 1))


@dataclass(frozen=True)
class Uniform(_Proportional):
    """The same density everywhere.

    Examples
    --------
    >>> from slth.networks import Axes, Uniform, layer_densities
    >>> layer_densities({"a": Axes((10, 10)), "b": Axes((10, 2))}, 0.5, Uniform())
    {'a': 0.5, 'b': 0.5}
    """

    def share(self, shape: Shape) -> int:
        return prod(shape)


@dataclass(frozen=True)
class ErdosRenyi(_Proportional):
    r"""Erdos-Renyi-kernel (ERK): densities in proportion to :math:`(n_{in} + n_{out} + h + w) / (n_{in} n_{out} h w)`.

    Notes
    -----
    Sources: Mocanu et al. 2018 (Erdos-Renyi); Evci et al., "Rigging the Lottery", ICML 2020 (kernel). Weights that
    would keep more than all of themselves keep all, and the others share the rest.

    Examples
    --------
    >>> from slth.networks import Axes, ErdosRenyi, layer_densities
    >>> layer_densities({"a": Axes((10, 10)), "b": Axes((10, 2))}, 0.4, ErdosRenyi())
    {'a': 0.3, 'b': 0.9}
    """

    def share(self, shape: Shape) -> int:
        return sum(shape)


@dataclass(frozen=True)
class EqualPerLayer(_Proportional):
    """Edges equal per layer (EPL): as many entries of each weight, or all of it where it has fewer.

    Notes
    -----
    Source: Price and Tanner, "Dense for the Price of Sparse", ICML 2021 (unverified).

    Examples
    --------
    >>> from slth.networks import Axes, EqualPerLayer, layer_densities
    >>> layer_densities({"a": Axes((10, 10)), "b": Axes((10, 2))}, 0.5, EqualPerLayer())
    {'a': 0.4, 'b': 1.0}
    """

    def share(self, shape: Shape) -> int:
        del shape
        return 1


@dataclass(frozen=True)
class IdealGas(LayerRule):
    r"""Ideal gas quotas (IGQ): weight l of :math:`n_l` entries has density :math:`1 / (1 + F n_l)`, one F for all.

    Notes
    -----
    Source: Vysogorets and Kempe, "Connectivity Matters: Neural Network Pruning Through the Lens of Effective Sparsity",
    JMLR 2023: pistons of height :math:`n_l` and area :math:`1 / n_l` under one force F.

    Examples
    --------
    >>> from slth.networks import Axes, IdealGas, layer_densities
    >>> found = layer_densities({"a": Axes((10, 10)), "b": Axes((10, 2))}, 0.5, IdealGas())
    >>> [round(density, 3) for density in found.values()]  # F = 0.0126: 1 / 2.26 and 1 / 1.25, as 100 and 20 allow
    [0.44, 0.8]
    """

    def counts(self, shapes: Sequence[Shape], kept: int) -> list[Fraction]:
        sizes = [prod(shape) for shape in shapes]

        def at(force: float) -> list[float]:
            return [max(1.0, size / (1.0 + force * size)) for size in sizes]

        low, high = 0.0, 1.0
        for _ in range(2000):  # halving ends where two doubles are neighbours
            middle = (low + high) / 2.0
            if middle in (low, high):
                break
            low, high = (middle, high) if math.fsum(at(middle)) > kept else (low, middle)
        found = [Fraction(count) for count in at(low)]
        # What rounding left over is far below one entry: the weight with the most room in both directions takes it.
        place = max(range(len(sizes)), key=lambda i: min(sizes[i] - found[i], found[i] - 1))
        found[place] = min(max(found[place] + kept - sum(found), Fraction(1)), Fraction(sizes[place]))
        return found


@dataclass(frozen=True)
class SmartRatio(LayerRule):
    r"""Smart ratio: convolution l of L has a density in proportion to :math:`(L-l+1)^2 + (L-l+1)`, linear ones a fixed.

    Parameters
    ----------
    linear : float
        Density of each linear weight, in (0, 1].

    Notes
    -----
    Source: Su et al., "Sanity-Checking Pruning Methods: Random Tickets can Win the Jackpot", NeurIPS 2020 (for residual
    networks). What a convolution cannot hold is pushed on to the next, and from the last to the first again.

    Examples
    --------
    >>> from slth.networks import Axes
    >>> net = {"a": Axes((8, 4, 3, 3)), "b": Axes((8, 8, 3, 3)), "c": Axes((10, 8))}
    >>> found = slth.networks.layer_densities(net, 0.2, slth.networks.SmartRatio())
    >>> [round(density, 3) for density in found.values()]
    [0.344, 0.115, 0.3]
    """

    linear: float = 0.3

    def __post_init__(self) -> None:
        if not 0.0 < as_double(self.linear) <= 1.0:
            raise ArgumentError("linear", self.linear, "must lie in (0, 1]", "use 0.3")

    def counts(self, shapes: Sequence[Shape], kept: int) -> list[Fraction]:
        sizes = [Fraction(prod(shape)) for shape in shapes]
        convolutions = [place for place, shape in enumerate(shapes) if len(shape) > 2]
        fixed = Fraction(repr(float(self.linear)))
        found = [max(Fraction(1), fixed * size) for size in sizes]
        rest = kept - sum(count for place, count in enumerate(found) if place not in convolutions)
        if not len(convolutions) <= rest <= sum(sizes[place] for place in convolutions):
            rule = (
                f"leaves {float(rest):g} weights for {len(convolutions)} convolutions, with {self.linear:g} of the rest"
            )
            raise ArgumentError("density", kept, rule, "use another density or SmartRatio(linear=...), or another rule")
        depth = len(convolutions)
        shares = [sizes[place] * ((depth - i) ** 2 + depth - i) for i, place in enumerate(convolutions)]
        scale, carried = rest / sum(shares, Fraction(0)) if shares else Fraction(0), Fraction(0)
        for place, share in zip(convolutions, shares, strict=True):
            wanted = scale * share + carried
            found[place] = min(max(wanted, Fraction(1)), sizes[place])
            carried = wanted - found[place]
        for place in convolutions:  # carried is what the last could not hold, or what the smallest were given
            changed = min(max(found[place] + carried, Fraction(1)), sizes[place])
            found[place], carried = changed, carried - (changed - found[place])
        return found


LAYER_RULES = MappingProxyType(
    {
        "uniform": Uniform(),
        "erk": ErdosRenyi(),
        "epl": EqualPerLayer(),
        "igq": IdealGas(),
        "smart-ratio": SmartRatio(),
    }
)
"""The layer rules by the names that they have in the field."""


def layer_densities(
    module: nn.Module | Mapping[str, Axes], density: float, rule: str | LayerRule = "erk"
) -> dict[str, float]:
    """Return a density for each maskable weight, so that in all exactly the share of one density is kept.

    Each weight keeps one entry at least. A rule's counts are rounded down, and those of the largest remainders (of
    equal ones the first) are given one more each, until the sum is ``kept_count(density, total)``. The densities say
    these counts exactly, to :class:`TopK` ("nearest") as to :class:`slth.EdgePopup` ("up").

    Parameters
    ----------
    module : torch.nn.Module or mapping of str to Axes
        Whatever :func:`maskable` is for, or what it gives.
    density : float
        kept / total over all weights, in (0, 1].
    rule : {"uniform", "erk", "epl", "igq", "smart-ratio"} or LayerRule
        :class:`Uniform`, :class:`ErdosRenyi`, :class:`EqualPerLayer`, :class:`IdealGas`, :class:`SmartRatio`.

    Returns
    -------
    dict of str to float
        kept / total by name of the weight, as ``density=`` of a selection takes it.

    Raises
    ------
    slth.errors.ArgumentError
        The rule is unknown, nothing can be masked, or the rule cannot keep so few or many.

    Examples
    --------
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Linear(10, 10), nn.ReLU(), nn.Linear(10, 2))
    >>> slth.networks.layer_densities(net, 0.4, "erk")
    {'0.weight': 0.3, '2.weight': 0.9}
    """
    axes = maskable(module) if isinstance(module, nn.Module) else dict(module)
    chosen = LAYER_RULES.get(rule) if isinstance(rule, str) else rule
    if not isinstance(chosen, LayerRule):
        raise ArgumentError("rule", rule, "is no rule for layers", f"use one of {', '.join(LAYER_RULES)}")
    sizes = {name: prod(one.shape) for name, one in axes.items() if prod(one.shape)}
    total = sum(sizes.values())
    kept = kept_count(density, total)
    if not sizes or kept < len(sizes):
        rule_said = f"keeps {kept} of {total} weights, and each of the {len(sizes)} layers needs one"
        raise ArgumentError("density", density, rule_said, "use a larger density, or pass a module with weights")
    exact = chosen.counts([tuple(axes[name].shape) for name in sizes], kept)
    counts = dict(zip(sizes, _rounded(exact, kept), strict=True))
    return {name: _share(counts[name], sizes[name]) if name in sizes else 1.0 for name in axes}


def _rounded(exact: Sequence[Fraction], kept: int) -> list[int]:
    """Return the counts rounded down, and one more for the largest remainders."""
    counts = [math.floor(count) for count in exact]
    order = sorted(range(len(exact)), key=lambda i: (counts[i] - exact[i], i))
    for place in order[: kept - sum(counts)]:
        counts[place] += 1
    return counts


def _share(count: int, size: int) -> float:
    """Return the largest density, as it is written, of which no rule keeps more than the count."""
    share = count / size
    while Fraction(repr(share)) * size > count:
        share = math.nextafter(share, 0.0)
    return share

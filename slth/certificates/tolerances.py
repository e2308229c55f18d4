"""Layers whose every weight is known to a tolerance: what a ticket will be, before it is solved."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from slth.arrays import Floats
from slth.certificates.interval import down, up
from slth.errors import ArgumentError
from slth.graphs import Conv, Graph
from slth.tickets.folded import Folded


def within(target: Graph, tolerances: Mapping[str, float]) -> dict[str, Folded]:
    r"""Return folded layers that hold every weight w of a target as :math:`w \pm \tau`, and zeros as they are.

    Parameters
    ----------
    target : Graph
    tolerances : mapping of str to float
        For nodes with weights, by name; those left out are exact.

    Returns
    -------
    dict of str to Folded
        By node; to be certified with the target in the place of a random network.

    Raises
    ------
    ArgumentError
        For a tolerance that is negative or belongs to no node with weights, or a bias that no tap carries.

    Examples
    --------
    >>> target = slth.Graph((2,), [slth.Node("layer0", slth.Conv([[0.5, 0.0]]), ("input",))])
    >>> lower, upper = slth.certificates.within(target, {"layer0": 0.25})["layer0"].positive
    >>> lower.ravel().round(9).tolist(), upper.ravel().round(9).tolist()
    ([0.25, 0.0], [0.75, 0.0])
    """
    weighted = {node.name: node.step for node in target.weighted}
    for name, tolerance in tolerances.items():
        if name not in weighted or not tolerance >= 0.0:
            rule = f"must be at least 0, for one of {sorted(weighted)}"
            raise ArgumentError(f"tolerances[{name!r}]", tolerance, rule, "name nodes with weights")
    shapes = {node.name: target.shapes[node.inputs[0]] for node in target.weighted}
    return {
        name: known(conv, tolerances.get(name, 0.0), shapes[name][1:], name=name) for name, conv in weighted.items()
    }


def known(conv: Conv, tolerance: float, size: tuple[int, int], *, name: str = "conv") -> Folded:
    """Return a convolution of images of a size with every nonzero weight and bias known to a tolerance."""
    shape = conv.geometry
    positive, magnitude = _around(conv.weight, tolerance)
    constant, of_constant = None, None
    if conv.bias is not None and conv.bias.any():
        kernel = conv.constant(size)
        if kernel is None:
            rule = "has a bias, and no tap of its window stays within the image"
            raise ArgumentError(f"node {name}", shape, rule, "use a smaller padding")
        constant, of_constant = _around(kernel, tolerance)
    terms = conv.weight[0].size + 1
    return Folded(shape, positive, None, constant, magnitude, of_constant, terms, 1.0)


def _around(numbers: Floats, tolerance: float) -> tuple[tuple[Floats, Floats], Floats]:
    radius = np.where(numbers != 0.0, tolerance, 0.0)
    if not tolerance:
        return (numbers, numbers), np.abs(numbers)
    ends = (np.where(radius, down(numbers - radius), numbers), np.where(radius, up(numbers + radius), numbers))
    return ends, up(np.abs(numbers) + radius)

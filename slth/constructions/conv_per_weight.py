"""The published experiment on convolutions: a fresh random list for each weight and bias, and no product network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from slth.constructions.arguments import integer
from slth.constructions.interval import Array
from slth.constructions.per_weight import PerWeightRow, approximate_weights
from slth.constructions.solving import Progress
from slth.errors import ArgumentError
from slth.subset_sum import Solver
from slth.subset_sum.elementary_laws import Uniform
from slth.subset_sum.laws import Law
from slth.tickets import ConvLayer, ConvNetwork
from slth.tickets.convolutional import images_of
from slth.tickets.steps import Flatten


@dataclass(frozen=True, eq=False)
class KernelApproximation:
    r"""The first stages of a network, weight by weight approximated.

    Parameters
    ----------
    target, network : ConvNetwork
        The stages as trained, and with the approximated weights.
    table : tuple of PerWeightRow
        One row for each array of weights or biases.
    weight_error : float
        :math:`\max |p - p'| / \max |p|`, the worst of the arrays.
    """

    target: ConvNetwork
    network: ConvNetwork
    table: tuple[PerWeightRow, ...]
    weight_error: float

    def output_error(self, images: ArrayLike) -> float:
        r"""Return :math:`\max |f - f'| / \max |f|` over the outputs of the stages on some images.

        Parameters
        ----------
        images : float64[batch, channels, height, width]

        Returns
        -------
        float
        """
        batch = images_of(images, self.target.input_shape)
        wanted = self.target.forward(batch)
        largest = float(np.abs(wanted).max(initial=0.0))
        return float(np.abs(self.network.forward(batch) - wanted).max(initial=0.0)) / largest if largest else 0.0


def approximate_kernels(
    target: ConvNetwork,
    *,
    n: int,
    convolutions: int | None = None,
    law: Law | None = None,
    seed: int = 0,
    solver: Solver | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> KernelApproximation:
    """Approximate each weight and bias of convolutions by the best subset sum of n fresh random coefficients.

    Parameters
    ----------
    target : ConvNetwork
        In the published experiment LeNet-5, of which the two convolutions with their pooling are approximated.
    n : int
        Coefficients of each weight; published for 5, 10, ..., 30.
    convolutions : int, optional
        How many layers to approximate, with the steps up to the next one; by default those in front of Flatten.
    law : Law, optional
        Law of the coefficients; uniform on (-1, 1) if None.
    seed : int
        Seed of the coefficients.
    solver, threads
        As for :func:`slth.solve_batch`.
    progress : callable, optional
        Called with (name of the array, weights done, weights).

    Returns
    -------
    KernelApproximation

    Raises
    ------
    ArgumentError
        For an n outside 1 to 60, or no convolution to approximate.

    Notes
    -----
    Source: da Cunha, Natale and Viennot 2022, "Proving the Strong Lottery Ticket Hypothesis for Convolutional Neural
    Networks", experiments, by way of their code.

    Examples
    --------
    >>> target = ConvNetwork((1, 3, 3), [ConvLayer([[[[0.5, -0.25], [0.1, 0.75]]]], [0.1])])
    >>> approximate_kernels(target, n=22).weight_error < 0.01
    True
    """
    stages = _stages(target, convolutions)
    layers = [step for step in stages if isinstance(step, ConvLayer)]
    arrays = [array for layer in layers for array in (layer.weight, layer.bias) if array is not None]
    law = Uniform(-1.0, 1.0) if law is None else law
    found = approximate_weights(arrays, n=n, law=law, seed=seed, solver=solver, threads=threads, progress=progress)
    answers = iter(found.arrays)
    approximated = [_replaced(step, answers) if isinstance(step, ConvLayer) else step for step in stages]
    return KernelApproximation(
        target=ConvNetwork(target.input_shape, stages),
        network=ConvNetwork(target.input_shape, approximated),
        table=found.table,
        weight_error=max(_relative(array, other) for array, other in zip(arrays, found.arrays, strict=True)),
    )


def _stages(target: ConvNetwork, convolutions: int | None) -> list[object]:
    """Return the steps to approximate."""
    steps = list(target.steps)
    places = [place for place, step in enumerate(steps) if isinstance(step, ConvLayer)]
    if convolutions is None:
        end = next((place for place, step in enumerate(steps) if isinstance(step, Flatten)), len(steps))
    else:
        convolutions = integer("convolutions", convolutions, len(places), f"the network has {len(places)}")
        end = places[convolutions] if convolutions < len(places) else len(steps)
    if end == 0 or places[0] >= end:
        raise ArgumentError("target", "no convolution", "must have one in front of Flatten", "pass convolutions=1")
    while isinstance(steps[end - 1], Flatten):
        end -= 1
    return steps[:end]


def _replaced(layer: ConvLayer, answers: Iterator[Array]) -> ConvLayer:
    weight = next(answers)
    bias = None if layer.bias is None else next(answers)
    return replace(layer, weight=weight, bias=bias)


def _relative(array: Array, other: Array) -> float:
    largest = float(np.abs(array).max())
    return float(np.abs(other - array).max()) / largest if largest else 0.0

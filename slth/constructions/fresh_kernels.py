"""The published experiment on convolutions: a fresh random list for each weight and bias, and no product network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import Floats, whole
from slth.constructions.fresh_lists import PerWeightRow, approximate_weights, weighted_steps, with_arrays
from slth.errors import ArgumentError
from slth.graphs import Flatten, Graph
from slth.resources import Progress
from slth.subset_sum import Solver
from slth.subset_sum.laws import Law, Uniform


@dataclass(frozen=True, eq=False)
class KernelApproximation:
    r"""The first stages of a network, weight by weight approximated.

    Parameters
    ----------
    target, network : Graph
        The stages as trained, and with the approximated weights.
    table : tuple of PerWeightRow
        One row for each array of weights or biases.
    weight_error : float
        :math:`\max |p - p'| / \max |p|`, the worst of the arrays.
    """

    target: Graph
    network: Graph
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
        wanted = self.target.forward(images)
        largest = float(np.abs(wanted).max(initial=0.0))
        return float(np.abs(self.network.forward(images) - wanted).max(initial=0.0)) / largest if largest else 0.0


def approximate_kernels(
    target: Graph,
    *,
    n: int,
    convolutions: int | None = None,
    law: Law | None = None,
    seed: int = 0,
    solver: Solver | None = None,
    threads: int | None = None,
    progress: Progress | bool | None = None,
) -> KernelApproximation:
    """Approximate each weight and bias of convolutions by the best subset sum of n fresh random coefficients.

    Parameters
    ----------
    target : Graph
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
    progress : callable or bool, optional
        True for a line on stderr; or called with (name of the array, weights done, weights).

    Returns
    -------
    KernelApproximation

    Raises
    ------
    ArgumentError
        For an n outside 1 to 60, no convolution to approximate, or stages that something behind them looks back into.

    Notes
    -----
    Source: da Cunha, Natale and Viennot 2022, "Proving the Strong Lottery Ticket Hypothesis for Convolutional Neural
    Networks", experiments, by way of their code.

    Examples
    --------
    >>> from slth.graphs import Conv, Node
    >>> target = slth.Graph((1, 3, 3), [Node("conv", Conv([[[[0.5, -0.25], [0.1, 0.75]]]], [0.1]), ("input",))])
    >>> slth.approximate_kernels(target, n=22).weight_error < 0.01
    True
    """
    stages = _stages(target, convolutions)
    arrays = [array for conv in weighted_steps(stages) for array in (conv.weight, conv.bias) if array is not None]
    law = Uniform(-1.0, 1.0) if law is None else law
    found = approximate_weights(arrays, n=n, law=law, seed=seed, solver=solver, threads=threads, progress=progress)
    return KernelApproximation(
        target=stages,
        network=with_arrays(stages, iter(found.arrays)),
        table=found.table,
        weight_error=max(_relative(array, other) for array, other in zip(arrays, found.arrays, strict=True)),
    )


def _stages(target: Graph, convolutions: int | None) -> Graph:
    """Return the nodes to approximate, as a graph."""
    nodes = list(target.nodes)
    places = [number for number, node in enumerate(nodes) if node.step.weighted]
    if convolutions is None:
        flat = (number for number, node in enumerate(nodes) if isinstance(node.step, Flatten))
        end = next(flat, len(nodes))
    else:
        convolutions = whole(
            convolutions, "convolutions", 1, len(places), remedy=f"the network has {len(places)} of them"
        )
        end = places[convolutions] if convolutions < len(places) else len(nodes)
    if not places or places[0] >= end:
        raise ArgumentError("target", "no convolution", "must have one in front of Flatten", "pass convolutions=1")
    while isinstance(nodes[end - 1].step, Flatten):
        end -= 1
    inside = {node.name for node in nodes[: end - 1]}
    for node in nodes[end:]:
        if inside.intersection(node.inputs):
            rule = f"takes {node.inputs} from within the stages that end at {nodes[end - 1].name}"
            raise ArgumentError(f"node {node.name}", node.step, rule, "choose another number of convolutions")
    return Graph(target.input_shape, nodes[:end])


def _relative(array: Floats, other: Floats) -> float:
    largest = float(np.abs(array).max())
    return float(np.abs(other - array).max()) / largest if largest else 0.0

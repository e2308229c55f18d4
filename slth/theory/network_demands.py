"""What every theorem on a whole network demands for one's own: the sizes of the random layers, and all their weights.

Each theorem has its own source: pairs of random layers for each of the target's, one layer more whose hidden ones are
widened, or a binary one of another depth. Weights that the theorem fixes at zero, as of block masks, are counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from slth.arrays import as_double, whole
from slth.errors import ArgumentError
from slth.theory.catalogue import bounds
from slth.theory.nouns import Direction

Kind: TypeAlias = Literal["dense", "convolutional", "attention"]
Values: TypeAlias = Mapping[str, float]

WIDTH = "hidden width"
"""The quantity of bounds that other packages add to the comparison: that of pairs of layers."""

_MOST = 2**40


@dataclass(frozen=True)
class Layer:
    """A linear layer of a target, or a convolution: channels in and out, and the size of its square kernel."""

    inputs: int
    outputs: int
    kernel: int = 1

    def __post_init__(self) -> None:
        for name in ("inputs", "outputs", "kernel"):
            remedy = "give the sizes of a layer, as Layer(784, 500)"
            object.__setattr__(self, name, whole(getattr(self, name), name, 1, _MOST, remedy=remedy))

    @property
    def weights(self) -> int:
        """How many it has."""
        return self.inputs * self.outputs * self.kernel**2


@dataclass(frozen=True, kw_only=True)
class Network:
    """A target, and what is asked of the source.

    Parameters
    ----------
    layers : tuple of Layer
        Those with weights, in order.
    eps, delta : float
        Error, and probability of failure where a theorem tells the two apart.
    density : float
        Of the tickets, and of the mask that a source comes with, where a theorem has one.
    perturbation : float
        How far random weights may move, where they may.
    constant : float
        What every constant that no paper gives is assumed to be.
    """

    layers: tuple[Layer, ...]
    eps: float
    delta: float
    density: float = 0.1
    perturbation: float = 1.0
    constant: float = 1.0

    def __post_init__(self) -> None:
        rules = {
            "eps": (0.0, 1.0, "use 0.01"),
            "delta": (0.0, 1.0, "use 0.01"),
            "density": (0.0, 1.0, "use 0.1"),
            "constant": (0.0, math.inf, "use 1.0 to see the shape"),
        }
        for name, (low, high, remedy) in rules.items():
            if not low < as_double(getattr(self, name)) < high:
                raise ArgumentError(name, getattr(self, name), f"must lie in ({low:g}, {high:g})", remedy)
        if not 0.0 <= as_double(self.perturbation) <= 1.0:
            raise ArgumentError("perturbation", self.perturbation, "must lie in [0, 1]", "use 1.0")

    @property
    def weights(self) -> int:
        """All that the target has."""
        return sum(layer.weights for layer in self.layers)

    @property
    def depth(self) -> int:
        """The number of its layers."""
        return len(self.layers)

    @property
    def width(self) -> int:
        """The largest number of inputs or outputs."""
        return max(max(layer.inputs, layer.outputs) for layer in self.layers)


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What one theorem asks of the source of a network.

    Parameters
    ----------
    key : str
        Of the bound in the catalogue.
    direction, provenance, quantity
        As the bound has them.
    constant : float or None
        What was assumed for the unspecified constant.
    values : tuple of float
        The bound's own number for each layer of the target.
    sizes : tuple of float
        Random units or channels that each layer needs.
    weights : float
        Random weights in all.
    overhead : float
        Those divided by the weights of the target.
    reason : str
        Why there are no numbers, where there are none.
    """

    key: str
    direction: Direction
    provenance: str
    quantity: str
    constant: float | None
    values: tuple[float, ...] = ()
    sizes: tuple[float, ...] = ()
    weights: float = math.nan
    overhead: float = math.nan
    reason: str = ""


def demands(
    layers: Sequence[int | Layer],
    *,
    eps: float,
    delta: float | None = None,
    density: float = 0.1,
    perturbation: float = 1.0,
    constant: float = 1.0,
) -> list[Demand]:
    r"""Return what every theorem on a whole network demands of its source, for one target.

    Norms of weights and inputs are taken to be those that each theorem supposes. Lower bounds say what a source needs
    that serves **one** layer, whatever its weights, and the largest number of weights is counted; that of whole
    channels is on pairs of layers, each of which needs its own. Bounds of other packages are among them whose quantity
    is "hidden width", for arguments of the names that those here have (d_in, d_out, layers, eps, delta, ...).

    Parameters
    ----------
    layers : sequence of int or of Layer
        Widths of a dense network, input first, or its layers; convolutions are served by theorems on those alone.
    eps, delta : float
        Error, and probability of failure (the same number if None), in (0, 1).
    density : float
        Of the tickets, and of the mask that a source comes with, where a theorem has one.
    perturbation : float
        How far random weights may move, where they may.
    constant : float
        What every constant that no paper gives is assumed to be.

    Returns
    -------
    list of Demand
        In the order of the catalogue's families; those that say nothing of this network tell why.

    Raises
    ------
    ArgumentError
        There is no layer, or one of no size; a number is outside its range.

    Examples
    --------
    >>> found = {one.key: one for one in slth.theory.demands([784, 500, 10], eps=0.01)}
    >>> found["pensia2020.width"].sizes
    (14252.0, 6908.0)
    >>> round(found["pensia2020.width"].overhead, 1)
    55.0
    """
    if not layers:
        raise ArgumentError("layers", layers, "must not be empty", "give widths such as [784, 500, 10]")
    widths = [one for one in layers if not isinstance(one, Layer)]
    if widths and len(widths) < max(2, len(layers)):
        raise ArgumentError("layers", layers, "must be widths, two at least, or layers", "write [784, 500, 10]")
    made = tuple(Layer(*both) for both in pairwise(widths)) if widths else tuple(layers)
    network = Network(
        layers=made,  # type: ignore[arg-type]
        eps=eps, delta=eps if delta is None else delta, density=density, perturbation=perturbation, constant=constant,
    )  # fmt: skip
    is_dense = all(layer.kernel == 1 for layer in network.layers)
    kinds = ("dense", "convolutional") if is_dense else ("convolutional",)
    ours = [key for key, theorem in THEOREMS.items() if theorem.kind in kinds]
    theirs = [key for key in bounds if _is_width_of_others(key)] if is_dense else []
    return [demand_of(key, network) for key in (*ours, *theirs)]


def _is_width_of_others(key: str) -> bool:
    """Whether a bound of another package is on the width between the two random layers of a pair."""
    bound = bounds[key]
    return bound.quantity == WIDTH and not bound.__module__.startswith("slth.")


def demand_of(key: str, network: Network) -> Demand:
    """Return what one theorem demands of the source of a network."""
    bound, theorem = bounds[key], THEOREMS.get(key, Theorem())
    assumed = None if bound.constant is None else network.constant
    found = Demand(
        key=key, direction=bound.direction, provenance=bound.provenance, quantity=bound.quantity, constant=assumed
    )
    known: dict[Layer, float] = {}
    try:
        for layer in network.layers:
            if layer not in known:
                known[layer] = _value(
                    key, {**_named(key, network, layer), **theorem.arguments(network, layer)}, assumed
                )
    except ArgumentError as problem:
        return replace(found, reason=f"{problem.argument} {problem.rule}")
    values = [known[layer] for layer in network.layers]
    sizes = [theorem.size(value, layer, network) for value, layer in zip(values, network.layers, strict=True)]
    weights, target = theorem.weights(sizes, network)
    return replace(found, values=tuple(values), sizes=tuple(sizes), weights=weights, overhead=weights / target)


def _value(key: str, arguments: Values, constant: float | None) -> float:
    return bounds[key](**arguments, **({} if constant is None else {"constant": constant}))


def _named(key: str, network: Network, layer: Layer) -> dict[str, float]:
    """What a bound takes, by the names that bounds have for the numbers of a layer and of the network."""
    area = layer.kernel**2
    known: dict[str, float] = {
        **dict.fromkeys(("d_in", "c_in", "n_in", "inputs"), layer.inputs),
        **dict.fromkeys(("d_out", "c_out", "n_out", "outputs"), layer.outputs),
        **dict.fromkeys(("d", "width"), network.width),
        **dict.fromkeys(("layers", "depth"), network.depth),
        "eps": network.eps, "delta": network.delta, "density": network.density, "kernel": layer.kernel,
        "basis": area, "basis_norm": float(area), "dimension": area * layer.outputs,
        "bits": math.ceil(-math.log2(network.eps)), "heads": 1,
    }  # fmt: skip
    return {name: known[name] for name in bounds[key].parameters if name in known}


Counted: TypeAlias = tuple[float, float]
"""Random weights, and the weights of the target that they are compared with."""


def _pairs(sizes: Sequence[float], network: Network) -> Counted:
    """Two random layers for each: of size 1 to so many channels, and of the target's size from there."""
    through = zip(sizes, network.layers, strict=True)
    return sum(size * (layer.inputs + layer.outputs * layer.kernel**2) for size, layer in through), network.weights


def _chain(sizes: Sequence[float], network: Network) -> Counted:
    """A layer is added and the hidden ones are widened; input and output stay, and need no copies."""
    areas = [layer.kernel**2 for layer in network.layers]
    through = [network.layers[0].inputs, *sizes, network.layers[-1].outputs]
    matrices = zip(pairwise(through), [areas[0], *areas], strict=True)
    return sum(low * high * area for (low, high), area in matrices), network.weights


def _masked_chain(sizes: Sequence[float], network: Network) -> Counted:
    """The part of it that a random mask leaves."""
    weights, target = _chain(sizes, network)
    return network.density * weights, target


def _binary(sizes: Sequence[float], network: Network) -> Counted:
    """Layers of one width, as many as the theorem has."""
    key = "sreenivasan2022.depth"
    depth = _value(key, _named(key, network, network.layers[0]), network.constant)
    ends = network.layers[0].inputs + network.layers[-1].outputs
    return max(sizes) * ends + (depth - 2) * max(sizes) ** 2, network.weights


def _one_pair(sizes: Sequence[float], network: Network) -> Counted:
    """Two layers for one square matrix, the worst."""
    found = [(2.0 * size * _side(layer), _side(layer) ** 2) for size, layer in zip(sizes, network.layers, strict=True)]
    return max(found)


def _one_deep(sizes: Sequence[float], network: Network) -> Counted:
    """Twice as many layers as the target has, of one width, for one square matrix, the worst."""
    squares = (_side(layer) ** 2 for layer in network.layers)
    return max((2.0 * network.depth * size**2, square) for size, square in zip(sizes, squares, strict=True))


def _head(sizes: Sequence[float], network: Network) -> Counted:
    """A mean over the four matrices of a head."""
    layer = network.layers[0]
    return sizes[0] * layer.outputs, layer.outputs**2


def _side(layer: Layer) -> int:
    """Of the largest square matrix that a layer can be anything of."""
    return min(layer.inputs, layer.outputs)


def _signs(value: float, layer: Layer, network: Network) -> float:
    """Candidates of one sign for each input, of which there are two."""
    del network
    return 2.0 * value * layer.inputs


def _mean_head(value: float, layer: Layer, network: Network) -> float:
    """Queries and keys have the width of the bound, values and outputs one of their own."""
    key = "otsuka2025.value_width"
    given = {**_named(key, network, layer), **_radius(network, layer)}
    return 0.5 * (value + _value(key, given, network.constant))


def _radius(network: Network, layer: Layer) -> Values:
    del network
    return {"radius": math.sqrt(layer.inputs)}


def _burkholz(network: Network, layer: Layer) -> Values:
    """The share of the error that the first layer would have, for matrices of norm 1 and inputs of Euclidean norm 1."""
    fan_in = layer.inputs * layer.kernel**2
    given = {"eps": network.eps, "layers": network.depth, "layer": 1, "norm": 1.0}
    share = bounds["burkholz2022a.layer_error"](**given, signal=math.sqrt(layer.inputs), fan_in=fan_in)
    return {"units": layer.inputs, "eps": share, "delta": network.delta, "problems": network.weights}


def _perturbed(network: Network, layer: Layer) -> Values:
    """Half of the failure probability to the e^-K of the subset sums; the other half is left to the constant.

    That half needs n - K >= 8 K (3 - p)^2 / (1 + p)^2 candidates of a weight with perturbation p: more than C = 1 has.
    """
    del layer
    excess = math.log(4.0 * network.weights / network.delta)
    return {"eta": network.eps, "eps": network.perturbation, "excess": excess}


def _square(network: Network, layer: Layer) -> Values:
    del network
    return {"d": _side(layer)}


@dataclass(frozen=True, kw_only=True)
class Theorem:
    """How a bound's number for a layer becomes a size, and sizes a number of weights."""

    kind: Kind = "dense"
    arguments: Callable[[Network, Layer], Values] = field(default=lambda network, layer: {})
    """Those that no name tells."""
    size: Callable[[float, Layer, Network], float] = field(default=lambda value, layer, network: value)
    weights: Callable[[Sequence[float], Network], Counted] = _pairs


_CONV: dict[str, Any] = {"kind": "convolutional"}

THEOREMS: dict[str, Theorem] = {
    "malach2020.width": Theorem(),
    "pensia2020.width": Theorem(),
    "xiong2023.width": Theorem(arguments=_perturbed),
    "natale2024.weight": Theorem(size=_signs),
    "kumar2025.width": Theorem(),
    "kumar2025.shallow_width": Theorem(weights=_chain),
    "burkholz2022a.width": Theorem(arguments=_burkholz, weights=_chain),
    "gadhikar2023.width": Theorem(arguments=_burkholz, weights=_masked_chain),
    "diffenderfer2021.width": Theorem(),
    "sreenivasan2022.width": Theorem(weights=_binary),
    "otsuka2025.head_width": Theorem(kind="attention", arguments=_radius, size=_mean_head, weights=_head),
    "dacunha2022.candidates": Theorem(**_CONV, size=_signs),
    "burkholz2022b.channels": Theorem(**_CONV, arguments=_burkholz, weights=_chain),
    "ferbach2023.width": Theorem(**_CONV),
    "dacunha2023.structured.channels": Theorem(**_CONV, size=_signs),
    "derived.structured.counting": Theorem(**_CONV, size=_signs),
    "derived.two_layer.width": Theorem(arguments=_square, weights=_one_pair),
    "pensia2020.lower.deep_width": Theorem(
        arguments=lambda network, layer: {"d": _side(layer), "depth": 2 * network.depth}, weights=_one_deep
    ),
}
"""Key of the catalogue to how it is counted; upper bounds first."""

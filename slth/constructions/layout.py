"""A target laid out as a random network: which layers, how many candidates, which gains; and the work on each layer."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace

import numpy as np

from slth.constructions.arguments import gain_of
from slth.constructions.interval import Array
from slth.constructions.propagation import augmented
from slth.constructions.solving import Bools, Setting, solve_linear, solve_pair
from slth.rng import WeightLaw
from slth.tickets import DenseNetwork, Mask, NetworkDescription, ProductPair, RandomLinear, Ticket


@dataclass
class LayerWork:
    """One random layer, the weights that it is to approximate, and what has been chosen so far.

    Parameters
    ----------
    layer : ProductPair or RandomLinear
        The random layer.
    weights : float64[outputs, inputs + 1]
        The target's weights, bias last, one row for each output of the random layer.
    gain : float
        Gain of the layer.
    candidates : int
        Candidates offered for one weight, at most.
    tolerance : float
        Error of a weight at which its search may stop.
    """

    layer: ProductPair | RandomLinear
    weights: Array
    gain: float
    candidates: int
    tolerance: float = 0.0
    seconds: float = 0.0
    connections: Bools = field(init=False)
    errors: Array = field(init=False)
    log_rates: Array = field(init=False)
    wanted: Bools = field(init=False)

    def __post_init__(self) -> None:
        """Start with nothing kept and everything to do; a weight of exactly 0 is done: nothing adds up to it."""
        halves = 2 if isinstance(self.layer, ProductPair) and self.layer.halves == "both" else 1
        self.connections = np.zeros(list(self.layer.mask_shapes.values())[-1], np.bool_)
        self.wanted = np.empty((halves, *self.weights.shape), np.bool_)
        self.wanted = self.posed
        self.errors = np.where(self.wanted, np.inf, 0.0)
        self.log_rates = np.where(self.wanted, -np.inf, np.inf)

    @property
    def posed(self) -> Bools:
        """Which (half, output, input) are subset-sum instances: zeros are not, nor is a negative constant input."""
        posed = np.repeat((self.weights != 0.0)[None], len(self.wanted), axis=0)
        posed[1:, :, -1] = False
        return posed

    @property
    def instances(self) -> int:
        """Subset-sum instances of the layer."""
        return int(self.posed.sum())

    def solve(self, setting: Setting) -> None:
        """Solve what is wanted; afterwards what misses the tolerance is wanted."""
        begin = time.perf_counter()
        tolerance = self.tolerance * (1.0 - 2.0**-30)  # errors are measured in rounded candidates
        if isinstance(self.layer, ProductPair):
            solve_pair(
                self.layer,
                self.weights,
                self.wanted,
                self.connections,
                self.errors,
                self.log_rates,
                candidates=self.candidates,
                gain=self.gain,
                tolerance=tolerance,
                setting=setting,
            )
        else:
            solve_linear(
                self.layer,
                self.weights,
                self.wanted[0],
                self.connections,
                self.errors[0],
                self.log_rates[0],
                gain=self.gain,
                tolerance=tolerance,
                setting=setting,
            )
        self.wanted = self.errors > self.tolerance
        self.seconds += time.perf_counter() - begin

    def tighten(self, tolerance: float) -> None:
        """Set the tolerance; what exceeds it is wanted."""
        self.tolerance = tolerance
        self.wanted = self.errors > tolerance

    def grow(self, candidates: int) -> None:
        """Offer more candidates: the random network is extended, and what was chosen stays chosen."""
        assert isinstance(self.layer, ProductPair), "copies of neurons are not extended"
        more = 2 * candidates - self.layer.units
        self.layer = replace(self.layer, units=2 * candidates)
        self.connections = np.concatenate([self.connections, np.zeros((more, *self.connections.shape[1:]), np.bool_)])
        self.candidates = candidates

    def masks(self) -> dict[str, Bools]:
        """Return the layer's arrays of the mask."""
        if isinstance(self.layer, ProductPair):
            units: Bools = np.asarray(self.connections.any(axis=2))
            return {f"{self.layer.path}.units": units, f"{self.layer.path}.connections": self.connections}
        return {self.layer.path: self.connections}


def lay_out_pairs(
    target: DenseNetwork, low: Array, *, candidates: list[int], gain: str | float, law: WeightLaw
) -> list[LayerWork]:
    """Return one product pair for each of the target's layers: twice its depth."""
    works = []
    negative = bool((low < 0.0).any())
    for number, (layer, count) in enumerate(zip(target.layers, candidates, strict=True)):
        pair = ProductPair(
            path=f"layer{number}",
            inputs=layer.inputs,
            outputs=layer.outputs,
            units=2 * count,
            halves="both" if negative else "positive",
            activation=layer.activation,
        )
        weights = augmented(layer)[:-1]
        works.append(LayerWork(pair, weights, gain_of(weights, gain, 3.0 * law.second_moment), count))
        negative = layer.activation == "identity"
    return works


def lay_out_copies(
    target: DenseNetwork, low: Array, *, candidates: list[int], gain: str | float, law: WeightLaw
) -> list[LayerWork]:
    """Return a product pair that makes copies of the first layer's neurons, then one plain random layer for each layer.

    ``candidates[0]`` products serve each weight of the first layer; ``candidates[l]`` copies of the neurons in front of
    layer l, the constant 1 among them, serve each of its weights. The last layer has no copies.
    """
    works = []
    copies = [*candidates[1:], 0]
    for number, (layer, count) in enumerate(zip(target.layers, copies, strict=True)):
        weights = np.tile(augmented(layer), (count, 1)) if count else augmented(layer)[:-1]
        outputs = len(weights)
        if number == 0:
            pair = ProductPair(
                path="layer0",
                inputs=layer.inputs,
                outputs=outputs,
                units=2 * candidates[0],
                halves="both" if (low < 0.0).any() else "positive",
                activation=layer.activation,
            )
            works.append(LayerWork(pair, weights, gain_of(weights, gain, 3.0 * law.second_moment), candidates[0]))
        else:
            inputs = candidates[number] * (layer.inputs + 1)
            linear = RandomLinear(f"layer{number}", inputs=inputs, outputs=outputs, activation=layer.activation)
            scale = math.sqrt(3.0 * law.second_moment)
            works.append(LayerWork(linear, weights, gain_of(weights, gain, scale), candidates[number]))
    return works


def assemble(works: list[LayerWork], setting: Setting) -> Ticket:
    """Return the ticket that the work has come to so far."""
    return Ticket(
        NetworkDescription(tuple(work.layer for work in works)),
        setting.law,
        setting.seed,
        Mask({name: array for work in works for name, array in work.masks().items()}),
        np.array([work.gain for work in works]),
    )

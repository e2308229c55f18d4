"""Every weight of a layer as a subset-sum instance over the random weights that the ticket's layer offers for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slth.constructions.interval import Array
from slth.rng import Stream, WeightLaw
from slth.subset_sum import Solver, Status, solve_batch
from slth.subset_sum.prediction import predict_errors
from slth.tickets import ProductPair, RandomLinear

Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]
Progress = Callable[[str, int, int], None]

MOST_CANDIDATES = 48  # usable products offered to one instance: exact solvers reach 50
_CHUNK = 2**22  # candidate values in memory at a time: 32 MiB, and as much again for their positions


@dataclass(frozen=True)
class Setting:
    """What is the same for all instances of a construction.

    Parameters
    ----------
    law : WeightLaw
        Law of the random weights.
    seed : int
        Seed of the random network.
    solver : Solver or None
        As for :func:`slth.solve_batch`.
    progress : callable or None
        Called with (label, weights done, weights).
    """

    law: WeightLaw
    seed: int
    solver: Solver | None
    progress: Progress | None


def solve_pair(
    pair: ProductPair,
    weights: Array,
    wanted: Bools,
    connections: Bools,
    errors: Array,
    log_rates: Array,
    *,
    candidates: int,
    gain: float,
    tolerance: float,
    setting: Setting,
) -> None:
    """Choose the kept connections of a product pair, in place.

    The candidates of weight (o, j) are the products u[k, j] v[k, j, o]; those with u > 0 serve nonnegative inputs,
    those with u < 0 negative ones, and both halves must add up to weight / gain. Inputs with equally many usable units
    are solved together, for a batch has one n. An input may have more usable units than ``candidates``; the certificate
    is made by the weights that have fewer, so the surplus, which would cost most of the time, is left alone.

    Parameters
    ----------
    pair : ProductPair
        The random pair of layers.
    weights : float64[outputs, inputs + 1]
        The weights to approximate, bias last.
    wanted : bool[halves, outputs, inputs + 1]
        Instances to solve; the others are left as they are. Two halves for ``pair.halves == "both"``, otherwise one.
    connections : bool[units, inputs + 1, outputs]
        Changed in place where ``wanted``.
    errors, log_rates : float64[halves, outputs, inputs + 1]
        The errors of the weights, rounded, and the logarithms of the rates by which the optimum is predicted to be
        exponential; changed in place where ``wanted``.
    candidates : int
        Products offered for one weight, at most.
    gain, tolerance : float
        Gain of the layer, and the error of a weight at which a search may stop.
    setting : Setting
        Law, seed, solver and progress.
    """
    first_stream, second_stream = (Stream(setting.seed, path) for path in pair.streams)
    first = setting.law.weights_at(first_stream, pair.first_indices(*np.indices((pair.units, pair.sources))))
    total, done = int(wanted.sum()), 0
    for half, sign in enumerate((1.0, -1.0)[: len(wanted)]):
        usable = first * sign > 0.0
        usable &= np.cumsum(usable, axis=0) <= min(candidates, MOST_CANDIDATES)
        listed = np.argsort(~usable, axis=0, kind="stable")  # usable units first, in their order
        for count, outputs, inputs in _groups(wanted[half], usable.sum(axis=0)):
            if count == 0:
                errors[half, outputs, inputs] = np.abs(weights[outputs, inputs])
            else:
                units = listed[:count, inputs].T
                positions = pair.second_indices(units, inputs[:, None], outputs[:, None])
                values = setting.law.weights_at(second_stream, positions)
                values *= first[units, inputs[:, None]]
                chosen, errors[half, outputs, inputs], log_rates[half, outputs, inputs] = _solved(
                    values, weights[outputs, inputs], gain, tolerance, setting, _report(setting, pair.path, done, total)
                )
                connections[units, inputs[:, None], outputs[:, None]] = chosen
            done += len(outputs)
            if setting.progress is not None:
                setting.progress(pair.path, done, total)


def solve_linear(
    layer: RandomLinear,
    weights: Array,
    wanted: Bools,
    connections: Bools,
    errors: Array,
    log_rates: Array,
    *,
    gain: float,
    tolerance: float,
    setting: Setting,
) -> None:
    """Choose the kept connections of a plain random layer whose inputs are copies of the target's, in place.

    Parameters
    ----------
    layer : RandomLinear
        The random layer, ``copies * (inputs + 1)`` wide, all neurons of the first copy first.
    weights : float64[outputs, inputs + 1]
        The weights to approximate, bias last.
    wanted : bool[outputs, inputs + 1]
        Instances to solve.
    connections : bool[copies * (inputs + 1), outputs]
        Changed in place where ``wanted``.
    errors, log_rates : float64[outputs, inputs + 1]
        As for :func:`solve_pair`.
    gain, tolerance, setting : float, float, Setting
        As for :func:`solve_pair`.
    """
    stream = Stream(setting.seed, layer.streams[0])
    neurons = weights.shape[1]
    copies = np.arange(layer.inputs // neurons)[:MOST_CANDIDATES]
    total, done = int(wanted.sum()), 0
    for _, outputs, inputs in _groups(wanted, np.full(neurons, len(copies))):
        places = copies * neurons + inputs[:, None]
        values = setting.law.weights_at(stream, places * layer.outputs + outputs[:, None])
        chosen, errors[outputs, inputs], log_rates[outputs, inputs] = _solved(
            values, weights[outputs, inputs], gain, tolerance, setting, _report(setting, layer.path, done, total)
        )
        connections[places, outputs[:, None]] = chosen
        done += len(outputs)
        if setting.progress is not None:
            setting.progress(layer.path, done, total)


def _solved(
    values: Array, weights: Array, gain: float, tolerance: float, setting: Setting, report: Progress | None
) -> tuple[Bools, Array, Array]:
    """Return the chosen candidates, the errors of the weights, and the log rates of the predicted errors."""
    targets = weights / gain
    solution = solve_batch(values, targets, tolerance=tolerance / gain, solver=setting.solver, progress=report)
    if (solution.status == Status.INTERRUPTED).any():
        raise KeyboardInterrupt  # half of a layer's answers would make a poor ticket that looks like a finished one
    return solution.subsets, solution.errors * gain, predict_errors(values, targets).log_rate - math.log(gain)


def _report(setting: Setting, path: str, before: int, total: int) -> Progress | None:
    """Return what tells of the progress within one batch: batches of many candidates take long."""
    progress = setting.progress
    if progress is None:
        return None
    return lambda _, done, size: progress(path, min(before + done, total), total)


def _groups(wanted: Bools, counts: Integers) -> Iterator[tuple[int, Integers, Integers]]:
    """Yield (candidates, outputs, inputs) of wanted instances with equally many candidates, a chunk at a time."""
    for count in np.unique(counts):
        members = np.flatnonzero(counts == count)
        inputs, outputs = np.nonzero(wanted[:, members].T)
        step = max(1, _CHUNK // max(1, int(count)))
        for start in range(0, len(outputs), step):
            yield int(count), outputs[start : start + step], members[inputs[start : start + step]]

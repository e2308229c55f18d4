"""Attention networks as tickets: each head's two merged matrices by random matrices, without an extra layer."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from slth.constructions.arguments import check_solver, checked_gain, gain_of, integer
from slth.constructions.attention_certificate import certify_attention
from slth.constructions.certify import as_box
from slth.constructions.construction import Construction
from slth.constructions.dense import layer_rows
from slth.constructions.interval import Array
from slth.constructions.layout import LayerWork, lay_out_pairs
from slth.constructions.solving import MOST_CANDIDATES, Bools, Progress, Setting
from slth.errors import ArgumentError
from slth.rng import Stream, WeightLaw
from slth.subset_sum import Solver, Status, solve_batch
from slth.subset_sum.prediction import predict_errors
from slth.tickets import (
    AttentionNetwork,
    Mask,
    NetworkDescription,
    QueryKey,
    Ticket,
    TokenMean,
    Tokens,
    ValueOutput,
)

_CHUNK = 2**22  # candidates in flight
_LAW = WeightLaw("uniform", 1.0)


@dataclass(frozen=True)
class Attention:
    r"""Approximate every entry of every head's :math:`W_Q W_K^T / \sqrt{d_k}` and :math:`W_V W_O` by a subset sum.

    Row a of a head's matrix owns ``candidates`` inner units of the random query (value) matrix, the block mask; entry
    (a, b) is a sum of products :math:`u_k v_{kb}` over those units, with the random key (output) matrix. There is no
    ReLU between them: products of either sign serve, and no layer is added. Weights are uniform on (-1, 1), which for
    queries and keys is the theorem's :math:`U[-n_K^{1/4}, n_K^{1/4}]` with scores divided by :math:`\sqrt{n_K}`, the
    inner width :math:`n_K` being width * candidates. Embedding and read-out are built as by :class:`Dense`.

    Source: Otsuka et al. 2025 (arXiv 2511.04217), theorem 3 and lemmas 4 and 7.

    Parameters
    ----------
    candidates : int
        Candidates of each entry, 1 to 48; layers of embedding and read-out have twice as many units, of which those of
        the right sign are usable.
    gain : {"auto", "unit"} or float
        What a layer's sums are multiplied by: "auto" is the smallest power of two for which weight / gain lies within
        [-1, 1], doubled while that takes a quarter off the layer's largest error: all entries of a row share their
        first factors, and where these are small a heavy entry is out of reach. "unit" is 1. One gain serves all heads.
    solver : Solver, optional
        As for :func:`slth.solve_batch`.

    Raises
    ------
    ArgumentError
        If a value is outside its range.

    Examples
    --------
    >>> Attention(candidates=20).gain
    'auto'
    """

    candidates: int
    gain: Literal["auto", "unit"] | float = "auto"
    solver: Solver | None = None

    def __post_init__(self) -> None:
        """Check every field."""
        remedy = "20 gives errors of single entries near 1e-6"
        object.__setattr__(self, "candidates", integer("candidates", self.candidates, MOST_CANDIDATES, remedy))
        object.__setattr__(self, "gain", checked_gain(self.gain, ("auto", "unit")))
        check_solver(self.solver)


def construct_attention(
    target: AttentionNetwork,
    method: Attention,
    *,
    input_box: tuple[ArrayLike, ArrayLike] = (0.0, 1.0),
    seed: int = 0,
    progress: Progress | None = None,
) -> Construction:
    """Return the ticket that approximates an attention network, with its certificate over a box of inputs.

    Parameters
    ----------
    target : AttentionNetwork
        The network to approximate.
    method : Attention
        Number of candidates and gain.
    input_box : tuple of two array_like
        Smallest and largest input: scalars, or one number per input. Inputs that are never negative need half of the
        embedding's instances only.
    seed : int
        Seed of the random network, 0 <= seed < 2**64.
    progress : callable, optional
        Called with (path of the layer, weights done, weights of the layer).

    Returns
    -------
    Construction
        Ticket, :class:`AttentionCertificate` and a row for each layer with weights.

    Raises
    ------
    ArgumentError
        For a bad target, method, box or seed.

    Examples
    --------
    >>> from slth.tickets import DenseLayer, DenseNetwork
    >>> embedding = DenseNetwork([DenseLayer([[0.5, 0.25, -0.25]])])
    >>> readout = DenseNetwork([DenseLayer([[1.0]], activation="identity")])
    >>> target = AttentionNetwork(2, embedding, [[[0.7]]], [[[-0.3]]], readout)
    >>> construct_attention(target, Attention(candidates=16)).certificate.error < 0.01
    True
    """
    _check_type("target", target, AttentionNetwork, "describe it with describe_attention()")
    _check_type("method", method, Attention, "pass Attention(candidates=20)")
    box = as_box(input_box, target.inputs)
    setting = Setting(_LAW, Stream(seed, "layer1").seed, method.solver, progress)  # a stream knows the rule of seeds
    works = [_solved(work, setting, grow=method.gain == "auto") for work in _lay_out(target, method, box[0])]
    ticket = _assemble(target, works, setting)
    certificate = certify_attention(target, ticket, input_box=box)
    return Construction(
        ticket,
        certificate,
        table=tuple(layer_rows(works, ticket, certificate)),
        errors=tuple(_read_only(work.errors[work.posed]) for work in works),
        log_rates=tuple(_read_only(work.log_rates[work.posed]) for work in works),
    )


@dataclass
class HeadWork:
    """One pair of the heads' random matrices, the entries that it is to approximate, and what has been chosen.

    Parameters
    ----------
    layer : QueryKey or ValueOutput
    weights : float64[heads * inputs, outputs]
        The entries, head after head.
    gain : float
    candidates : int
    """

    layer: QueryKey | ValueOutput
    weights: Array
    gain: float
    candidates: int
    tolerance: float = 0.0
    seconds: float = 0.0
    connections: Bools = field(init=False)
    errors: Array = field(init=False)
    log_rates: Array = field(init=False)

    def __post_init__(self) -> None:
        """Start with nothing kept."""
        self.connections = np.zeros((self.layer.units, self.layer.sources, self.layer.outputs), np.bool_)
        self.errors = np.abs(self.weights)
        self.log_rates = np.where(self.posed, -np.inf, np.inf)

    @property
    def posed(self) -> Bools:
        """Which entries are subset-sum instances: zeros are not."""
        return np.asarray(self.weights != 0.0)

    @property
    def instances(self) -> int:
        """Subset-sum instances of the layer."""
        return int(self.posed.sum())

    def masks(self) -> dict[str, Bools]:
        """Return the layer's arrays of the mask."""
        units: Bools = np.asarray(self.connections.any(axis=2))
        return {f"{self.layer.path}.units": units, f"{self.layer.path}.connections": self.connections}

    def solve(self, setting: Setting) -> None:
        """Solve every instance to its optimum."""
        begin = time.perf_counter()
        layer = self.layer
        first_stream, second_stream = (Stream(setting.seed, path) for path in layer.streams)
        units = np.arange(layer.units)
        sources, outputs = np.nonzero(self.posed)
        step = max(1, _CHUNK // layer.units)
        for start in range(0, len(sources), step):
            rows, columns = sources[start : start + step], outputs[start : start + step]
            values = setting.law.weights_at(second_stream, layer.second_indices(units, rows[:, None], columns[:, None]))
            values *= setting.law.weights_at(first_stream, layer.first_indices(units, rows[:, None]))
            goals = self.weights[rows, columns] / self.gain
            answer = solve_batch(values, goals, solver=setting.solver)
            if (answer.status == Status.INTERRUPTED).any():
                raise KeyboardInterrupt  # half of a layer's answers would make a poor ticket that looks finished
            self.connections[:, rows, columns] = answer.subsets.T
            self.errors[rows, columns] = answer.errors * self.gain
            self.log_rates[rows, columns] = predict_errors(values, goals).log_rate - math.log(self.gain)
            if setting.progress is not None:
                setting.progress(layer.path, start + len(rows), len(sources))
        self.seconds += time.perf_counter() - begin


def _lay_out(target: AttentionNetwork, method: Attention, low: Array) -> list[LayerWork | HeadWork]:
    """Return the work on each layer with weights, in the order of the network."""
    count = method.candidates
    lowest = low.reshape(target.tokens, -1).min(axis=0)

    def dense(part: str, first: int) -> list[LayerWork]:
        network = target.embedding if part == "embedding" else target.readout
        begin = lowest if part == "embedding" else np.full(1, -1.0)  # means of tokens have either sign
        works = lay_out_pairs(network, begin, candidates=[count] * len(network.layers), gain=method.gain, law=_LAW)
        for number, work in enumerate(works):
            work.layer = replace(work.layer, path=f"layer{first + number}")
        return works

    def heads(layer: QueryKey | ValueOutput, matrices: Array) -> HeadWork:
        weights = matrices.reshape(-1, matrices.shape[2])
        return HeadWork(layer, weights, gain_of(weights, method.gain), count)

    depth, width, outputs = len(target.embedding.layers), target.width, int(target.values.shape[2])
    scores = QueryKey(f"layer{depth + 1}", width, width, target.heads, count)
    values = ValueOutput(f"layer{depth + 2}", width, outputs, target.heads, count, residual=target.residual)
    return [
        *dense("embedding", 1),
        heads(scores, target.scores),
        heads(values, target.values),
        *dense("readout", depth + 4),
    ]


def _solved(work: LayerWork | HeadWork, setting: Setting, *, grow: bool) -> LayerWork | HeadWork:
    """Solve, and return the best of the gains that were tried."""
    work.solve(setting)
    while grow and work.instances:
        more = type(work)(work.layer, work.weights, 2.0 * work.gain, work.candidates)  # type: ignore[arg-type]
        more.solve(setting)
        more.seconds += work.seconds
        if not more.errors.max() < 0.75 * work.errors.max():
            work.seconds = more.seconds
            break
        work = more
    return work


def _assemble(target: AttentionNetwork, works: list[LayerWork | HeadWork], setting: Setting) -> Ticket:
    depth = len(target.embedding.layers)
    layers = [work.layer for work in works]
    steps = [Tokens(target.tokens, target.token_size), *layers[: depth + 2], TokenMean(), *layers[depth + 2 :]]
    masks = {name: array for work in works for name, array in work.masks().items()}
    gains = np.array([work.gain for work in works])
    return Ticket(NetworkDescription(steps), setting.law, setting.seed, Mask(masks), gains)


def _check_type(argument: str, value: object, kind: type, remedy: str) -> None:
    if not isinstance(value, kind):
        raise ArgumentError(argument, value, f"must be an instance of {kind.__name__}", remedy)


def _read_only(array: Array) -> Array:
    array.flags.writeable = False
    return array

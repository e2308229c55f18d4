"""Dense networks as tickets of random networks: twice the target's depth, or one layer more than it has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from slth.constructions.arguments import as_double, check_solver, checked_gain, integer
from slth.constructions.certify import Certificate, as_box, certify
from slth.constructions.construction import Construction, LayerRow
from slth.constructions.forecast import predicted_errors
from slth.constructions.growth import meet_with_copies, meet_with_pairs
from slth.constructions.interval import Array
from slth.constructions.layout import assemble, lay_out_copies, lay_out_pairs
from slth.constructions.solving import Progress, Setting
from slth.errors import ArgumentError
from slth.rng import Stream, WeightLaw
from slth.subset_sum import Solver
from slth.subset_sum.prediction import SMALLEST_FAILURE
from slth.tickets import DenseNetwork, Ticket

_MOST_UNITS = 10_000
_SCALES = 1e-75, 1e75  # fourth powers, the second moments of products, stay clear of underflow and overflow


@dataclass(frozen=True)
class Dense:
    r"""Approximate every weight of a dense network by a subset sum over random weights.

    With ``depth="double"`` each layer becomes two random layers: weight (o, j) is a sum of products
    :math:`u_{kj} v_{kjo}` over hidden units k that see input j alone (Pensia et al. 2020, "Optimal Lottery Tickets via
    SubsetSum", arXiv 2006.07990; unverified). With ``depth="plus-one"`` only the first layer is a pair, which makes
    copies of each neuron, and later weights are sums of plain random weights over the copies (Burkholz 2022, "Most
    Activation Functions Can Win the Lottery Without Excessive Depth", arXiv 2205.02321; unverified).

    Parameters
    ----------
    candidates : int, optional
        Candidates of each weight, searched to the optimum: each input has ``2 * candidates`` hidden units, of which
        those with the right sign of u are usable, about half, and at most ``candidates`` are offered; or each neuron
        has ``candidates`` copies. No more than 48 are offered, which exact solvers take.
    eps, delta : float, optional
        Instead of ``candidates``: the certified error to reach, and the probability that the first number of candidates
        does not suffice (then more are offered until it does). ``0 < eps``, finite; ``delta < 1`` and, shared among the
        subset-sum instances of the target, at least 1e-20 for each.
    gain : {"auto", "unit"} or float
        What the outputs of each layer are multiplied by: "auto" is the smallest power of two for which
        weight / gain lies within [-1, 1], "unit" is 1.
    depth : {"double", "plus-one"}
        Which construction.
    solver : Solver, optional
        As for :func:`slth.solve_batch`.

    Raises
    ------
    ArgumentError
        If neither or both of ``candidates`` and (``eps``, ``delta``) are given, or a value is outside its range.

    Examples
    --------
    >>> Dense(candidates=20).depth
    'double'
    """

    candidates: int | None = None
    eps: float | None = None
    delta: float | None = None
    gain: Literal["auto", "unit"] | float = "auto"
    depth: Literal["double", "plus-one"] = "double"
    solver: Solver | None = None

    def __post_init__(self) -> None:
        """Check every field."""
        if (self.candidates is None) == (self.eps is None):
            raise ArgumentError(
                "candidates", self.candidates, "must be given, or eps, and not both", "pass candidates=20"
            )
        if self.candidates is not None:
            remedy = "20 gives weight errors near 1e-6"
            object.__setattr__(self, "candidates", integer("candidates", self.candidates, _MOST_UNITS, remedy))
            if self.delta is not None:
                raise ArgumentError("delta", self.delta, "belongs to eps", "leave it out, or pass eps too")
        if self.eps is not None:
            if not 0.0 < as_double(self.eps) < math.inf:
                raise ArgumentError("eps", self.eps, "must be positive and finite", "pass the largest error to certify")
            if not SMALLEST_FAILURE <= as_double(self.delta) < 1.0:
                rule = f"must be at least {SMALLEST_FAILURE} and below 1"
                raise ArgumentError("delta", self.delta, rule, "pass delta=0.01 beside eps")
            object.__setattr__(self, "eps", as_double(self.eps))
            object.__setattr__(self, "delta", as_double(self.delta))
        object.__setattr__(self, "gain", checked_gain(self.gain, ("auto", "unit")))
        if not (isinstance(self.depth, str) and self.depth in ("double", "plus-one")):
            raise ArgumentError("depth", self.depth, "is not a construction", 'use "double" or "plus-one"')
        check_solver(self.solver)


def construct_dense(
    target: DenseNetwork,
    method: Dense,
    *,
    input_box: tuple[ArrayLike, ArrayLike] = (0.0, 1.0),
    seed: int = 0,
    law: WeightLaw | None = None,
    progress: Progress | None = None,
) -> Construction:
    """Return the ticket that approximates a dense network, with its certificate over a box of inputs.

    Parameters
    ----------
    target : DenseNetwork
        The network to approximate.
    method : Dense
        Number of candidates or error to reach, gain and depth.
    input_box : tuple of two array_like
        Smallest and largest input: scalars, or one number per input. Inputs that are never negative need half of the
        instances only.
    seed : int
        Seed of the random network, 0 <= seed < 2**64.
    law : WeightLaw, optional
        Law of the random weights, of a scale from 1e-75 to 1e75; uniform on (-1, 1) if None.
    progress : callable, optional
        Called with (path of the layer, weights done, weights of the layer).

    Returns
    -------
    Construction
        Ticket, certificate and table. Given eps, ``certificate.error <= eps``.

    Raises
    ------
    ArgumentError
        For a bad box, seed, method or law, a delta too small for the target's size, weights beyond any gain, or
        ``depth="plus-one"`` with a single layer.
    ConstructionError
        If eps is beyond what exact subset sums can reach; the message says how far it came.

    Examples
    --------
    >>> from slth.tickets import DenseLayer
    >>> target = DenseNetwork([DenseLayer([[0.5, -0.25]]), DenseLayer([[0.75]], activation="identity")])
    >>> construction = construct_dense(target, Dense(eps=0.001, delta=0.01), seed=1)
    >>> construction.certificate.error <= 0.001
    True
    """
    setting = _checked(method, seed, law, progress)
    box = as_box(input_box, target.layers[0].inputs)
    if method.depth == "plus-one" and len(target.layers) < 2:
        raise ArgumentError("depth", method.depth, "needs a target of two layers or more", 'use depth="double"')
    if method.candidates is not None:
        lay_out = lay_out_pairs if method.depth == "double" else lay_out_copies
        counts = [method.candidates] * len(target.layers)
        works = lay_out(target, box[0], candidates=counts, gain=method.gain, law=setting.law)
        for work in works:
            work.solve(setting)
        ticket = assemble(works, setting)
        certificate = certify(target, ticket, input_box=box)
    else:
        assert method.eps is not None, "checked by Dense"
        assert method.delta is not None, "checked by Dense"
        meet = meet_with_pairs if method.depth == "double" else meet_with_copies
        works, ticket, certificate = meet(
            target, box, eps=method.eps, delta=method.delta, gain=method.gain, setting=setting
        )
    return Construction(
        ticket,
        certificate,
        table=tuple(layer_rows(works, ticket, certificate)),
        errors=tuple(_read_only(work.errors[work.posed]) for work in works),
        log_rates=tuple(_read_only(work.log_rates[work.posed]) for work in works),
    )


def _checked(method: object, seed: int, law: object, progress: Progress | None) -> Setting:
    """Return what is the same for all instances, from arguments whose types nothing has checked yet."""
    if not isinstance(method, Dense):
        remedy = "pass slth.Dense(candidates=20), or slth.Dense(eps=0.01, delta=0.01)"
        raise ArgumentError("method", method, "must be an instance of Dense", remedy)
    law = WeightLaw("uniform", 1.0) if law is None else law
    if not isinstance(law, WeightLaw):
        raise ArgumentError("law", law, "is not a law of weights", 'pass slth.rng.WeightLaw("uniform", 1.0), or None')
    if not _SCALES[0] <= law.scale <= _SCALES[1]:
        rule = f"must have a scale from {_SCALES[0]} to {_SCALES[1]}: products of its weights leave the doubles"
        raise ArgumentError("law", law, rule, "use a scale near 1, for gains do the rest")
    return Setting(law, Stream(seed, "layer0").seed, method.solver, progress)  # a stream knows the rule of seeds


def _read_only(array: Array) -> Array:
    array.flags.writeable = False
    return array


def layer_rows(works: Sequence[Any], ticket: Ticket, certificate: Certificate) -> list[LayerRow]:
    """Return a row of the table for each work: of LayerWork, or what has its fields."""
    rows = []
    for number, (work, bounds) in enumerate(zip(works, certificate.layers, strict=True)):
        kept = sum(int(ticket.mask[name].sum()) for name in work.layer.mask_shapes)
        posed = work.posed
        ceilings = np.abs(np.broadcast_to(work.weights, posed.shape)[posed])
        largest, median = predicted_errors(work.log_rates[posed], ceilings)
        rows.append(
            LayerRow(
                layer=number,
                path=work.layer.path,
                candidates=work.candidates,
                weights=work.instances,
                kept=kept,
                open_positions=work.layer.open_positions,
                density=kept / work.layer.open_positions,
                largest_error=bounds.largest_weight_error,
                median_error=bounds.median_weight_error,
                predicted_largest=largest,
                predicted_median=median,
                tolerance=work.tolerance,
                gain=work.gain,
                seconds=work.seconds,
            )
        )
    return rows

r"""From one error of the whole network to an error for each weight.

Shares. Let :math:`s_l` be the certificate's own answer to a uniform weight error in layer l alone, per unit of it. The
candidates needed grow like :math:`\log_2(1/\tau_l)`, so the fewest in all, :math:`-\sum_l N_l \log \tau_l` over the
:math:`N_l` weights of each layer subject to :math:`\sum_l s_l \tau_l = \varepsilon`, have
:math:`\tau_l \propto N_l / s_l`. The shares are then scaled by the certificate of the target with every weight known to
:math:`\pm\tau_l`, which covers every ticket whose weights meet their shares, whatever the dependence between layers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from slth.arrays import Floats, Indices
from slth.certificates import certified_error, within
from slth.constructions.layout import Work
from slth.constructions.sums import SMALLEST_NORMAL
from slth.errors import ConstructionError
from slth.graphs import Graph

_PROBE = 2.0**-30  # relative size of the weight error that measures a sensitivity
_NOTHING = 2.0**-900  # outward rounding of an exact zero
_ROUNDS = 20

Box: TypeAlias = tuple[Floats, Floats]


def sensitivities(target: Graph, works: Sequence[Work], box: Box) -> Floats:
    """Return the certified error of the outputs per unit of uniform weight error, for each layer."""
    answers = np.zeros(len(works))
    for number, work in enumerate(works):
        probe = max(_PROBE * (float(np.abs(work.slices).max()) or 1.0), SMALLEST_NORMAL)
        answers[number] = error_within(target, dict.fromkeys(work.nodes, probe), box) / probe
    return np.where(answers > _NOTHING, answers, 0.0)


def weight_tolerances(target: Graph, works: Sequence[Work], eps: float, counts: Indices, box: Box) -> Floats:
    """Return a weight error for each layer such that any ticket that meets them is within eps of the target.

    Shapes: counts int64[layers]; box (float64[*input_shape], float64[*input_shape]); result float64[layers].
    """
    slopes = sensitivities(target, works, box)
    total = max(1, int(counts[slopes > 0.0].sum()))
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        # A layer whose small errors cannot reach the outputs, for all behind it is 0 or negative, begins with eps.
        start = np.where(slopes > 0.0, eps * counts / slopes / total, eps)
    largest = np.array([float(np.abs(work.slices).max()) for work in works])
    tolerances = np.where(counts > 0, np.minimum(start, largest), 0.0)
    reached = math.inf
    for _ in range(_ROUNDS):
        reached = error_within(target, by_node(works, tolerances), box)
        if reached <= eps * (1.0 - 1e-6):
            break
        tolerances = tolerances * (min(0.999, eps / reached) if reached < math.inf else _PROBE)
    if not reached < math.inf:
        raise beyond_doubles(eps, works[-1].node)
    return tolerances


def beyond_doubles(eps: float, node: str) -> ConstructionError:
    """Return the error of a target whose values no double holds, at the latest behind a node."""
    return ConstructionError(
        f"eps={eps} could not be certified: the target's own values over the input box leave the range of doubles at "
        f"node {node}; use a smaller input box, or scale the weights down"
    )


def error_within(target: Graph, tolerances: Mapping[str, float], box: Box) -> float:
    """Return the certified error of the target with the weights of some nodes known to tolerances, all others exact."""
    return certified_error(target, target, within(target, tolerances), box)


def by_node(works: Sequence[Work], tolerances: Floats) -> dict[str, float]:
    """Return the tolerance of each node with weights."""
    return {name: tolerance for work, tolerance in zip(works, tolerances.tolist(), strict=True) for name in work.nodes}

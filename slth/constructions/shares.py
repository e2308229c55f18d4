r"""From one error of the whole network to an error for each weight, and from that to a number of candidates.

Shares. Let :math:`s_l` be the certificate's own answer to a uniform weight error in layer l alone, per unit of it. The
candidates needed grow like :math:`\log_2(1/\tau_l)`, so the fewest in all, :math:`-\sum_l N_l \log \tau_l` over the
:math:`N_l` weights of each layer subject to :math:`\sum_l s_l \tau_l = \varepsilon`, have
:math:`\tau_l \propto N_l / s_l`. The shares are then scaled by the certificate of the target with every weight known to
:math:`\pm\tau_l`, which covers every ticket whose weights meet their shares, whatever the dependence between layers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from slth.constructions.certify import certified_error
from slth.constructions.effective import EffectiveLayer
from slth.constructions.interval import Array, Interval, down, up
from slth.constructions.propagation import augmented
from slth.errors import ConstructionError
from slth.tickets import DenseLayer, DenseNetwork

_PROBE = 2.0**-30  # relative size of the weight error that measures a sensitivity
_NOTHING = 2.0**-900  # outward rounding of an exact zero


def within(layer: DenseLayer, tolerance: float, *, copies: int = 0) -> EffectiveLayer:
    """Return the layer with every nonzero weight known to ``tolerance``: what a ticket will be, before it is solved.

    With copies, its outputs are so many of each neuron and of the constant 1.
    """
    weights = augmented(layer)
    weights = np.tile(weights, (copies, 1)) if copies else weights[:-1]
    radius = np.where(weights != 0.0, tolerance, 0.0)
    return EffectiveLayer(
        positive=Interval(down(weights - radius), up(weights + radius)) if tolerance else Interval.point(weights),
        negative=None,
        magnitude=np.abs(weights) + radius,
        terms=weights.shape[1],
        factor=1.0,
        source=np.arange(layer.inputs + 1),
        sink=np.arange(len(weights)) % (layer.outputs + 1),
    )


def sensitivities(target: DenseNetwork, box: tuple[Array, Array]) -> list[float]:
    """Return the certified error of the outputs per unit of uniform weight error, for each layer."""
    exact = [within(layer, 0.0) for layer in target.layers]
    answers = []
    for number, layer in enumerate(target.layers):
        largest = float(np.abs(augmented(layer)[:-1]).max())
        probe = _PROBE * (largest or 1.0)
        layers = [*exact[:number], within(layer, probe), *exact[number + 1 :]]
        answer = certified_error(target, layers, box) / probe
        answers.append(answer if answer > _NOTHING else 0.0)
    return answers


def weight_tolerances(target: DenseNetwork, eps: float, box: tuple[Array, Array], counts: Sequence[int]) -> list[float]:
    """Return a weight error for each layer such that any ticket that meets them is within eps of the target.

    Parameters
    ----------
    target : DenseNetwork
        The target.
    eps : float
        Error of the outputs, > 0.
    box : tuple of two float64[inputs]
        Smallest and largest inputs.
    counts : sequence of int
        Number of subset-sum instances of each layer.

    Returns
    -------
    list of float
        One tolerance for each layer, 0 where nothing is to be solved; at most the layer's largest number (its exact
        constant 1 among them), for that error is met by removing everything.

    Raises
    ------
    ConstructionError
        If the target's own values over the box leave the range of doubles.
    """
    answers = sensitivities(target, box)
    weighted = [count / answer if answer > 0.0 else 0.0 for count, answer in zip(counts, answers, strict=True)]
    total = sum(count for count, answer in zip(counts, answers, strict=True) if answer > 0.0)
    tolerances = [eps * part / max(1, total) for part in weighted]
    # A layer whose small errors cannot reach the outputs, for all behind it is 0 or negative, begins with eps itself.
    tolerances = [
        eps if answer == 0.0 and count else tolerance
        for tolerance, answer, count in zip(tolerances, answers, counts, strict=True)
    ]
    # A huge eps would make the certificate infinite, from which no share can be scaled.
    tolerances = [
        min(tolerance, float(np.abs(augmented(layer)).max()))
        for tolerance, layer in zip(tolerances, target.layers, strict=True)
    ]
    for _ in range(20):
        reached = certified_error(target, [within(*pair) for pair in zip(target.layers, tolerances, strict=True)], box)
        if reached <= eps * (1.0 - 1e-6):
            break
        factor = min(0.999, eps / reached) if reached < np.inf else _PROBE
        tolerances = [tolerance * factor for tolerance in tolerances]
    if not reached < np.inf:
        raise ConstructionError(
            f"eps={eps} could not be certified: the target's own values over the input box leave the range of doubles; "
            "use a smaller input box, or scale the weights down"
        )
    return tolerances

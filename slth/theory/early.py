"""Dense networks before subset sums: Malach and others 2020, and Orseau, Hutter and Rivasplata 2020."""

from __future__ import annotations

import math
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import small, whole

MALACH = (
    'E. Malach, G. Yehudai, S. Shalev-Shwartz and O. Shamir, "Proving the Lottery Ticket Hypothesis: Pruning is All '
    'You Need", ICML 2020, arXiv 2002.00585'
)
ORSEAU = 'L. Orseau, M. Hutter and O. Rivasplata, "Logarithmic Pruning is All You Need", NeurIPS 2020, arXiv 2006.12156'

Width = Annotated[int, whole("width of the target")]
Layers = Annotated[int, whole("layers of the target")]
Error = Annotated[float, small("error of the output over the unit ball")]
Failure = Annotated[float, small("probability of failure that is allowed")]
Weights = Annotated[int, whole("weights m_t = d^2 l of the target", most=10**9)]
_NORMS = (
    Assumption(words="||W_i||_2 <= 1, ||W_i||_max <= 1 / sqrt(fan-in) and ||x||_2 <= 1"),
    Assumption(words="all random weights are independent, from U[-1, 1]"),
)
_UNIFORM = Assumption(words="all layers of the target have the same width")
SECOND_HAND = "second-hand: an essay on the paper, and the paper's introduction"


@bound(
    "malach2020.width",
    f"{MALACH}, Theorem 2.1",
    quantity="hidden width",
    provenance="recalled",
    assumes=_NORMS,
    constant="d^5 l^2 / eps^2 ln(d l / delta)",
    count=True,
    caveat="found in Kumar and Natale 2025: d^5 l^2, a polynomial of 1/eps, a logarithm of 1/delta; not its exponents",
)
def malach_width(*, d: Width, layers: Layers, eps: Error, delta: Failure, constant: float) -> float:
    """Width of a random network, one close weight for each of the target's.

    Source of 2l layers and width C d^5 l^2 / eps^2 ln(d l / delta): with probability at least 1 - delta a subnetwork is
    within eps of the target over the unit ball.

    >>> malach_width(d=2, layers=1, eps=0.1, delta=0.1, constant=1.0)
    9587.0
    """
    return constant * float(d) ** 5 * layers**2 / eps**2 * math.log(d * layers / delta)


@bound(
    "malach2020.factor",
    f"{MALACH} (abstract of Pensia et al. 2020)",
    quantity="width of the source by width of the target",
    provenance="found",
    constant="d^4 l^2, with the dependence on error and probability",
)
def malach_factor(*, d: Width, layers: Layers, constant: float) -> float:
    """How many times wider than the target.

    A random network O(d^4 l^2) times wider and twice as deep contains the target.

    >>> malach_factor(d=2, layers=3, constant=1.0)
    144.0
    """
    return constant * float(d) ** 4 * layers**2


@bound(
    "malach2020.overhead",
    f"{MALACH} (Natale et al. 2024, section 4)",
    quantity="weights for each weight",
    provenance="found",
    assumes=(_UNIFORM,),
    constant="(m_t^2 / eps^2) log2(m_t / eps)",
)
def malach_overhead(*, m: Weights, eps: Error, constant: float) -> float:
    """Weights of the source for each weight of the target.

    m / m_t = C (m_t^2 / eps^2) log2(m_t / eps), m_t = d^2 l.

    >>> malach_overhead(m=16, eps=0.5, constant=1.0)
    5120.0
    """
    return constant * m**2 / eps**2 * math.log2(m / eps)


@bound(
    "malach2020.density",
    f"{MALACH} (Natale et al. 2024, section 4)",
    quantity="density",
    provenance="found",
    direction="estimate",
    assumes=(_UNIFORM,),
    constant="eps^2 / m_t^2, with logarithms",
)
def malach_density(
    *,
    m: Annotated[int, whole("weights m_t = d^2 l of the target", most=10**9, monotone=-1)],
    eps: Annotated[float, small("error of the output over the unit ball", monotone=1)],
    constant: float,
) -> float:
    """Density of the tickets.

    gamma = C eps^2 / m_t^2 up to logarithms, m_t = d^2 l: the ticket has the size of the target.

    >>> malach_density(m=16, eps=0.5, constant=1.0)
    0.0009765625
    """
    return constant * eps**2 / m**2


@bound(
    "malach2020.active",
    f"{MALACH}, Theorem 2.1",
    quantity="weights",
    provenance="found",
    assumes=_NORMS,
    constant="d n + n^2 l",
    count=True,
    caveat=SECOND_HAND,
)
def malach_active(
    *,
    d: Annotated[int, whole("inputs")],
    n: Annotated[int, whole("width of the target")],
    layers: Layers,
    constant: float,
) -> float:
    """Weights that are kept.

    O(d n + n^2 l) weights are kept, d inputs and width n of the target.

    >>> malach_active(d=3, n=2, layers=5, constant=1.0)
    26.0
    """
    return constant * (d * n + n**2 * layers)


@bound(
    "malach2020.neurons",
    f"{MALACH}, Theorem 3.2 on pruning of neurons; Yehudai and Shamir 2019",
    quantity="features, or size of weights",
    provenance="found",
    direction="necessary",
    constant="d, in the exponent",
    caveat=f"{SECOND_HAND}; Yehudai and Shamir's abstract",
)
def neuron_features(*, d: Annotated[int, whole("inputs", most=700)], constant: float) -> float:
    """Random features that one ReLU neuron asks for when only neurons are removed.

    Removing neurons of one hidden layer is as weak as random features, up to polynomial factors; these approximate a
    single ReLU neuron over Gaussian inputs only with exp(Omega(d)) features or such weights.

    It rests on the theorem of Yehudai and Shamir on random features.

    >>> round(neuron_features(d=10, constant=1.0))
    22026
    """
    return math.exp(constant * d)


@bound(
    "ferre2026.neurons",
    "Ferre, Giroire, Mallmann-Trenn, Natale, 'Structured vs. Unstructured Pruning: An Exponential Gap', 2026, "
    "arXiv 2603.02234, version 3",
    quantity="hidden neurons",
    provenance="found",
    direction="necessary",
    assumes=(
        Assumption(words="whole hidden neurons of a random network without biases are removed, no single weights"),
    ),
    constant="1 / eps",
    count=True,
    caveat="its abstract was read; that of versions 1 and 2 says d / eps",
)
def removed_neurons(*, eps: Annotated[float, small("error that is allowed")], constant: float) -> float:
    """Hidden neurons of which some approximate one ReLU neuron without bias.

    C / eps hidden neurons are needed where only neurons are removed; removing weights takes a number that is
    logarithmic in 1 / eps.

    >>> removed_neurons(eps=0.0625, constant=1.0)
    16.0
    """
    return constant / eps


@bound(
    "orseau2020.neurons",
    ORSEAU,
    quantity="neurons for one weight",
    provenance="found",
    constant="ln(d / min(eps, delta)), depending on the depth",
    count=True,
    caveat="its abstract names no formula: width, error and probability are read into the logarithm here",
)
def orseau_neurons(
    *, d: Width, eps: Annotated[float, small("error that is allowed")], delta: Failure, constant: float
) -> float:
    """Neurons for each weight of the target.

    A number of neurons for each weight of the target that is logarithmic in all variables but depth.

    >>> orseau_neurons(d=100, eps=0.01, delta=0.1, constant=1.0)
    10.0
    """
    return constant * math.log(d / min(eps, delta))

"""Sources of depth l + 1, and subset sums of general variables: Burkholz and co-authors."""

from __future__ import annotations

import math
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import positive, small, whole

DENSE = (
    "Burkholz, 'Most Activation Functions Can Win the Lottery Without Excessive Depth', NeurIPS 2022, "
    "arXiv 2205.02321, main theorem"
)

LayerError = Annotated[float, small("eps_l, the error that each parameter of the layer may have")]
Failure = Annotated[float, small("the failure probability of the network")]
Problems = Annotated[
    float,
    positive("rho, which grows like N^(1+g) for N parameters that are not zero", least=1.0, most=1e30, monotone=1),
]
COMPACT = Assumption(words="inputs come from a compact set, and the error is the maximum norm over it")
ACTIVATION = Assumption(
    words="the activation is Lipschitz and near 0 has two different slopes, or is close to linear (ReLU, leaky ReLU, "
    "tanh; the sigmoid after a shift)"
)


@bound(
    "burkholz2022a.width",
    DENSE,
    quantity="width of one layer of the source",
    provenance="recalled",
    assumes=(COMPACT, ACTIVATION),
    constant="n ln(1/min(eps_l, delta/rho))",
    count=True,
    caveat="depth and construction are found in citing papers, the width is recalled",
)
def shallow_units(
    *,
    units: Annotated[int, whole("the width of the target's layer; for the first source layer the input dimension")],
    eps: LayerError,
    delta: Failure,
    problems: Problems,
    constant: float,
) -> float:
    """Width of a dense source of depth l + 1.

    Source of depth l + 1. Layer by layer, n_source >= C n_target ln(1/min(eps_l, delta/rho)) => with
    probability >= 1 - delta a subnetwork is within eps. Copies of the first layer's neurons are the candidates; there
    are no products after it. Over-parameterisation is the square of Pensia et al.'s.

    >>> shallow_units(units=500, eps=0.001, delta=0.01, problems=1e6, constant=1.0)
    9211.0
    """
    return constant * units * -math.log(min(eps, delta / problems))


@bound(
    "burkholz2022a.layer_error",
    f"{DENSE} (its form, recalled); the minimum and the proof are this project's",
    quantity="error of each parameter of the layer",
    provenance="derived",
    assumes=(
        COMPACT,
        ACTIVATION,
        Assumption(words="the activation's Lipschitz constant is at most 1"),
        Assumption(words="layer is at most layers", holds=lambda given: given["layer"] <= given["layers"]),
    ),
    caveat="the recalled form alone, without eps / (L n), is false where inputs are small and layers wide",
)
def shallow_layer_error(
    *,
    eps: Annotated[float, small("the error of the output", monotone=0)],
    layers: Annotated[int, whole("the layers L of the target", most=100, monotone=0)],
    layer: Annotated[int, whole("which layer, l, counted from 1", most=100, monotone=0)],
    signal: Annotated[float, positive("B_(l-1), the largest l1 norm of the layer's input", least=0.0, monotone=-1)],
    norm: Annotated[float, positive("the largest ||W||_inf of the later layers", least=0.01, most=100.0, monotone=-1)],
    fan_in: Annotated[int, whole("n, the inputs of the layer", monotone=-1)],
) -> float:
    """Error that a parameter of one layer may have, for an error of the output.

    eps_l = min( eps / (L n), (eps/L) / [(1 + B_(l-1)) (1 + eps/L) prod_(k=l+1..L) (||W^(k)||_inf + eps/L)] ), n the
    layer's inputs and B_(l-1) the largest l1 norm of what they carry; here with one norm for all later layers.

    Proof: errors grow as e_l <= eps_l (1 + B_(l-1)) + (||W^(l)||_inf + n eps_l) e_(l-1), where n eps_l <= eps/L; so
    each layer adds at most (eps/L) / (1 + eps/L) to the output. An activation that is steeper, as of slope 2, enlarges
    each e_l, and the bound is false for it.

    >>> round(shallow_layer_error(eps=0.1, layers=2, layer=2, signal=1.0, norm=1.0, fan_in=1), 4)
    0.0238
    >>> round(shallow_layer_error(eps=0.1, layers=2, layer=2, signal=1.0, norm=1.0, fan_in=10), 4)
    0.005
    """
    share = eps / layers
    published = share / ((1.0 + signal) * (1.0 + share) * math.pow(norm + share, layers - layer))
    return min(published, share / fan_in)


@bound(
    "burkholz2022a.problems",
    DENSE,
    quantity="problems, rho",
    provenance="recalled",
    assumes=(COMPACT, ACTIVATION),
    constant="N^(1+g) / m^g ln(1/m)",
    caveat="which numbers the minimum is taken over, and how C depends on g, is not recalled",
)
def shallow_problems(
    *,
    weights: Annotated[int, whole("the parameters N of the target that are not zero", most=1e12)],
    exponent: Annotated[float, positive("g, any positive number: C may depend on it", most=5.0, monotone=1)],
    smallest: Annotated[float, small("m, a minimum of errors and probabilities, as of the eps_l and delta")],
    constant: float,
) -> float:
    """Subset-sum problems that share the failure probability of a source of depth l + 1.

    rho = C N^(1+g) / m^g ln(1/m) for any g > 0, N the parameters of the target that are not zero and m a minimum of
    errors and probabilities: the rho of burkholz2022a.width.

    >>> round(shallow_problems(weights=1000, exponent=0.5, smallest=0.01, constant=1.0))
    1456283
    """
    return constant * weights * math.pow(weights / smallest, exponent) * -math.log(smallest)


@bound(
    "burkholz2022b.channels",
    "Burkholz, 'Convolutional and Residual Networks Provably Contain Lottery Tickets', ICML 2022, "
    "arXiv 2205.02343, main theorem",
    quantity="channels of one layer of the source",
    provenance="recalled",
    assumes=(COMPACT, ACTIVATION),
    constant="c ln(1/min(eps_l, delta/rho))",
    count=True,
    caveat="that such a result exists is found, its shape is recalled",
)
def shallow_channels(
    *,
    units: Annotated[int, whole("the channels of the target's layer; for the first source layer those of the input")],
    eps: LayerError,
    delta: Failure,
    problems: Problems,
    constant: float,
) -> float:
    """Channels of a convolutional or residual source of depth l + 1.

    As burkholz2022a.width with channels for neurons: c_source >= C c_target ln(1/min(eps_l, delta/rho)); convolutions
    and residual blocks, almost every activation.

    >>> shallow_channels(units=500, eps=0.001, delta=0.01, problems=1e6, constant=1.0)
    9211.0
    """
    return shallow_units.formula(units=units, eps=eps, delta=delta, problems=problems, constant=constant)


@bound(
    "burkholz2022c.candidates",
    "Burkholz, Laha, Mukherjee, Gotovos, 'On the Existence of Universal Lottery Tickets', ICLR 2022, "
    "arXiv 2111.11146, lemma on general variables",
    quantity="candidates, n",
    provenance="recalled",
    assumes=(Assumption(words="the law of the values contains a uniform part around 0"),),
    constant="max(1,m) ln(max(1,m)/min(eps,delta))",
    count=True,
)
def universal_candidates(
    *,
    largest: Annotated[float, positive("m, the largest absolute value of a target", monotone=1)],
    eps: Annotated[float, small("the error")],
    delta: Annotated[float, small("the failure probability")],
    constant: float,
) -> float:
    """Candidates of a subset sum for general variables and large targets.

    n >= C max(1,m) ln(max(1,m)/min(eps,delta)) => with probability >= 1 - delta every |z| <= m has a subset sum within
    eps.

    >>> universal_candidates(largest=2.0, eps=0.01, delta=0.1, constant=1.0)
    11.0
    """
    scale = max(1.0, largest)
    return constant * scale * math.log(scale / min(eps, delta))

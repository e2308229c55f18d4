"""Sources of depth l + 1, and subset sums of general variables: Burkholz and co-authors.

Formulas raise nothing of their own: the bound that holds one checks its arguments first. The base of an unspecified
logarithm is taken to be e.
"""

from __future__ import annotations

import math

from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import positive, small, whole


def shallow_units(*, units: float, eps: float, delta: float, problems: float, constant: float) -> float:
    r"""Return the units of one layer of a source of depth l + 1, :math:`C n \ln(1 / \min(\epsilon_l, \delta/\rho))`.

    Parameters
    ----------
    units : int
        n of the target: neurons of the layer, or channels of a convolution; for the first layer of the source the
        input dimension.
    eps : float
        :math:`\epsilon_l`, the error that each parameter of the layer may have.
    delta : float
        Failure probability of the whole network.
    problems : float
        :math:`\rho`, which grows like :math:`N^{1+g}` for N parameters of the target that are not zero, any g > 0.
    constant : float
        C.

    Returns
    -------
    float
        Units of the source's layer.

    Notes
    -----
    Source: Burkholz 2022 (arXiv 2205.02321 for dense layers, 2205.02343 for convolutions and residual blocks), main
    theorems; recalled, unverified.

    Examples
    --------
    >>> round(shallow_units(units=500, eps=0.001, delta=0.01, problems=1e6, constant=1.0))
    9210
    """
    return constant * units * -math.log(min(eps, delta / problems))


def shallow_layer_error(*, eps: float, layers: float, layer: float, signal: float, norm: float) -> float:
    r"""Return the error that a parameter of layer l may have for an error :math:`\epsilon` of the output.

    .. math:: \epsilon_l = \frac{\epsilon}{L} \Big[ (1 + B_{l-1}) (1 + \epsilon/L) \prod_{k=l+1}^L
        (\|W^{(k)}\|_\infty + \epsilon/L) \Big]^{-1},

    with one norm for all later layers.

    Parameters
    ----------
    eps : float
        Error of the output in the maximum norm.
    layers, layer : int
        L and l.
    signal : float
        :math:`B_{l-1}`, the largest l1 norm of the layer's input.
    norm : float
        The largest :math:`\|W^{(k)}\|_\infty` of the later layers.

    Returns
    -------
    float
        :math:`\epsilon_l`.

    Notes
    -----
    Source: Burkholz 2022 (arXiv 2205.02321), main theorem; recalled, unverified.

    Examples
    --------
    >>> round(shallow_layer_error(eps=0.1, layers=2, layer=2, signal=1.0, norm=1.0), 4)
    0.0238
    """
    share = eps / layers
    return share / ((1.0 + signal) * (1.0 + share) * math.pow(norm + share, layers - layer))


def universal_candidates(*, largest: float, eps: float, delta: float, constant: float) -> float:
    r"""Return the candidates of a general subset sum, :math:`C \max(1,m) \ln(\max(1,m) / \min(\epsilon, \delta))`.

    Parameters
    ----------
    largest : float
        m, the largest absolute value of a target.
    eps, delta : float
        Error and failure probability.
    constant : float
        C, which depends on the law.

    Returns
    -------
    float
        n.

    Notes
    -----
    Source: Burkholz, Laha, Mukherjee and Gotovos 2022 (arXiv 2111.11146), lemma on general variables; recalled,
    unverified.

    Examples
    --------
    >>> round(universal_candidates(largest=2.0, eps=0.01, delta=0.1, constant=1.0), 2)
    10.6
    """
    scale = max(1.0, largest)
    return constant * scale * math.log(scale / min(eps, delta))


def shallow_problems(*, weights: float, exponent: float, smallest: float, constant: float) -> float:
    r"""Return the subset-sum problems that share the failure probability, :math:`C N^{1+g} m^{-g} \ln(1/m)`.

    Parameters
    ----------
    weights : int
        N, the parameters of the target that are not zero.
    exponent : float
        g, any positive number.
    smallest : float
        m, a minimum of errors and probabilities; which of them it is taken over is not recalled.
    constant : float
        C.

    Returns
    -------
    float
        :math:`\rho`.

    Notes
    -----
    Source: Burkholz 2022 (arXiv 2205.02321), main theorem; recalled, unverified, and not in full.

    Examples
    --------
    >>> round(shallow_problems(weights=1000, exponent=0.5, smallest=0.01, constant=1.0))
    1456283
    """
    return constant * weights * math.pow(weights / smallest, exponent) * -math.log(smallest)


LAYER_ERROR = small("eps_l, the error that each parameter of the layer may have")
FAILURE = small("the failure probability of the network")
PROBLEMS = positive(
    "rho, which grows like N^(1+g) for N parameters that are not zero", least=1.0, most=1e30, monotone=1
)
COMPACT = Assumption(words="inputs come from a compact set, and the error is the maximum norm over it")
ACTIVATION = Assumption(
    words="the activation is Lipschitz and near 0 has two different slopes, or is close to linear (ReLU, leaky ReLU, "
    "tanh; the sigmoid after a shift)"
)

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="burkholz2022a.width",
        title="width of a dense source of depth l + 1",
        citation=(
            "Burkholz, 'Most Activation Functions Can Win the Lottery Without Excessive Depth', NeurIPS 2022, "
            "arXiv 2205.02321, main theorem"
        ),
        statement=(
            "Source of depth l + 1. Layer by layer, n_source >= C n_target ln(1/min(eps_l, delta/rho)) => with "
            "probability >= 1 - delta a subnetwork is within eps. Copies of the first layer's neurons are the "
            "candidates; there are no products after it. Over-parameterisation is the square of Pensia et al.'s"
        ),
        quantity="width of one layer of the source",
        direction="sufficient",
        provenance="recalled",
        formula=shallow_units,
        parameters={
            "units": whole("the width of the target's layer; for the first source layer the input dimension"),
            "eps": LAYER_ERROR,
            "delta": FAILURE,
            "problems": PROBLEMS,
        },
        assumptions=(COMPACT, ACTIVATION),
        constant="n ln(1/min(eps_l, delta/rho))",
        count=True,
        caveat="depth and construction are found in citing papers, the width is recalled",
    ),
    Bound(
        key="burkholz2022a.layer_error",
        title="error that a parameter of one layer may have, for an error of the output",
        citation=(
            "Burkholz, 'Most Activation Functions Can Win the Lottery Without Excessive Depth', NeurIPS 2022, "
            "arXiv 2205.02321, main theorem"
        ),
        statement=(
            "eps_l = (eps/L) / [(1 + B_(l-1)) (1 + eps/L) prod_(k=l+1..L) (||W^(k)||_inf + eps/L)], B_(l-1) the "
            "largest l1 norm of the layer's input; here with one norm for all later layers"
        ),
        quantity="error of each parameter of the layer",
        direction="sufficient",
        provenance="recalled",
        formula=shallow_layer_error,
        parameters={
            "eps": small("the error of the output", monotone=0),
            "layers": whole("the layers L of the target", most=100, monotone=0),
            "layer": whole("which layer, l, counted from 1", most=100, monotone=0),
            "signal": positive("B_(l-1), the largest l1 norm of the layer's input", least=0.0, monotone=-1),
            "norm": positive("the largest ||W||_inf of the later layers", least=0.01, most=100.0, monotone=-1),
        },
        assumptions=(
            COMPACT,
            ACTIVATION,
            Assumption(words="layer is at most layers", holds=lambda given: given["layer"] <= given["layers"]),
        ),
        caveat="that it is the error of each parameter is read from its form, and holds in simulation",
    ),
    Bound(
        key="burkholz2022a.problems",
        title="subset-sum problems that share the failure probability of a source of depth l + 1",
        citation=(
            "Burkholz, 'Most Activation Functions Can Win the Lottery Without Excessive Depth', NeurIPS 2022, "
            "arXiv 2205.02321, main theorem"
        ),
        statement=(
            "rho = C N^(1+g) / m^g ln(1/m) for any g > 0, N the parameters of the target that are not zero and m a "
            "minimum of errors and probabilities: the rho of burkholz2022a.width"
        ),
        quantity="problems, rho",
        direction="sufficient",
        provenance="recalled",
        formula=shallow_problems,
        parameters={
            "weights": whole("the parameters N of the target that are not zero", most=1e12),
            "exponent": positive("g, any positive number: C may depend on it", most=5.0, monotone=1),
            "smallest": small("m, a minimum of errors and probabilities, as of the eps_l and delta"),
        },
        assumptions=(COMPACT, ACTIVATION),
        constant="N^(1+g) / m^g ln(1/m)",
        caveat="which numbers the minimum is taken over, and how C depends on g, is not recalled",
    ),
    Bound(
        key="burkholz2022b.channels",
        title="channels of a convolutional or residual source of depth l + 1",
        citation=(
            "Burkholz, 'Convolutional and Residual Networks Provably Contain Lottery Tickets', ICML 2022, "
            "arXiv 2205.02343, main theorem"
        ),
        statement=(
            "As burkholz2022a.width with channels for neurons: c_source >= C c_target ln(1/min(eps_l, delta/rho)); "
            "convolutions and residual blocks, almost every activation"
        ),
        quantity="channels of one layer of the source",
        direction="sufficient",
        provenance="recalled",
        formula=shallow_units,
        parameters={
            "units": whole("the channels of the target's layer; for the first source layer those of the input"),
            "eps": LAYER_ERROR,
            "delta": FAILURE,
            "problems": PROBLEMS,
        },
        assumptions=(COMPACT, ACTIVATION),
        constant="c ln(1/min(eps_l, delta/rho))",
        count=True,
        caveat="that such a result exists is found, its shape is recalled",
    ),
    Bound(
        key="burkholz2022c.candidates",
        title="candidates of a subset sum for general variables and large targets",
        citation=(
            "Burkholz, Laha, Mukherjee, Gotovos, 'On the Existence of Universal Lottery Tickets', ICLR 2022, "
            "arXiv 2111.11146, lemma on general variables"
        ),
        statement=(
            "n >= C max(1,m) ln(max(1,m)/min(eps,delta)) => with probability >= 1 - delta every |z| <= m has a "
            "subset sum within eps"
        ),
        quantity="candidates, n",
        direction="sufficient",
        provenance="recalled",
        formula=universal_candidates,
        parameters={
            "largest": positive("m, the largest absolute value of a target", monotone=1),
            "eps": small("the error"),
            "delta": small("the failure probability"),
        },
        assumptions=(Assumption(words="the law of the values contains a uniform part around 0"),),
        constant="max(1,m) ln(max(1,m)/min(eps,delta))",
        count=True,
    ),
)

"""Dense networks: Pensia and others 2020, the upper bounds."""

from __future__ import annotations

import math

from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import Parameter, small, whole

PENSIA = (
    'A. Pensia, S. Rajput, A. Nagle, H. Vishwakarma and D. Papailiopoulos, "Optimal Lottery Tickets via SubsetSum: '
    'Logarithmic Over-Parameterization is Sufficient", NeurIPS 2020, arXiv 2006.07990'
)


def pensia_width(*, d_in: int, d_out: int, layers: int, eps: float, delta: float, constant: float) -> float:
    r"""Return the hidden width that stands for one layer of the target.

    .. math:: n_i = C\, d_{i-1} \ln \frac{d_{i-1} d_i\, l}{\min(\epsilon, \delta)}

    Parameters
    ----------
    d_in, d_out : int
        Inputs and outputs of the layer.
    layers : int
        Layers l of the target.
    eps : float
        Error of the output over the unit ball.
    delta : float
        Probability of failure.
    constant : float
        C.

    Returns
    -------
    float
        n, before it is rounded up.

    Notes
    -----
    Source: Pensia and others 2020, Theorem 1; hypotheses recalled, unverified; restatements found in Natale and others
    2024, Otsuka and others 2025 and Xiong and others 2023. The base of the logarithm is taken to be e.

    Examples
    --------
    >>> round(pensia_width(d_in=500, d_out=10, layers=2, eps=0.01, delta=0.01, constant=1.0))
    6908
    """
    return constant * d_in * math.log(d_in * d_out * layers / min(eps, delta))


def network_width(*, d_in: int, d_out: int, layers: int, eps: float, constant: float) -> float:
    r"""Return the hidden width for one layer of the target, with an explicit logarithm.

    .. math:: n_l = C\, d_l \ln \frac{4 L d_l d_{l+1}}{\epsilon}

    Parameters
    ----------
    d_in, d_out : int
        Inputs and outputs of the layer.
    layers : int
        Layers L of the target.
    eps : float
        Probability of failure, and the eps of :func:`network_error`.
    constant : float
        C.

    Returns
    -------
    float
        n, before it is rounded up.

    Notes
    -----
    Source: Pensia and others 2020 as restated in Otsuka and others 2025, Theorem 10; found. The base of the logarithm
    is taken to be e.

    Examples
    --------
    >>> round(network_width(d_in=500, d_out=10, layers=2, eps=0.01, constant=1.0))
    7601
    """
    return constant * d_in * math.log(4.0 * layers * d_in * d_out / eps)


def network_error(*, eps: float, radius: float) -> float:
    r"""Return the error of a network whose layers have the widths of :func:`network_width`.

    .. math:: e^{\alpha \epsilon / 2} - 1

    Parameters
    ----------
    eps : float
        The eps of the widths.
    radius : float
        :math:`\alpha`, the largest norm of an input.

    Returns
    -------
    float
        Error of the output, l2.

    Notes
    -----
    Source: Pensia and others 2020 as restated in Otsuka and others 2025, Theorem 10; found.

    Examples
    --------
    >>> round(network_error(eps=0.01, radius=1.0), 6)
    0.005013
    """
    return math.expm1(radius * eps / 2.0)


def layer_width(*, d_in: int, d_out: int, eps: float, constant: float) -> float:
    r"""Return the hidden width that stands for a single layer.

    .. math:: n = C\, d_1 \ln \frac{2 d_1 d_2}{\epsilon}

    Parameters
    ----------
    d_in, d_out : int
        Inputs :math:`d_1` and outputs :math:`d_2`.
    eps : float
        Error, and probability of failure.
    constant : float
        C.

    Returns
    -------
    float
        n, before it is rounded up.

    Notes
    -----
    Source: Pensia and others 2020 as restated in Otsuka and others 2025, Lemma 2; found. The base of the logarithm is
    taken to be e.

    Examples
    --------
    >>> round(layer_width(d_in=500, d_out=10, eps=0.01, constant=1.0))
    6908
    """
    return constant * d_in * math.log(2.0 * d_in * d_out / eps)


def bilinear_width(*, d_in: int, d_out: int, eps: float, constant: float) -> float:
    r"""Return the hidden width for a product of two matrices without an activation between them.

    .. math:: n = C\, d_1 \ln \frac{d_1 d_2}{\epsilon}

    Parameters
    ----------
    d_in, d_out : int
        Inputs :math:`d_1` and outputs :math:`d_2`.
    eps : float
        :math:`d_1 d_2` times the error of each entry.
    constant : float
        C.

    Returns
    -------
    float
        n, before it is rounded up.

    Notes
    -----
    Source: Pensia and others 2020 as restated in Otsuka and others 2025, Lemmas 4 and 7; found. The base of the
    logarithm is taken to be e.

    Examples
    --------
    >>> round(bilinear_width(d_in=500, d_out=10, eps=0.01, constant=1.0))
    6561
    """
    return constant * d_in * math.log(d_in * d_out / eps)


def source_parameters(*, d_in: int, d_out: int, n: int) -> float:
    r"""Return the weights of the random pair of layers before pruning.

    .. math:: m = (2 d_{i-1}^2 + 2 d_{i-1} d_i)\, n^*_i

    Parameters
    ----------
    d_in, d_out : int
        Inputs and outputs of the layer of the target.
    n : int
        :math:`n^*`, half of the hidden units for each input.

    Returns
    -------
    float
        Weights.

    Notes
    -----
    Source: Pensia and others 2020, construction; found in Natale and others 2024.

    Examples
    --------
    >>> source_parameters(d_in=2, d_out=3, n=5)
    100.0
    """
    return float((2 * d_in**2 + 2 * d_in * d_out) * n)


def kept_parameters(*, d_in: int, d_out: int, size: int) -> float:
    r"""Return how many weights of a pair of layers are kept at most.

    .. math:: 4 d_{i-1} d_i\, k_i

    Parameters
    ----------
    d_in, d_out : int
        Inputs and outputs of the layer of the target.
    size : int
        k, the numbers that each subset sum keeps.

    Returns
    -------
    float
        Weights.

    Notes
    -----
    Source: Pensia and others 2020, construction; found in Natale and others 2024.

    Examples
    --------
    >>> kept_parameters(d_in=2, d_out=3, size=4)
    96.0
    """
    return float(4 * d_in * d_out * size)


_D_IN = whole("inputs of the layer")
_D_OUT = whole("outputs of the layer")
_LAYERS = whole("layers of the target")
_EPS = small("error of the output over the unit ball")
_FAILURE = small("probability of failure that is allowed")
_NORM = Assumption(words="the matrices of the target have norm at most 1")
_LAW = Assumption(words="all random weights are independent, from U[-1, 1]")
_UPPER = (_NORM, _LAW)
_WIDTH = "hidden width"

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="pensia2020.width",
        title="hidden width for a layer of a dense network",
        citation=f"{PENSIA}, Theorem 1",
        statement=(
            "Source of 2l layers from U[-1, 1], n_i = C d_(i-1) ln(d_(i-1) d_i l / min(eps, delta)): with probability "
            "at least 1 - delta masks approximate every target of l layers with ||W_i|| <= 1 within eps over the unit "
            "ball."
        ),
        quantity=_WIDTH,
        direction="sufficient",
        provenance="found",
        formula=pensia_width,
        parameters={"d_in": _D_IN, "d_out": _D_OUT, "layers": _LAYERS, "eps": _EPS, "delta": _FAILURE},
        assumptions=_UPPER,
        constant="d_in ln(d_in d_out l / min(eps, delta))",
        count=True,
        caveat="in restatements by Natale 2024, Otsuka 2025 and Xiong 2023; its hypotheses are recalled, unverified",
    ),
    Bound(
        key="pensia2020.network.width",
        title="hidden width for a layer of a dense network, with an explicit logarithm",
        citation=f"{PENSIA}, as restated by Otsuka et al. 2025, Theorem 10",
        statement=(
            "n_l >= C d_l ln(4 L d_l d_(l+1) / eps): with probability at least 1 - eps the error over ||x|| <= alpha "
            "is at most exp(alpha eps / 2) - 1."
        ),
        quantity=_WIDTH,
        direction="sufficient",
        provenance="found",
        formula=network_width,
        parameters={
            "d_in": _D_IN,
            "d_out": _D_OUT,
            "layers": _LAYERS,
            "eps": small("probability of failure, and about twice the error over the unit ball"),
        },
        assumptions=_UPPER,
        constant="d_in ln(4 L d_in d_out / eps)",
        count=True,
    ),
    Bound(
        key="pensia2020.network.error",
        title="error of a dense network of these widths",
        citation=f"{PENSIA}, as restated by Otsuka et al. 2025, Theorem 10",
        statement="The error over ||x|| <= alpha is at most exp(alpha eps / 2) - 1, for the widths of network.width.",
        quantity="error of the output",
        direction="sufficient",
        provenance="found",
        formula=network_error,
        parameters={
            "eps": small("the eps of the widths", monotone=1),
            "radius": Parameter(meaning="largest norm of an input", above=0.0, most=1000.0, monotone=1, default=1.0),
        },
        assumptions=_UPPER,
    ),
    Bound(
        key="pensia2020.layer.width",
        title="hidden width for a single layer",
        citation=f"{PENSIA}, as restated by Otsuka et al. 2025, Lemma 2",
        statement="n >= C d_1 ln(2 d_1 d_2 / eps): with probability at least 1 - eps the error is at most eps.",
        quantity=_WIDTH,
        direction="sufficient",
        provenance="found",
        formula=layer_width,
        parameters={"d_in": _D_IN, "d_out": _D_OUT, "eps": small("error, and probability of failure")},
        assumptions=_UPPER,
        constant="d_1 ln(2 d_1 d_2 / eps)",
        count=True,
    ),
    Bound(
        key="pensia2020.bilinear.width",
        title="hidden width for a product of two matrices, no activation between them",
        citation=f"{PENSIA}, as restated by Otsuka et al. 2025, Lemmas 4 and 7",
        statement="n >= C d_1 ln(d_1 d_2 / eps): every entry of the masked product is within eps / (d_1 d_2) of W.",
        quantity=_WIDTH,
        direction="sufficient",
        provenance="found",
        formula=bilinear_width,
        parameters={"d_in": _D_IN, "d_out": _D_OUT, "eps": small("d_1 d_2 times the error of each entry")},
        assumptions=_UPPER,
        constant="d_1 ln(d_1 d_2 / eps)",
        count=True,
    ),
    Bound(
        key="pensia2020.parameters",
        title="random weights before pruning, for one layer of the target",
        citation=f"{PENSIA}, construction (Natale et al. 2024)",
        statement="m = (2 d_(i-1)^2 + 2 d_(i-1) d_i) n*_i, with n*_i candidates for each sign of each weight.",
        quantity="weights",
        direction="identity",
        provenance="found",
        formula=source_parameters,
        parameters={"d_in": _D_IN, "d_out": _D_OUT, "n": whole("candidates for each sign of each weight")},
        count=True,
    ),
    Bound(
        key="pensia2020.kept",
        title="weights that are kept at most, for one layer of the target",
        citation=f"{PENSIA}, construction (Natale et al. 2024)",
        statement="At most 4 d_(i-1) d_i k_i weights are kept, when each subset sum keeps k_i numbers.",
        quantity="weights",
        direction="sufficient",
        provenance="found",
        formula=kept_parameters,
        parameters={"d_in": _D_IN, "d_out": _D_OUT, "size": whole("numbers that each subset sum keeps")},
        count=True,
    ),
)

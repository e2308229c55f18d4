"""Structured pruning of convolutions: da Cunha, d'Amore and Natale 2023, and what follows from it."""

from __future__ import annotations

import math
from dataclasses import replace

from slth.theory.checks import at_least_one, between
from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import small, whole

DACUNHA = (
    "A. da Cunha, F. d'Amore and E. Natale, \"Polynomially Over-Parameterized Convolutional Neural Networks Contain "
    'Structured Strong Winning Lottery Tickets", NeurIPS 2023, arXiv 2311.09858'
)


def scaled_size(*, dimension: int, eps: float, constant: float) -> float:
    r"""Return the size of subsets that the theorem on normally scaled normal vectors asks for.

    .. math:: k = C\, D^3 \ln\frac{D}{\epsilon}

    Parameters
    ----------
    dimension : int
        D, numbers of each vector.
    eps : float
        Error in the maximum norm, at most 1/4.
    constant : float
        C.

    Returns
    -------
    float
        k, before it is rounded up.

    Notes
    -----
    Source: da Cunha, d'Amore and Natale 2023, subset-sum theorem; recalled, unverified. The base of the logarithm is
    taken to be e.

    Examples
    --------
    >>> round(scaled_size(dimension=2, eps=0.25, constant=1.0), 2)
    16.64
    """
    return constant * float(dimension) ** 3 * math.log(dimension / eps)


def scaled_candidates(*, dimension: int, eps: float, constant: float) -> float:
    r"""Return how many normally scaled normal vectors the theorem asks for.

    .. math:: n = k^2, \qquad k = \left\lceil C\, D^3 \ln\frac{D}{\epsilon} \right\rceil

    Parameters
    ----------
    dimension : int
        D, numbers of each vector.
    eps : float
        Error in the maximum norm, at most 1/4.
    constant : float
        C, which multiplies k.

    Returns
    -------
    float
        n, whole.

    Notes
    -----
    Source: da Cunha, d'Amore and Natale 2023, subset-sum theorem; recalled, unverified. The base of the logarithm is
    taken to be e.

    Examples
    --------
    >>> scaled_candidates(dimension=2, eps=0.25, constant=1.0)
    289.0
    """
    return float(math.ceil(scaled_size(dimension=dimension, eps=eps, constant=constant))) ** 2


def structured_channels(
    kernel: int, outputs: int, inputs: int, eps: float, *, layers: int = 1, constant: float
) -> float:
    r"""Return the theorem's sufficient n, :math:`C\, d^{12} c^6 \ln^3(d^2 c\, c_{in}\, l / \epsilon)`.

    Parameters
    ----------
    kernel : int
        Size d of a square kernel.
    outputs, inputs : int
        Channels c and :math:`c_{in}` of the convolution.
    eps : float
        Error in the maximum norm, below 1.
    layers : int
        Layers l of the target.
    constant : float
        C, which the theorem leaves unspecified: whoever draws the bound assumes one, and says so.

    Returns
    -------
    float
        n; the random network has 2n channels for each input channel.

    Raises
    ------
    ArgumentError
        For sizes below 1, or eps or constant outside their ranges.

    Notes
    -----
    Source: da Cunha, d'Amore and Natale 2023 (arXiv 2311.09858), main theorem; exponents recalled, unverified. The base
    of the logarithm is taken to be e.

    Examples
    --------
    >>> round(structured_channels(1, 2, 1, 0.01, constant=1.0))
    9519
    """
    at_least_one(kernel=kernel, outputs=outputs, inputs=inputs, layers=layers)
    between("eps", eps, 1.0)
    between("constant", constant)
    logarithm = math.log(kernel**2 * outputs * inputs * layers / eps)
    return constant * float(kernel) ** 12 * float(outputs) ** 6 * logarithm**3


def structured_error(
    n: float, kernel: int, outputs: int, inputs: int, *, layers: int = 1, constant: float
) -> float | None:
    """Return the smallest error for which :func:`structured_channels` is at most n, or None where n is too small.

    Parameters
    ----------
    n : float
    kernel, outputs, inputs, layers, constant
        As there.

    Returns
    -------
    float or None
        Below 1.

    Raises
    ------
    ArgumentError
        As there.

    Examples
    --------
    >>> round(structured_error(9519, 1, 2, 1, constant=1.0), 3)
    0.01
    """
    at_least_one(kernel=kernel, outputs=outputs, inputs=inputs, layers=layers)
    between("constant", constant)
    between("n", n)
    power = constant * float(kernel) ** 12 * float(outputs) ** 6
    logarithm = (n / power) ** (1.0 / 3.0)
    exponent = math.log(kernel**2 * outputs * inputs * layers) - logarithm
    return math.exp(exponent) if exponent < 0.0 else None


def layer_channels(*, kernel: int, outputs: int, inputs: int, eps: float, constant: float) -> float:
    r"""Return the n that is enough for one layer.

    .. math:: n = C\, d^{12} c_1^6 \ln^3 \frac{d^2 c_0 c_1}{\epsilon}

    Parameters
    ----------
    kernel : int
        Size d of a square kernel.
    outputs, inputs : int
        Channels :math:`c_1` and :math:`c_0` of the convolution.
    eps : float
        Error in the maximum norm, and probability of failure.
    constant : float
        C.

    Returns
    -------
    float
        n; the random network has 2n channels for each input channel.

    Notes
    -----
    Source: da Cunha, d'Amore and Natale 2023, kernel pruning lemma; recalled, unverified. The base of the logarithm is
    taken to be e.

    Examples
    --------
    >>> round(layer_channels(kernel=1, outputs=2, inputs=1, eps=0.01, constant=1.0))
    9519
    """
    return structured_channels(kernel, outputs, inputs, eps, constant=constant)


def entry_tolerance(*, kernel: int, inputs: int, eps: float) -> float:
    r"""Return the error of each entry of a kernel that keeps a layer within its error.

    .. math:: \epsilon' = \frac{\epsilon}{2 c_0 d^2}

    Parameters
    ----------
    kernel : int
        Size d of a square kernel.
    inputs : int
        Channels :math:`c_0`.
    eps : float
        Error of the layer in the maximum norm.

    Returns
    -------
    float
        Error of each coordinate of each of the :math:`2 c_0` subset sums.

    Notes
    -----
    Source: derived in this project: an output sums :math:`2 c_0 d^2` entries, times inputs of at most 1.

    Examples
    --------
    >>> entry_tolerance(kernel=5, inputs=2, eps=0.1)
    0.001
    """
    return eps / (2.0 * inputs * kernel**2)


def overhead(*, n: int, kernel: int, outputs: int, inputs: int) -> float:
    r"""Return the random weights for each weight of the target.

    .. math:: \frac{m}{m_t} = 2 n \left(1 + \frac{c_{in}}{d^2 c}\right)

    Parameters
    ----------
    n : int
        Half of the random channels for each input channel.
    kernel : int
        Size d of a square kernel.
    outputs, inputs : int
        Channels c and :math:`c_{in}` of the convolution.

    Returns
    -------
    float

    Notes
    -----
    Source: derived in this project by counting: :math:`2 n c_{in}^2` weights of the dense 1x1 layer and
    :math:`2 n d^2 c_{in} c` of the other, for :math:`d^2 c_{in} c` weights of the target.

    Examples
    --------
    >>> overhead(n=100, kernel=3, outputs=2, inputs=9)
    300.0
    """
    return 2.0 * n * (1.0 + inputs / (kernel**2 * outputs))


_KERNEL = whole("size d of the square kernel")
_OUTPUTS = whole("output channels of the convolution")
_INPUTS = whole("input channels of the convolution")
_EPS = small("error that is allowed, in the maximum norm over inputs in [-1, 1], and probability of failure")
_CHANNELS = "n; the random network has 2n channels for each input channel"
_NORM = Assumption(words="the absolute values of each kernel of the target sum to at most 1")
_LAW = Assumption(words="all random weights are independent, from N(0, 1)")
_SCALED = Assumption(words="the vectors are independent, u v with u from N(0, 1) and v from N(0, I_D)")
_TARGET = Assumption(words="the absolute values of the target sum to at most the square root of the size")
_VECTORS = {
    "dimension": whole("numbers D of each vector"),
    "eps": small("error that is allowed, in the maximum norm", below=0.25 + 2**-54),
}

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="dacunha2023.structured.size",
        title="size of the subsets of products u v that reach a target",
        citation=f"{DACUNHA}, subset-sum theorem",
        statement=(
            "0 < eps <= 1/4, X_1..X_n i.i.d. normally scaled normal in R^D, n >= k^2, k >= C D^3 ln(D / eps), "
            "||z||_1 <= sqrt k: with at least a constant positive probability some |S| = k has ||sum - z||_inf <= eps."
        ),
        quantity="vectors in a subset",
        direction="sufficient",
        provenance="recalled",
        formula=scaled_size,
        parameters=_VECTORS,
        assumptions=(_SCALED, _TARGET),
        constant="D^3 ln(D / eps)",
        count=True,
    ),
    Bound(
        key="dacunha2023.structured.candidates",
        title="products u v that reach a target with constant probability",
        citation=f"{DACUNHA}, subset-sum theorem",
        statement=(
            "n = k^2 with k = ceil(C D^3 ln(D / eps)), for one target with ||z||_1 <= sqrt k and at least a constant "
            "positive probability; see dacunha2023.structured.size."
        ),
        quantity="random vectors for one target",
        direction="sufficient",
        provenance="recalled",
        formula=scaled_candidates,
        parameters=_VECTORS,
        assumptions=(_SCALED, _TARGET),
        constant="D^3 ln(D / eps), before it is squared",
        count=True,
    ),
    Bound(
        key="dacunha2023.structured.layer_channels",
        title="channels of which a structured subset approximates one convolution",
        citation=f"{DACUNHA}, kernel pruning lemma",
        statement=(
            "U in R^(1 x 1 x c0 x 2n c0) with its block mask, V in R^(d x d x 2n c0 x c1), ||K||_1 <= 1, n >= C d^12 "
            "c1^6 ln^3(d^2 c0 c1 / eps): with probability at least 1 - eps channels can be removed so that V * relu(U "
            "* X) is within eps of K * X for all X in [-1, 1]."
        ),
        quantity=_CHANNELS,
        direction="sufficient",
        provenance="recalled",
        formula=layer_channels,
        parameters={"kernel": _KERNEL, "outputs": _OUTPUTS, "inputs": _INPUTS, "eps": _EPS},
        assumptions=(_NORM, _LAW),
        constant="d^12 c1^6 ln^3(d^2 c0 c1 / eps)",
        count=True,
    ),
    Bound(
        key="dacunha2023.structured.channels",
        title="channels of which a structured subset approximates a CNN",
        citation=f"{DACUNHA}, main theorem",
        statement=(
            "Source of 2l layers, a 1x1 and a d x d convolution for each layer of the target, n_i >= C d_i^12 c_i^6 "
            "ln^3(d_i^2 c_i c_(i-1) l / eps): with probability at least 1 - eps block masks and removed channels "
            "approximate the target within eps for all inputs in [-1, 1]."
        ),
        quantity=_CHANNELS,
        direction="sufficient",
        provenance="recalled",
        formula=structured_channels,
        parameters={
            "kernel": _KERNEL,
            "outputs": _OUTPUTS,
            "inputs": _INPUTS,
            "eps": _EPS,
            "layers": whole("layers l of the target"),
        },
        assumptions=(_NORM, _LAW),
        constant="d^12 c^6 ln^3(d^2 c c_in l / eps)",
        count=True,
        caveat="unsure: the argument of the logarithm, and whether one target is meant or all of them at once",
    ),
    Bound(
        key="derived.structured.tolerance",
        title="error of each entry of a kernel that keeps its layer within an error",
        citation="this project: an output sums 2 c0 d^2 entries",
        statement="An error of eps' = eps / (2 c0 d^2) in each coordinate of each subset sum is enough.",
        quantity="error of a coordinate",
        direction="sufficient",
        provenance="derived",
        formula=entry_tolerance,
        parameters={
            "kernel": replace(_KERNEL, monotone=-1),
            "inputs": replace(_INPUTS, monotone=-1),
            "eps": small("error of the layer that is allowed, in the maximum norm", monotone=1),
        },
        assumptions=(Assumption(words="inputs lie in [-1, 1]"),),
    ),
    Bound(
        key="derived.structured.overhead",
        title="random weights for each weight of the target",
        citation="this project: a count of weights",
        statement="m / m_t = 2 n (1 + c_in / (d^2 c)) for a pair of layers, before the block mask.",
        quantity="weights for each weight",
        direction="identity",
        provenance="derived",
        formula=overhead,
        parameters={
            "n": whole("half of the random channels for each input channel"),
            "kernel": replace(_KERNEL, monotone=-1),
            "outputs": replace(_OUTPUTS, monotone=-1),
            "inputs": _INPUTS,
        },
    ),
)

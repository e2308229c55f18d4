"""Weight pruning of convolutional and of equivariant networks: how many candidates one target weight needs.

Formulas raise nothing of their own: the bound that holds one checks its arguments first. The base of an unspecified
logarithm is taken to be e.
"""

from __future__ import annotations

import math

from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import positive, small, whole

FERBACH = (
    "Ferbach, Tsirigotis, Gidel, Bose, 'A General Framework For Proving The Equivariant Strong Lottery Ticket "
    "Hypothesis', ICLR 2023, arXiv 2206.04270"
)


def convolutional_candidates(
    *, c_in: float, c_out: float, kernel: float, layers: float, eps: float, delta: float, constant: float
) -> float:
    r"""Return the candidates for one kernel entry, :math:`C \ln(c_{in} c_{out} d^2 l / \min(\epsilon, \delta))`.

    Parameters
    ----------
    c_in, c_out : int
        Channels of the target layer.
    kernel : int
        Size d of its square kernel.
    layers : int
        Layers l of the target.
    eps : float
        Error in the maximum norm, over all inputs in [0, 1].
    delta : float
        Failure probability.
    constant : float
        C.

    Returns
    -------
    float
        n.

    Notes
    -----
    Source: da Cunha, Natale and Viennot 2022 (OpenReview Vjki79-619-), main theorem; recalled, unverified.

    Examples
    --------
    >>> round(convolutional_candidates(c_in=6, c_out=16, kernel=5, layers=2, eps=0.01, delta=0.01, constant=1.0), 2)
    13.08
    """
    return constant * math.log(c_in * c_out * kernel**2 * layers / min(eps, delta))


def equivariant_width(
    *, n_in: float, n_out: float, basis: float, basis_norm: float, layers: float, eps: float, delta: float,
    constant: float,
) -> float:  # fmt: skip
    r"""Return the width :math:`C n \ln(n n' \max(|B|, \|B\|) l / \min(\epsilon, \delta))` between two layers.

    Parameters
    ----------
    n_in, n_out : int
        Widths n and n' of the target layer: copies of the representation.
    basis : int
        |B|, the elements of the equivariant basis.
    basis_norm : float
        ||B||, the largest operator norm of a combination of the basis with coefficients in [-1, 1].
    layers : int
        Layers l of the target.
    eps, delta : float
        Error over bounded inputs, and failure probability.
    constant : float
        C.

    Returns
    -------
    float
        Width of the source between the two layers that stand for the target layer.

    Notes
    -----
    Source: Ferbach et al. 2023 (arXiv 2206.04270), main theorem; recalled, unverified.

    Examples
    --------
    >>> arguments = dict(n_in=8, n_out=8, basis=9, basis_norm=3.0, layers=2, eps=0.01, delta=0.01)
    >>> round(equivariant_width(**arguments, constant=1.0), 2)
    93.24
    """
    return constant * n_in * math.log(n_in * n_out * max(basis, basis_norm) * layers / min(eps, delta))


def equivariant_parameters(*, n: float, basis: float, eps: float, constant: float) -> float:
    r"""Return the effective parameters that any source needs, :math:`C n^2 |B| \ln(1/\epsilon)`.

    Parameters
    ----------
    n : int
        Width of the target.
    basis : int
        |B|, the elements of the equivariant basis.
    eps : float
        Error.
    constant : float
        C.

    Returns
    -------
    float
        Coefficients of the source.

    Notes
    -----
    Source: Ferbach et al. 2023 (arXiv 2206.04270), lower bound; recalled, unverified.

    Examples
    --------
    >>> round(equivariant_parameters(n=8, basis=9, eps=0.01, constant=1.0))
    2653
    """
    return constant * n**2 * basis * -math.log(eps)


BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="dacunha2022.candidates",
        title="candidates for one kernel entry of a CNN, weight pruning",
        citation=(
            "da Cunha, Natale, Viennot, 'Proving the Lottery Ticket Hypothesis for Convolutional Neural Networks', "
            "ICLR 2022, main theorem"
        ),
        statement=(
            "Source of 2l layers, entries U[-1,1]: 1 x 1 kernels from c_in to 2 n c_in channels, then d x d kernels "
            "from these to c_out. n >= C ln(c_in c_out d^2 l / min(eps, delta)) => with probability >= 1 - delta, "
            "for every target masks exist with sup over inputs in [0,1] of ||f - g||_max < eps"
        ),
        quantity="candidates for one kernel entry, n",
        direction="sufficient",
        provenance="recalled",
        formula=convolutional_candidates,
        parameters={
            "c_in": whole("the input channels of the target layer"),
            "c_out": whole("the output channels of the target layer"),
            "kernel": whole("the size d of the square kernel"),
            "layers": whole("the layers l of the target"),
            "eps": small("the error in the maximum norm"),
            "delta": small("the failure probability"),
        },
        assumptions=(
            Assumption(words="every kernel of the target has an l1 norm of at most 1"),
            Assumption(words="inputs lie in [0, 1]"),
        ),
        constant="ln(c_in c_out d^2 l / min(eps, delta))",
        count=True,
        caveat=(
            "that such a result exists is found, its shape is recalled; whether a layer has n or 2 n channels for each "
            "input channel is unsure"
        ),
    ),
    Bound(
        key="ferbach2023.width",
        title="width of an equivariant source",
        citation=f"{FERBACH}, main theorem",
        statement=(
            "Linear equivariant maps expanded in a basis B, coefficients U[-1,1], source of 2l layers with width "
            "C n ln(n n' max(|B|, ||B||) l / min(eps, delta)) between two layers => with probability >= 1 - delta, "
            "for every equivariant target an equivariant subnetwork is within eps over bounded inputs"
        ),
        quantity="width of the source between the two layers of a pair",
        direction="sufficient",
        provenance="recalled",
        formula=equivariant_width,
        parameters={
            "n_in": whole("the input width n of the target layer"),
            "n_out": whole("the output width n' of the target layer"),
            "basis": whole("|B|, the number of elements of the equivariant basis"),
            "basis_norm": positive("||B||, the largest operator norm of a combination of the basis", monotone=1),
            "layers": whole("the layers l of the target"),
            "eps": small("the error"),
            "delta": small("the failure probability"),
        },
        assumptions=(Assumption(words="the coefficients of the target lie in [-1, 1] and inputs are bounded"),),
        constant="n ln(n n' max(|B|, ||B||) l / min(eps, delta))",
        count=True,
        caveat="the basis expansion is found, the width is recalled",
    ),
    Bound(
        key="ferbach2023.parameters",
        title="lower bound on the parameters of an equivariant source",
        citation=f"{FERBACH}, lower bound",
        statement="A source that serves all equivariant targets of width n has >= C n^2 |B| ln(1/eps) parameters",
        quantity="effective parameters of the source",
        direction="necessary",
        provenance="recalled",
        formula=equivariant_parameters,
        parameters={
            "n": whole("the width of the target"),
            "basis": whole("|B|, the number of elements of the equivariant basis"),
            "eps": small("the error"),
        },
        assumptions=(Assumption(words="inputs are bounded"),),
        constant="n^2 |B| ln(1/eps)",
        count=True,
        caveat="that a lower bound exists is found, its form is recalled",
    ),
)

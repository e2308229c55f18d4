"""Weight pruning of convolutional and of equivariant networks: how many candidates one target weight needs.

Da Cunha and others are OpenReview Vjki79-619-. The base of an unspecified logarithm is taken to be e.
"""

from __future__ import annotations

import math
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import positive, small, whole

FERBACH = (
    "Ferbach, Tsirigotis, Gidel, Bose, 'A General Framework For Proving The Equivariant Strong Lottery Ticket "
    "Hypothesis', ICLR 2023, arXiv 2206.04270"
)

Layers = Annotated[int, whole("the layers l of the target")]
Basis = Annotated[int, whole("|B|, the number of elements of the equivariant basis")]
BasisNorm = Annotated[float, positive("||B||, the largest operator norm of a combination of the basis", monotone=1)]
Error = Annotated[float, small("the error")]
Failure = Annotated[float, small("the failure probability")]


@bound(
    "dacunha2022.candidates",
    "da Cunha, Natale, Viennot, 'Proving the Lottery Ticket Hypothesis for Convolutional Neural Networks', "
    "ICLR 2022, main theorem",
    quantity="candidates for one kernel entry, n",
    provenance="recalled",
    assumes=(
        Assumption(words="every kernel of the target has an l1 norm of at most 1"),
        Assumption(words="inputs lie in [0, 1]"),
    ),
    constant="ln(c_in c_out d^2 l / min(eps, delta))",
    count=True,
    caveat="that such a result exists is found, its shape is recalled; whether a layer has n or 2 n channels for each "
    "input channel is unsure",
)
def convolutional_candidates(
    *,
    c_in: Annotated[int, whole("the input channels of the target layer")],
    c_out: Annotated[int, whole("the output channels of the target layer")],
    kernel: Annotated[int, whole("the size d of the square kernel")],
    layers: Layers,
    eps: Annotated[float, small("the error in the maximum norm")],
    delta: Failure,
    constant: float,
) -> float:
    """Candidates for one kernel entry of a CNN, weight pruning.

    Source of 2l layers, entries U[-1,1]: 1 x 1 kernels from c_in to 2 n c_in channels, then d x d kernels from these to
    c_out. n >= C ln(c_in c_out d^2 l / min(eps, delta)) => with probability >= 1 - delta, for every target masks exist
    with sup over inputs in [0,1] of ||f - g||_max < eps.

    >>> convolutional_candidates(c_in=6, c_out=16, kernel=5, layers=2, eps=0.01, delta=0.01, constant=1.0)
    14.0
    """
    return constant * math.log(c_in * c_out * kernel**2 * layers / min(eps, delta))


@bound(
    "ferbach2023.width",
    f"{FERBACH}, main theorem",
    quantity="width of the source between the two layers of a pair",
    provenance="recalled",
    assumes=(Assumption(words="the coefficients of the target lie in [-1, 1] and inputs are bounded"),),
    constant="n ln(n n' max(|B|, ||B||) l / min(eps, delta))",
    count=True,
    caveat="the basis expansion is found, the width is recalled",
)
def equivariant_width(
    *,
    n_in: Annotated[int, whole("the input width n of the target layer")],
    n_out: Annotated[int, whole("the output width n' of the target layer")],
    basis: Basis,
    basis_norm: BasisNorm,
    layers: Layers,
    eps: Error,
    delta: Failure,
    constant: float,
) -> float:
    """Width of an equivariant source.

    Linear equivariant maps expanded in a basis B, coefficients U[-1,1], source of 2l layers with width C n
    ln(n n' max(|B|, ||B||) l / min(eps, delta)) between two layers => with probability >= 1 - delta, for every
    equivariant target an equivariant subnetwork is within eps over bounded inputs.

    ||B|| is the largest operator norm of a combination with coefficients in [-1, 1].

    >>> arguments = dict(n_in=8, n_out=8, basis=9, basis_norm=3.0, layers=2, eps=0.01, delta=0.01)
    >>> equivariant_width(**arguments, constant=1.0)
    94.0
    """
    return constant * n_in * math.log(n_in * n_out * max(basis, basis_norm) * layers / min(eps, delta))


@bound(
    "ferbach2023.parameters",
    f"{FERBACH}, lower bound",
    quantity="effective parameters of the source",
    provenance="recalled",
    direction="necessary",
    assumes=(Assumption(words="inputs are bounded"),),
    constant="n^2 |B| ln(1/eps)",
    count=True,
    caveat="that a lower bound exists is found, its form is recalled",
)
def equivariant_parameters(
    *,
    n: Annotated[int, whole("the width of the target")],
    basis: Basis,
    eps: Error,
    constant: float,
) -> float:
    """Lower bound on the parameters of an equivariant source.

    A source that serves all equivariant targets of width n has >= C n^2 |B| ln(1/eps) parameters.

    >>> equivariant_parameters(n=8, basis=9, eps=0.01, constant=1.0)
    2653.0
    """
    return constant * n**2 * basis * -math.log(eps)

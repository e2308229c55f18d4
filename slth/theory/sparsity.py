"""Tickets of a wanted density: Natale and others 2024.

Formulas raise nothing of their own: the bound that holds one checks its arguments first. How the implicit ones are
solved is said in :mod:`slth.theory.fixed_size`.
"""

from __future__ import annotations

import math

from slth.theory.fixed_size import CITATION, DENSITY, ERROR, FIXED_SIZE, binary_entropy, self_consistent_size
from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import LEAST_ERROR, Parameter, positive, small, whole

DENSEST = 1.0 - 1.0 / (2.0 * math.pi)


def sparse_candidates(
    *, d_in: float, d_out: float, layers: float, density: float, eps: float, constant: float
) -> float:  # fmt: skip
    r"""Return the n that solves :math:`n = C \log_2^2(2 l\, d_{in} d_{out} \gamma n / \epsilon) / H_2(\gamma)`.

    Parameters
    ----------
    d_in, d_out : int
        Sizes of the target layer.
    layers : int
        l of the target.
    density : float
        :math:`\gamma'`; for layers of equal width the density of the ticket.
    eps : float
        Error, and the failure probability.
    constant : float
        :math:`c_{amp}`.

    Returns
    -------
    float
        :math:`n^*`, candidates for one weight and sign; the layer has :math:`2 d_{in} n^*` hidden units.

    Notes
    -----
    Source: Natale et al. 2024 (arXiv 2410.14754), Theorem 3, read in an altered copy.

    Examples
    --------
    >>> round(sparse_candidates(d_in=100, d_out=100, layers=2, density=0.1, eps=0.01, constant=1.0))
    1851
    """
    return overparameterisation(parameters=d_in * d_out * layers, density=density, eps=eps, constant=constant) / 4.0


def overparameterisation(*, parameters: float, density: float, eps: float, constant: float) -> float:
    r"""Return :math:`m / m_t = 4 n^*` with :math:`n^* = C \log_2^2(2 m_t \gamma n^* / \epsilon) / H_2(\gamma)`.

    A source whose layers all have one width has :math:`m = 4 l d^2 n^*` parameters, its target :math:`m_t = l d^2`.

    Parameters
    ----------
    parameters : int
        :math:`m_t`.
    density : float
        :math:`\gamma` of the ticket.
    eps : float
        Error, and the failure probability.
    constant : float
        :math:`c_{amp}`.

    Returns
    -------
    float
        Parameters of the source over parameters of the target.

    Notes
    -----
    Source: Natale et al. 2024 (arXiv 2410.14754), Theorem 3 and Figure 1, read in an altered copy.

    Examples
    --------
    >>> round(overparameterisation(parameters=20_000, density=0.1, eps=0.01, constant=1.0))
    7404
    """
    size = self_consistent_size(constant * density / binary_entropy(density), 2.0 * parameters / eps, 2)
    return 4.0 * size / density


def equivariant_sparse_width(
    *, width: float, layers: float, basis: float, basis_norm: float, density: float, eps: float, constant: float
) -> float:
    r"""Return the n that solves :math:`n = C \log_2^2(2 l d^2 \max(|B|, \|B\|) \gamma n / \epsilon) / H_2(\gamma)`.

    Parameters
    ----------
    width, layers : int
        d and l of the target.
    basis : int
        |B|, the elements of the equivariant basis.
    basis_norm : float
        ||B||, the largest operator norm of a combination of the basis with coefficients in [-1, 1].
    density : float
        :math:`\gamma` of the ticket.
    eps : float
        Error, and the failure probability.
    constant : float
        :math:`c_{amp}`.

    Returns
    -------
    float
        Candidates for one coefficient.

    Notes
    -----
    Source: Natale et al. 2024 (arXiv 2410.14754), Theorem 4.

    Examples
    --------
    >>> arguments = dict(width=8, layers=2, basis=9, basis_norm=3.0, density=0.1, eps=0.01)
    >>> round(equivariant_sparse_width(**arguments, constant=1.0))
    1317
    """
    parameters = width**2 * layers * max(float(basis), basis_norm)
    return overparameterisation(parameters=parameters, density=density, eps=eps, constant=constant) / 4.0


def sparse_lower_bound(*, dimension: float, density: float, eps: float) -> float:
    r"""Return the smallest n with :math:`n H_2(\gamma) \ge \tfrac{d^2}{2} \log_2(\gamma n / \epsilon)`.

    Parameters
    ----------
    dimension : int
        d, the sides of the target's matrix.
    density : float
        :math:`\gamma = k/n`.
    eps : float
        Error, below 1/16.

    Returns
    -------
    float
        n, parameters of the source, of which at least one is kept.

    Notes
    -----
    Source: Natale et al. 2024 (arXiv 2410.14754), Theorem 5.

    Examples
    --------
    >>> round(sparse_lower_bound(dimension=10, density=0.1, eps=0.01))
    1477
    """
    multiple = 0.5 * dimension**2 * density / binary_entropy(density)
    return self_consistent_size(multiple, 1.0 / eps, 1) / density


LAYERS = whole("the layers l of the target")
ALTERED = "read in an altered copy; the class of targets is taken to be that of Pensia et al."

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="natale2024.weight",
        title="candidates for one weight of a ticket of wanted density",
        citation=f"{CITATION}, Theorem 3",
        statement=(
            "n* = c_amp log2^2(2 l d_in d_out gamma' n*/eps) / H2(gamma'), source of 2l layers U[-1,1] with "
            "2 d_in n* hidden units a pair => with probability >= 1 - eps every target has a subnetwork within eps of "
            "density at most rho gamma', rho the largest ratio of neighbouring widths. Solved for n*"
        ),
        quantity="candidates for one weight and sign, n*",
        direction="sufficient",
        provenance="found",
        formula=sparse_candidates,
        parameters={
            "d_in": whole("the input width of the target layer"),
            "d_out": whole("the output width of the target layer"),
            "layers": LAYERS,
            "density": DENSITY,
            "eps": ERROR,
        },
        assumptions=(FIXED_SIZE,),
        constant="log2^2(2 l d_in d_out gamma' n*/eps) / H2(gamma')",
        count=True,
        implicit=True,
        caveat=ALTERED,
    ),
    Bound(
        key="natale2024.overparameterisation",
        title="over-parameterisation of a source with tickets of wanted density",
        citation=f"{CITATION}, Theorem 3 and Figure 1",
        statement=(
            "Layers of one width: m/m_t = 4 n*, n* = c_amp log2^2(2 m_t gamma n*/eps) / H2(gamma) => with probability "
            ">= 1 - eps every target has a subnetwork within eps of density at most gamma. Solved for n*"
        ),
        quantity="parameters of the source over parameters of the target",
        direction="sufficient",
        provenance="found",
        formula=overparameterisation,
        parameters={
            "parameters": whole("the parameters m_t of the target", most=1e15),
            "density": DENSITY,
            "eps": ERROR,
        },
        assumptions=(FIXED_SIZE, Assumption(words="all layers of the target have one width")),
        constant="4 log2^2(2 m_t gamma n*/eps) / H2(gamma)",
        implicit=True,
        caveat=ALTERED,
    ),
    Bound(
        key="natale2024.equivariant",
        title="candidates for one coefficient of an equivariant ticket of wanted density",
        citation=f"{CITATION}, Theorem 4",
        statement=(
            "n = c_amp log2^2(2 l d^2 max(|B|, ||B||) gamma n/eps) / H2(gamma) => with probability >= 1 - eps every "
            "equivariant target of width d has an equivariant subnetwork within eps of density at most gamma. Solved "
            "for n"
        ),
        quantity="candidates for one coefficient, n",
        direction="sufficient",
        provenance="found",
        formula=equivariant_sparse_width,
        parameters={
            "width": whole("the width d of the target"),
            "layers": LAYERS,
            "basis": whole("|B|, the number of elements of the equivariant basis"),
            "basis_norm": positive("||B||, the largest operator norm of a combination of the basis", monotone=1),
            "density": DENSITY,
            "eps": ERROR,
        },
        assumptions=(FIXED_SIZE,),
        constant="log2^2(2 l d^2 max(|B|, ||B||) gamma n/eps) / H2(gamma)",
        count=True,
        implicit=True,
        caveat="read in an altered copy",
    ),
    Bound(
        key="natale2024.lower",
        title="parameters that tickets of a density need, lower bound",
        citation=f"{CITATION}, Theorem 5",
        statement=(
            "Targets W x, ||W|| <= sqrt(k), W of size d x d, each served with probability >= 1/2 by a subnetwork of k "
            "parameters: eps < 1/16 and k <= (1 - 1/(2 pi)) n => n >= (d^2/2) log2(k/eps) / H2(k/n). Solved for the "
            "smallest n with k = density n of at least 1"
        ),
        quantity="parameters of the source, n",
        direction="necessary",
        provenance="found",
        formula=sparse_lower_bound,
        parameters={
            "dimension": whole("the sides d of the target's matrix"),
            "density": Parameter(meaning="gamma = k/n, the part that is kept", least=LEAST_ERROR, most=DENSEST),
            "eps": small("the error", below=1.0 / 16.0),
        },
        assumptions=(Assumption(words="each target is served with probability at least 1/2"),),
        count=True,
        implicit=True,
    ),
)

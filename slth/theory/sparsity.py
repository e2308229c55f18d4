"""Tickets of a wanted density: Natale and others 2024.

How the implicit ones are solved is said in :mod:`slth.theory.fixed_size`.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

from slth.theory.convolutional import Basis, BasisNorm, Layers
from slth.theory.definition import bound
from slth.theory.fixed_size import CITATION, FIXED_SIZE, Density, Error, binary_entropy, self_consistent_size
from slth.theory.nouns import Assumption
from slth.theory.parameters import LEAST_ERROR, Parameter, small, whole

DENSEST = 1.0 - 1.0 / (2.0 * math.pi)

ALTERED = "read in an altered copy; the class of targets is taken to be that of Pensia et al."

_bound = partial(bound, provenance="found", count=True, implicit=True)


@_bound(
    "natale2024.weight",
    f"{CITATION}, Theorem 3",
    quantity="candidates for one weight and sign, n*",
    assumes=(FIXED_SIZE,),
    constant="log2^2(2 l d_in d_out gamma' n*/eps) / H2(gamma')",
    caveat=ALTERED,
)
def sparse_candidates(
    *,
    d_in: Annotated[int, whole("the input width of the target layer")],
    d_out: Annotated[int, whole("the output width of the target layer")],
    layers: Layers,
    density: Density,
    eps: Error,
    constant: float,
) -> float:
    """Candidates for one weight of a ticket of wanted density.

    n* = c_amp log2^2(2 l d_in d_out gamma' n*/eps) / H2(gamma'), source of 2l layers U[-1,1] with 2 d_in n* hidden
    units a pair => with probability >= 1 - eps every target has a subnetwork within eps of density at most rho gamma',
    rho the largest ratio of neighbouring widths. Solved for n*.

    >>> sparse_candidates(d_in=100, d_out=100, layers=2, density=0.1, eps=0.01, constant=1.0)
    1852.0
    """
    parameters = d_in * d_out * layers
    return overparameterisation.formula(parameters=parameters, density=density, eps=eps, constant=constant) / 4.0


@bound(
    "natale2024.overparameterisation",
    f"{CITATION}, Theorem 3 and Figure 1",
    quantity="parameters of the source over parameters of the target",
    provenance="found",
    assumes=(FIXED_SIZE, Assumption(words="all layers of the target have one width")),
    constant="4 log2^2(2 m_t gamma n*/eps) / H2(gamma)",
    implicit=True,
    caveat=ALTERED,
)
def overparameterisation(
    *,
    parameters: Annotated[int, whole("the parameters m_t of the target", most=1e15)],
    density: Density,
    eps: Error,
    constant: float,
) -> float:
    """Over-parameterisation of a source with tickets of wanted density.

    Layers of one width: m/m_t = 4 n*, n* = c_amp log2^2(2 m_t gamma n*/eps) / H2(gamma) => with probability >= 1 - eps
    every target has a subnetwork within eps of density at most gamma. Solved for n*.

    Such a source has m = 4 l d^2 n* parameters, its target m_t = l d^2.

    >>> round(overparameterisation(parameters=20_000, density=0.1, eps=0.01, constant=1.0))
    7404
    """
    size = self_consistent_size(constant * density / binary_entropy(density), 2.0 * parameters / eps, 2)
    return 4.0 * size / density


@_bound(
    "natale2024.equivariant",
    f"{CITATION}, Theorem 4",
    quantity="candidates for one coefficient, n",
    assumes=(FIXED_SIZE,),
    constant="log2^2(2 l d^2 max(|B|, ||B||) gamma n/eps) / H2(gamma)",
    caveat="read in an altered copy",
)
def equivariant_sparse_width(
    *,
    width: Annotated[int, whole("the width d of the target")],
    layers: Layers,
    basis: Basis,
    basis_norm: BasisNorm,
    density: Density,
    eps: Error,
    constant: float,
) -> float:
    """Candidates for one coefficient of an equivariant ticket of wanted density.

    n = c_amp log2^2(2 l d^2 max(|B|, ||B||) gamma n/eps) / H2(gamma) => with probability >= 1 - eps every equivariant
    target of width d has an equivariant subnetwork within eps of density at most gamma. Solved for n.

    ||B|| is the largest operator norm of a combination with coefficients in [-1, 1].

    >>> arguments = dict(width=8, layers=2, basis=9, basis_norm=3.0, density=0.1, eps=0.01)
    >>> equivariant_sparse_width(**arguments, constant=1.0)
    1318.0
    """
    parameters = width**2 * layers * max(float(basis), basis_norm)
    return overparameterisation.formula(parameters=parameters, density=density, eps=eps, constant=constant) / 4.0


@_bound(
    "natale2024.lower",
    f"{CITATION}, Theorem 5",
    quantity="parameters of the source, n",
    direction="necessary",
    assumes=(Assumption(words="each target is served with probability at least 1/2"),),
)
def sparse_lower_bound(
    *,
    dimension: Annotated[int, whole("the sides d of the target's matrix")],
    density: Annotated[float, Parameter(meaning="gamma = k/n, the part that is kept", least=LEAST_ERROR, most=DENSEST)],
    eps: Annotated[float, small("the error", below=1.0 / 16.0)],
) -> float:
    """Parameters that tickets of a density need, lower bound.

    Targets W x, ||W|| <= sqrt(k), W of size d x d, each served with probability >= 1/2 by a subnetwork of k parameters:
    eps < 1/16 and k <= (1 - 1/(2 pi)) n => n >= (d^2/2) log2(k/eps) / H2(k/n). Solved for the smallest n with
    k = density n of at least 1.

    >>> sparse_lower_bound(dimension=10, density=0.1, eps=0.01)
    1477.0
    """
    multiple = 0.5 * dimension**2 * density / binary_entropy(density)
    return self_consistent_size(multiple, 1.0 / eps, 1) / density

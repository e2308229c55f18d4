r"""A rigorous bound on a bilinear function of a selection and a box, by a scaled spectral norm.

Let each j choose at most one of its rows: :math:`s_{ji} \ge 0`, :math:`\sum_i s_{ji} \le 1`, and let :math:`\eta` range
over :math:`[-1, 1]^m`. For any positive scales a, b and any :math:`\nu \ge \|diag(a) K diag(b)\|_2`, t > 0,

.. math:: \sum_{ji} s_{ji} c_j (K \eta)_{ji}
   \le \tfrac{\nu}{2} \Bigl( t \sum_{ji} s_{ji}^2 c_j^2 / a_{ji}^2 + \tfrac1t \sum_k \eta_k^2 / b_k^2 \Bigr),

and since the left side is linear in s, only choices of one row or none have to be bounded: there :math:`s^2 = s`. Where
many rows share the same few inputs this is far below the sum of the rows' own maxima, because no input makes all of
them large at once. The scales are the dual variables of a semidefinite relaxation (Grothendieck's inequality bounds how
much it can lose; for networks Raghunathan, Steinhardt and Liang, "Semidefinite relaxations for certifying robustness to
adversarial examples", 2018; unverified); any scales are admissible, so they are improved in plain arithmetic.

**The norm, proved.** With G the rounded Gram matrix of S, :math:`\|G - S S^T\| \le \gamma \|S\|_F^2`. If the
Cholesky factorisation of a symmetric matrix H of order n runs to its end in floating point, then
:math:`H + \Delta` is positive semidefinite for some :math:`\|\Delta\|_2 \le \gamma_{n+1} / (1 - \gamma_{n+1})\, tr H`
(Higham, theorem 10.3; S. M. Rump, "Verification of positive definiteness", 2006; unverified). So
:math:`H = \mu I - G` proves :math:`\|S\|^2 \le \mu` plus those two terms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from scipy.sparse.linalg import ArpackError, svds

from slth.certificates.interval import UNIT_ROUNDOFF, Array, Interval, up, upper_product, upper_total
from slth.certificates.layout import Matrix

_MARGIN = 2.0e-3  # of the norm's square that Lanczos estimates: Cholesky fails at once where it was too small
_SMALL = 64  # order up to which all eigenvalues are computed
_SPARSE = 0.1  # share of entries above which products of dense matrices are faster
_VECTORS = 12  # singular vectors by which scales are improved
_STEPS = 4  # of subspace iteration in a round
_STEP = 0.12  # of the scales' logarithms


@dataclass(frozen=True, eq=False)
class Scales:
    """Scales of rows and columns, and a proved bound on the scaled matrix's norm.

    Shapes: rows, columns float64[n], float64[m].
    """

    rows: Array
    columns: Array
    norm: float


def compact(matrix: sp.csr_array) -> Matrix:
    """Return the matrix dense where products of dense matrices are the faster ones."""
    share = matrix.nnz / max(1, matrix.shape[0] * matrix.shape[1])
    return matrix.toarray() if share > _SPARSE else matrix


def scaled(matrix: Matrix, importance: Array, *, rounds: int) -> Scales | None:
    """Return good scales of a matrix, or None where no norm could be proved.

    Shapes: matrix sparse or dense float64[n, m]; importance float64[n].
    """
    largest = float(_norms(matrix, axis=1).max())
    if not 1e-140 < largest < 1e140:  # squares have to be normal numbers
        return None
    weights = importance**0.3  # between 0, all rows alike, and 1/2, costs in proportion: measured
    rows = _norms(matrix, axis=1) / weights**2
    columns = _norms(_between(weights, matrix, np.ones(matrix.shape[1])), axis=0)
    leading = _begin(matrix.shape[1], min(_VECTORS, *matrix.shape))
    for number in range(rounds):
        step = _STEP * (1.0 - number / (rounds + 1.0))
        try:
            left, right, leading = _concentration(matrix, rows, columns, leading)
        except (np.linalg.LinAlgError, ValueError):  # vectors became dependent, or left the doubles: good enough
            break
        rows = _moved(rows, left, rows * importance**2, step)
        columns = _moved(columns, right, columns, step)
    a, b = 1.0 / np.sqrt(rows), 1.0 / np.sqrt(columns)
    norm = proved_norm(_between(a, matrix, b))
    return None if norm is None else Scales(a, b, norm)


def _between(rows: Array, matrix: Matrix, columns: Array) -> Matrix:
    """Return a matrix whose rows and columns are scaled."""
    if not sp.issparse(matrix):
        return rows[:, None] * matrix * columns
    data = np.repeat(rows, np.diff(matrix.indptr)) * matrix.data * columns[matrix.indices]
    return sp.csr_array((data, matrix.indices.copy(), matrix.indptr.copy()), shape=matrix.shape)


def _norms(matrix: Matrix, *, axis: int) -> Array:
    squares = matrix.power(2) if sp.issparse(matrix) else matrix * matrix
    norms = np.sqrt(np.asarray(squares.sum(axis=axis)))
    return np.asarray(np.maximum(norms, 1e-4 * norms.max()))


def _concentration(matrix: Matrix, rows: Array, columns: Array, leading: Array) -> tuple[Array, Array, Array]:
    """Return how much of the scaled matrix's leading singular vectors lies on each row and column, and those vectors.

    They are the ones of the last round after some steps of subspace iteration: scales move little in a round.
    """
    scaled_matrix = _between(rows**-0.5, matrix, columns**-0.5)
    transposed = sp.csr_array(scaled_matrix.T) if sp.issparse(scaled_matrix) else scaled_matrix.T
    for _ in range(_STEPS):
        leading = transposed @ (scaled_matrix @ leading)
    leading /= np.sqrt((leading**2).sum(axis=0))
    images = scaled_matrix @ leading
    # Ritz vectors by small matrices: factorising tall ones takes longer than all products.
    squares, mixing = scipy.linalg.eigh(images.T @ images, leading.T @ leading)
    values = np.sqrt(np.maximum(squares, 1e-12 * squares.max()))
    u, v = images @ mixing / values, leading @ mixing
    weights = np.exp(60.0 * (values / values.max() - 1.0))
    return (u**2) @ weights, (v**2) @ weights, v


def _moved(scales: Array, concentration: Array, costs: Array, step: float) -> Array:
    """Return scales that cost more where the norm is concentrated, and less elsewhere, relative to what they cost."""
    relative = concentration / costs
    relative /= (relative * costs).sum() / costs.sum()
    return np.asarray(scales * np.exp(step * np.clip(relative - 1.0, -1.0, 3.0)))


def _begin(size: int, count: int = 1) -> Array:
    return np.cos(np.arange(size * count, dtype=np.float64).reshape(size, count) ** 2 + 1.0)  # without structure


def proved_norm(matrix: Matrix) -> float | None:
    """Return an upper bound on the spectral norm of a matrix of rounded scaled numbers, or None where none is proved.

    The numbers may each be off by four roundings; the bound covers the true ones.
    """
    if matrix.shape[0] > matrix.shape[1]:
        matrix = sp.csr_array(matrix.T) if sp.issparse(matrix) else matrix.T
    gram = (matrix @ matrix.T).toarray() if sp.issparse(matrix) else matrix @ matrix.T
    size = len(gram)
    try:
        if size > _SMALL:
            estimate = float(svds(matrix, k=1, tol=1e-3, v0=_begin(size)[:, 0], return_singular_vectors=False)[0]) ** 2
        else:
            estimate = float(np.linalg.eigvalsh(gram)[-1])
    except (ArpackError, np.linalg.LinAlgError):
        return None
    trace = float(gram.trace())
    if not (np.isfinite(gram).all() and math.isfinite(estimate) and math.isfinite(trace)):
        return None
    longest = int(np.diff(matrix.indptr).max(initial=1)) if sp.issparse(matrix) else matrix.shape[1]
    for attempt in range(8):
        level = estimate * (1.0 + _MARGIN * 2.0**attempt)
        shifted = -gram
        shifted[np.diag_indices(size)] += level
        try:
            pivots = np.linalg.cholesky(shifted).diagonal()
        except np.linalg.LinAlgError:
            continue
        if not np.isfinite(pivots).all():  # some libraries run on where a pivot is NaN; it reaches the diagonal
            continue
        # Twice and more of each: Gram matrix and scaled numbers by the Frobenius norm, Cholesky by the trace.
        lost = UNIT_ROUNDOFF * (4.0 * (longest + 16) * trace + 4.0 * (size + 4) * size * level)
        return float(up(np.sqrt(up(np.asarray((level + lost) * (1.0 + 2.0**-45))))))
    return None


def selection_bound(coefficients: Array, base: Interval, scales: Scales, windows: int) -> float:
    r"""Return an upper bound of :math:`\sum_{ji} s_{ji} c_j (base_{ji} + (K \eta)_{ji})`.

    Shapes: coefficients float64[n]; base Interval float64[n].
    """
    fixed = (Interval.point(coefficients) * base).upper.reshape(-1, windows)
    costs = upper_product(np.abs(coefficients), np.asarray(up(1.0 / scales.rows)))
    costs = upper_product(costs, costs)
    costs = up(costs * (0.5 * scales.norm) * (1.0 + 2.0**-50)).reshape(-1, windows)
    reciprocals = up(1.0 / scales.columns)
    columns = float(up(upper_total(upper_product(reciprocals, reciprocals)) * (0.5 * scales.norm) * (1.0 + 2.0**-50)))

    def at(factor: float) -> float:
        each = np.maximum(up(fixed + upper_product(costs, np.asarray(factor))).max(axis=1), 0.0)
        return float(up(upper_total(each) + up(np.asarray(columns / factor))))

    middle = math.sqrt(columns / max(float(costs.max(axis=1).sum()), 1e-300))
    if not (math.isfinite(middle) and middle > 0.0):
        return math.inf
    coarse = min(middle * 2.0 ** np.linspace(-4.0, 4.0, 17), key=at)
    return min(at(float(factor)) for factor in coarse * 2.0 ** np.linspace(-0.5, 0.5, 9))

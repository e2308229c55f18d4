"""Subset sums whose values may each move by up to eps: Xiong, Liao and Kyrillidis.

Formulas raise nothing of their own: the bound that holds one checks its arguments first. The base of an unspecified
logarithm is taken to be e.
"""

from __future__ import annotations

import math

from slth.theory.nouns import Assumption, Bound
from slth.theory.parameters import Parameter, small, whole

CITATION = (
    "Xiong, Liao, Kyrillidis, 'Strong Lottery Ticket Hypothesis with epsilon-perturbation', AISTATS 2023, PMLR 206"
)


def perturbed_failure(*, n: float, eps: float, excess: float) -> float:
    r"""Return the failure probability :math:`e^{-(n-K)(1+\epsilon)^2 / (8 (3-\epsilon)^2)} + e^{-K}`, at most 1.

    Parameters
    ----------
    n : int
        Values.
    eps : float
        Largest perturbation of a value.
    excess : float
        K.

    Returns
    -------
    float
        From 0 to 1.

    Notes
    -----
    Source: Xiong, Liao and Kyrillidis 2023 (PMLR 206), Theorem 1 in the form of the appendix (Theorem 3 there).

    Examples
    --------
    >>> round(perturbed_failure(n=400, eps=0.0, excess=3.0), 4)
    0.0538
    """
    rate = (1.0 + eps) ** 2 / (8.0 * (3.0 - eps) ** 2)
    return min(1.0, math.exp(min(0.0, -(n - excess) * rate)) + math.exp(-excess))


def perturbed_candidates(*, eta: float, eps: float, excess: float, constant: float) -> float:
    r"""Return the values that a perturbed subset sum needs, :math:`C (\ln(1/\eta) / (1+\epsilon) + K)`.

    Parameters
    ----------
    eta : float
        Error; for the subset sum half of it.
    eps : float
        Largest perturbation of a value.
    excess : float
        K, which sets the failure probability.
    constant : float
        C.

    Returns
    -------
    float
        n.

    Notes
    -----
    Source: Xiong, Liao and Kyrillidis 2023 (PMLR 206), Theorem 1 and Lemma 1 in the form of the appendix.

    Examples
    --------
    >>> round(perturbed_candidates(eta=0.01, eps=0.0, excess=3.0, constant=1.0), 2)
    7.61
    """
    return constant * (-math.log(eta) / (1.0 + eps) + excess)


def perturbed_width(
    *, d_in: float, d_out: float, layers: float, eta: float, eps: float, excess: float, constant: float
) -> float:
    r"""Return the width for one target layer, :math:`C d_{in} (\ln(d_{in} d_{out} L / \eta) / (1+\epsilon) + K)`.

    Parameters
    ----------
    d_in, d_out : int
        Sizes of the target layer.
    layers : int
        L of the target.
    eta : float
        Error over inputs of maximum norm 1.
    eps : float
        Largest perturbation of a weight.
    excess : float
        K, which sets the failure probability.
    constant : float
        C.

    Returns
    -------
    float
        Hidden units of the pair of layers.

    Notes
    -----
    Source: Xiong, Liao and Kyrillidis 2023 (PMLR 206), Theorem 2.

    Examples
    --------
    >>> round(perturbed_width(d_in=784, d_out=500, layers=2, eta=0.01, eps=0.0, excess=3.0, constant=1.0))
    16603
    """
    return d_in * perturbed_candidates(eta=eta / (d_in * d_out * layers), eps=eps, excess=excess, constant=constant)


def perturbed_network_failure(
    *, d_in: float, d_out: float, layers: float, n: float, eps: float, excess: float
) -> float:  # fmt: skip
    r"""Return the failure probability of a network, :math:`2 d_{in} d_{out} L \delta`, at most 1.

    Parameters
    ----------
    d_in, d_out, layers : int
        Sizes of the target.
    n : int
        Candidates for one weight.
    eps : float
        Largest perturbation of a weight.
    excess : float
        K.

    Returns
    -------
    float
        From 0 to 1, :math:`\delta` being :func:`perturbed_failure`.

    Notes
    -----
    Source: Xiong, Liao and Kyrillidis 2023 (PMLR 206), Theorem 2.

    Examples
    --------
    >>> round(perturbed_network_failure(d_in=784, d_out=500, layers=2, n=2000, eps=0.0, excess=20.0), 4)
    0.0032
    """
    return min(1.0, 2.0 * d_in * d_out * layers * perturbed_failure(n=n, eps=eps, excess=excess))


EPS = Parameter(meaning="the largest perturbation of a value or weight", least=0.0, most=1.0, monotone=-1)
EXCESS = Parameter(meaning="K, which sets the failure probability", least=0.0, most=1e6, monotone=1)
TRADED = Parameter(meaning="K: less of it costs probability, more of it costs values", least=0.0, most=1e6)
D_IN = whole("the input width of the target layer")
D_OUT = whole("the output width of the target layer")
LAYERS = whole("the layers L of the target")
UNIFORM = Assumption(words="the random values are independent and uniform on [-1, 1]")
HALVES = Assumption(
    words="odd layers are +1 on one half of the units and -1 on the other, even layers U[-1,1], and only these move"
)
ENOUGH = Assumption(words="n >= C (ln(1/eta)/(1+eps) + K) for the unspecified C")
BASE = "the base of the logarithm is not given, e here, and C does not absorb it beside K"
UNSEEN = "it holds from the n of xiong2023.{} on, whose C is unspecified: that n is large enough is not checked here"

BOUNDS: tuple[Bound, ...] = (
    Bound(
        key="xiong2023.candidates",
        title="values that a perturbed subset sum needs",
        citation=f"{CITATION}, Theorem 1 (Theorem 3 of the appendix)",
        statement=(
            "x_i ~ U[-1,1], each may move by at most eps. n >= C (ln(1/eta)/(1+eps) + K) => with the probability of "
            "xiong2023.failure, every z in [-1/2,1/2] has a subset of moved values with a sum within 2 eta"
        ),
        quantity="values, n",
        direction="sufficient",
        provenance="found",
        formula=perturbed_candidates,
        parameters={"eta": small("half of the error"), "eps": EPS, "excess": EXCESS},
        assumptions=(UNIFORM,),
        constant="ln(1/eta)/(1+eps) + K",
        count=True,
        caveat=BASE,
    ),
    Bound(
        key="xiong2023.failure",
        title="failure probability of a perturbed subset sum",
        citation=f"{CITATION}, Theorem 1 (Theorem 3 of the appendix)",
        statement=(
            "The 2 eta approximation of every z in [-1/2,1/2] fails with probability at most "
            "exp(-(n-K)(1+eps)^2/(8(3-eps)^2)) + exp(-K)"
        ),
        quantity="failure probability, at most",
        direction="sufficient",
        provenance="found",
        formula=perturbed_failure,
        parameters={"n": whole("the number of values", most=1e12, monotone=-1), "eps": EPS, "excess": TRADED},
        assumptions=(UNIFORM, ENOUGH),
        caveat=f"the appendix's form; the exponent is garbled in the main text; {UNSEEN.format('candidates')}",
    ),
    Bound(
        key="xiong2023.weight",
        title="candidates for one perturbed weight",
        citation=f"{CITATION}, Lemma 1 (appendix form)",
        statement=(
            "g(x) = v^T relu(u x), u = +1 for n units and -1 for n more, v ~ U[-1,1]. n >= C (ln(1/eta)/(1+eps) + K) "
            "=> with the probability of xiong2023.failure, w in [-1/2,1/2] has a mask and moves of v by at most eps "
            "with sup over |x| <= 1 of |w x - g(x)| < eta"
        ),
        quantity="candidates for each sign, n",
        direction="sufficient",
        provenance="found",
        formula=perturbed_candidates,
        parameters={"eta": small("the error"), "eps": EPS, "excess": EXCESS},
        assumptions=(UNIFORM, HALVES),
        constant="ln(1/eta)/(1+eps) + K",
        count=True,
        caveat=f"the main text prints an extra d1 and d1 d2 / eta; {BASE}",
    ),
    Bound(
        key="xiong2023.width",
        title="width for one layer of perturbed weights",
        citation=f"{CITATION}, Theorem 2",
        statement=(
            "||W|| <= 1, ||W||_max <= 1/2. n = C d_in (ln(d_in d_out L/eta)/(1+eps) + K) hidden units => with the "
            "probability of xiong2023.network_failure, sup over ||x||_inf <= 1 of ||f - g|| < eta; eps = 0 is Pensia "
            "et al.'s theorem"
        ),
        quantity="hidden units of a pair of layers",
        direction="sufficient",
        provenance="found",
        formula=perturbed_width,
        parameters={
            "d_in": D_IN,
            "d_out": D_OUT,
            "layers": LAYERS,
            "eta": small("the error"),
            "eps": EPS,
            "excess": EXCESS,
        },
        assumptions=(HALVES, Assumption(words="||W|| <= 1 and ||W||_max <= 1/2 for every layer of the target")),
        constant="d_in (ln(d_in d_out L/eta)/(1+eps) + K)",
        count=True,
        caveat=BASE,
    ),
    Bound(
        key="xiong2023.network_failure",
        title="failure probability of a network of perturbed weights",
        citation=f"{CITATION}, Theorem 2",
        statement=(
            "xiong2023.width fails with probability at most 2 d_in d_out L delta, delta = "
            "exp(-(n-K)(1+eps)^2/(8(3-eps)^2)) + exp(-K) for n candidates of each weight and sign"
        ),
        quantity="failure probability, at most",
        direction="sufficient",
        provenance="found",
        formula=perturbed_network_failure,
        parameters={
            "d_in": D_IN,
            "d_out": D_OUT,
            "layers": LAYERS,
            "n": whole("the candidates for one weight and sign", most=1e12, monotone=-1),
            "eps": EPS,
            "excess": TRADED,
        },
        assumptions=(HALVES, ENOUGH),
        caveat=f"that n counts the candidates of one weight is read from Lemma 1; {UNSEEN.format('weight')}",
    ),
)

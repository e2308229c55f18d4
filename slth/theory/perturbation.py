"""Subset sums whose values may each move by up to eps: Xiong, Liao and Kyrillidis."""

from __future__ import annotations

import math
from typing import Annotated

from slth.theory.definition import bound
from slth.theory.nouns import Assumption
from slth.theory.parameters import positive, small, whole

CITATION = (
    "Xiong, Liao, Kyrillidis, 'Strong Lottery Ticket Hypothesis with epsilon-perturbation', AISTATS 2023, PMLR 206"
)

Moves = Annotated[float, positive("the largest perturbation of a value or weight", least=0.0, most=1.0, monotone=-1)]
Excess = Annotated[float, positive("K, which sets the failure probability", least=0.0, monotone=1)]
Traded = Annotated[float, positive("K: less of it costs probability, more of it costs values", least=0.0)]
Inputs = Annotated[int, whole("the input width of the target layer")]
Outputs = Annotated[int, whole("the output width of the target layer")]
Layers = Annotated[int, whole("the layers L of the target")]
UNIFORM = Assumption(words="the random values are independent and uniform on [-1, 1]")
HALVES = Assumption(
    words="odd layers are +1 on one half of the units and -1 on the other, even layers U[-1,1], and only these move"
)
ENOUGH = Assumption(words="n >= C (ln(1/eta)/(1+eps) + K) for the unspecified C")
PROOF = (
    "the paper's proof leaves out the O(1) further values that it takes and their failure: not fully proved as printed"
)
BASE = "the base of the logarithm is not given, e here, and C does not absorb it beside K"
UNSEEN = "it holds from the n of xiong2023.{} on, whose C is unspecified: that n is large enough is not checked here"


@bound(
    "xiong2023.candidates",
    f"{CITATION}, Theorem 1 (Theorem 3 of the appendix)",
    quantity="values, n",
    provenance="found",
    assumes=(UNIFORM,),
    constant="ln(1/eta)/(1+eps) + K",
    count=True,
    caveat=BASE,
)
def perturbed_candidates(
    *, eta: Annotated[float, small("half of the error")], eps: Moves, excess: Excess, constant: float
) -> float:
    """Values that a perturbed subset sum needs.

    x_i ~ U[-1,1], each may move by at most eps. n >= C (ln(1/eta)/(1+eps) + K) => with the probability of
    xiong2023.failure, every z in [-1/2,1/2] has a subset of moved values with a sum within 2 eta.

    >>> perturbed_candidates(eta=0.01, eps=0.0, excess=3.0, constant=1.0)
    8.0
    """
    return constant * (-math.log(eta) / (1.0 + eps) + excess)


@bound(
    "xiong2023.failure",
    f"{CITATION}, Theorem 1 (Theorem 3 of the appendix)",
    quantity="failure probability, at most",
    provenance="found",
    assumes=(UNIFORM, ENOUGH),
    caveat=f"the appendix's form; the main text prints 3 - eps unsquared; {PROOF}; {UNSEEN.format('candidates')}",
)
def perturbed_failure(
    *, n: Annotated[int, whole("the number of values", most=1e12, monotone=-1)], eps: Moves, excess: Traded
) -> float:
    """Failure probability of a perturbed subset sum.

    The 2 eta approximation of every z in [-1/2,1/2] fails with probability at most
    exp(-(n-K)(1+eps)^2/(8(3-eps)^2)) + exp(-K).

    >>> round(perturbed_failure(n=400, eps=0.0, excess=3.0), 4)
    0.0538
    """
    rate = (1.0 + eps) ** 2 / (8.0 * (3.0 - eps) ** 2)
    return min(1.0, math.exp(min(0.0, -(n - excess) * rate)) + math.exp(-excess))


@bound(
    "xiong2023.weight",
    f"{CITATION}, Lemma 1 (appendix form)",
    quantity="candidates for each sign, n",
    provenance="found",
    assumes=(UNIFORM, HALVES),
    constant="ln(1/eta)/(1+eps) + K",
    count=True,
    caveat=f"the main text prints an extra d1 and d1 d2 / eta; {BASE}",
)
def perturbed_weight(
    *, eta: Annotated[float, small("the error")], eps: Moves, excess: Excess, constant: float
) -> float:
    """Candidates for one perturbed weight.

    g(x) = v^T relu(u x), u = +1 for n units and -1 for n more, v ~ U[-1,1]. n >= C (ln(1/eta)/(1+eps) + K) => with the
    probability of xiong2023.failure, w in [-1/2,1/2] has a mask and moves of v by at most eps with sup over |x| <= 1 of
    |w x - g(x)| < eta.

    >>> perturbed_weight(eta=0.01, eps=0.0, excess=3.0, constant=1.0)
    8.0
    """
    return perturbed_candidates.formula(eta=eta, eps=eps, excess=excess, constant=constant)


@bound(
    "xiong2023.width",
    f"{CITATION}, Theorem 2",
    quantity="hidden units of a pair of layers",
    provenance="found",
    assumes=(HALVES, Assumption(words="||W|| <= 1 and ||W||_max <= 1/2 for every layer of the target")),
    constant="d_in (ln(d_in d_out L/eta)/(1+eps) + K)",
    count=True,
    caveat=BASE,
)
def perturbed_width(
    *,
    d_in: Inputs,
    d_out: Outputs,
    layers: Layers,
    eta: Annotated[float, small("the error")],
    eps: Moves,
    excess: Excess,
    constant: float,
) -> float:
    """Width for one layer of perturbed weights.

    ||W|| <= 1, ||W||_max <= 1/2. n = C d_in (ln(d_in d_out L/eta)/(1+eps) + K) hidden units => with the probability of
    xiong2023.network_failure, sup over ||x||_inf <= 1 of ||f - g|| < eta; eps = 0 is Pensia et al.'s theorem.

    >>> perturbed_width(d_in=784, d_out=500, layers=2, eta=0.01, eps=0.0, excess=3.0, constant=1.0)
    16604.0
    """
    return d_in * perturbed_candidates.formula(
        eta=eta / (d_in * d_out * layers), eps=eps, excess=excess, constant=constant
    )


@bound(
    "xiong2023.network_failure",
    f"{CITATION}, Theorem 2",
    quantity="failure probability, at most",
    provenance="found",
    assumes=(HALVES, ENOUGH),
    caveat=f"that n counts the candidates of one weight is read from Lemma 1; {PROOF}; {UNSEEN.format('weight')}",
)
def perturbed_network_failure(
    *,
    d_in: Inputs,
    d_out: Outputs,
    layers: Layers,
    n: Annotated[int, whole("the candidates for one weight and sign", most=1e12, monotone=-1)],
    eps: Moves,
    excess: Traded,
) -> float:
    """Failure probability of a network of perturbed weights.

    xiong2023.width fails with probability at most 2 d_in d_out L delta,
    delta = exp(-(n-K)(1+eps)^2/(8(3-eps)^2)) + exp(-K) for n candidates of each weight and sign.

    >>> round(perturbed_network_failure(d_in=784, d_out=500, layers=2, n=2000, eps=0.0, excess=20.0), 4)
    0.0032
    """
    return min(1.0, 2.0 * d_in * d_out * layers * perturbed_failure.formula(n=n, eps=eps, excess=excess))

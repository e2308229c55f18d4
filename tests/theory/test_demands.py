"""What theorems demand of one's own network: sizes are the bounds', weights are counted matrix by matrix."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import numpy as np
import pytest

from slth.errors import ArgumentError
from slth.theory import Layer, bounds, demands
from slth.theory.citing import bibtex, latex, typeset


def found(layers, **given):
    return {one.key: one for one in demands(layers, **{"eps": 0.01, **given})}


def test_pairs_are_two_matrices_for_each_layer():
    one = found([784, 500, 10], delta=0.1)["pensia2020.width"]
    widths = [
        bounds["pensia2020.width"](d_in=low, d_out=high, layers=2, eps=0.01, delta=0.1, constant=1.0)
        for low, high in ((784, 500), (500, 10))
    ]
    assert one.sizes == one.values == tuple(widths)
    assert one.weights == 784 * widths[0] + widths[0] * 500 + 500 * widths[1] + widths[1] * 10
    assert one.overhead == one.weights / (784 * 500 + 500 * 10)


def test_one_more_layer_is_a_chain():
    one = found([20, 30, 7])["kumar2025.shallow_width"]
    chain = [20, *one.sizes, 7]
    assert len(one.sizes) == 2
    assert one.weights == sum(low * high for low, high in pairwise(chain))
    assert found([20, 30, 7])["gadhikar2023.width"].weights == pytest.approx(
        0.1 * sum(low * high for low, high in pairwise([20, *found([20, 30, 7])["gadhikar2023.width"].sizes, 7]))
    )


def test_convolutions_are_counted_with_their_kernels_and_served_by_their_own_theorems():
    layers = [Layer(3, 16, 5), Layer(16, 10)]
    every = found(layers)
    assert set(every) == {
        "dacunha2022.candidates", "burkholz2022b.channels", "ferbach2023.width", "dacunha2023.structured.channels",
        "derived.structured.counting",
    }  # fmt: skip
    one = every["dacunha2022.candidates"]
    n = [bounds["dacunha2022.candidates"](c_in=c, c_out=d, kernel=k, layers=2, eps=0.01, delta=0.01, constant=1.0)
         for c, d, k in ((3, 16, 5), (16, 10, 1))]  # fmt: skip
    assert one.sizes == (2 * n[0] * 3, 2 * n[1] * 16)
    assert one.weights == one.sizes[0] * (3 + 16 * 25) + one.sizes[1] * (16 + 10)
    first, second = every["burkholz2022b.channels"].sizes
    assert every["burkholz2022b.channels"].weights == 25 * (3 * first + first * second) + second * 10


def test_a_lower_bound_is_that_of_the_worst_layer():
    one = found([784, 500, 10])["derived.two_layer.width"]
    assert one.sizes == tuple(bounds["derived.two_layer.width"](d=d, eps=0.01) for d in (500, 10))
    assert (one.weights, one.overhead) == (2 * 500 * one.sizes[0], 2 * one.sizes[0] / 500)
    upper = [each.weights for each in found([784, 500, 10]).values() if each.direction == "sufficient"]
    assert min(upper) > one.weights


def test_what_says_nothing_tells_why():
    one = found([3] * 103)["burkholz2022a.width"]
    assert "must lie in [1, 100]" in one.reason
    assert (one.sizes, math.isnan(one.weights)) == ((), True)
    assert "density" in found([3, 3], density=0.7)["natale2024.weight"].reason


@pytest.mark.parametrize(("layers", "words"), [([], "empty"), ([3], "two at least"), ([3, 0], "outputs=0"),
                                               ([3, Layer(3, 2)], "must be widths")])  # fmt: skip
def test_networks_that_are_none(layers, words):
    with pytest.raises(ArgumentError, match=words):
        demands(layers, eps=0.1)


def test_bounds_over_arrays_are_their_values():
    one = bounds["pensia2020.lower.parameters"]
    table = one.over(d=np.array([[2], [5]]), eps=[0.1, 0.01, 0.001])
    assert table.shape == (2, 3)
    assert table[1, 2] == one(d=5, eps=0.001)
    assert one.over(d=3, eps=0.1).shape == ()
    with pytest.raises(ArgumentError, match="cannot be broadcast"):
        one.over(d=[2, 3], eps=[0.1, 0.2, 0.3])
    with pytest.raises(ArgumentError, match=r"over\(\.\.\.\)"):
        one(d=3, eps=[0.1, 0.2])  # type: ignore[arg-type]


ENSURED = re.compile(r"\\ensuremath\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|\\(?:cite|texttt)\{(?:[^{}\\]|\\_)*\}")


@pytest.mark.parametrize("key", bounds)
def test_citations_are_balanced_and_nothing_in_them_is_an_instruction_by_chance(key):
    for text in (latex(bounds[key]), bibtex(bounds[key])):
        assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    bare = re.sub(r"\\[&%$#_{}]", "", ENSURED.sub("", latex(bounds[key])))
    assert not re.search(r"[&%$#_^~]", bare)
    assert "year = {" in bibtex(bounds[key]) or bounds[key].citation.startswith(("this project", "public", "'Memory"))


def test_typesetting():
    assert typeset("n >= C d_(i-1)^2") == r"n \ensuremath{\geq} C d\ensuremath{_{i-1}}\ensuremath{^{2}}"
    assert typeset("eps' in steps, 5 % & #") == r"\ensuremath{\varepsilon}' in steps, 5 \% \& \#"
    assert typeset("as xiong2023.network_failure says") == r"as \texttt{xiong2023.network\_failure} says"


@pytest.mark.parametrize("name", ["eps", "delta", "density", "constant", "perturbation"])
@pytest.mark.parametrize("number", [-1.0, math.nan, math.inf, "a"])
def test_numbers_that_no_theorem_takes_are_refused_by_name(name, number):
    with pytest.raises(ArgumentError, match=f"{name}=.* must lie in"):
        demands([784, 500, 10], **{"eps": 0.01, name: number})


@pytest.mark.parametrize("name", ["eps", "delta", "density"])
@pytest.mark.parametrize("number", [0.0, 1.0])
def test_shares_end_before_nothing_and_all(name, number):
    with pytest.raises(ArgumentError, match=rf"{name}=.* must lie in \(0, 1\)"):
        demands([784, 500, 10], **{"eps": 0.01, name: number})


def test_the_least_error_that_a_double_holds_is_answered():
    assert all(one.reason for key, one in found([784, 500, 10], eps=5e-324).items() if key != "diffenderfer2021.width")

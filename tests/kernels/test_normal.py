"""The inverse normal: frozen bits, three independent evaluations, symmetry and order."""

import math
from types import FunctionType

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import ndtri

from slth.kernels import normal
from slth.kernels.normal import inverse_normal, natural_logarithm
from tests.tools.torch_normal import sample_with_tails, torch_inverse_normal, torch_square_root

# Numerator of u over 2**53; the bits of z; z to 19 digits, by Newton steps on the distribution function in 200 binary
# digits.
TABLE = [
    (1, "-0x1.06b48528cea51p+3", "-8.209536151601386856"),
    (3, "-0x1.02734508d1f1cp+3", "-8.076571004130124650"),
    (5, "-0x1.0072d19333a0cp+3", "-8.014015948775545648"),
    (1025, "-0x1.d5373fb003dffp+2", "-7.331497117891102828"),
    (65537, "-0x1.b025a76d0d49ep+2", "-6.752298218246463866"),
    (131071, "-0x1.a9aa9501d8d2fp+2", "-6.651036502650908615"),
    (16777217, "-0x1.795743bb1c51ap+2", "-5.895951206898896493"),
    (1073741825, "-0x1.4aa93745edd63p+2", "-5.166578119554601927"),
    (1099511627777, "-0x1.d58bd06346edfp+1", "-3.668329285121090439"),
    (35184372088833, "-0x1.547d173f6ec72p+1", "-2.660067468617450086"),
    (281474976710657, "-0x1.dcdbfee3cb01bp+0", "-1.862731867421649878"),
    (675539944105575, "-0x1.7085226d3e521p+0", "-1.439531470938455445"),
    (1125899906842625, "-0x1.267d4c07b0565p+0", "-1.150349380376007639"),
    (2251799813685249, "-0x1.5956b87528a46p-1", "-0.6744897501960813938"),
    (4503599627370495, "-0x1.40d931ff62707p-52", "-2.782916424671766922e-16"),
    (4503599627370497, "0x1.40d931ff62707p-52", "2.782916424671766922e-16"),
    (6755399441055745, "0x1.5956b87528a4dp-1", "0.6744897501960820926"),
    (8972014882652159, "0x1.547d173f6ec72p+1", "2.660067468617450086"),
    (9007199254740991, "0x1.06b48528cea51p+3", "8.209536151601386856"),
]

# The uniforms of slth.rng: odd multiples of 2**-53. Shifted ones reach the tails, which plain ones hardly do.
NUMERATORS = st.one_of(
    st.integers(0, 2**52 - 1),
    st.tuples(st.integers(0, 2**52 - 1), st.integers(0, 52)).map(lambda pair: pair[0] >> pair[1]),
).map(lambda half: 2 * half + 1)


def z_of(uniforms):
    quantiles = np.empty(len(uniforms))
    inverse_normal(np.asarray(uniforms, np.float64), quantiles)
    return quantiles


def interpreted():
    """The same functions run by the Python interpreter, which rounds after every operation."""
    scope = dict(vars(normal))
    for name, value in vars(normal).items():
        if hasattr(value, "py_func"):
            scope[name] = FunctionType(value.py_func.__code__, scope)
    return scope


@pytest.mark.parametrize(("numerator", "bits", "digits"), TABLE)
def test_table_of_bits_and_of_digits(numerator, bits, digits):
    z = float(z_of([numerator * 2.0**-53])[0])
    assert z.hex() == bits
    assert abs(z - float(digits)) <= 5 * math.ulp(z)


def test_the_root_used_in_torch_is_the_correctly_rounded_one():
    x = np.random.default_rng(0).uniform(2.5, 37.0, 200_000)
    np.testing.assert_array_equal(torch_square_root(torch.from_numpy(x)).numpy(), np.sqrt(x))


def test_bit_for_bit_by_eager_torch():
    uniforms = sample_with_tails(20_000, seed=1)
    expected = torch_inverse_normal(torch.from_numpy(uniforms)).numpy()
    np.testing.assert_array_equal(z_of(uniforms), expected)


def test_compiled_code_fuses_no_multiplication_with_an_addition():
    uniforms = sample_with_tails(1500, seed=2)
    expected = np.empty(uniforms.size)
    interpreted()["inverse_normal"](uniforms, expected)
    np.testing.assert_array_equal(z_of(uniforms), expected)


def test_few_ulp_from_scipy():
    uniforms = sample_with_tails(50_000, seed=3)
    z, reference = z_of(uniforms), ndtri(uniforms)
    assert np.max(np.abs(z - reference) / np.spacing(np.abs(reference))) <= 8


@given(NUMERATORS)
@example(1)
@example(2**52 - 1)
def test_odd_around_one_half(numerator):
    u = numerator * 2.0**-53
    below, above = z_of([u, 1.0 - u])
    assert below == -above
    assert (below < 0.0) == (u < 0.5)


@given(NUMERATORS)
@example(int(math.exp(-25.0) * 2**53) | 1)  # where the second rational function takes over from the third
@example(int(0.075 * 2**53) | 1)  # and the first from the second
def test_increasing(numerator):
    # Steps of one part in 2**20 move z by far more than the rounding of neighbours.
    # The lower half is enough, by symmetry; in the upper one such steps are not doubles.
    u = min(numerator, 2**53 - numerator) * 2.0**-53
    step = u * 2.0**-20
    before, here, after = z_of([u - step, u, u + step])
    assert before < here < after


def test_logarithm_is_within_two_ulp():
    x = np.exp(np.random.default_rng(4).uniform(-40.0, 40.0, 5000))
    for value in x.tolist():
        reference = math.log(value)
        assert abs(natural_logarithm(value) - reference) <= 2 * math.ulp(reference)
    assert natural_logarithm(1.0) == 0.0

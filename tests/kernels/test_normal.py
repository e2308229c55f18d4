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


def sample_with_tails(count, seed):
    generator = np.random.default_rng(seed)
    half = generator.integers(0, 2**52, count) >> generator.integers(0, 52, count)
    below = (2 * half + 1) * 2.0**-53
    return np.concatenate([below, 1.0 - below, generator.random(count) * 0.9 + 0.05])


def interpreted():
    """The same functions run by the Python interpreter, which rounds after every operation."""
    scope = dict(vars(normal))
    for name, value in vars(normal).items():
        if hasattr(value, "py_func"):
            scope[name] = FunctionType(value.py_func.__code__, scope)
    return scope


def torch_horner(coefficients, r):
    value = torch.full_like(r, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * r
        value = value + coefficient
    return value


def torch_logarithm(x):
    m, exponent = torch.frexp(x)
    small = m < math.sqrt(0.5)
    m = torch.where(small, m + m, m)
    exponent = torch.where(small, exponent - 1, exponent).to(torch.float64)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    p = torch_horner([1.0 / k for k in range(21, 2, -2)], z) * z
    # ln 2 in its first 40 binary digits, and the rest
    high, low = float.fromhex("0x1.62e42fefa4p-1"), float.fromhex("-0x1.8432a1b0e2634p-43")
    return exponent * high + ((exponent * low + (s + s) * p) + (s + s))


def torch_square_root(x):
    """The correctly rounded root: torch's own, on a CPU, was seen one unit off for one double in eighty.

    One Newton step with the residual x - r * r, whose square is taken exactly by Dekker's splitting.
    """
    r = torch.sqrt(x)
    shifted = r * 134217729.0
    high = shifted - (shifted - r)
    low = r - high
    square = r * r
    rest = ((high * high - square) + 2.0 * high * low) + low * low
    return r + ((x - square) - rest) / (2.0 * r)


# AS 241's published coefficients, highest power first: numerators and denominators of the three regions.
CENTRE_UP = [2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
    1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0]  # fmt: skip
CENTRE_DOWN = [5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
    5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0]  # fmt: skip
NEAR_UP = [7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0,
    3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0]  # fmt: skip
NEAR_DOWN = [1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
    6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0]  # fmt: skip
FAR_UP = [2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
    2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
    5.46378491116411436990e0, 6.65790464350110377720e0]  # fmt: skip
FAR_DOWN = [2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
    1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0]  # fmt: skip


def torch_inverse_normal(u):
    """AS 241 as published, operation by operation, for eager float64 tensors."""
    q = u - 0.5
    r = 0.180625 - q * q
    centre = q * torch_horner(CENTRE_UP, r) / torch_horner(CENTRE_DOWN, r)
    r = torch_square_root(-torch_logarithm(torch.where(q < 0.0, u, 1.0 - u)))
    near = torch_horner(NEAR_UP, r - 1.6) / torch_horner(NEAR_DOWN, r - 1.6)
    far = torch_horner(FAR_UP, r - 5.0) / torch_horner(FAR_DOWN, r - 5.0)
    tail = torch.where(r <= 5.0, near, far)
    return torch.where(torch.abs(q) <= 0.425, centre, torch.where(q < 0.0, -tail, tail))


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


@pytest.mark.gpu
def test_bit_for_bit_by_eager_torch_on_the_accelerator():
    uniforms = sample_with_tails(200_000, seed=1)
    expected = torch_inverse_normal(torch.from_numpy(uniforms).cuda()).cpu().numpy()
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

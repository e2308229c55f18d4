"""The inverse normal by eager torch, operation by operation: an evaluation that shares nothing with the kernels."""

from __future__ import annotations

import math

import numpy as np
import torch


def sample_with_tails(count, seed):
    generator = np.random.default_rng(seed)
    half = generator.integers(0, 2**52, count) >> generator.integers(0, 52, count)
    below = (2 * half + 1) * 2.0**-53
    return np.concatenate([below, 1.0 - below, generator.random(count) * 0.9 + 0.05])


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

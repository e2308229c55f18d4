"""Bounds of the literature solved for another of their arguments."""

from __future__ import annotations

import math

from slth.arrays import whole
from slth.theory.parameters import Parameter


def structured_error(
    n: float, kernel: int, outputs: int, inputs: int, *, layers: int = 1, constant: float
) -> float | None:
    """Return the smallest error for which dacunha2023.structured.channels is at most n, or None where n is too small.

    Parameters
    ----------
    n : float
        The random network has 2n channels for each input channel.
    kernel, outputs, inputs, layers : int
        Size of the square kernel, channels of the convolution, layers of the target.
    constant : float
        C, which the theorem leaves unspecified: whoever draws the bound assumes one, and says so.

    Returns
    -------
    float or None
        Below 1.

    Raises
    ------
    ArgumentError
        For sizes below 1, or an n or a constant that is not positive.

    Examples
    --------
    >>> round(slth.theory.structured_error(9519, 1, 2, 1, constant=1.0), 3)
    0.01
    """
    for name, size in (("kernel", kernel), ("outputs", outputs), ("inputs", inputs), ("layers", layers)):
        whole(size, name)
    for name, number in (("constant", constant), ("n", n)):
        Parameter(meaning="a positive number", above=0.0).check(name, number)
    power = constant * float(kernel) ** 12 * float(outputs) ** 6
    logarithm = (n / power) ** (1.0 / 3.0)
    exponent = math.log(kernel**2 * outputs * inputs * layers) - logarithm
    return math.exp(exponent) if exponent < 0.0 else None

"""Fixed numbers: a factor and a constant for each channel, of the network's definition and not of its weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slth.arrays import Floats, finite_number
from slth.errors import ArgumentError
from slth.graphs.graph import Step
from slth.graphs.window import Shape


@dataclass(frozen=True)
class Scale(Step):
    r"""Each channel times a number, plus a number: :math:`y_c = factor_c x_c + shift_c`.

    For numbers that nobody trained: the 6 of ReLU6, the slope of a LeakyReLU, a division by 255. A ticket has them as
    they are. Trained scales are convolutions of size 1 with as many groups as channels, and are approximated.

    Parameters
    ----------
    factor, shift : float, or tuple of float
        One number for all channels, or one for each; finite. Stored as tuples.

    Raises
    ------
    ArgumentError
        For other numbers, or two tuples that fit no common number of channels.

    Examples
    --------
    >>> import numpy as np
    >>> slth.Scale(-1.0, 6.0).forward(np.array([[[[2.0]], [[7.0]]]])).ravel().tolist()
    [4.0, -1.0]
    >>> slth.Scale((2.0, 3.0)).shape((2, 5, 5))
    (2, 5, 5)
    """

    factor: tuple[float, ...] = (1.0,)
    shift: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        for name in ("factor", "shift"):
            given = getattr(self, name)
            numbers = tuple(given) if isinstance(given, list | tuple) else (given,)
            if not numbers:
                raise ArgumentError(name, given, "must hold one number or one for each channel", "pass a float")
            object.__setattr__(self, name, tuple(finite_number(number, name) for number in numbers))
        if len({len(self.factor), len(self.shift)} - {1}) > 1:
            rule = f"must be as many as the {len(self.factor)} factors, or one"
            raise ArgumentError("shift", self.shift, rule, "match their lengths")

    @property
    def channels(self) -> int:
        """How many channels it is made for; 1 where the numbers are the same for all."""
        return max(len(self.factor), len(self.shift))

    def shape(self, *shapes: Shape) -> Shape:
        shape = super().shape(*shapes)
        if self.channels not in (1, shape[0]):
            rule = f"must be 1 or the {shape[0]} channels that come in"
            raise ArgumentError("Scale", self.channels, rule, "give one number a channel")
        return shape

    def nonnegative(self, *inputs: bool) -> bool:
        return all(inputs) and min(self.factor) >= 0.0 and min(self.shift) >= 0.0

    def forward(self, x: Floats) -> Floats:
        """Scale float64[batch, channels, height, width]."""
        factor, shift = (np.array(numbers)[:, None, None] for numbers in (self.factor, self.shift))
        scaled: Floats = x * factor + shift
        return scaled

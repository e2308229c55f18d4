"""Parameters of mixup that no share can be drawn for are refused before a step is taken."""

from __future__ import annotations

import math

import pytest

from slth.errors import ArgumentError
from slth.training import Recipe


@pytest.mark.parametrize("number", [-1.0, math.nan, math.inf, 1e308, 1e-320, "a", True])
def test_mixup_that_no_share_can_be_drawn_for_is_refused(number):
    with pytest.raises(ArgumentError, match=r"must be 0\.0, or lie in \[1e-9, 1e9\]"):
        Recipe(mixup=number)

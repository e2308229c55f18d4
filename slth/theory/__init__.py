"""FLOOR 1: the literature's bounds as functions."""

from slth.theory.vector import counting_channels as counting_channels
from slth.theory.vector import counting_error as counting_error
from slth.theory.vector import guaranteed_candidates as guaranteed_candidates
from slth.theory.vector import second_moment_guarantee as second_moment_guarantee
from slth.theory.vector import structured_channels as structured_channels
from slth.theory.vector import structured_error as structured_error

__all__ = [
    "counting_channels",
    "counting_error",
    "guaranteed_candidates",
    "second_moment_guarantee",
    "structured_channels",
    "structured_error",
]

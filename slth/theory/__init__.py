"""FLOOR 1: the literature's bounds as functions, and one catalogue of them."""

from slth.theory.catalogue import bounds as bounds
from slth.theory.counting import counting_channels as counting_channels
from slth.theory.counting import counting_error as counting_error
from slth.theory.definition import bound as bound
from slth.theory.nouns import Assumption as Assumption
from slth.theory.nouns import Bound as Bound
from slth.theory.nouns import BoundValue as BoundValue
from slth.theory.parameters import Parameter as Parameter
from slth.theory.second_moment import guaranteed_candidates as guaranteed_candidates
from slth.theory.second_moment import second_moment_guarantee as second_moment_guarantee
from slth.theory.structured import structured_channels as structured_channels
from slth.theory.structured import structured_error as structured_error

__all__ = [
    "Assumption",
    "Bound",
    "BoundValue",
    "Parameter",
    "bound",
    "bounds",
    "counting_channels",
    "counting_error",
    "guaranteed_candidates",
    "second_moment_guarantee",
    "structured_channels",
    "structured_error",
]

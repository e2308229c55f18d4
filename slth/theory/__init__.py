"""The literature's bounds as functions, and one catalogue of them.

The base of a logarithm that a paper leaves unspecified is taken to be e in all of them.
"""

from slth.theory.catalogue import bounds as bounds
from slth.theory.definition import bound as bound
from slth.theory.derived.inverses import structured_error as structured_error
from slth.theory.derived.second_moment import guaranteed_candidates as guaranteed_candidates
from slth.theory.derived.second_moment import second_moment_guarantee as second_moment_guarantee
from slth.theory.network_demands import Demand as Demand
from slth.theory.network_demands import Layer as Layer
from slth.theory.network_demands import demands as demands
from slth.theory.nouns import Assumption as Assumption
from slth.theory.nouns import Bound as Bound
from slth.theory.nouns import BoundValue as BoundValue
from slth.theory.parameters import Parameter as Parameter
from slth.theory.parameters import positive as positive
from slth.theory.parameters import small as small
from slth.theory.parameters import whole as whole

__all__ = [
    "Assumption",
    "Bound",
    "BoundValue",
    "Demand",
    "Layer",
    "Parameter",
    "bound",
    "bounds",
    "demands",
    "guaranteed_candidates",
    "positive",
    "second_moment_guarantee",
    "small",
    "structured_error",
    "whole",
]

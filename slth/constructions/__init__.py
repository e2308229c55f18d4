"""A method is a theorem executed on any Graph: target -> ticket, with the certificate of the difference."""

from slth.constructions.construction import Construction, Row
from slth.constructions.fresh_kernels import KernelApproximation, approximate_kernels
from slth.constructions.fresh_lists import PerWeightApproximation, PerWeightRow, approximate_weights
from slth.constructions.method import Method, Traits
from slth.constructions.per_weight import PerWeight
from slth.constructions.shallow import Shallow
from slth.constructions.structured import Structured

__all__ = [
    "Construction",
    "KernelApproximation",
    "Method",
    "PerWeight",
    "PerWeightApproximation",
    "PerWeightRow",
    "Row",
    "Shallow",
    "Structured",
    "Traits",
    "approximate_kernels",
    "approximate_weights",
]

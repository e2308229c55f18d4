"""A method is a theorem executed on any Graph: target -> ticket, with the certificate of the difference."""

from slth.constructions2.construction import Construction, Row
from slth.constructions2.fresh_kernels import KernelApproximation, approximate_kernels
from slth.constructions2.fresh_lists import PerWeightApproximation, PerWeightRow, approximate_weights
from slth.constructions2.method import Method, Traits
from slth.constructions2.per_weight import PerWeight
from slth.constructions2.shallow import Shallow
from slth.constructions2.structured import Structured

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

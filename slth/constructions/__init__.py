"""FLOOR 2: target network -> ticket, by proofs executed; and the certificate of the difference."""

from slth.constructions.certify import Certificate as Certificate
from slth.constructions.certify import LayerBounds as LayerBounds
from slth.constructions.certify import certify as certify
from slth.constructions.construction import Construction as Construction
from slth.constructions.construction import LayerRow as LayerRow
from slth.constructions.dense import Dense as Dense
from slth.constructions.dense import construct_dense as construct_dense
from slth.constructions.per_weight import PerWeightApproximation as PerWeightApproximation
from slth.constructions.per_weight import PerWeightRow as PerWeightRow
from slth.constructions.per_weight import approximate_weights as approximate_weights

__all__ = [
    "Certificate",
    "Construction",
    "Dense",
    "LayerBounds",
    "LayerRow",
    "PerWeightApproximation",
    "PerWeightRow",
    "approximate_weights",
    "certify",
    "construct_dense",
]

"""FLOOR 2: target network -> ticket, by proofs executed; and the certificate of the difference."""

from slth.constructions.attention import Attention as Attention
from slth.constructions.attention import construct_attention as construct_attention
from slth.constructions.certify import Certificate as Certificate
from slth.constructions.certify import LayerBounds as LayerBounds
from slth.constructions.certify import certify as certify
from slth.constructions.construction import Construction as Construction
from slth.constructions.construction import ConvRow as ConvRow
from slth.constructions.construction import LayerRow as LayerRow
from slth.constructions.conv import Conv as Conv
from slth.constructions.conv import construct_conv as construct_conv
from slth.constructions.conv_per_weight import KernelApproximation as KernelApproximation
from slth.constructions.conv_per_weight import approximate_kernels as approximate_kernels
from slth.constructions.dense import Dense as Dense
from slth.constructions.dense import construct_dense as construct_dense
from slth.constructions.per_weight import PerWeightApproximation as PerWeightApproximation
from slth.constructions.per_weight import PerWeightRow as PerWeightRow
from slth.constructions.per_weight import approximate_weights as approximate_weights
from slth.constructions.structured import Structured as Structured
from slth.constructions.structured import construct_structured as construct_structured

__all__ = [
    "Attention",
    "Certificate",
    "Construction",
    "Conv",
    "ConvRow",
    "Dense",
    "KernelApproximation",
    "LayerBounds",
    "LayerRow",
    "PerWeightApproximation",
    "PerWeightRow",
    "Structured",
    "approximate_kernels",
    "approximate_weights",
    "certify",
    "construct_attention",
    "construct_conv",
    "construct_dense",
    "construct_structured",
]

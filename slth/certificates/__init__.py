"""Certificates: proved bounds on the difference between a target and a ticket, one rule a kind of node.

Words of the field: ranges are interval bound propagation (IBP); functions carried back are backward (CROWN) bounds, in
which each node that is not linear is replaced by its linear relaxation. Around an input (``near``) most nodes are
linear, and functions are carried back through the others alone (``symbols``, ``carried``), by cases where that helps
(``branching``).
"""

from slth.certificates.bounds import certified_error, certify_folded
from slth.certificates.certificate import AttentionBounds, Certificate, CertificateAround, LayerBounds
from slth.certificates.certify import certify
from slth.certificates.tolerances import within

__all__ = [
    "AttentionBounds",
    "Certificate",
    "CertificateAround",
    "LayerBounds",
    "certified_error",
    "certify",
    "certify_folded",
    "within",
]

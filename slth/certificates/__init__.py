"""Certificates: proved bounds on the difference between a target and a ticket, one rule a kind of node.

Words of the field: ranges are interval bound propagation (IBP); functions carried back are backward (CROWN) bounds, in
which each node that is not linear is replaced by its linear relaxation.
"""

from slth.certificates.certificate import Certificate, CertificateAround, LayerBounds
from slth.certificates.certify import certified_error, certify, certify_folded
from slth.certificates.tolerances import within

__all__ = [
    "Certificate",
    "CertificateAround",
    "LayerBounds",
    "certified_error",
    "certify",
    "certify_folded",
    "within",
]

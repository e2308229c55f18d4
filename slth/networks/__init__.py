"""FLOOR 2, torch: from and to a described network, standard models, and the gradient attack on a certificate."""

from slth.networks.attack import Attack as Attack
from slth.networks.attack import attack_difference as attack_difference
from slth.networks.describe import describe_module as describe_module
from slth.networks.from_ticket import MaskedLinear as MaskedLinear
from slth.networks.from_ticket import MaskedPair as MaskedPair
from slth.networks.from_ticket import module_from_ticket as module_from_ticket
from slth.networks.models import mlp as mlp

__all__ = [
    "Attack",
    "MaskedLinear",
    "MaskedPair",
    "attack_difference",
    "describe_module",
    "mlp",
    "module_from_ticket",
]

"""FLOOR 2, torch: from and to a described network, standard models, and the gradient attack on a certificate."""

from slth.networks.attack import Attack as Attack
from slth.networks.attack import attack_difference as attack_difference
from slth.networks.conv_models import Residual as Residual
from slth.networks.conv_models import cnn6 as cnn6
from slth.networks.conv_models import lenet5 as lenet5
from slth.networks.conv_models import small_cnn as small_cnn
from slth.networks.conv_modules import MaskedConvPair as MaskedConvPair
from slth.networks.conv_modules import SmallPair as SmallPair
from slth.networks.conv_modules import StepNetwork as StepNetwork
from slth.networks.conv_tickets import masked_forward as masked_forward
from slth.networks.describe import describe_module as describe_module
from slth.networks.evaluate import folded_outputs as folded_outputs
from slth.networks.evaluate import masked_difference as masked_difference
from slth.networks.evaluate import outputs_of as outputs_of
from slth.networks.folded import FoldedNetwork as FoldedNetwork
from slth.networks.folded import folded_module as folded_module
from slth.networks.from_ticket import FullPair as FullPair
from slth.networks.from_ticket import MaskedLinear as MaskedLinear
from slth.networks.from_ticket import MaskedPair as MaskedPair
from slth.networks.from_ticket import module_from_ticket as module_from_ticket
from slth.networks.models import mlp as mlp

__all__ = [
    "Attack",
    "FoldedNetwork",
    "FullPair",
    "MaskedConvPair",
    "MaskedLinear",
    "MaskedPair",
    "Residual",
    "SmallPair",
    "StepNetwork",
    "attack_difference",
    "cnn6",
    "describe_module",
    "folded_module",
    "folded_outputs",
    "lenet5",
    "masked_difference",
    "masked_forward",
    "mlp",
    "module_from_ticket",
    "outputs_of",
    "small_cnn",
]

"""Torch: modules traced into graphs, graphs and tickets as modules, masks on any module, models, the attack."""

from slth.networks.ascent import Attack as Attack
from slth.networks.ascent import attack as attack
from slth.networks.conv_models import Residual as Residual
from slth.networks.conv_models import cnn6 as cnn6
from slth.networks.conv_models import lenet5 as lenet5
from slth.networks.conv_models import small_cnn as small_cnn
from slth.networks.handover import attach_masks as attach_masks
from slth.networks.handover import attach_scores as attach_scores
from slth.networks.handover import bake as bake
from slth.networks.handover import masks as masks
from slth.networks.initialise import initialised as initialised
from slth.networks.layouts import apply_ticket as apply_ticket
from slth.networks.layouts import apply_to as apply_to
from slth.networks.layouts import layout_of as layout_of
from slth.networks.masking import Kept as Kept
from slth.networks.masking import densities as densities
from slth.networks.masking import maskable as maskable
from slth.networks.masking import select_masks as select_masks
from slth.networks.masking import straight_through as straight_through
from slth.networks.masking import total_density as total_density
from slth.networks.models import mlp as mlp
from slth.networks.models_attention import vit as vit
from slth.networks.models_classic import conv_n as conv_n
from slth.networks.models_classic import lenet5_variant as lenet5_variant
from slth.networks.models_classic import lenet300 as lenet300
from slth.networks.models_classic import prunable_weights as prunable_weights
from slth.networks.models_classic import vgg as vgg
from slth.networks.models_residual import resnet as resnet
from slth.networks.models_residual import resnet_cifar as resnet_cifar
from slth.networks.modules import GraphModule as GraphModule
from slth.networks.modules import module_of as module_of
from slth.networks.outputs import Outputs as Outputs
from slth.networks.outputs import evaluate as evaluate
from slth.networks.outputs import masked_difference as masked_difference
from slth.networks.outputs import outputs_of as outputs_of
from slth.networks.random_layers import module_from_ticket as module_from_ticket
from slth.networks.selection import kept_count as kept_count
from slth.networks.selection import kth_largest as kth_largest
from slth.networks.selection import top_k as top_k
from slth.networks.structures import Axes as Axes
from slth.networks.structures import Blocks as Blocks
from slth.networks.structures import Heads as Heads
from slth.networks.structures import InputChannels as InputChannels
from slth.networks.structures import Kernels as Kernels
from slth.networks.structures import NOfM as NOfM
from slth.networks.structures import OutputChannels as OutputChannels
from slth.networks.structures import Structure as Structure
from slth.networks.structures import Weights as Weights
from slth.networks.structures import totals as totals
from slth.networks.trace import describe as describe

__all__ = [
    "Attack",
    "Axes",
    "Blocks",
    "GraphModule",
    "Heads",
    "InputChannels",
    "Kept",
    "Kernels",
    "NOfM",
    "OutputChannels",
    "Outputs",
    "Residual",
    "Structure",
    "Weights",
    "apply_ticket",
    "apply_to",
    "attach_masks",
    "attach_scores",
    "attack",
    "bake",
    "cnn6",
    "conv_n",
    "densities",
    "describe",
    "evaluate",
    "initialised",
    "kept_count",
    "kth_largest",
    "layout_of",
    "lenet5",
    "lenet5_variant",
    "lenet300",
    "maskable",
    "masked_difference",
    "masks",
    "mlp",
    "module_from_ticket",
    "module_of",
    "outputs_of",
    "prunable_weights",
    "resnet",
    "resnet_cifar",
    "select_masks",
    "small_cnn",
    "straight_through",
    "top_k",
    "total_density",
    "totals",
    "vgg",
    "vit",
]

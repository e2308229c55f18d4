"""Torch: modules traced into graphs, graphs and tickets as modules, masks on any module, models, the attack."""

from slth.networks.allocations import (
    EqualPerLayer,
    ErdosRenyi,
    IdealGas,
    LayerRule,
    SmartRatio,
    Uniform,
    layer_densities,
)
from slth.networks.ascent import Attack, attack
from slth.networks.ascent_around import AttackAround, attack_around
from slth.networks.channel_pairs import ChannelPair, channel_blocked
from slth.networks.export import export
from slth.networks.handover import attach_masks, attach_scores, bake, mask, masks
from slth.networks.initialise import initialised
from slth.networks.layouts import apply_ticket, apply_to, layout_of
from slth.networks.masking import (
    Kept,
    densities,
    maskable,
    prunable_weights,
    total_density,
)
from slth.networks.models import Residual, cnn6, conv_n, lenet5, lenet5_variant, lenet300, mlp, small_cnn, vgg
from slth.networks.models_attention import vit
from slth.networks.models_residual import resnet, resnet_cifar
from slth.networks.modules import GraphModule, module_of
from slth.networks.multiply_adds import multiply_adds
from slth.networks.outputs import Outputs, evaluate, masked_difference, outputs_of
from slth.networks.random_layers import module_from_ticket
from slth.networks.selection import kept_count, kth_largest, top_k
from slth.networks.structures import (
    Axes,
    Blocks,
    Heads,
    InputChannels,
    Kernels,
    NOfM,
    NOfMChannels,
    OutputChannels,
    Structure,
    Weights,
    totals,
)
from slth.networks.supermasks import Selection, Threshold, TopK, select_masks, straight_through
from slth.networks.trace import describe
from slth.networks.untied import untied

__all__ = [
    "Attack",
    "AttackAround",
    "Axes",
    "Blocks",
    "ChannelPair",
    "EqualPerLayer",
    "ErdosRenyi",
    "GraphModule",
    "Heads",
    "IdealGas",
    "InputChannels",
    "Kept",
    "Kernels",
    "LayerRule",
    "NOfM",
    "NOfMChannels",
    "OutputChannels",
    "Outputs",
    "Residual",
    "Selection",
    "SmartRatio",
    "Structure",
    "Threshold",
    "TopK",
    "Uniform",
    "Weights",
    "apply_ticket",
    "apply_to",
    "attach_masks",
    "attach_scores",
    "attack",
    "attack_around",
    "bake",
    "channel_blocked",
    "cnn6",
    "conv_n",
    "densities",
    "describe",
    "evaluate",
    "export",
    "initialised",
    "kept_count",
    "kth_largest",
    "layer_densities",
    "layout_of",
    "lenet5",
    "lenet5_variant",
    "lenet300",
    "mask",
    "maskable",
    "masked_difference",
    "masks",
    "mlp",
    "module_from_ticket",
    "module_of",
    "multiply_adds",
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
    "untied",
    "vgg",
    "vit",
]

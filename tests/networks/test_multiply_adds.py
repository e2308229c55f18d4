"""Products of inference: those of naive loops, over masks and places; unknown where weights are used otherwise."""

from __future__ import annotations

import torch
from torch import nn

from slth.networks import attach_masks, describe, lenet300, multiply_adds, small_cnn


def test_dense_networks_have_the_products_of_their_graph():
    for module, shape in ((lenet300(), (784,)), (small_cnn(batch_norm=True).eval(), (1, 28, 28))):
        assert multiply_adds(module, torch.zeros(1, *shape)) == describe(module, shape).multiply_adds


def test_kept_weights_count_once_for_each_place():
    module = nn.Sequential(nn.Conv2d(2, 4, 3, stride=2, groups=2), nn.ReLU(), nn.ConvTranspose2d(4, 3, 2, stride=2))
    masks = {
        "0.weight": torch.zeros(4, 1, 3, 3, dtype=torch.bool),
        "2.weight": torch.zeros(4, 3, 2, 2, dtype=torch.bool),
    }
    masks["0.weight"][:, 0, 0, :2] = True
    masks["2.weight"][1, :, 0, 0] = True
    attach_masks(module, masks)
    # 8 of the first at each of 3 x 4 outputs, 3 of the second at each of its 3 x 4 inputs
    assert multiply_adds(module, torch.zeros(1, 2, 7, 9)) == 8 * 12 + 3 * 12


def test_attention_projects_each_token_and_embeddings_look_up():
    module = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True).train()
    tokens = nn.Sequential(nn.Embedding(5, 8), module)
    assert multiply_adds(tokens, torch.zeros(1, 3, dtype=torch.int64)) == 3 * (4 * 8 * 8 + 2 * 8 * 16)


def test_a_layer_that_is_called_twice_counts_twice_and_hooks_are_gone():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, inputs):
            return self.layer(self.layer(inputs))

    module = Twice()
    assert multiply_adds(module, torch.zeros(1, 4)) == 32
    assert not module.layer._forward_hooks


def test_nobody_knows_how_often_a_weight_is_used_behind_its_layer():
    class Other(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, inputs):
            return inputs @ self.layer.weight

    assert multiply_adds(Other(), torch.zeros(1, 4)) is None

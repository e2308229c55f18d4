"""Products of inference: those of naive loops, over masks and places; unknown where weights are used otherwise."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from slth.errors import ArgumentError
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


class Cross(nn.Module):
    """One query for all tokens, everything given by name."""

    def __init__(self, width):
        super().__init__()
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True, kdim=width, vdim=width)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens):
        others = tokens[..., : self.attend.kdim]
        return self.head(input=self.attend(value=others, key=others, query=tokens[:, :1])[0])


def test_keys_and_values_are_projected_as_often_as_there_are_tokens_whoever_asks():
    for width in (8, 4):
        # query and output once, keys and values of five tokens
        expected = 2 * 8 * 8 + 2 * 5 * width * 8 + 8 * 3
        assert multiply_adds(Cross(width), torch.zeros(1, 5, 8)) == expected


@pytest.mark.parametrize("part", [nn.LSTM(4, 4), nn.GRUCell(4, 4), nn.Bilinear(4, 4, 4)])
def test_recurrent_and_bilinear_layers_are_not_counted_as_nothing(part):
    class First(nn.Module):
        def __init__(self):
            super().__init__()
            self.part, self.layer = part, nn.Linear(4, 2)

        def forward(self, inputs):
            found = self.part(inputs, inputs) if isinstance(self.part, nn.Bilinear) else self.part(inputs)
            return self.layer(found[0] if isinstance(found, tuple) else found)

    assert multiply_adds(First(), torch.zeros(1, 4)) is None


def test_products_are_those_of_one_example_however_many_are_given():
    layer = nn.Linear(8, 2)
    assert multiply_adds(layer, torch.zeros(3, 8)) == multiply_adds(layer, torch.zeros(1, 8)) == 16
    for nothing in (torch.zeros(0, 8), torch.zeros(())):
        with pytest.raises(ArgumentError, match="one example at least"):
            multiply_adds(layer, nothing)

"""Whole networks as users write them are the same function as graphs, with the users' names and their weights once."""

from __future__ import annotations

import copy
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from slth.graphs import Conv, Graph, Relu, Scale
from slth.networks.trace import describe
from tests.networks.user_models import MODELS


def trained(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    """A model of default weights in training mode, with batch norms that have seen a batch."""
    make, shape = MODELS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = make()
        for part in model.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                part.running_mean.normal_(0.0, 0.3)
                part.running_var.uniform_(0.5, 1.5)
                part.weight.data.uniform_(0.5, 1.5)
                part.bias.data.normal_(0.0, 0.3)
        for parameter in (getattr(model, "cls_token", None), getattr(model, "pos_embed", None)):
            if parameter is not None:
                nn.init.normal_(parameter)
    return model, shape


@cache  # tests only read them
def described(name: str) -> tuple[nn.Module, Graph]:
    model, shape = trained(name)
    return model, describe(model, shape)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_the_same_function(name: str) -> None:
    model, graph = described(name)
    x = np.random.default_rng(1).normal(0.3, 1.0, (3, *graph.input_shape))
    wanted = copy.deepcopy(model).double().eval()(torch.tensor(x)).detach().numpy()
    found = graph.forward(x)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-10 * np.abs(wanted).max())


@pytest.mark.parametrize("name", ["LeNet-5", "VGG-11", "ResNet-18", "ResNet-20, projections", "Inception"])
def test_batch_norms_fold_into_the_users_convolutions(name: str) -> None:
    model, graph = described(name)
    layers = {path for path, part in model.named_modules() if isinstance(part, nn.Conv2d | nn.Linear)}
    assert {node.name for node in graph.weighted} == layers
    assert not any(isinstance(node.step, Scale) for node in graph.nodes)


def test_the_weights_of_a_layer_without_batch_norm_are_the_modules() -> None:
    model, graph = described("LeNet-5")
    for name, layer in model.named_children():
        assert np.array_equal(graph.node(name).step.weight.reshape(layer.weight.shape), layer.weight.detach().numpy())
        assert np.array_equal(graph.node(name).step.bias, layer.bias.detach().numpy())


def test_a_layer_that_is_used_three_times_is_one_object() -> None:
    model, graph = described("one Linear three times")
    cells = [node for node in graph.weighted if node.name.startswith("cell")]
    assert [node.name for node in cells] == ["cell", "cell-2", "cell-3"]
    assert len({id(node.step) for node in cells}) == 1
    assert graph.parameters == sum(parameter.numel() for parameter in model.parameters())


def test_pre_activation_norms_stay_depthwise_convolutions() -> None:
    _, graph = described("pre-activation ResNet")
    first = graph.node("layers.0.bn1").step
    assert isinstance(first, Conv)
    assert first.groups == 3
    assert first.window.taps == 1
    assert "layers.0.bn2" not in graph.shapes  # it stands behind a convolution


def test_relu6_in_front_of_a_depthwise_convolution_is_two_relus_and_exact_scales() -> None:
    _, graph = described("MobileNet")
    relus = sum(isinstance(node.step, Relu) for node in graph.nodes)
    assert relus == 2 * 7
    assert all(set(node.step.factor) == {-1.0} for node in graph.nodes if isinstance(node.step, Scale))


def test_attention_is_one_node_that_reads_the_tokens_as_keys() -> None:
    _, graph = described("vision transformer")
    attends = [node for node in graph.nodes if type(node.step).__name__ == "Attend"]
    assert [node.name for node in attends] == ["blocks.0.attn.attend", "blocks.1.attn.attend"]
    for node in attends:
        queries, keys, values = node.inputs
        assert graph.node(queries).inputs == graph.node(values).inputs == (keys,)
    assert sum(type(node.step).__name__ == "Positions" for node in graph.nodes) == 1  # class token and positions in one

"""Models by name and the user's own: made, trained or read from a file, and described."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from slth.data.datasets import load
from slth.errors import ArgumentError, DataError
from slth.jobs.models import MODELS, load_weights, model_of, train_target
from slth.networks.untied import shared_with
from slth.training import Recipe

OWN = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, input_shape, classes, width=3):
        super().__init__()
        self.hidden = nn.Linear(input_shape[0], width)
        self.out = nn.Linear(width, classes)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x)))

def plain(width=2):
    return nn.Sequential(nn.Linear(16, width), nn.ReLU(), nn.Linear(width, 4))

def nothing():
    return 7

def broken(input_shape, classes):
    return nn.Linear(input_shape[0], classes, bias="a" + 1)
"""
UNTRAINED = Recipe(epochs=0)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The name of a module of the user's own in the folder that they work in."""
    (tmp_path / "users_net.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield "users_net"
    sys.modules.pop("users_net", None)


def test_residual_networks_take_images_of_any_kind_in_parts_of_their_width():
    target = train_target(model_of("resnet-20", {"width": 0.25}), load("digits"), recipe=UNTRAINED)
    sizes = [node.step.weight.shape[0] for node in target.weighted]
    assert target.input_shape == (1, 8, 8)
    assert sizes == [4] * 7 + [8] * 6 + [16] * 6 + [10]
    with pytest.raises(ArgumentError, match="no images"):
        train_target(model_of("resnet-20"), load("synthetic"), recipe=UNTRAINED)


@pytest.mark.parametrize("name", ["mlp", "small-cnn", "attention"])
def test_a_target_is_what_its_module_computes_and_the_seed_decides(name):
    data, model = load("digits"), model_of(name)
    first, again, other = (train_target(model, data, recipe=UNTRAINED, seed=seed) for seed in (1, 1, 2))
    assert first.input_shape == model.input_shape(data)
    x = data.inputs("test", limit=5).astype(float).reshape(5, *first.input_shape)
    module = model.make(data, 1, **model.options).double().eval()
    wanted = module(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(first.forward(x).reshape(5, -1), wanted, rtol=0, atol=1e-9)
    assert np.array_equal(first.forward(x), again.forward(x))
    assert not np.allclose(first.forward(x), other.forward(x))


def test_training_makes_a_target_better_and_is_heard():
    data, seen = load("synthetic"), []
    inputs, labels = data.inputs("test").astype(float), data.labels("test")

    def accuracy(epochs):
        target = train_target(
            model_of("mlp"), data, recipe=Recipe(epochs=epochs), progress=lambda *report: seen.append(report)
        )
        return np.mean(target.forward(inputs).argmax(axis=1) == labels)

    assert accuracy(3) > accuracy(0) + 0.1
    assert ("training", 3, 3) in seen


def test_options_change_the_model_and_none_is_left_out():
    data = load("digits")
    count = {bias: train_target(model_of("mlp", {"hidden": (4,), "bias": bias}), data, recipe=UNTRAINED).parameters
             for bias in (True, False, None)}  # fmt: skip
    assert count == {True: 65 * 4 + 5 * 10, False: 64 * 4 + 4 * 10, None: 65 * 4 + 5 * 10}
    assert MODELS["mlp"].options == {}


def test_tokens_must_divide_the_inputs():
    data = load("digits")
    model = MODELS["attention"]
    assert model.make(data, 0).tokens == 8
    assert model.make(data, 0, tokens=16).tokens == 16
    for tokens in (0, 7, True):
        with pytest.raises(ArgumentError, match="must divide"):
            model.make(data, 0, tokens=tokens)


def test_blocks_of_a_transformer_are_one_or_several():
    data, model = load("digits"), MODELS["vit"]
    made = {shared: model.make(data, 0, width=8, shared_layers=shared) for shared in (None, "weights", "masks")}
    assert [len(set(one.blocks)) for one in made.values()] == [4, 4, 1]
    assert [len(shared_with(one)) for one in made.values()] == [0, 3 * 4, 0]
    assert len(set(model.make(data, 0, depth=1, shared_layers="weights").blocks)) == 1
    with pytest.raises(ArgumentError, match=r"holds inputs of shape .* and no square images"):
        model.make(load("synthetic"), 0)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("resnet", {}, "model='resnet' is not a known model"),
        ("mpl", {}, "mlp"),
        ("mlp", {"hidden": (4, 0)}, r"hidden=\(4, 0\)"),
        ("mlp", {"hiden": (4,)}, "hiden"),
        ("small-cnn", {"hidden": (4,)}, "hidden"),
        ("vit", {"shared_layers": "both"}, "shared_layers='both' is not known: use weights, or masks"),
        ("vit", {"depth": 0}, "depth=0"),
        ("vit", {"width": 6}, "heads=4 must divide the width 6"),
        ("no_such_module:Net", {}, "cannot be imported"),
        (":Net", {}, "cannot be imported"),
    ],
)
def test_what_there_is_not_is_named(name, options, words):
    with pytest.raises(ArgumentError, match=words):
        train_target(model_of(name, options), load("digits"), recipe=UNTRAINED)


def test_the_users_own_factory_is_found_where_slth_is_run(own):
    data = load("synthetic")
    with_shape = train_target(model_of(f"{own}:Net", {"width": 6}), data, recipe=UNTRAINED)
    assert with_shape.parameters == 17 * 6 + 7 * 4
    assert train_target(model_of(f"{own}:plain"), data, recipe=UNTRAINED).parameters == 17 * 2 + 3 * 4
    x = data.inputs("test", limit=3).astype(float)
    again = train_target(model_of(f"{own}:Net", {"width": 6}), data, recipe=UNTRAINED)
    assert np.array_equal(with_shape.forward(x), again.forward(x))


@pytest.mark.parametrize(
    ("factory", "options", "words"),
    [
        ("Absent", {}, "cannot be imported"),
        ("nothing", {}, "made a int"),
        ("Net", {"depth": 3}, "depth"),
        ("broken", {}, "broken"),
    ],
)
def test_a_factory_that_does_not_do_is_named(own, factory, options, words):
    with pytest.raises(ArgumentError, match=words):
        train_target(model_of(f"{own}:{factory}", options), load("synthetic"), recipe=UNTRAINED)


def test_weights_are_read_from_either_file_and_nothing_is_trained(own, tmp_path):
    data, model = load("synthetic"), model_of(f"{own}:Net")
    module = model.make(data, 5)
    save_file(module.state_dict(), tmp_path / "w.safetensors")
    torch.save(module.state_dict(), tmp_path / "w.pt")
    x = data.inputs("test", limit=4).astype(float)
    wanted = module.double()(torch.from_numpy(x)).detach().numpy()
    for name in ("w.safetensors", "w.pt"):
        seen = []
        target = train_target(
            model, data, weights=tmp_path / name, seed=1, progress=lambda *report, seen=seen: seen.append(report)
        )
        np.testing.assert_allclose(target.forward(x), wanted, rtol=0, atol=1e-9)
        assert seen == []


def test_files_that_are_not_its_weights_are_refused(own, tmp_path):
    module = model_of(f"{own}:Net").make(load("synthetic"), 0)
    save_file({"other": torch.zeros(1)}, tmp_path / "other.safetensors")
    (tmp_path / "damaged.safetensors").write_bytes(b"nothing")
    (tmp_path / "damaged.pt").write_bytes(b"nothing")
    torch.save(module, tmp_path / "whole.pt")  # a pickle, which could run anything
    with pytest.raises(DataError, match=r"other\.safetensors: does not hold the weights"):
        load_weights(module, tmp_path / "other.safetensors")
    for name in ("damaged.safetensors", "damaged.pt", "whole.pt"):
        with pytest.raises(DataError, match=f"{name}: is no file of tensors alone") as refused:
            load_weights(module, tmp_path / name)
        assert "weights_only" not in str(refused.value)  # torch's advice is to run what is in the file
    with pytest.raises(DataError, match="no such file"):
        load_weights(module, tmp_path / "none.pt")

"""Targets in their file: read back exactly, equal for equal networks, refused when damaged."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save
from slth.jobs.target_file import load_target, save_target

from slth.errors import DataError
from slth.tickets import Branch, ConvLayer, ConvNetwork, DenseLayer, DenseNetwork, Flatten, Join, Pool, Swap
from tests.attention_samples import random_target as random_attention
from tests.jobs.samples import small_target


def network():
    rng = np.random.default_rng(0)
    return ConvNetwork(
        (2, 7, 6),
        [
            ConvLayer(rng.normal(size=(4, 1, 3, 3)), rng.normal(size=4), "relu", (2, 1), (1, 1), 2),
            Branch(),
            ConvLayer(rng.normal(size=(4, 4, 3, 3)).astype(np.float32).astype(np.float64), None, "identity", padding=1),
            Swap(),
            ConvLayer(rng.normal(size=(4, 4, 1, 1)), None, "identity"),
            Join("relu"),
            Pool("max", (3, 2), (1, 2), (1, 0)),
            Pool("average", 2),
            Flatten(),
            ConvLayer(rng.normal(size=(3, 4 * 2, 1, 1)), rng.normal(size=3), "identity"),
        ],
    )


def test_convolutions_read_back_and_equal_networks_are_equal_files(tmp_path):
    target = network()
    for name in "ab":
        save_target(target, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    read = load_target(tmp_path / "a")
    assert isinstance(read, ConvNetwork)
    assert read.input_shape == target.input_shape
    for ours, theirs in zip(target.steps, read.steps, strict=True):
        if not isinstance(ours, ConvLayer):
            assert ours == theirs
            continue
        assert np.array_equal(ours.weight, theirs.weight)
        assert (ours.bias is None and theirs.bias is None) or np.array_equal(ours.bias, theirs.bias)
        for name in ("activation", "stride", "padding", "groups"):
            assert getattr(ours, name) == getattr(theirs, name)
    x = np.random.default_rng(1).normal(size=(3, 2, 7, 6))
    assert np.array_equal(read.forward(x), target.forward(x))
    with safe_open(tmp_path / "a", framework="numpy") as file:
        assert file.get_tensor("2.weight").dtype == np.float32  # every number is one
        assert file.get_tensor("0.weight").dtype == np.float64


def test_a_dense_target_reads_back_and_equal_targets_are_equal_files(tmp_path):
    target = small_target()
    single = DenseNetwork([DenseLayer(np.float32([[0.1, 0.2]]).astype(np.float64), None, "identity")])
    for network in (target, single):
        save_target(network, tmp_path / "a")
        save_target(network, tmp_path / "b")
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
        read = load_target(tmp_path / "a")
        for ours, theirs in zip(network.layers, read.layers, strict=True):
            assert np.array_equal(ours.weight, theirs.weight)
            assert (ours.bias is None) == (theirs.bias is None)
            assert ours.bias is None or np.array_equal(ours.bias, theirs.bias)
            assert ours.activation == theirs.activation
    content = (tmp_path / "a").read_bytes()
    assert len(content) < 200  # two numbers of four bytes, and the header
    for wrong in (b"", content[:-1], content[:20], b"\xff" * 100):
        (tmp_path / "c").write_bytes(wrong)
        with pytest.raises(DataError, match="c: is damaged"):
            load_target(tmp_path / "c")
    with pytest.raises(DataError, match="no such file"):
        load_target(tmp_path / "none")


def test_attention_reads_back(tmp_path):
    rng = np.random.default_rng(0)
    for residual in (True, False):
        network = random_attention(rng, embedding=(3,), residual=residual)
        save_target(network, tmp_path / "a")
        back = load_target(tmp_path / "a")
        x = rng.random((4, network.inputs))
        np.testing.assert_array_equal(back.forward(x), network.forward(x))
        save_target(back, tmp_path / "b")
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    (tmp_path / "a").write_bytes(b"nothing")
    for name in ("a", "missing"):
        with pytest.raises(DataError):
            load_target(tmp_path / name)


def header_of(steps, shape=(1, 2, 2)):
    return {"format": "slth target/2", "input_shape": shape, "steps": steps}


CONVOLUTION = {"kind": "convolution", "activation": "relu", "stride": [1, 1], "padding": [0, 0], "groups": 1}


@pytest.mark.parametrize(
    "header",
    [
        {"format": "slth target/2"},
        header_of([]),
        header_of([{"kind": "os.system"}]),
        header_of([{"kind": "pool"}]),
        header_of([{}]),
        header_of([7]),
        header_of([CONVOLUTION], shape=(1, 2)),
        header_of([CONVOLUTION], shape=(3, 2, 2)),
        header_of([CONVOLUTION], shape=None),
        header_of([{**CONVOLUTION, "groups": 2}]),
        header_of([{**CONVOLUTION, "weight": [[[[1.0]]]]}]),
        header_of([{**CONVOLUTION, "activation": "tanh"}]),
        header_of([{"kind": "flatten"}, CONVOLUTION]),
        header_of([CONVOLUTION, {"kind": "join", "activation": "relu"}]),
    ],
)
def test_damaged_headers_are_refused(tmp_path, header):
    content = save({"0.weight": np.ones((1, 1, 1, 1))}, metadata={"slth": json.dumps(header)})
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(DataError, match="c: is damaged"):
        load_target(tmp_path / "c")


def test_other_versions_are_named(tmp_path):
    (tmp_path / "c").write_bytes(save({"a": np.ones(1)}, metadata={"slth": json.dumps({"format": "slth target/3"})}))
    with pytest.raises(DataError, match="not a target file of this version"):
        load_target(tmp_path / "c")

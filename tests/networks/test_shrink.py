"""The small network in files that others read, and what the timing says."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from tests.networks.test_conv_tickets import STACKS, dense_ticket, ticket_of

from slth.errors import ArgumentError
from slth.networks import folded_module, module_from_ticket, outputs_of
from slth.networks.shrink import first_channels, measure_speedup, numbers_of, onnx_of, safetensors_of
from slth.tickets import NetworkDescription


@pytest.mark.parametrize("make", [module_from_ticket, folded_module])
@pytest.mark.parametrize("ticket", [ticket_of(*STACKS["groups"]), dense_ticket()], ids=["convolutions", "dense"])
def test_safetensors_read_back(tmp_path, make, ticket):
    module = make(ticket)
    content = safetensors_of(module, ticket, kind="small")
    assert content == safetensors_of(make(ticket), ticket, kind="small")
    (tmp_path / "s").write_bytes(content)
    with safe_open(tmp_path / "s", framework="pt") as file:
        header = json.loads(file.metadata()["slth"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert header["kind"] == "small"
    assert NetworkDescription.from_json(json.dumps(header["description"])) == ticket.description
    state = module.state_dict()
    assert set(tensors) == set(state)
    assert all(torch.equal(tensors[name], state[name]) for name in state)


def test_numbers_are_counted():
    ticket = ticket_of(*STACKS["classifier"])
    pairs = ticket.description.random_layers
    kept = [int(ticket.mask[f"{pair.path}.channels"].sum()) for pair in pairs]
    expected = sum(count * (1 + pair.dimensions) + 1 for count, pair in zip(kept, pairs, strict=True))
    assert numbers_of(module_from_ticket(ticket)) == expected
    masked = numbers_of(module_from_ticket(ticket, masked=True))
    assert masked == ticket.description.random_parameters + len(pairs)  # the gains


@pytest.mark.parametrize("name", ["classifier", "weights"])
def test_the_first_channels_are_a_ticket_of_a_smaller_network(name):
    ticket = ticket_of(*STACKS[name])
    part = first_channels(ticket, 8)
    assert {pair.channels for pair in part.description.random_layers} == {8}
    for key, array in part.mask.arrays.items():
        assert np.array_equal(array, ticket.mask[key][:8])
    whole = first_channels(ticket, 1000)
    assert whole.kept_weights_sha256() == ticket.kept_weights_sha256()
    assert whole.description == ticket.description


@pytest.mark.parametrize("ticket", [ticket_of(*STACKS["classifier"]), dense_ticket()], ids=["convolutions", "dense"])
def test_speed_is_measured_with_as_many_channels_as_fit(ticket):
    whole = measure_speedup(ticket, batch=2, memory=2**30)
    assert whole.speedup == whole.masked_seconds / whole.small_seconds > 0.0
    assert whole.speedup_channels == ticket.description.random_layers[0].mask_shapes.popitem()[1][0]
    assert whole.agreement < 1e-5
    part = measure_speedup(ticket, batch=2, memory=whole.masked_bytes)  # weights are counted twice
    assert 1 <= part.speedup_channels < whole.speedup_channels
    assert part.masked_bytes < whole.masked_bytes
    with pytest.raises(ArgumentError, match="memory"):
        measure_speedup(ticket, memory=100)
    with pytest.raises(ArgumentError, match="batch"):
        measure_speedup(ticket, batch=0)


def test_without_the_extra_the_way_out_is_named(monkeypatch):
    monkeypatch.setattr("slth.networks.shrink.find_spec", lambda name: None)
    ticket = dense_ticket()
    with pytest.raises(ArgumentError, match=r"onnx, onnxscript.*pip install 'slth\[onnx\]'"):
        onnx_of(module_from_ticket(ticket), ticket)


@pytest.mark.slow
@pytest.mark.parametrize("make", [module_from_ticket, folded_module])
@pytest.mark.parametrize("name", [*STACKS, "dense"])
def test_onnx_gives_the_same_outputs_for_any_batch(make, name, capfd):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    ticket = dense_ticket() if name == "dense" else ticket_of(*STACKS[name])
    module = make(ticket)
    session = runtime.InferenceSession(onnx_of(module, ticket), providers=["CPUExecutionProvider"])
    assert capfd.readouterr() == ("", "")  # standard output may have to be one JSON object
    shape = ticket.description.input_shape or (ticket.description.inputs,)
    for batch in (1, 5):
        x = np.random.default_rng(batch).uniform(-1.0, 1.0, (batch, *shape)).astype(np.float32)
        (found,) = session.run(["y"], {"x": x})
        expected = outputs_of(module, x)
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()

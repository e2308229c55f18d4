"""The small network in files that others read, and what the timing says."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open

from slth.errors import ArgumentError
from slth.graphs.coding import graph_from_text
from slth.networks import module_from_ticket, outputs_of
from slth.networks.shrink import first_channels, measure_speedup, numbers_of, onnx_of, safetensors_of
from slth.tickets import Pair
from slth.tickets.file import SOURCE_KINDS
from tests.ticket_sources import mixed, ticket_of, two_pairs

SOURCES = pytest.mark.parametrize("source", [mixed, two_pairs])


@pytest.mark.parametrize("form", ["small", "folded"])
@SOURCES
def test_safetensors_read_back(tmp_path, form, source):
    ticket = ticket_of(source())
    module = module_from_ticket(ticket, form=form)
    content = safetensors_of(module, ticket, kind="small")
    assert content == safetensors_of(module_from_ticket(ticket, form=form), ticket, kind="small")
    (tmp_path / "s").write_bytes(content)
    with safe_open(tmp_path / "s", framework="pt") as file:
        header = json.loads(file.metadata()["slth"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert header["kind"] == "small"
    read = graph_from_text(json.dumps(header["source"]), None, SOURCE_KINDS)
    assert read.nodes == ticket.source.nodes
    state = module.state_dict()
    assert set(tensors) == set(state)
    assert all(torch.equal(tensors[name], state[name]) for name in state)


@SOURCES
def test_numbers_are_counted(source):
    ticket = ticket_of(source())
    counts = {"small": 0, "masked": 0}
    for layer in ticket.layers:
        if not isinstance(layer, Pair):
            counts = {form: count + 1 + layer.inputs * layer.outputs for form, count in counts.items()}
            continue
        kept = int(ticket.mask[f"{layer.path}.units"].sum())
        counts["small"] += 1 + kept * (1 + layer.dimensions)
        counts["masked"] += 1 + layer.units * layer.sources * (1 + layer.dimensions)
    for form, count in counts.items():
        assert numbers_of(module_from_ticket(ticket, form=form)) == count


@SOURCES
def test_the_first_channels_are_a_ticket_of_a_smaller_network(source):
    ticket = ticket_of(source())
    part = first_channels(ticket, 2)
    assert {layer.units for layer in part.layers if isinstance(layer, Pair)} == {2}
    for layer in ticket.layers:
        for name in layer.mask_shapes:
            kept = ticket.mask[name][:2] if isinstance(layer, Pair) else ticket.mask[name]
            assert np.array_equal(part.mask[name], kept)
    whole = first_channels(ticket, 1000)
    assert whole.kept_weights_sha256() == ticket.kept_weights_sha256()
    assert whole.layers == ticket.layers


@SOURCES
def test_speed_is_measured_with_as_many_channels_as_fit(source):
    ticket = ticket_of(source())
    whole = measure_speedup(ticket, batch=2, memory=2**30)
    assert whole.speedup == whole.masked_seconds / whole.small_seconds > 0.0
    assert whole.speedup_channels == max(layer.units for layer in ticket.layers if isinstance(layer, Pair))
    assert whole.agreement < 1e-5
    part = measure_speedup(ticket, batch=2, memory=whole.masked_bytes)  # weights are counted twice
    assert 1 <= part.speedup_channels < whole.speedup_channels
    assert part.masked_bytes < whole.masked_bytes
    with pytest.raises(ArgumentError, match="memory"):
        measure_speedup(ticket, memory=10)
    with pytest.raises(ArgumentError, match="batch"):
        measure_speedup(ticket, batch=0)


def test_without_the_extra_the_way_out_is_named(monkeypatch):
    monkeypatch.setattr("slth.networks.shrink.find_spec", lambda name: None)
    ticket = ticket_of(two_pairs())
    with pytest.raises(ArgumentError, match=r"onnx, onnxscript.*pip install 'slth\[onnx\]'"):
        onnx_of(module_from_ticket(ticket), ticket.graph.input_shape)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["small", "folded"])
@SOURCES
def test_onnx_gives_the_same_outputs_for_any_batch(form, source, capfd):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    ticket = ticket_of(source())
    module = module_from_ticket(ticket, form=form)
    session = runtime.InferenceSession(onnx_of(module, ticket.graph.input_shape), providers=["CPUExecutionProvider"])
    assert capfd.readouterr() == ("", "")  # standard output may have to be one JSON object
    for batch in (1, 5):
        x = np.random.default_rng(batch).uniform(-1.0, 1.0, (batch, *ticket.graph.input_shape)).astype(np.float32)
        (found,) = session.run(["y"], {"x": x})
        expected = outputs_of(module, x)
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()

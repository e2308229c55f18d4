"""`shrink_ticket` writes whole files and says what the small network costs."""

from __future__ import annotations

import numpy as np
import pytest

from slth.data.datasets import load
from slth.errors import ArgumentError, TicketError
from slth.graphs import Flatten, Graph, Node, Pool
from slth.graphs.file import load_graph
from slth.jobs.models import made, model_of
from slth.jobs.shrinking import shrink_module_ticket, shrink_ticket
from slth.jobs.standardising import Standardised
from slth.networks import OutputChannels, module_from_ticket
from slth.networks.shrink import safetensors_of
from slth.rng import WeightLaw
from slth.searches import EdgePopup, search
from slth.tickets import Mask, Pair, Ticket
from slth.training import Recipe, evaluate


@pytest.fixture
def ticket():
    first = Pair("a", 1, 4, 20, (3, 3), padding=1, removal="channels")
    nodes = [
        Node("a", first, ("input",)),
        Node("pool", Pool("max", 2), ("a",)),
        Node("flat", Flatten(), ("pool",)),
        Node("b", Pair("b", 16, 3, 20, removal="channels"), ("flat",)),
    ]
    source = Graph((1, 4, 4), nodes)
    rng = np.random.default_rng(0)
    shapes = {**nodes[0].step.mask_shapes, **nodes[3].step.mask_shapes}
    masks = {name: rng.random(shape) < 0.3 for name, shape in shapes.items()}
    return Ticket(source, WeightLaw("normal"), 0, Mask(masks), [0.2, 0.2])


def test_files_and_facts(tmp_path, ticket):
    ticket.save(tmp_path / "net.ticket")
    calls = []
    facts = shrink_ticket(
        tmp_path / "net.ticket", tmp_path / "new", fold=True, memory=2**28, batch=2, progress=lambda *c: calls.append(c)
    )
    assert set(facts["files"]) == {"small.safetensors", "folded.safetensors"}
    for name, size in facts["files"].items():
        assert (tmp_path / "new" / name).stat().st_size == size
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(facts["files"])
    expected = safetensors_of(module_from_ticket(ticket), ticket, kind="small")
    assert (tmp_path / "new/small.safetensors").read_bytes() == expected
    assert facts["target_parameters"] == 4 * 9 + 4 + 16 * 3 + 3
    assert facts["small_over_target"] == facts["small_parameters"] / facts["target_parameters"]
    assert facts["small_over_random"] == facts["small_parameters"] / ticket.statistics().random_parameters < 1.0
    assert facts["folded_parameters"] < facts["small_parameters"]
    assert facts["speedup_channels"] == 20
    assert calls == [("shrink", done, 3) for done in (1, 2, 3)]


def test_onnx_without_its_packages_writes_nothing(tmp_path, ticket, monkeypatch):
    monkeypatch.setattr("slth.networks.shrink.find_spec", lambda name: None)
    ticket.save(tmp_path / "net.ticket")
    with pytest.raises(ArgumentError, match=r"slth\[onnx\]"):
        shrink_ticket(tmp_path / "net.ticket", tmp_path / "new", onnx=True)
    assert not (tmp_path / "new").exists()


def test_onnx_files(tmp_path, ticket):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    ticket.save(tmp_path / "net.ticket")
    facts = shrink_ticket(tmp_path / "net.ticket", tmp_path, onnx=True, memory=2**28)
    assert set(facts["files"]) == {"small.safetensors", "small.onnx"}


def test_what_is_no_ticket(tmp_path):
    (tmp_path / "x").write_bytes(b"nothing")
    with pytest.raises(TicketError):
        shrink_ticket(tmp_path / "x", tmp_path)


def test_a_searched_ticket_loses_the_channels_that_were_removed(tmp_path):
    data, model = load("digits"), model_of("small-cnn")
    inputs = Standardised.of(data, data.shape, limit=100)
    method = EdgePopup(density=0.25, structure=OutputChannels(), spared=["7.weight"])
    found = search(made(model, data, 3), inputs.examples("train"), method, recipe=Recipe(epochs=1), seed=3)
    found.ticket.save(tmp_path / "net.ticket")
    facts = shrink_module_ticket(tmp_path / "net.ticket", tmp_path, model, data, batches=(2,), limit=100)
    # 8 and 16 channels become 2 and 4; 8 x 8 pixels, halved twice
    assert facts["small_parameters"] == 2 * 9 + 4 * 2 * 9 + 10 * 4 * 4
    assert facts["masked_parameters"] == 8 * 9 + 16 * 8 * 9 + 10 * 16 * 4
    assert facts["small_multiply_adds"] == 64 * 2 * 9 + 16 * 4 * 2 * 9 + 10 * 4 * 4
    small, test = load_graph(tmp_path / "small.safetensors"), inputs.examples("test")
    assert small.parameters == facts["small_parameters"]
    wanted = found.module(test.inputs).detach().numpy()
    np.testing.assert_allclose(small.forward(test.inputs.numpy()), wanted, atol=1e-5 * np.abs(wanted).max())
    assert facts["agreement"] < 1e-5
    assert facts["accuracy"] == facts["masked_accuracy"] == evaluate(found.module, test).accuracy
    (timing,) = facts["timings"]
    assert timing["speedup"] == timing["masked_seconds"] / timing["small_seconds"] > 0.0
    assert facts["files"] == {"small.safetensors": (tmp_path / "small.safetensors").stat().st_size}

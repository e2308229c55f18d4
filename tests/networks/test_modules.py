"""Graphs and tickets as torch modules: the same function in every form, any batch in bounded memory."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ArgumentError, ResourceError
from slth.graphs import Add, Attend, Conv, Graph, Node, Pool, Positions
from slth.networks import modules, random_layers
from slth.networks.modules import module_of
from slth.networks.outputs import outputs_of
from slth.networks.random_layers import module_from_ticket
from slth.tickets.pair import Pair
from tests.graph_samples import everything
from tests.ticket_sources import mixed, pair_and_plain, ticket_of, two_pairs

FORMS = ("small", "folded", "masked")


def images(graph: Graph, count: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, *graph.input_shape))


def attention() -> Graph:
    """One block of attention between convolutions of size 1, with places, a residual sum, and pairs without a ReLU."""
    return Graph(
        (3, 4),
        [
            Node("where", Positions(), ("input",)),
            Node("places", Pair("places", 4, 5, 3, bias=False), ("where",)),
            Node("embed", Pair("embed", 3, 5, 3, halves="both"), ("input",)),
            Node("tokens", Add(), ("embed", "places")),
            Node("queries", Pair("queries", 5, 10, 4, rectified=False), ("tokens",)),
            Node("values", Pair("values", 5, 10, 4, rectified=False), ("tokens",)),
            Node("attend", Attend(2), ("queries", "tokens", "values")),
            Node("sum", Add(), ("attend", "tokens")),
            Node("mean", Pool("average", (1, 4)), ("sum",)),
            Node("read", Pair("read", 5, 2, 3, halves="both"), ("mean",)),
        ],
    )


@pytest.mark.parametrize("source", [two_pairs, pair_and_plain, mixed, attention])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_ticket_computes_what_the_ticket_does(source, form: str) -> None:
    ticket = ticket_of(source(), density=0.6)
    x = images(ticket.source)
    wanted = ticket.forward(x, form="masked")
    module = module_from_ticket(ticket, form=form, dtype=torch.float64)
    found = module(torch.from_numpy(x))
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-12)
    single = module_from_ticket(ticket, form=form)(torch.from_numpy(x).float())
    np.testing.assert_allclose(single.numpy(), wanted, atol=1e-4 * (1 + np.abs(wanted).max()))
    np.testing.assert_allclose(outputs_of(module, x), wanted, atol=1e-12)  # takes the dtype of the module itself
    assert not any(weight.requires_grad for weight in module.parameters())
    assert not module.training


@given(
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.integers(1, 2),
    groups=st.sampled_from([1, 2]),
    bias=st.booleans(),
    rectified=st.booleans(),
    removal=st.sampled_from(["weights", "channels"]),
    density=st.sampled_from([0.0, 0.1, 0.7]),
    form=st.sampled_from(FORMS),
)
def test_pairs_of_every_geometry(kernel, padding, dilation, groups, bias, rectified, removal, density, form) -> None:
    pair = Pair("p", 2, 4, 3, kernel, (1, 2), (padding, (1, 0)), dilation, groups, bias, removal, "both", rectified)
    source = Graph((2, 5, 6), [Node("p", pair, ("input",))])
    ticket = ticket_of(source, density=density)
    x = images(source)
    found = module_from_ticket(ticket, form=form, dtype=torch.float64)(torch.from_numpy(x))
    np.testing.assert_allclose(found.numpy(), ticket.forward(x, form="masked"), atol=1e-12)


def test_a_target_as_a_module_computes_what_the_graph_does() -> None:
    graph = everything()
    x = images(graph)
    found = module_of(graph, dtype="float64")(torch.from_numpy(x))
    np.testing.assert_allclose(found.numpy(), graph.forward(x), atol=1e-12)


@pytest.mark.parametrize(
    "pool",
    [
        Pool("max", 3, stride=2, padding=((1, 0), (0, 1))),
        Pool("average", 3, stride=2, padding=((1, 0), (0, 1))),
        Pool("average", 3, stride=2, padding=((1, 0), (0, 1)), count_padding=False),
        Pool("average", 2, ceil=True),
        Pool("average", 2, dilation=2),
        Pool("max", 2, stride=1, dilation=2),
    ],
)
def test_poolings_of_every_kind(pool: Pool) -> None:
    graph = Graph((2, 5, 7), [Node("pool", pool, ("input",))])
    x = images(graph)
    found = module_of(graph, dtype="float64")(torch.from_numpy(x))
    np.testing.assert_allclose(found.numpy(), graph.forward(x), atol=1e-14)


@pytest.mark.parametrize("form", FORMS)
def test_parts_of_a_batch_and_of_hidden_channels_do_not_show(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = ticket_of(mixed(), density=0.8)
    x = torch.from_numpy(images(ticket.source, 9))
    whole = module_from_ticket(ticket, form=form, dtype=torch.float64)(x)
    for budget in (7, 300, 2000):
        monkeypatch.setattr(modules, "BUDGET", budget)
        monkeypatch.setattr(random_layers, "BUDGET", budget)
        found = module_from_ticket(ticket, form=form, dtype=torch.float64)(x)
        np.testing.assert_allclose(found.numpy(), whole.numpy(), atol=1e-12)


def test_a_layer_at_two_nodes_is_held_once() -> None:
    pair = Pair("p", 3, 3, 4, halves="both")
    source = Graph((3,), [Node("p", pair, ("input",)), Node("again", pair, ("p",))])
    module = module_from_ticket(ticket_of(source))
    assert module.layer("p") is module.layer("again")
    shared = Conv(np.ones((2, 2)))
    twice = module_of(Graph((2,), [Node("a", shared, ("input",)), Node("b.c", shared, ("a",))]))
    assert twice.layer("a") is twice.layer("b.c")


def test_state_moves_through_a_file() -> None:
    ticket = ticket_of(mixed())
    module = module_from_ticket(ticket, dtype=torch.float64)
    buffer = io.BytesIO()
    torch.save(module.state_dict(), buffer)
    buffer.seek(0)
    other = module_from_ticket(ticket_of(mixed(), seed=6), dtype=torch.float64)
    assert set(other.state_dict()) == set(module.state_dict())
    x = torch.from_numpy(images(ticket.source))
    assert torch.equal(module_from_ticket(ticket, dtype=torch.float64)(x), module(x))


@pytest.mark.parametrize("form", FORMS)
def test_a_module_can_be_exported_for_batches_of_any_size(form: str) -> None:
    ticket = ticket_of(mixed())
    module = module_from_ticket(ticket, form=form, dtype=torch.float64)
    x = torch.from_numpy(images(ticket.source, 6))
    batch = {0: torch.export.Dim("batch")}
    program = torch.export.export(module, (x[:2],), dynamic_shapes=(batch,)).module()
    np.testing.assert_allclose(program(x).numpy(), module(x).numpy(), atol=1e-12)


def test_bad_input_is_named() -> None:
    module = module_from_ticket(ticket_of(two_pairs()))
    with pytest.raises(ArgumentError, match=r"x=\[3\] must have shape \[batch, 3\]"):
        module(torch.zeros(3))
    with pytest.raises(ArgumentError, match=r"x=torch.float64 must be torch.float32"):
        module(torch.zeros(1, 3, dtype=torch.float64))
    with pytest.raises(ArgumentError, match="form='tiny'"):
        module_from_ticket(ticket_of(two_pairs()), form="tiny")
    with pytest.raises(ArgumentError, match="dtype='float16'"):
        module_from_ticket(ticket_of(two_pairs()), dtype="float16")
    with pytest.raises(ArgumentError, match="graph='layer0' is a random layer"):
        module_of(two_pairs())


def test_a_masked_network_that_does_not_fit_is_refused_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair("p", 64, 256, 20_000, removal="channels")
    ticket = ticket_of(Graph((64,), [Node("p", pair, ("input",))]), density=0.0)
    monkeypatch.setattr("slth.resources.available_memory", lambda: 2**30)
    with pytest.raises(ResourceError, match="form='masked' needs"):
        module_from_ticket(ticket, form="masked")


@pytest.mark.slow
@pytest.mark.parametrize(("form", "dtype"), [*((form, "float32") for form in FORMS), ("small", "float64")])
def test_images_through_thousands_of_channels_within_a_gibibyte(form: str, dtype: str) -> None:
    """The reference CNN at n = 10,000 with nine of ten channels kept, in a process whose peak the system tells."""
    program = f"""
import resource, numpy as np, torch
from slth.graphs import Flatten, Graph, Node, Pool, Relu
from slth.networks.random_layers import module_from_ticket
from slth.tickets.pair import Pair
from tests.ticket_sources import ticket_of
same = dict(kernel=(3, 3), padding=1, removal="channels")
source = Graph((1, 28, 28), [
    Node("a", Pair("a", 1, 8, 20_000, **same), ("input",)),
    Node("ra", Relu(), ("a",)),
    Node("pa", Pool("max", 2), ("ra",)),
    Node("b", Pair("b", 8, 16, 20_000, **same), ("pa",)),
    Node("rb", Relu(), ("b",)),
    Node("pb", Pool("max", 2), ("rb",)),
    Node("f", Flatten(), ("pb",)),
    Node("c", Pair("c", 784, 10, 4_000, removal="channels"), ("f",)),
])
ticket = ticket_of(source, density=0.9)
module = module_from_ticket(ticket, form="{form}", dtype="{dtype}")
held = sum(part.numel() * part.element_size() for part in module.state_dict().values())
x = torch.rand(1000, 1, 28, 28, dtype=torch.{dtype})[:{"1000" if form == "folded" else "6"}]
module(x[:1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with torch.no_grad():
    module(x)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(ran.stdout) < 1.0

"""Graphs: the walk and its checks, evaluation in parts, and files that give the same network again."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from slth.errors import ArgumentError, DataError
from slth.graphs import (
    Add,
    Conv,
    Graph,
    Node,
    Relu,
)
from slth.graphs import graph as graphs
from slth.graphs.coding import KINDS, graph_from_text, graph_text
from slth.graphs.file import load_graph, save_graph
from tests.graph_samples import everything, numbers


def test_every_kind_of_step_stands_in_the_example() -> None:
    assert {type(node.step) for node in everything().nodes} == set(KINDS.values())


def test_a_walk_by_hand_gives_the_same() -> None:
    graph, x = everything(), numbers(3, 2, 6, 6, seed=9)
    values = {"input": x}
    for node in graph.nodes:
        values[node.name] = node.step.forward(*(values[name] for name in node.inputs))
        assert values[node.name].shape[1:] == graph.shapes[node.name]
    assert graph.forward(x).shape == (3, 3) == (3, *graph.output_shape)
    np.testing.assert_allclose(graph.forward(x), values["head"].reshape(3, 3), atol=1e-12)


def test_a_batch_in_parts_is_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, x = everything(), numbers(7, 2, 6, 6, seed=9)
    whole = graph.forward(x)
    monkeypatch.setattr(graphs, "_BATCH_NUMBERS", 2 * graphs.largest_scratch(graph))
    np.testing.assert_allclose(graph.forward(x), whole, atol=1e-12)
    assert graph.forward(x[:0]).shape == (0, 3)


def test_nonnegative_values_are_found_and_never_negative() -> None:
    graph = everything()
    known = graph.nonnegative(inputs=False)
    assert [name for name, never in known.items() if never] == [
        "relu1", "mean", "short", "both", "where", "unused",
    ]  # fmt: skip
    seen: dict[str, float] = {}

    def watch(node: Node, inputs: tuple[np.ndarray, ...]) -> np.ndarray:
        result = node.step.forward(*inputs)
        seen[node.name] = float(result.min())
        return result

    graph.run(numbers(20, 2, 6, 6, seed=3), watch)
    assert all(seen[name] >= 0.0 for name, never in known.items() if never)


def test_values_that_nobody_takes_any_more_are_dropped() -> None:
    alive: list[int] = []

    class Value:
        def __init__(self) -> None:
            alive.append(1)

        def __del__(self) -> None:
            alive.pop()

    graph = Graph((1,), [Node(f"n{i}", Relu(), (f"n{i - 1}" if i else "input",)) for i in range(9)])
    most = []

    def forward(node: Node, inputs: tuple[Value, ...]) -> Value:
        most.append(len(alive))
        return Value()

    graph.run(Value(), forward)
    assert max(most) <= 2


def test_a_layer_that_is_used_twice_is_counted_once() -> None:
    shared = Conv(numbers(2, 2))
    graph = Graph((2,), [Node("a", shared, ("input",)), Node("b", shared, ("a",))])
    assert graph.parameters == 4


@pytest.mark.parametrize(("shape", "image"), [((5,), (5, 1, 1)), ((5, 4), (5, 1, 4)), ((5, 4, 3), (5, 4, 3))])
def test_inputs_of_one_and_two_axes_are_images_inside(shape, image) -> None:
    graph = Graph(shape, [Node("relu", Relu(), ("input",))])
    assert graph.image_shape == image
    assert graph.forward(numbers(2, *shape)).shape == (2, *(image if image[1:] != (1, 1) else image[:1]))


def test_results_come_in_the_shape_that_is_asked_for() -> None:
    graph = Graph((2, 3), [Node("relu", Relu(), ("input",))], output_shape=(2, 3))
    x = numbers(4, 2, 3)
    assert np.array_equal(graph.forward(x), np.maximum(x, 0.0))


def test_a_file_gives_the_same_network_and_equal_networks_equal_files(tmp_path: Path) -> None:
    graph, x = everything(), numbers(3, 2, 6, 6, seed=9)
    for name in ("a", "b"):
        save_graph(graph, tmp_path / name)
    read = load_graph(tmp_path / "a")
    assert np.array_equal(read.forward(x), graph.forward(x))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    text, _ = graph_text(read)
    assert text == graph_text(graph)[0]


def test_a_network_trained_in_float32_is_stored_in_half_the_size(tmp_path: Path) -> None:
    weight = numbers(50, 100).astype(np.float32)
    for name, array in (("single", weight), ("double", weight.astype(np.float64) + 1e-9)):
        save_graph(Graph((100,), [Node("a", Conv(array), ("input",))]), tmp_path / name)
    sizes = [(tmp_path / name).stat().st_size for name in ("single", "double")]
    assert sizes[1] - sizes[0] == 4 * weight.size


@pytest.mark.parametrize("damage", ["cut", "flip", "text", "missing", "foreign"])
def test_damaged_files_are_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "net"
    save_graph(everything(), path)
    content = path.read_bytes()
    changed = {
        "cut": content[:-5],
        "flip": content.replace(b"relu", b"rely", 1),
        "text": b"not a network",
        "missing": b"",
        "foreign": content.replace(b"graph/1", b"graph/9"),
    }[damage]
    path.write_bytes(changed)
    with pytest.raises(DataError, match=r"is damaged|is no network file"):
        load_graph(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="net: there is no such file"):
        load_graph(tmp_path / "net")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "must be a JSON object"),
        ('{"input_shape":[1],"nodes":[],"output_shape":[1],"output_shape":[1]}', "stands twice"),
        ('{"input_shape":[1],"nodes":[]}', "output_shape"),
        ('{"input_shape":[1],"nodes":[],"output_shape":[1]}', "at least one node"),
        ('{"input_shape":[1],"nodes":[{"kind":"exec","name":"a"}],"output_shape":[1]}', "kind is one of"),
        ('{"input_shape":[1],"nodes":[{"kind":"relu","name":"a","x":1}],"output_shape":[1]}', "unknown keys"),
        ('{"input_shape":[1],"nodes":[{"kind":"relu","name":"a","from":"b"}],"output_shape":[1]}', "names of nodes"),
        ('{"input_shape":[1],"nodes":[{"kind":"relu","name":1}],"output_shape":[1]}', "name=1 must be"),
        ('{"input_shape":[1e9],"nodes":[{"kind":"relu","name":"a"}],"output_shape":[1]}', "positive integers"),
        ('{"input_shape":[1],"nodes":[{"kind":"conv","name":"a"}],"output_shape":[1]}', "weight"),
        ('{"input_shape":[NaN],"nodes":[{"kind":"relu","name":"a"}],"output_shape":[1]}', "no number of JSON"),
    ],
)
def test_texts_that_describe_no_network_are_refused(text: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        graph_from_text(text)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([], "at least one node"),
        ([Node("a", Relu(), ("b",)), Node("b", Relu(), ("input",))], "takes 'b', which is no node before it"),
        ([Node("a", Relu(), ("input",)), Node("a", Relu(), ("a",))], "name='a' names two nodes"),
        ([Node("a", Conv(np.ones((1, 3))), ("input",))], "node a=.*does not fit: inputs=3 must be the 2 channels"),
        ([Node("a", Add(), ("input",))], "two or more inputs of one shape"),
    ],
)
def test_nodes_that_do_not_fit_are_named(nodes, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Graph((2,), nodes)


@pytest.mark.parametrize("name", ["", "a b", "input", "x" * 201, "../a", 3])
def test_names_that_cannot_name_a_stream_are_refused(name) -> None:
    with pytest.raises(ArgumentError, match="name="):
        Node(name, Relu(), ("input",))


@pytest.mark.parametrize(
    ("x", "message"),
    [(np.ones((2, 3)), "must have shape .batch, 2."), ([[np.nan, 1.0]], "must be finite"), ([["a", "b"]], "dtype")],
)
def test_bad_inputs_are_refused(x, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Graph((2,), [Node("a", Relu(), ("input",))]).forward(x)


def test_a_graph_travels_between_processes() -> None:
    graph, x = everything(), numbers(2, 2, 6, 6)
    assert np.array_equal(pickle.loads(pickle.dumps(graph)).forward(x), graph.forward(x))

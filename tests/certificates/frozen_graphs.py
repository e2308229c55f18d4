"""The guard's frozen numbers as graphs and folded layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from slth.graphs import Add, Attend, Concat, Conv, Flatten, Graph, Node, Pool, Positions, Relu
from slth.tickets.folded import Folded
from slth.tickets.pair import Pair, RandomLayer


def graphs_of(case):
    """Return target, random network and folded layers by node of a frozen case."""
    nodes, random, folded = [], {}, {}
    shallow = case.method["method"] == "shallow"
    for node in case.nodes:
        name, kind, inputs = node["name"], node["kind"], tuple(node["inputs"])
        if kind == "affine":
            weight, bias = case.array(name, "weight"), case.array(name, "bias")
            window = {"stride": tuple(node["stride"]), "padding": tuple(node["padding"]), "groups": node["groups"]}
            step = Conv(weight, bias, **window)
            if shallow:
                outputs, width = case.array(name, "positive_lower").shape[:2]
                random[name] = Pair(name, width, outputs, 1) if not random else RandomLayer(name, width, outputs)
            plain = isinstance(random.get(name), RandomLayer)
            folded[name] = replace(_folded(case, node, random.get(name, step).geometry), plain=plain)
            nodes.append(Node(name, step, inputs))
        elif kind == "attend":
            nodes += _attention(case, node, folded)
        elif kind == "positions":
            nodes += [Node(f"{name}.places", Positions(), inputs), Node(name, Concat(), (*inputs, f"{name}.places"))]
        else:
            nodes.append(Node(name, _plain(node), inputs))
    source = [Node(node.name, random.get(node.name, node.step), node.inputs) for node in nodes]
    shape = tuple(case.input_shape)
    return Graph(shape, nodes), Graph(shape, source), folded


def _plain(node):
    if node["kind"] == "pool":
        return Pool(node["operation"], *(tuple(node[part]) for part in ("kernel", "stride", "padding")))
    return {"relu": Relu(), "flatten": Flatten(), "add": Add()}[node["kind"]]


def _folded(case, node, shape):
    def ends(part):
        lower = case.array(node["name"], f"{part}_lower")
        return None if lower is None else (lower, case.array(node["name"], f"{part}_upper"))

    sizes = (case.array(node["name"], part) for part in ("magnitude", "constant_magnitude"))
    return Folded(shape, ends("positive"), ends("negative"), ends("constant"), *sizes, node["terms"], node["factor"])


def _attention(case, node, folded):
    """Queries and values are convolutions of size 1 of the tokens, which are the keys of all heads."""
    name, (tokens,) = node["name"], node["inputs"]
    heads, width, _ = case.array(name, "scores").shape

    def kernel(part):
        return np.ascontiguousarray(case.array(name, part).swapaxes(1, 2)).reshape(-1, width, 1, 1)

    nodes = []
    for part in ("scores", "values"):
        conv = Conv(kernel(part))
        nodes.append(Node(f"{name}.{part}", conv, (tokens,)))
        ends = kernel(f"{part}_lower"), kernel(f"{part}_upper")
        size, terms = kernel(f"{part}_magnitude"), node[f"{part}_terms"]
        folded[f"{name}.{part}"] = Folded(conv.geometry, ends, None, None, size, None, terms, node["factor"])
    inputs = (f"{name}.scores", tokens, f"{name}.values")
    if not node["residual"]:
        return [*nodes, Node(name, Attend(heads), inputs)]
    return [*nodes, Node(f"{name}.heads", Attend(heads), inputs), Node(name, Add(), (tokens, f"{name}.heads"))]

"""Graphs as text and arrays: each step is its kind and its fields, and reading executes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

import numpy as np

from slth.errors import ArgumentError
from slth.graphs.attend import Attend
from slth.graphs.conv import Conv
from slth.graphs.graph import INPUT, Graph, Node
from slth.graphs.plain import Add, Concat, Flatten, Positions, Rearrange, Relu
from slth.graphs.pooling import AdaptivePool, Pool
from slth.graphs.scale import Scale

KINDS: dict[str, type[Any]] = {
    "conv": Conv,
    "relu": Relu,
    "add": Add,
    "concat": Concat,
    "flatten": Flatten,
    "rearrange": Rearrange,
    "positions": Positions,
    "pool": Pool,
    "adaptive-pool": AdaptivePool,
    "attend": Attend,
    "scale": Scale,
}
"""The steps of a target, by the words that files have for them."""

_DEEPEST = 2**14  # nodes that a text may ask for


def graph_text(graph: Graph, kinds: Mapping[str, type[Any]] = KINDS) -> tuple[str, dict[str, Any]]:
    """Return a graph as compact JSON and the arrays of its steps, named "node.field"; equal graphs give equal ones.

    What goes without saying is left out, so that a further layer of a deep network costs few bytes: a name that is the
    kind and the node's number, inputs that are the node before, a field ``path`` that is the name, and whatever field
    is as in the last node of the same kind, or has its default in the first.
    """
    words = {kind: word for word, kind in kinds.items()}
    entries: list[dict[str, Any]] = []
    arrays: dict[str, Any] = {}
    last: dict[str, dict[str, Any]] = {}
    before = INPUT
    for number, node in enumerate(graph.nodes):
        word = words[type(node.step)]
        entry: dict[str, Any] = {"kind": word}
        if node.name != f"{word}{number}":
            entry["name"] = node.name
        if node.inputs != (before,):
            entry["from"] = list(node.inputs)
        usual = _usual(type(node.step), node.name, last.get(word, {}))
        values = {field.name: getattr(node.step, field.name) for field in fields(node.step)}
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                arrays[f"{node.name}.{name}"] = value
            elif name not in usual or value != usual[name]:
                entry[name] = value
        last[word] = values
        entries.append(entry)
        before = node.name
    content: dict[str, Any] = {"input_shape": graph.input_shape, "nodes": entries}
    if graph.output != graph.nodes[-1].name:
        content["output"] = graph.output
    content["output_shape"] = graph.output_shape
    return _compact(content), arrays


def _usual(kind: type[Any], name: str, last: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that fields of a node have when they are not stated, but for arrays."""
    usual = {field.name: field.default for field in fields(kind) if field.default is not MISSING}
    usual |= {key: value for key, value in last.items() if not isinstance(value, np.ndarray)}
    if any(field.name == "path" for field in fields(kind)):
        usual["path"] = name
    return usual


def graph_from_text(
    text: str, arrays: Mapping[str, Any] | None = None, kinds: Mapping[str, type[Any]] = KINDS
) -> Graph:
    """Read what :func:`graph_text` wrote; unknown or missing keys, kinds and arrays are refused."""
    content = strict_json("graph", text)
    _check_keys("graph", content, {"input_shape", "nodes", "output_shape"}, {"output"})
    entries = content["nodes"]
    if not isinstance(entries, list) or len(entries) > _DEEPEST:
        raise ArgumentError("nodes", entries, "must be a list of nodes", "write it with graph_text()")
    remaining = dict(arrays or {})
    nodes: list[Node] = []
    last: dict[type[Any], Any] = {}
    for entry in entries:
        kind = _kind(entry, kinds)
        nodes.append(_node(entry, nodes, kind, last.get(kind), remaining))
        last[kind] = nodes[-1].step
    if remaining:
        raise ArgumentError("arrays", sorted(remaining), "belong to no node", "the file was changed")
    shapes = [tuple(content[key]) if isinstance(content[key], list) else content[key]
              for key in ("input_shape", "output_shape")]  # fmt: skip
    output = content.get("output", "")
    if not isinstance(output, str):
        raise ArgumentError("output", output, "must be the name of a node", "write it with graph_text()")
    return Graph(shapes[0], nodes, output, shapes[1])


def packed(text: str) -> str:
    """Return what :func:`graph_text` wrote in fewer characters, none of which JSON has to escape.

    Parts with ";" between: the shape of the input; of each node ``kind:name <inputs field=value ...``, in which inputs
    are numbers of nodes from 1 and 0 is the graph's input; the shape of the output, and its node.
    """
    content = json.loads(text)
    places = {INPUT: 0}
    parts = [",".join(map(str, content["input_shape"]))]
    for number, entry in enumerate(content["nodes"]):
        kind, name, inputs = entry.pop("kind"), entry.pop("name", ""), entry.pop("from", [])
        words = [f"{kind}:{name}" if name else kind]
        words += ["<" + ",".join(str(places[one]) for one in inputs)] if inputs else []
        words += [f"{key}={value if isinstance(value, str) else _compact(value)}" for key, value in entry.items()]
        places[name or f"{kind}{number}"] = number + 1
        parts.append(" ".join(words))
    shape = ",".join(map(str, content["output_shape"]))
    return ";".join([*parts, f"{shape} {content['output']}" if "output" in content else shape])


def unpacked(text: str) -> str:
    """Return the JSON of which :func:`packed` made a text, or raise ArgumentError where none was."""
    first, *parts = text.split(";")
    if len(parts) > _DEEPEST + 1:
        raise ArgumentError("nodes", len(parts), f"are more than {_DEEPEST}", "no network is that deep")
    names, nodes = {"0": INPUT}, list[dict[str, Any]]()
    try:
        shape, *output = parts.pop().split(" ")
        for number, part in enumerate(parts):
            head, *words = part.split(" ")
            kind, _, name = head.partition(":")
            pairs: list[tuple[str, Any]] = [("kind", kind), *([("name", name)] if name else [])]
            for word in words:
                key, _, value = word.partition("=")
                inputs = word.startswith("<")
                pairs.append(("from", [names[one] for one in word[1:].split(",")]) if inputs else (key, _value(value)))
            nodes.append(_distinct(pairs))
            names[str(number + 1)] = name or f"{kind}{number}"
        shapes = [[int(size) for size in each.split(",")] for each in (first, shape)]
    except (ValueError, LookupError, RecursionError) as error:
        remedy = "the text was changed or written by another program"
        raise ArgumentError("source", text, f"is not valid JSON, and no packed graph ({error})", remedy) from None
    content = {"input_shape": shapes[0], "nodes": nodes, "output_shape": shapes[1]}
    return _compact(content | ({"output": " ".join(output)} if output else {}))


def _value(text: str) -> Any:
    """Return a number, list or truth value, or the word itself."""
    try:
        return json.loads(text, parse_constant=_refused)
    except ValueError:
        return text


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _kind(entry: object, kinds: Mapping[str, type[Any]]) -> type[Any]:
    word = entry.get("kind") if isinstance(entry, dict) else None
    if not isinstance(word, str) or word not in kinds:
        rule = f"must be an object whose kind is one of {sorted(kinds)}"
        raise ArgumentError("node", entry, rule, "a newer version of slth may know it")
    return kinds[word]


def _node(entry: dict[str, Any], nodes: list[Node], kind: type[Any], last: Any, arrays: dict[str, Any]) -> Node:
    name = entry.get("name", f"{entry['kind']}{len(nodes)}")
    inputs = entry.get("from", [nodes[-1].name if nodes else INPUT])
    if not isinstance(inputs, list) or not all(isinstance(one, str) for one in inputs):
        raise ArgumentError(f"from of {name}", inputs, "must be names of nodes", "write it with graph_text()")
    known = {field.name for field in fields(kind)}
    stated = {key: _tuples(value) for key, value in entry.items() if key not in ("kind", "name", "from")}
    stated |= {key: arrays.pop(f"{name}.{key}") for key in sorted(known) if f"{name}.{key}" in arrays}
    values = {} if last is None else {field.name: getattr(last, field.name) for field in fields(kind)}
    given = _usual(kind, name, values) | stated
    _check_keys(f"node {name}", given, {f.name for f in fields(kind) if f.default is MISSING}, known)
    return Node(name, kind(**given), tuple(inputs))


def _tuples(value: Any) -> Any:
    return tuple(_tuples(part) for part in value) if isinstance(value, list) else value


def _check_keys(name: str, content: Mapping[str, Any], needed: set[str], possible: set[str]) -> None:
    odd = sorted((needed - set(content)) | (set(content) - needed - possible))
    if odd:
        raise ArgumentError(name, odd, "are missing or unknown keys", "write it with graph_text()")


def strict_json(argument: str, text: str) -> dict[str, Any]:
    """Parse a JSON object without repeated keys, or raise ArgumentError."""
    remedy = "the text was changed or written by another program"
    try:
        content = json.loads(text, object_pairs_hook=_distinct, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise ArgumentError(argument, text, f"is not valid JSON ({error})", remedy) from None
    if not isinstance(content, dict):
        raise ArgumentError(argument, text, "must be a JSON object", remedy)
    return content


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key stands twice")
    return content


def _refused(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")

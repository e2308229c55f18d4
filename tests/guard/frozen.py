"""Frozen networks, tickets and certificates as plain numbers: read, write and evaluate them with numpy alone.

What every array and field means stands in README.md beside this file. Nothing here knows a class of the package.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
FAMILIES = ("dense", "convolutional", "attention")


@dataclass
class Case:
    """A target, the box, how a ticket was made, what the ticket folds to, and what was published about it."""

    name: str
    family: str
    method: dict[str, Any]
    input_shape: tuple[int, int, int]
    nodes: list[dict[str, Any]]
    steps: list[str]
    arrays: dict[str, np.ndarray]
    published: dict[str, Any] = field(default_factory=dict)

    @property
    def box(self):
        """Smallest and largest input, float64[channels, height, width]."""
        return self.arrays["low"], self.arrays["high"]

    def array(self, node, part):
        """An array of a node, or None where it has none of that name."""
        return self.arrays.get(f"{node}/{part}")

    def node(self, name):
        """The node of that name."""
        return next(node for node in self.nodes if node["name"] == name)

    def weighted(self):
        """The nodes with weights, in order."""
        return [node for node in self.nodes if node["kind"] in ("affine", "attend")]


def load(folder=FOLDER):
    """Return the frozen cases by name."""
    cases = {}
    for family in FAMILIES:
        described = json.loads((folder / f"{family}.json").read_text(encoding="utf-8"))
        with np.load(folder / f"{family}.npz") as stored:
            arrays = {name: stored[name] for name in stored.files}
        for name, fields in described.items():
            own = {key.removeprefix(f"{name}/"): array for key, array in arrays.items() if key.startswith(f"{name}/")}
            cases[name] = Case(name=name, family=family, arrays=own, **fields)
    return cases


def save(cases, folder=FOLDER):
    """Write the cases, one pair of files for each family."""
    for family in FAMILIES:
        chosen = [case for case in cases if case.family == family]
        names = ("method", "input_shape", "nodes", "steps", "published")
        described = {case.name: {name: getattr(case, name) for name in names} for case in chosen}
        (folder / f"{family}.json").write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
        arrays = {f"{case.name}/{key}": array for case in chosen for key, array in case.arrays.items()}
        np.savez_compressed(folder / f"{family}.npz", **arrays)


def evaluate(case, x, *, ticket=False):
    """Return target's or ticket's outputs float64[batch, ...] for float64[batch, channels, height, width], naively.

    The ticket is evaluated at the middle of its enclosures.
    """
    values = {"input": np.asarray(x, np.float64)}
    for node in case.nodes:
        given = [values[name] for name in node["inputs"]]
        values[node["name"]] = KINDS[node["kind"]](case, node, ticket, *given)
    return values[case.nodes[-1]["name"]]


def _middle(case, node, part):
    return case.array(node["name"], f"{part}_lower") / 2 + case.array(node["name"], f"{part}_upper") / 2


def _affine(case, node, ticket, x):
    name = node["name"]
    if not ticket:
        result = _slide(x, case.array(name, "weight"), node)
        bias = case.array(name, "bias")
        return result if bias is None else result + bias[:, None, None]
    positive = _middle(case, node, "positive")
    halves = case.array(name, "negative_lower") is not None
    result = _slide(np.maximum(x, 0.0) if halves else x, positive, node)
    if halves:
        result = result + _slide(np.minimum(x, 0.0), _middle(case, node, "negative"), node)
    if case.array(name, "constant_lower") is not None:
        constant = _middle(case, node, "constant")[:, None]
        ones = np.ones((1, 1, *x.shape[2:]))
        result = result + _slide(ones, constant, {**node, "groups": 1})
    return result


def _slide(x, weight, node):
    """Correlate images with kernels float64[outputs, inputs / groups, height, width], output by output."""
    (down, across), (rows, columns), groups = node["stride"], node["padding"], node["groups"]
    padded = np.pad(x, ((0, 0), (0, 0), (rows, rows), (columns, columns)))
    outputs, inputs, height, width = weight.shape
    tall, wide = (padded.shape[2] - height) // down + 1, (padded.shape[3] - width) // across + 1
    result = np.zeros((len(x), outputs, tall, wide))
    for o in range(outputs):
        first = o // (outputs // groups) * inputs
        seen = padded[:, first : first + inputs]
        for r in range(tall):
            for c in range(wide):
                part = seen[:, :, r * down : r * down + height, c * across : c * across + width]
                result[:, o, r, c] = (part * weight[o]).sum(axis=(1, 2, 3))
    return result


def _pool(case, node, ticket, x):
    (height, width), (down, across), (rows, columns) = node["kernel"], node["stride"], node["padding"]
    largest = node["operation"] == "max"
    edge = -np.inf if largest else 0.0
    padded = np.pad(x, ((0, 0), (0, 0), (rows, rows), (columns, columns)), constant_values=edge)
    tall, wide = (padded.shape[2] - height) // down + 1, (padded.shape[3] - width) // across + 1
    result = np.zeros((*x.shape[:2], tall, wide))
    for r in range(tall):
        for c in range(wide):
            part = padded[:, :, r * down : r * down + height, c * across : c * across + width]
            result[:, :, r, c] = part.max(axis=(2, 3)) if largest else part.mean(axis=(2, 3))
    return result


def _positions(case, node, ticket, x):
    tokens = x.shape[3]
    places = np.broadcast_to(np.eye(tokens)[None, :, None, :], (len(x), tokens, 1, tokens))
    return np.concatenate([x, places], axis=1)


def _attend(case, node, ticket, x):
    tokens = x[:, :, 0].swapaxes(1, 2)
    scores, values = (
        _middle(case, node, part) if ticket else case.array(node["name"], part) for part in ("scores", "values")
    )
    result = tokens if node["residual"] else 0.0
    for a, b in zip(scores, values, strict=True):
        products = (tokens @ a) @ tokens.swapaxes(1, 2)
        risen = np.exp(products - products.max(axis=2, keepdims=True))
        result = result + risen / risen.sum(axis=2, keepdims=True) @ (tokens @ b)
    return result.swapaxes(1, 2)[:, :, None]


KINDS = {
    "affine": _affine,
    "relu": lambda case, node, ticket, x: np.maximum(x, 0.0),
    "pool": _pool,
    "flatten": lambda case, node, ticket, x: x.reshape(len(x), -1, 1, 1),
    "add": lambda case, node, ticket, x, y: x + y,
    "positions": _positions,
    "attend": _attend,
}

"""Thirty small seeded targets as plain numbers, with the box, the method and its options: what the guard was frozen of.

Only numpy is used, so that they can be built again whatever the package's classes are called.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from tests.guard.frozen import Case


class Builder:
    """Writes down a network node after node; ``here`` is the node that the next one takes."""

    def __init__(self, seed, shape):
        self.rng = np.random.default_rng(seed)
        self.input_shape, self.shape = shape, shape
        self.nodes, self.steps, self.arrays = [], [], {}
        self.here, self.aside = "input", []

    def add_node(self, kind, *inputs, step=True, **fields):
        name = f"{kind}{len(self.nodes)}"
        self.nodes.append({"name": name, "kind": kind, "inputs": list(inputs), **fields})
        if step:
            self.steps.append(name)
        self.here = name
        return name

    def relu(self):
        self.add_node("relu", self.here, step=False)

    def affine(self, outputs, kernel=(1, 1), *, relu=True, bias=0.3, scale=1.0, stride=(1, 1), padding=(0, 0),
               groups=1, norm=False):  # fmt: skip
        """A convolution; with ``norm`` a batch norm behind it is folded into it."""
        channels, height, width = self.shape
        inputs, rng = channels // groups, self.rng
        weight = rng.normal(size=(outputs, inputs, *kernel)) * scale / np.sqrt(inputs * prod(kernel))
        weight[rng.random(weight.shape) < 0.1] = 0.0
        constants = rng.normal(size=outputs) * bias if bias else None
        if norm:
            gamma, beta, mean = rng.uniform(0.5, 1.5, outputs), rng.normal(size=outputs) * 0.2, rng.normal(size=outputs)
            share = gamma / np.sqrt(rng.uniform(0.5, 2.0, outputs) + 1e-5)
            weight = weight * share[:, None, None, None]
            constants = beta + ((0.0 if constants is None else constants) - 0.1 * mean) * share
        fields = {"stride": list(stride), "padding": list(padding), "groups": groups}
        name = self.add_node("affine", self.here, **fields)
        self.arrays[f"{name}/weight"] = weight
        if constants is not None:
            self.arrays[f"{name}/bias"] = constants
        self.shape = (outputs, *_slid((height, width), kernel, stride, padding))
        if relu:
            self.relu()
        return self

    def dense(self, *sizes, last="identity", inner="relu", **options):
        for number, outputs in enumerate(sizes):
            self.affine(outputs, relu=(last if number == len(sizes) - 1 else inner) == "relu", **options)
        return self

    def pool(self, operation, kernel, stride=None, padding=(0, 0)):
        stride = stride or kernel
        self.add_node(
            "pool", self.here, operation=operation, kernel=list(kernel), stride=list(stride), padding=list(padding)
        )
        self.shape = (self.shape[0], *_slid(self.shape[1:], kernel, stride, padding))
        return self

    def flatten(self):
        self.add_node("flatten", self.here)
        self.shape = (prod(self.shape), 1, 1)
        return self

    def branch(self):
        self.aside.append((self.here, self.shape))
        self.steps.append("branch")
        return self

    def swap(self):
        (self.here, self.shape), self.aside[-1] = self.aside[-1], (self.here, self.shape)
        self.steps.append("swap")
        return self

    def add(self, *, relu=True):
        other, _ = self.aside.pop()
        self.add_node("add", self.here, other)
        if relu:
            self.relu()
        return self

    def positions(self):
        size, height, tokens = self.shape
        self.add_node("positions", self.here)
        self.shape = (size + tokens, height, tokens)
        return self

    def attend(self, heads, *, outputs=None, scale=1.0):
        """Attention with a residual connection, unless another number of outputs is asked for."""
        width, _, tokens = self.shape
        name = self.add_node("attend", self.here, residual=outputs is None)
        outputs = outputs or width
        self.arrays[f"{name}/scores"] = self.rng.uniform(-scale, scale, (heads, width, width))
        self.arrays[f"{name}/values"] = self.rng.uniform(-1.0, 1.0, (heads, width, outputs))
        self.shape = (outputs, 1, tokens)
        return self

    def mean(self):
        self.pool("average", (1, self.shape[2]))
        return self

    def case(self, name, family, box, **method):
        low, high = (np.broadcast_to(np.asarray(end, np.float64), self.input_shape).copy() for end in box)
        arrays = {"low": low, "high": high, **self.arrays}
        return Case(name, family, method, self.input_shape, self.nodes, self.steps, arrays)


def _slid(size, kernel, stride, padding):
    return tuple(
        (extent + 2 * pad - window) // step + 1
        for extent, window, step, pad in zip(size, kernel, stride, padding, strict=True)
    )


UNIT, MIXED = (0.0, 1.0), (-1.0, 1.0)
PER_WEIGHT = {"method": "per-weight", "candidates": 12}


def dense_targets():
    """Twelve: depths, one unit, boxes of every kind, and the construction of one more layer."""

    def vector(seed, inputs):
        return Builder(seed, (inputs, 1, 1))

    rng = np.random.default_rng(99)
    low = rng.uniform(-1.0, 0.5, (6, 1, 1))
    partly = np.where(rng.random((6, 1, 1)) < 0.5, 0.0, 0.01) + low
    point = rng.random((5, 1, 1))
    shallow = {"method": "shallow", "candidates": 8}
    return [
        vector(1, 8).dense(4).case("dense-one-layer", "dense", UNIT, **PER_WEIGHT),
        vector(2, 12).dense(10, 4).case("dense-two-layers", "dense", UNIT, **PER_WEIGHT),
        vector(3, 10).dense(8, 8, 8, 8, 4).case("dense-five-layers", "dense", UNIT, **PER_WEIGHT),
        vector(4, 4).dense(1, 1, 2).case("dense-one-unit", "dense", UNIT, **PER_WEIGHT),
        vector(5, 8).dense(8, 6, 3).case("dense-mixed-box", "dense", MIXED, **PER_WEIGHT),
        vector(6, 6).dense(6, 4).case("dense-uneven-box", "dense", (low, low + 1.0), **PER_WEIGHT),
        vector(7, 5).dense(6, 3).case("dense-point", "dense", (point, point), **PER_WEIGHT),
        vector(8, 6).dense(6, 6, 3, bias=5.0, scale=0.3).case(
            "dense-loud-biases", "dense", (low, partly), **{**PER_WEIGHT, "candidates": 6}
        ),
        vector(9, 6).dense(6, 6, 3, inner="identity", last="relu", bias=0.0).case(
            "dense-linear-inside", "dense", MIXED, **PER_WEIGHT
        ),
        vector(10, 6).dense(8, 3).case("dense-eps", "dense", UNIT, method="per-weight", eps=0.05, delta=0.1),
        vector(11, 5).dense(5, 4, 3).case("shallow", "dense", (-0.5, 1.0), **shallow),
        vector(12, 3).dense(3, 2, 1, bias=2.0, scale=0.3).case(
            "shallow-single-copy", "dense", UNIT, **{**shallow, "candidates": 1}
        ),
    ]  # fmt: skip


def convolutional_targets():
    """Twelve: windows, groups, pools, residual blocks, folded batch norm; by single weights and by whole channels."""

    def image(seed, *shape):
        return Builder(seed, shape)

    def finished(builder, name, box=UNIT, outputs=3, **method):
        builder.flatten().affine(outputs, relu=False)
        return builder.case(name, "convolutional", box, **(method or PER_WEIGHT))

    structured = {"method": "structured", "channels": 200}
    same = {"kernel": (3, 3), "padding": (1, 1)}
    return [
        finished(
            image(21, 1, 8, 8).affine(4, **same).pool("max", (2, 2)).affine(4, **same).pool("max", (2, 2)), "conv"
        ),
        finished(image(22, 2, 7, 7).affine(4, stride=(2, 2), **same).affine(4, (2, 3)), "conv-stride-mixed-box", MIXED),
        finished(image(23, 4, 5, 5).affine(8, groups=2, **same).affine(4, groups=4, **same), "conv-groups"),
        finished(image(24, 3, 6, 6).affine(3, groups=3, **same).affine(6), "conv-depthwise-mixed-box", (-0.5, 1.0)),
        finished(
            image(25, 2, 6, 6).pool("average", (3, 3), (2, 2), (1, 1)).affine(4, (2, 2)).pool("average", (2, 2)),
            "conv-average-pool", MIXED,
        ),
        finished(
            image(26, 2, 6, 6).affine(3, (1, 3)).pool("max", (3, 2), (1, 2), (1, 1)).affine(3, (2, 2), relu=False),
            "conv-max-pool-overlapping", MIXED,
        ),
        finished(
            image(27, 2, 5, 5).affine(4, norm=True, **same).branch().affine(4, norm=True, **same)
            .affine(4, norm=True, relu=False, **same).add().pool("average", (5, 5)),
            "residual-identity-batch-norm",
        ),
        finished(
            image(28, 2, 6, 6).branch().affine(4, stride=(2, 2), norm=True, **same).affine(4, relu=False, **same)
            .swap().affine(4, relu=False, stride=(2, 2), norm=True).add()
            .branch().affine(4, relu=False).add(relu=False),
            "residual-projection-mixed-box", MIXED,
        ),
        image(29, 2, 3, 3).flatten().dense(8, 6, 3).case("conv-flat", "convolutional", MIXED, **PER_WEIGHT),
        finished(
            image(30, 1, 10, 10).affine(4, (3, 3), bias=0).pool("max", (2, 2))
            .affine(4, bias=0, **same).pool("max", (4, 4)),
            "structured", **structured,
        ),
        finished(
            image(31, 2, 5, 5).affine(3, stride=(2, 2), **same).pool("max", (2, 2), (1, 1)),
            "structured-stride-mixed-box", MIXED, **structured,
        ),
        finished(
            image(32, 2, 4, 4).affine(4, norm=True, **same).branch().affine(4, relu=False, **same).add()
            .pool("average", (2, 2)),
            "structured-residual", **structured,
        ),
    ]  # fmt: skip


def attention_targets():
    """Six: one and several tokens and heads, with and without a residual connection, boxes wide and narrow."""

    def tokens(seed, size, count):
        return Builder(seed, (size, 1, count)).positions()

    def finished(builder, name, box=UNIT, hidden=(4,), **method):
        return builder.mean().dense(*hidden, 2).case(name, "attention", box, **(method or PER_WEIGHT))

    rng = np.random.default_rng(98)
    middle = rng.uniform(-1.0, 1.0, (2, 1, 3))
    return [
        finished(tokens(41, 3, 1).affine(4).attend(1), "attention-one-token", hidden=()),
        finished(tokens(42, 2, 3).affine(4, scale=0.5).attend(2, scale=0.3), "attention"),
        finished(tokens(43, 2, 2).affine(4, scale=0.5).attend(2, outputs=3, scale=0.3), "attention-no-residual"),
        finished(tokens(44, 2, 3).dense(6, 4, last="relu", scale=0.7).attend(2, scale=0.3), "attention-deep-embedding"),
        finished(
            tokens(45, 2, 4).affine(4, relu=False, scale=0.5).attend(3, scale=0.3), "attention-mixed-box", MIXED,
            hidden=(4, 4),
        ),
        finished(
            tokens(46, 2, 3).affine(4, relu=False).attend(2, scale=0.5), "attention-small-box",
            (middle - 0.01, middle + 0.01),
        ),
    ]  # fmt: skip


FAMILIES: dict[str, Callable[[], list[Case]]] = {
    "dense": dense_targets,
    "convolutional": convolutional_targets,
    "attention": attention_targets,
}


def targets():
    """All thirty, family after family."""
    return [case for family in FAMILIES.values() for case in family()]

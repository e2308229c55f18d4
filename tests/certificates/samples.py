"""Mixed random graphs, tickets of any mask, layers near a target, boxes of inputs and points of them."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import strategies as st

from slth.graphs import (
    AdaptivePool,
    Add,
    Attend,
    Concat,
    Conv,
    Flatten,
    Graph,
    Node,
    Pool,
    Positions,
    Rearrange,
    Relu,
    Scale,
)
from slth.rng import WeightLaw
from slth.tickets.folded import Folded
from slth.tickets.mask import Mask
from slth.tickets.pair import Pair, RandomLayer
from slth.tickets.ticket import Ticket

UNIFORM = WeightLaw("uniform", 1.0)


class Builder:
    """Appends nodes to a graph; ``here`` is the node that the next one takes."""

    def __init__(self, rng, shape, *, scale=1.0, bias=0.5):
        self.rng, self.scale, self.bias = rng, scale, bias
        self.input_shape, self.shape, self.here, self.nodes = shape, shape, "input", []

    def add(self, step, *inputs):
        name = f"{type(step).__name__.lower()}{len(self.nodes)}"
        self.nodes.append(Node(name, step, inputs or (self.here,)))
        self.shape = Graph(self.input_shape, self.nodes).shapes[name]
        self.here = name
        return name

    def conv(self, outputs, kernel=(1, 1), *, relu=False, groups=1, taken=None, bias=None, **window):
        inputs = (self.shape[0] if taken is None else taken[1]) // groups
        weight = self.rng.normal(size=(outputs, inputs, *kernel)) * self.scale / np.sqrt(inputs * prod(kernel))
        weight[self.rng.random(weight.shape) < 0.15] = 0.0
        with_bias = self.rng.random() < 0.7 if bias is None else bias
        constants = self.rng.normal(size=outputs) * self.bias if with_bias else None
        name = self.add(Conv(weight, constants, groups=groups, **window), *(() if taken is None else taken[:1]))
        return self.relu() if relu else name

    def relu(self):
        return self.add(Relu())

    def graph(self):
        return Graph(self.input_shape, self.nodes)


def _pick(rng, *options):
    return options[int(rng.integers(len(options)))]


def _block_conv(b):
    channels, height, width = b.shape
    groups = _pick(b.rng, 1, 1, channels)
    kernel = tuple(int(b.rng.integers(1, 1 + min(3, size))) for size in (height, width))
    edges = tuple(tuple(int(b.rng.integers(0, 3)) for _ in range(2)) for _ in range(2))
    window = {
        "stride": tuple(int(b.rng.integers(1, 3)) for _ in range(2)),
        "padding": edges if height * width > 1 else ((0, 0), (0, 0)),
        "dilation": _pick(b.rng, (1, 1), (2, 1)) if kernel[0] == 1 else (1, 1),
    }
    b.conv(groups * int(b.rng.integers(1, 3)), kernel, groups=groups, relu=b.rng.random() < 0.8, **window)


def _block_residual(b, depth=0):
    start, shape = b.here, b.shape
    b.conv(shape[0], (1, 1), relu=True)
    if depth == 0 and b.rng.random() < 0.4:
        _block_residual(b, depth=1)
    b.conv(shape[0], (1, 1))
    terms = (b.here, start, b.here) if b.rng.random() < 0.2 else (b.here, start)
    b.add(Add(), *terms)
    if b.rng.random() < 0.7:
        b.relu()


def _block_concat(b):
    start, shape = b.here, b.shape
    one = b.conv(int(b.rng.integers(1, 3)), relu=True, taken=(start, shape[0]))
    b.add(Concat(), one, start)
    if b.rng.random() < 0.5:
        b.add(Positions(), start)
        b.add(Concat(), b.nodes[-2].name, b.here)


def _block_pool(b):
    _, height, width = b.shape
    if b.rng.random() < 0.3:
        b.add(AdaptivePool(_pick(b.rng, "max", "average"), (min(2, height), min(2, width))))
        return
    kernel = tuple(min(2, size) for size in (height, width))
    padding = tuple((0, int(b.rng.integers(0, 2))) if size == 2 else (0, 0) for size in kernel)
    operation, stride = _pick(b.rng, "max", "average"), _pick(b.rng, None, (1, 1))
    b.add(Pool(operation, kernel, stride, padding, ceil=bool(b.rng.random() < 0.3),
               count_padding=bool(b.rng.random() < 0.5)))  # fmt: skip


def _block_scale(b):
    """A leaky ReLU, or numbers of each channel."""
    if b.rng.random() < 0.5:
        b.add(Scale(tuple(b.rng.normal(size=b.shape[0]).tolist()), float(b.rng.normal())))
        return
    start = b.here
    rising = b.relu()
    b.add(Scale(-0.25), start)
    b.relu()
    b.add(Scale(-1.0))
    b.add(Add(), rising, b.here)


def _block_rearrange(b):
    channels, height, width = b.shape
    number = channels * height * width
    if b.rng.random() < 0.4:  # zeros around a reversed vector
        b.add(Rearrange((number + 2, 1, 1), (number + 2,), (-1,), number, (1,), (number + 1,)))
    elif b.rng.random() < 0.5:  # transposed images
        b.add(Rearrange((channels, width, height), (channels, width, height), (height * width, 1, width)))
    else:
        b.add(Flatten())


def _block_attend(b):
    channels, height, width = b.shape
    if height != 1:
        b.add(Rearrange((channels, 1, height * width), (channels, height * width), (height * width, 1)))
    tokens, size, heads = b.here, b.shape[0], int(b.rng.integers(1, 3))
    queries = b.conv(heads * size, taken=(tokens, size))
    keys = tokens
    if b.rng.random() < 0.3:  # each head its own, of fewer tokens
        keys = b.conv(heads * size, (1, min(2, b.shape[2])), taken=(tokens, size))
    shapes, outputs = Graph(b.input_shape, b.nodes).shapes, _pick(b.rng, size, 2)
    fewer = shapes[tokens][2] - shapes[keys][2]
    values = b.conv(heads * outputs, (1, 1 + fewer), taken=(tokens, size))
    b.add(Attend(heads), queries, keys, values)
    if outputs == size:
        b.add(Add(), tokens, b.here)


BLOCKS = (
    _block_conv, _block_residual, _block_concat, _block_pool, _block_scale, _block_rearrange, _block_attend,
)  # fmt: skip


def random_graph(rng, *, blocks=3, attention=True, loud=False):
    shape = _pick(rng, (3, 1, 1), (1, 1, 1), (2, 1, 3), (1, 3, 3), (2, 2, 3))
    scale, bias = (0.3, 5.0) if loud else (1.0, 0.5)
    b = Builder(rng, shape, scale=scale, bias=bias)
    if rng.random() < 0.1:
        b.add(Scale(2.0, -0.5))
    _block_conv(b)
    for _ in range(int(rng.integers(0, blocks + 1))):
        block = _pick(rng, *BLOCKS)
        if (block is _block_attend and not attention) or prod(b.shape) > 40:
            block = _block_conv
        block(b)
    if rng.random() < 0.7:
        b.add(Flatten())
        b.conv(int(rng.integers(1, 4)), relu=rng.random() < 0.2)
    return b.graph()


def source_of(rng, target, *, units=3, halves="both"):
    """The target's nodes with a pair in the place of each convolution."""
    behind = {name: node for node in target.nodes for name in node.inputs}
    nodes = []
    for node in target.nodes:
        step = node.step
        if isinstance(step, Conv):
            options = {"removal": _pick(rng, "weights", "channels"), "halves": halves}
            linear = isinstance(behind.get(node.name, node).step, Attend) and rng.random() < 0.8
            step = Pair.like(step.geometry, node.name, units, rectified=not linear, **options)
        nodes.append(Node(node.name, step, node.inputs))
    return Graph(target.input_shape, nodes)


def random_mask(rng, source, density):
    arrays = {}
    for node in source.weighted:
        layer = node.step
        own = {name: rng.random(shape) < density for name, shape in layer.mask_shapes.items()}
        if isinstance(layer, Pair) and layer.removal == "weights":
            own[f"{layer.path}.units"] = own[f"{layer.path}.weights"].any(axis=2)
        arrays |= own
    return Mask(arrays)


def random_ticket(rng, target, *, density=0.4, source=None, law=UNIFORM, **options):
    """A ticket whose mask has nothing to do with the target: differences of every size."""
    source = source_of(rng, target, **options) if source is None else source
    gains = rng.choice([0.5, 1.0, 1.7], len(source.weighted))
    return Ticket(source, law, int(rng.integers(2**32)), random_mask(rng, source, density), gains)


def near(rng, target, *, spread=0.05, width=0.01):
    """Layers whose numbers are known to lie near the target's, each half by itself: by node."""
    found = {}
    for node in target.weighted:
        conv, shape = node.step, node.step.geometry

        def around(numbers, node=node):
            middle = numbers + spread * rng.normal(size=numbers.shape)
            radius = width * rng.random(numbers.shape)
            return middle - radius, middle + radius

        kernel = np.zeros((shape.outputs, *shape.window.kernel))
        tap = shape.window.inner_tap(target.shapes[node.inputs[0]][1:])
        if conv.bias is not None and tap is not None:
            kernel[:, tap[0], tap[1]] = conv.bias
        positive, constant = around(conv.weight), around(kernel)
        negative = around(conv.weight) if rng.random() < 0.7 else None
        sizes = [np.maximum(*(np.abs(end) for end in each)) for each in (positive, negative or positive)]
        magnitude, terms = np.maximum(*sizes), conv.weight[0].size + shape.window.taps
        of_constant = np.maximum(*(np.abs(end) for end in constant))
        found[node.name] = Folded(shape, positive, negative, constant, magnitude, of_constant, terms, 10.0)
    return found


def member(rng, folded):
    """One network of those that the layers may be."""

    def inside(ends):
        if ends is None:
            return None
        share = _pick(rng, rng.random(ends[0].shape), np.round(rng.random(ends[0].shape)))
        point = np.clip(ends[0] + share * (ends[1] - ends[0]), *ends)
        return point, point

    return {
        name: Folded(one.shape, inside(one.positive), inside(one.negative), inside(one.constant),
                     one.magnitude, one.constant_magnitude, one.terms, one.factor)
        for name, one in folded.items()
    }  # fmt: skip


def through_layers(graph, layers, x):
    """Evaluate a graph with the folded layers in the place of its own; every node's values besides."""
    values = {"input": x.reshape(len(x), *graph.image_shape)}

    def forward(node, inputs):
        found = layers[node.name].forward(*inputs) if node.name in layers else node.step.forward(*inputs)
        values[node.name] = found
        return found

    graph.run(values["input"], forward)
    return values


@st.composite
def boxes(draw, shape, rng):
    kind = draw(st.sampled_from(["unit", "mixed", "uneven", "tiny", "point"]))
    low = rng.uniform(-1.0, 1.0, shape)
    if kind == "unit":
        return np.zeros(shape), np.ones(shape)
    if kind == "mixed":
        return -np.ones(shape), np.ones(shape)
    width = {"uneven": 1.0, "tiny": 1e-3, "point": 0.0}[kind]
    return low, low + width * rng.uniform(0.0, 2.0, shape) * (rng.random(shape) < 0.9)


@st.composite
def cases(draw, **options):
    """A target, a ticket that may be far from it, and a box of any kind."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    target = random_graph(rng, loud=draw(st.booleans()), **options)
    halves = draw(st.sampled_from(["both", "both", "positive"]))
    ticket = random_ticket(rng, target, units=draw(st.sampled_from([1, 3])), halves=halves)
    return target, ticket, draw(boxes(target.input_shape, rng))


@st.composite
def near_cases(draw, **options):
    """A target, layers near it, and a box."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    target = random_graph(rng, loud=draw(st.booleans()), **options)
    folded = near(rng, target, spread=draw(st.sampled_from([0.0, 0.05])), width=draw(st.sampled_from([0.0, 0.01])))
    return target, folded, draw(boxes(target.input_shape, rng))


def in_copies(rng, sizes, copies, *, last="identity", density=0.4, units=3, scale=1.0, bias=0.5):
    """A target of linear layers and a ticket with copies of its neurons, one random layer each behind the first."""
    b, nodes = Builder(rng, (sizes[0],), scale=scale, bias=bias), []
    b.shape = (sizes[0], 1, 1)
    for number, outputs in enumerate(sizes[1:]):
        name, behind = b.conv(outputs), number + 2 < len(sizes)
        inputs = copies * (sizes[number] + 1) if number else sizes[0]
        wide = copies * (outputs + 1) if behind else outputs
        step = RandomLayer(name, inputs, wide) if number else Pair(name, inputs, wide, units, halves="both")
        nodes.append(Node(name, step, b.nodes[-1].inputs))
        if behind or last == "relu":
            b.relu()
            nodes.append(b.nodes[-1])
    target, source = b.graph(), Graph((sizes[0],), nodes)
    return target, random_ticket(rng, target, source=source, density=density)


def points_of(rng, box, count):
    """Random points of a box, a quarter of them corners, and 0 where the box has it in some coordinates."""
    low, high = box
    points = np.clip(low + (high - low) * rng.random((count, *low.shape)), low, high)
    quarter = count // 4
    corner = rng.random((quarter, *low.shape)) < 0.5
    points[:quarter] = np.where(corner, low, high)
    to_zero = (rng.random((quarter, *low.shape)) < 0.5) & (low <= 0.0) & (high >= 0.0)
    points[quarter : 2 * quarter][to_zero] = 0.0
    return points


def ascended(difference, rng, box, *, starts=4, rounds=6):
    """The largest value found of each output of a function by moving one coordinate at a time."""
    low, high = (end.ravel() for end in box)
    best = points_of(rng, box, starts).reshape(starts, -1)
    largest = difference(best.reshape(-1, *box[0].shape)).max(axis=0)
    for _ in range(rounds):
        moved = np.repeat(best[:, None], 2 * len(low), axis=1)
        index = np.arange(len(low))
        moved[:, index, index], moved[:, len(low) + index, index] = low, high
        found = difference(moved.reshape(-1, *box[0].shape)).reshape(starts, 2 * len(low), -1)
        largest = np.maximum(largest, found.max(axis=(0, 1)))
        best = moved[np.arange(starts), found.max(axis=2).argmax(axis=1)]
    return largest

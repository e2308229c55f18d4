"""Random networks with random masks, and what they compute, drawn by numpy's own generator, unit by unit."""

from __future__ import annotations

from hashlib import sha256
from itertools import product

import numpy as np
from scipy.special import ndtri

from slth.graphs import Add, Flatten, Graph, Node, Pool, Relu
from slth.rng import WeightLaw
from slth.tickets.mask import Mask
from slth.tickets.pair import Pair, Random, RandomLayer
from slth.tickets.ticket import Ticket

UNIFORM = WeightLaw("uniform", 1.0)


def chain(*layers: Random, relu: bool = True) -> Graph:
    """Layers one behind the other, with ReLUs between."""
    nodes, before = [], "input"
    for number, layer in enumerate(layers):
        nodes.append(Node(layer.path, layer, (before,)))
        before = layer.path
        if relu and number < len(layers) - 1:
            nodes.append(Node(f"relu{number}", Relu(), (before,)))
            before = f"relu{number}"
    return Graph((layers[0].inputs,), nodes)


def two_pairs() -> Graph:
    return chain(Pair("layer0", 3, 4, 5, halves="both"), Pair("layer1", 4, 2, 3))


def pair_and_plain() -> Graph:
    return chain(Pair("first", 2, 6, 4, halves="both"), RandomLayer("second", 6, 3), RandomLayer("third", 3, 2))


def mixed() -> Graph:
    """Convolutions with groups and halves, a residual sum, a linear pair, and a plain random layer behind."""
    first = Pair("a", 2, 4, 3, kernel=(3, 3), padding=1, removal="channels", halves="both")
    return Graph(
        (2, 4, 4),
        [
            Node("a", first, ("input",)),
            Node("relu", Relu(), ("a",)),
            Node("b", Pair("b", 4, 4, 3, kernel=(3, 3), padding=1, groups=2, dilation=1), ("relu",)),
            Node("add", Add(), ("b", "relu")),
            Node("pool", Pool("max", 2), ("add",)),
            Node("c", Pair("c", 4, 4, 3, rectified=False), ("pool",)),
            Node("flat", Flatten(), ("c",)),
            Node("d", Pair("d", 16, 6, 4, halves="both", bias=False), ("flat",)),
            Node("e", RandomLayer("e", 6, 3), ("d",)),
        ],
    )


def layers_of(graph: Graph) -> tuple[Random, ...]:
    return tuple({node.step.path: node.step for node in graph.weighted}.values())


def random_mask(layers: tuple[Random, ...], density: float = 0.5, seed: int = 0, dropped: float = 0.2) -> Mask:
    """Weights kept with probability ``density``, but none of a share ``dropped`` of the hidden channels."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for layer in layers:
        for name, shape in layer.mask_shapes.items():
            arrays[name] = rng.random(shape) < density
        if isinstance(layer, Pair) and layer.removal == "weights":
            if density < 1.0:
                arrays[f"{layer.path}.weights"][rng.random((layer.units, layer.sources)) < dropped] = False
            arrays[f"{layer.path}.units"] = arrays[f"{layer.path}.weights"].any(axis=2)
    return Mask(arrays)


def ticket_of(graph: Graph, *, law=UNIFORM, seed=5, density=0.5, gains=None, mask_seed=0, dropped=0.2) -> Ticket:
    layers = layers_of(graph)
    gains = np.linspace(0.5, 2.0, len(layers)) if gains is None else gains
    return Ticket(graph, law, seed, random_mask(layers, density, mask_seed, dropped), gains)


def stream_of(path: str, ticket: Ticket, count: int) -> np.ndarray:
    """The first numbers of a stream, from numpy's Philox."""
    second = int.from_bytes(sha256(path.encode()).digest()[:8], "little")
    words = np.random.Philox(key=np.array([ticket.seed, second], np.uint64)).random_raw(count)
    uniform = (2 * (words >> 12) + 1) * 2.0**-53
    made = {"uniform": lambda: 2 * uniform - 1, "normal": lambda: ndtri(uniform)}
    return ticket.law.scale * made.get(ticket.law.name, lambda: np.sign(2 * uniform - 1))()


def naive_forward(ticket: Ticket, x: np.ndarray) -> np.ndarray:
    """Hidden channel by hidden channel, output by output; of the package only the steps without weights."""

    def forward(node: Node, inputs: tuple[np.ndarray, ...]) -> np.ndarray:
        if not node.step.weighted:
            return node.step.forward(*inputs)
        layer = naive_plain if isinstance(node.step, RandomLayer) else naive_pair
        return ticket.gain(node.step.path) * layer(node.step, ticket, inputs[0])

    images = x.reshape(len(x), *ticket.source.image_shape)
    return ticket.source.run(images, forward).reshape(len(x), *ticket.source.output_shape)


def naive_plain(layer: RandomLayer, ticket: Ticket, x: np.ndarray) -> np.ndarray:
    matrix = stream_of(layer.path, ticket, layer.inputs * layer.outputs).reshape(layer.inputs, layer.outputs)
    return np.einsum("io,bixy->boxy", np.where(ticket.mask[layer.path], matrix, 0.0), x)


def naive_pair(pair: Pair, ticket: Ticket, x: np.ndarray) -> np.ndarray:
    (top, bottom), (left, right) = pair.padding
    each, taps = pair.outputs // pair.groups, pair.kernel
    _, rows, columns = pair.shape(x.shape[1:])
    result = np.zeros((len(x), pair.outputs, rows, columns))
    units = ticket.mask[f"{pair.path}.units"]
    single = ticket.mask[f"{pair.path}.weights"] if pair.removal == "weights" else None
    for source in range(pair.sources):
        first = stream_of(f"{pair.path}.first.{source}", ticket, pair.units)
        second = stream_of(f"{pair.path}.second.{source}", ticket, pair.units * pair.dimensions)
        second = second.reshape(pair.units, each, *taps)
        constant = source >= pair.inputs
        group = source - pair.inputs if constant else source // (pair.inputs // pair.groups)
        image = np.ones_like(x[:, 0]) if constant else x[:, source]
        for unit in np.flatnonzero(units[:, source]).tolist():
            hidden = first[unit] * image
            hidden = np.maximum(hidden, 0.0) if pair.rectified else hidden
            hidden = np.pad(hidden, ((0, 0), (top, bottom), (left, right)))
            for out, a, b in product(range(each), range(taps[0]), range(taps[1])):
                place = (out * taps[0] + a) * taps[1] + b
                if single is not None and not single[unit, source, place]:
                    continue
                seen = hidden[:, a * pair.dilation[0] :, b * pair.dilation[1] :]
                seen = seen[:, :: pair.stride[0], :: pair.stride[1]][:, :rows, :columns]
                result[:, group * each + out] += second[unit, out, a, b] * seen
    return result

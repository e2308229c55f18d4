"""The random side: what a random network looks like, and nothing of any target.

A layer's numbers are given by its description, the weight law and the seed together; the path of a layer names its
streams, so two layers with one path would have equal weights and are refused.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import prod
from typing import Any, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError
from slth.rng import STREAM_LENGTH
from slth.tickets.attention import HEAD_PAIRS, TOKEN_STEPS, HeadPair, TokenMean, Tokens, check_attention, has_attention
from slth.tickets.conv_pair import ConvPair, Halves
from slth.tickets.geometry import ImageShape, as_image_shape
from slth.tickets.network import Activation, check_activation, check_chain
from slth.tickets.steps import PLAIN, Plain, walk

Shape: TypeAlias = tuple[int, ...]
Indices: TypeAlias = NDArray[np.int64]

_PATH_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_LONGEST_PATH = 200


@dataclass(frozen=True)
class ProductPair:
    r"""Two random layers whose products of weights approximate one dense layer.

    Input j < inputs is the layer's own, input ``inputs`` is the constant 1. Each owns ``units`` hidden units (k, j)
    that see nothing else (the fixed block mask), and each hidden unit feeds all outputs:

    .. math:: y_o = \sigma\Bigl(g \sum_{k, j} v_{kjo} \max(u_{kj} x_j, 0)\Bigr)

    over the kept units and connections, with one gain g that the ticket holds. The weight :math:`u_{kj}` is number
    ((k (inputs + 1) + j) (inputs + 1) + j) of the stream ``path.first``, its place in the full random matrix with
    indices [k, owner, input]; :math:`v_{kjo}` is number (k (inputs + 1) + j) outputs + o of the stream ``path.second``.
    The candidate k is the slowest index: more ``units`` extend the same network.

    Source: Pensia et al. 2020, "Optimal Lottery Tickets via SubsetSum" (arXiv 2006.07990), section on the block
    structure, by way of its restatement in Natale et al. 2024.

    Parameters
    ----------
    path : str
        Name of the layer's streams and masks: letters, digits, ``.``, ``_`` and ``-``.
    inputs, outputs, units : int
        Sizes, each >= 1.
    halves : {"both", "positive"}
        "both" where inputs may be negative: units with u > 0 serve x > 0, the others x < 0. "positive" where the
        inputs are never negative, so that only units with u > 0 are of use.
    activation : {"relu", "identity"}
        What follows the sum, :math:`\sigma`.

    Raises
    ------
    ArgumentError
        When one of these rules is broken, or the random matrices exceed 2**62 entries.

    Examples
    --------
    >>> layer = ProductPair("layer0", inputs=2, outputs=3, units=4)
    >>> layer.mask_shapes
    {'layer0.units': (4, 3), 'layer0.connections': (4, 3, 3)}
    >>> layer.open_positions, layer.random_parameters
    (48, 72)
    """

    path: str
    inputs: int
    outputs: int
    units: int
    halves: Halves = "both"
    activation: Activation = "relu"

    def __post_init__(self) -> None:
        check_path(self.path)
        _check_sizes(self, "inputs", "outputs", "units")
        if self.halves not in get_args(Halves):
            raise ArgumentError("halves", self.halves, "is not known", 'use "both" or "positive"')
        check_activation(self.activation)

    @property
    def sources(self) -> int:
        """Number of inputs, the constant counted."""
        return self.inputs + 1

    @property
    def streams(self) -> tuple[str, ...]:
        """Paths of the random streams that the layer draws from."""
        return f"{self.path}.first", f"{self.path}.second"

    @property
    def mask_shapes(self) -> dict[str, Shape]:
        """Name and shape of each mask array: what is kept of the first matrix, and of the second."""
        return {
            f"{self.path}.units": (self.units, self.sources),
            f"{self.path}.connections": (self.units, self.sources, self.outputs),
        }

    @property
    def open_positions(self) -> int:
        """Number of random weights that the block mask leaves to choose from."""
        return self.units * self.sources * (1 + self.outputs)

    @property
    def random_parameters(self) -> int:
        """Number of weights of the two full random matrices, with those that the block mask removes."""
        return self.units * self.sources * (self.sources + self.outputs)

    def first_indices(self, units: Indices, inputs: Indices) -> Indices:
        """Where the stream of the first matrix has u[k, j]: entry (k, j, j) of shape (units, sources, sources)."""
        return (units * self.sources + inputs) * self.sources + inputs

    def second_indices(self, units: Indices, inputs: Indices, outputs: Indices) -> Indices:
        """Where the stream of the second matrix has v[k, j, o], of shape (units, sources, outputs)."""
        return (units * self.sources + inputs) * self.outputs + outputs


@dataclass(frozen=True)
class RandomLinear:
    r"""One plain random layer, :math:`y_o = \sigma(g \sum_i m_{io} x_i)` over the kept connections.

    There is no block mask and no constant input. :math:`m_{io}` is number i outputs + o of the stream ``path``: the
    inputs are the slowest index.

    Parameters
    ----------
    path : str
        Name of the layer's stream and mask, as for :class:`ProductPair`.
    inputs, outputs : int
        Sizes, each >= 1.
    activation : {"relu", "identity"}
        What follows the sum.

    Raises
    ------
    ArgumentError
        When one of these rules is broken, or the random matrix exceeds 2**62 entries.

    Examples
    --------
    >>> RandomLinear("layer1", inputs=6, outputs=2).mask_shapes
    {'layer1': (6, 2)}
    """

    path: str
    inputs: int
    outputs: int
    activation: Activation = "relu"

    def __post_init__(self) -> None:
        check_path(self.path)
        _check_sizes(self, "inputs", "outputs")
        check_activation(self.activation)

    @property
    def streams(self) -> tuple[str, ...]:
        """Path of the random stream that the layer draws from."""
        return (self.path,)

    @property
    def mask_shapes(self) -> dict[str, Shape]:
        """Name and shape of the mask array."""
        return {self.path: (self.inputs, self.outputs)}

    @property
    def open_positions(self) -> int:
        """Number of random weights to choose from: all of them."""
        return self.inputs * self.outputs

    @property
    def random_parameters(self) -> int:
        """Number of weights of the random matrix."""
        return self.open_positions


Layer: TypeAlias = ProductPair | RandomLinear
RandomLayer: TypeAlias = ProductPair | RandomLinear | ConvPair | HeadPair
KINDS: dict[str, type[Any]] = {
    "product-pair": ProductPair,
    "linear": RandomLinear,
    "conv-pair": ConvPair,
    **PLAIN,
    **TOKEN_STEPS,
    **HEAD_PAIRS,
}


@dataclass(frozen=True)
class NetworkDescription:
    """The architecture of a random network, as text that anybody can read back.

    Parameters
    ----------
    layers : sequence of layers
        Either ProductPair and RandomLinear alone, or ConvPair and steps without weights (Pool, Flatten, Branch, Swap,
        Join), or Tokens, ProductPair ..., QueryKey, ValueOutput, TokenMean, ProductPair ... At least one has weights;
        they fit together, and no two draw from the same stream. Stored as a tuple.
    input_shape : (channels, height, width) or None
        For convolutions; None for layers of the first kind.

    Raises
    ------
    ArgumentError
        When one of these rules is broken.

    Examples
    --------
    >>> description = NetworkDescription([ProductPair("layer0", 2, 3, 8), RandomLinear("layer1", 3, 1)])
    >>> NetworkDescription.from_json(description.to_json()) == description
    True
    """

    layers: Sequence[Any]
    input_shape: ImageShape | None = None

    def __post_init__(self) -> None:
        layers = tuple(self.layers)
        object.__setattr__(self, "layers", layers)
        if self.input_shape is None and has_attention(layers):
            check_attention(layers, ProductPair)
        elif self.input_shape is None:
            if not layers or not all(isinstance(layer, ProductPair | RandomLinear) for layer in layers):
                remedy = "pass [ProductPair(...), ...], or an input_shape for convolutions"
                raise ArgumentError("layers", layers, "must be ProductPair or RandomLinear, at least one", remedy)
            check_chain([(layer.inputs, layer.outputs) for layer in layers])
        else:
            if not all(isinstance(layer, ConvPair | Plain) for layer in layers) or not self.random_layers:
                rule = "must be ConvPair, at least one, and Pool, Flatten, Branch, Swap and Join"
                raise ArgumentError("layers", layers, rule, "a linear layer is a ConvPair of size 1 behind Flatten")
            object.__setattr__(self, "input_shape", as_image_shape("input_shape", self.input_shape))
            list(walk(layers, self.input_shape))
        for layer in self.random_layers:
            check_path(layer.path)
        names = [name for layer in self.random_layers for name in {*layer.streams, *layer.mask_shapes}]
        repeated = [name for name, count in Counter(names).items() if count > 1]
        if repeated:
            raise ArgumentError("path", repeated[0], "names two streams or masks", "give each layer its own path")

    @property
    def random_layers(self) -> tuple[RandomLayer, ...]:
        """The layers that have weights, in order: each has one gain."""
        return tuple(layer for layer in self.layers if not isinstance(layer, Plain | Tokens | TokenMean))

    @property
    def inputs(self) -> int:
        """Number of inputs of the network."""
        return int(self.layers[0].inputs) if self.input_shape is None else prod(self.input_shape)

    @property
    def outputs(self) -> int:
        """Number of outputs of the network."""
        return self.random_layers[-1].outputs if self.input_shape is None else prod(self.output_shape)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Channels, height and width of the outputs; their number alone where there is no input shape."""
        return (self.outputs,) if self.input_shape is None else [*walk(self.layers, self.input_shape)][-1].gives

    @property
    def mask_shapes(self) -> dict[str, Shape]:
        """Name and shape of every mask array, in the order of the layers."""
        return {name: shape for layer in self.random_layers for name, shape in layer.mask_shapes.items()}

    @property
    def open_positions(self) -> int:
        """Number of random weights that the fixed block masks leave to choose from."""
        return sum(layer.open_positions for layer in self.random_layers)

    @property
    def random_parameters(self) -> int:
        """Number of weights of the whole random network, with those that block masks remove."""
        return sum(layer.random_parameters for layer in self.random_layers)

    def to_json(self) -> str:
        """Return the description as compact JSON, the same text for equal descriptions."""
        entries = [layer_entry(layer) for layer in self.layers]
        return description_text(entries, self.input_shape)

    @classmethod
    def from_json(cls, text: str) -> NetworkDescription:
        """Read what :meth:`to_json` wrote; unknown or missing keys and kinds are refused, nothing is executed.

        Raises
        ------
        ArgumentError
            When the text is not JSON, or describes no network that the package knows.
        """
        entries, shape = description_parts(text)
        return cls([layer_from_entry(entry) for entry in entries], shape)


def description_text(entries: Sequence[Mapping[str, Any]], shape: ImageShape | None) -> str:
    """Return compact JSON of layers' entries and the input shape, which is left out where there is none."""
    content = {"layers": entries} if shape is None else {"input_shape": shape, "layers": entries}
    return json.dumps(content, separators=(",", ":"))


def description_parts(text: str) -> tuple[list[Any], ImageShape | None]:
    """Return the entries and the input shape of what :func:`description_text` wrote, or raise ArgumentError."""
    content = strict_json("description", text)
    if not {"layers"} <= set(content) <= {"layers", "input_shape"} or not isinstance(content["layers"], list):
        rule = 'must have one key, "layers", a list, beside "input_shape"'
        raise ArgumentError("description", text, rule, "write it with to_json()")
    shape = content.get("input_shape")
    return content["layers"], None if shape is None else as_image_shape("input_shape", shape)


def strict_json(argument: str, text: str) -> dict[str, Any]:
    """Parse a JSON object without repeated keys, or raise ArgumentError."""
    remedy = "the text was changed or written by another program"
    try:
        content = json.loads(text, object_pairs_hook=_distinct)
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


def layer_entry(layer: RandomLayer | Plain) -> dict[str, Any]:
    """Return the kind and the fields of a layer, ready for JSON."""
    return {"kind": next(name for name, kind in KINDS.items() if kind is type(layer)), **asdict(layer)}


def layer_from_entry(entry: object) -> Any:
    """Return the layer of an entry that :func:`layer_entry` made, or raise ArgumentError."""
    named = entry.get("kind") if isinstance(entry, Mapping) else None
    if not isinstance(entry, Mapping) or not isinstance(named, str) or named not in KINDS:
        rule = f"must be an object whose kind is one of {sorted(KINDS)}"
        raise ArgumentError("description layer", entry, rule, "a newer version of slth may know it")
    kind = KINDS[named]
    expected = {"kind", *(field.name for field in fields(kind))}
    if set(entry) != expected:
        odd = sorted(expected.symmetric_difference(entry))
        raise ArgumentError("description layer", entry, f"has missing or unknown keys {odd}", "write it with to_json()")
    return kind(**{key: value for key, value in entry.items() if key != "kind"})


def check_path(path: object) -> None:
    if not isinstance(path, str) or not 0 < len(path) <= _LONGEST_PATH or not _PATH_CHARACTERS.issuperset(path):
        rule = f"must be 1 to {_LONGEST_PATH} letters, digits, dots, underscores or hyphens"
        raise ArgumentError("path", path, rule, 'use a name such as "layer0"')


def _check_sizes(layer: Layer, *names: str) -> None:
    for name in names:
        size = getattr(layer, name)
        if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= STREAM_LENGTH:
            raise ArgumentError(name, size, "must be an integer from 1 to 2**62", "pass a Python int")
    if layer.random_parameters > STREAM_LENGTH:
        rule = f"asks for {layer.random_parameters} random weights, more than a stream has"
        raise ArgumentError(layer.path, [getattr(layer, name) for name in names], rule, "choose smaller sizes")

"""The ticket: a random network, and what is kept of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slth.arrays import Floats, finite_array, frozen, one_of
from slth.errors import ArgumentError, TicketError
from slth.graphs import Graph
from slth.graphs.graph import check_name, in_parts
from slth.rng import Stream, WeightLaw
from slth.tickets.blocks import kept_weights_sha256
from slth.tickets.evaluation import through, through_layer
from slth.tickets.file import content_from_bytes, content_to_bytes, read_content, write_content
from slth.tickets.folded import Folded, fold
from slth.tickets.grains import coded_bits
from slth.tickets.layout import Layout
from slth.tickets.mask import Mask
from slth.tickets.pair import Drawn, Pair, Random, RandomTensor

Family: TypeAlias = Literal["strong", "trainable"]
Form: TypeAlias = Literal["folded", "masked"]


@dataclass(frozen=True)
class TicketStatistics:
    """What a ticket keeps, and what that costs.

    Parameters
    ----------
    kept, open_positions : int
        Entries of the masks kept, and all: random weights, or channels, that the fixed block masks leave open.
    density : float
        kept / open_positions.
    random_parameters : int
        Weights of the whole random network, with those that the block masks remove, and all candidates of a choice;
        those that several layers share are counted once.
    entropy_bound_bits : float
        Sum over masks of log2 C(positions, kept): what a coder of the mask is measured against. Where the masks of a
        layout keep or remove channels, blocks or n of m together, positions are those groups.
    target_weights : int or None
        Weights and biases of the network that the pairs stand for; None where a plain random layer does not say.
    """

    kept: int
    open_positions: int
    density: float
    random_parameters: int
    entropy_bound_bits: float
    target_weights: int | None

    @property
    def entropy_bound_bits_per_weight(self) -> float | None:
        """Bits of the entropy bound for each weight of the target, or None where their number is not known."""
        return self.entropy_bound_bits / self.target_weights if self.target_weights else None


@dataclass(frozen=True, eq=False)
class Ticket:
    """A subnetwork of a random network: everything needed to regenerate it bit for bit, and nothing else.

    Parameters
    ----------
    source : Graph or Layout
        The architecture of the random network: a graph whose weighted steps are :class:`Pair` or
        :class:`RandomLayer`, at least one. Where one layer is used at several nodes, they have the same step. Of a
        module outside the network language the names and shapes of its tensors, of which those are random that the mask
        names; the others stand in ``buffers``.
    law : WeightLaw
        The law of its weights.
    seed : int
        0 <= seed < 2**64.
    mask : Mask
        The arrays that ``mask_shapes`` names. A hidden channel of a pair is kept exactly where one of its weights is.
    gains : float64[layers]
        Positive; what the output of each random layer is multiplied by, in the order of ``layers``.
    family : {"strong", "trainable"}
        Whether the kept weights are final, or only where a training starts.
    buffers : mapping of str to array
        Numbers that are no weights and that the network needs, such as statistics of batch normalisation: declared by
        name, and none for a construction.

    Raises
    ------
    ArgumentError
        When one of these rules is broken.

    Examples
    --------
    >>> import numpy as np
    >>> pair = slth.Pair("layer0", inputs=2, outputs=1, units=3)
    >>> weights = np.ones((3, 3, 1), bool)
    >>> mask = slth.Mask({"layer0.units": weights.any(axis=2), "layer0.weights": weights})
    >>> source = slth.Graph((2,), [slth.Node("layer0", pair, ("input",))])
    >>> ticket = slth.Ticket(source, slth.WeightLaw("uniform", 1.0), 0, mask, [1.0])
    >>> ticket.forward([[0.0, 0.0], [1.0, 0.5]]).shape
    (2, 1)
    >>> ticket.statistics().density
    1.0
    """

    source: Graph | Layout
    law: WeightLaw
    seed: int
    mask: Mask
    gains: Floats
    family: Family = "strong"
    buffers: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, kinds in (("source", (Graph, Layout)), ("law", (WeightLaw,)), ("mask", (Mask,))):
            if not isinstance(getattr(self, name), kinds):
                named = " or a ".join(kind.__name__ for kind in kinds)
                raise ArgumentError(name, getattr(self, name), f"must be a {named}", "build one first")
        object.__setattr__(self, "seed", Stream(self.seed, "").seed)  # a stream knows the rule of seeds
        if not one_of(self.family, get_args(Family)):
            raise ArgumentError("family", self.family, "is not known", 'use "strong" or "trainable"')
        gains = finite_array(self.gains, "gains", axes=1)
        if len(gains) != len(self.layers) or not (gains > 0).all():
            rule = f"must be {len(self.layers)} positive numbers"
            raise ArgumentError("gains", gains.tolist(), rule, "give one a random layer")
        object.__setattr__(self, "gains", gains)
        object.__setattr__(self, "buffers", {name: _buffer(name, array) for name, array in self.buffers.items()})
        if self.mask.reading != "factor" and not isinstance(self.source, Layout):
            rule = "is no mask of a graph, whose random layers have one number and one mask a weight"
            raise ArgumentError("mask", self.mask.reading, rule, 'make it with reading="factor"')
        _check_mask(self.layers, self.mask)

    def __repr__(self) -> str:
        """Say how large it is; masks would fill screens."""
        return (
            f"Ticket({self.family}, {len(self.layers)} random layers, seed {self.seed}, "
            f"density {self.mask.density:.4g}, {self.mask.kept} kept)"
        )

    @cached_property
    def layers(self) -> tuple[Drawn, ...]:
        """The random layers, each once, in the order in which they occur first: each has one gain."""
        return _tensors_of(self.source, self.mask) if isinstance(self.source, Layout) else self.graph_layers

    @cached_property
    def graph(self) -> Graph:
        """The random network as a graph.

        Raises
        ------
        ArgumentError
            Where the ticket is for a module outside the network language.
        """
        if isinstance(self.source, Layout):
            rule = "is for a module outside the network language, which only that module evaluates"
            raise ArgumentError("ticket", self.source.fingerprint[:12], rule, "use slth.apply_to(module, ticket)")
        return self.source

    @cached_property
    def graph_layers(self) -> tuple[Random, ...]:
        """The random layers of a graph."""
        layers: dict[str, Random] = {}
        for node in self.graph.weighted:
            layer = node.step
            if not isinstance(layer, Random):
                rule = f"has weights at node {node.name} ({type(layer).__name__})"
                raise ArgumentError("source", self.graph.input_shape, rule, "put a Pair in the place of each")
            if layers.setdefault(layer.path, layer) != layer:
                raise ArgumentError("path", layer.path, "names two random layers", "give each layer its own path")
        if not layers:
            raise ArgumentError("source", self.graph.input_shape, "has no random layer", "put a Pair into it")
        _check_names(tuple(layers.values()))
        return tuple(layers.values())

    @property
    def mask_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every mask array, in the order of the layers."""
        return {name: shape for layer in self.layers for name, shape in layer.mask_shapes.items()}

    def gain(self, path: str) -> float:
        """Return the gain of a random layer."""
        paths = [layer.path for layer in self.layers]
        return float(self.gains[paths.index(path)])

    def forward(self, x: ArrayLike, *, form: Form = "folded") -> Floats:
        """Evaluate the ticket in float64, in bounded memory for any batch.

        Parameters
        ----------
        x : float64[batch, *input_shape]
            Finite.
        form : {"folded", "masked"}
            Through the convolution that each random layer folds to, which is fast, or through the masked random network
            itself, layer by layer: the reference. Both are exact but for rounding.

        Returns
        -------
        float64[batch, *output_shape]

        Raises
        ------
        ArgumentError
            For another shape or form, or a number that is not finite.
        """
        if not one_of(form, get_args(Form)):
            raise ArgumentError("form", form, "is not known", f"use one of {get_args(Form)}")

        def layer(step: Random, values: Floats) -> Floats:
            if form == "folded":
                return self.folded[step.path].forward(values)
            return through_layer(step, self.mask, self.law, self.seed, self.gain(step.path), values)

        return in_parts(self.graph, partial(through, self.graph, layer), x)

    @cached_property
    def folded(self) -> dict[str, Folded]:
        """What each random layer computes, by its path, enclosed in exact arithmetic."""
        gains = zip(self.graph_layers, self.gains.tolist(), strict=True)
        return {layer.path: fold(layer, self.mask, self.law, self.seed, gain) for layer, gain in gains}

    def statistics(self) -> TicketStatistics:
        """Return what the ticket keeps, and what that costs."""
        weights = [layer.target_parameters for layer in self.layers]
        drawn = {layer.streams: layer.random_parameters for layer in self.layers}
        return TicketStatistics(
            kept=self.mask.kept,
            open_positions=sum(layer.open_positions for layer in self.layers),
            density=self.mask.density,
            random_parameters=sum(drawn.values()) * self.mask.candidates,
            entropy_bound_bits=coded_bits(self.mask)
            if isinstance(self.source, Layout)
            else self.mask.entropy_bound_bits,
            target_weights=None if None in weights else sum(count for count in weights if count is not None),
        )

    def kept_weights_sha256(self) -> str:
        """Return the sha256 of the kept weights as little-endian float64, as 64 hexadecimal digits.

        Layer after layer, source after source, first convolution before second, each in index order.
        """
        return kept_weights_sha256(self.layers, self.mask, self.law, self.seed)

    def to_bytes(self) -> bytes:
        """Return the content of the ticket's file; equal tickets give equal bytes."""
        return content_to_bytes(self, self.kept_weights_sha256())

    def save(self, path: str | Path) -> None:
        """Write the ticket to a file, all of it or nothing.

        Parameters
        ----------
        path : str or Path
            In a folder that exists. A file that is there already is replaced in one step.

        Raises
        ------
        ArgumentError
            When the path is no path, or its folder does not exist or cannot be written.
        """
        write_content(self.to_bytes(), path)


def load_ticket(path: str | Path) -> Ticket:
    """Read a ticket and check that it is whole and that its weights regenerate bit for bit. Nothing is executed.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Ticket

    Raises
    ------
    ArgumentError
        When the path is no path.
    TicketError
        When there is no such file, or it is not a ticket, of another version, truncated, changed, larger than memory,
        or does not regenerate its weights; the message says which.

    Examples
    --------
    >>> try:
    ...     slth.load_ticket("no such file")
    ... except slth.TicketError as problem:
    ...     print(problem)
    no such file: there is no such file
    """
    path, content = read_content(path)
    try:
        return ticket_from_bytes(content)
    except TicketError as error:
        raise TicketError(f"{path}: {error}") from None


def ticket_from_bytes(content: bytes) -> Ticket:
    """Read a ticket from the content of its file, with all the checks of :func:`load_ticket`.

    Raises
    ------
    TicketError
        As :func:`load_ticket`.
    """
    fields, stated = content_from_bytes(content)
    try:
        ticket = Ticket(**fields)
    except ArgumentError as error:
        raise TicketError(f"not a ticket that can be used: {error}") from None
    found = ticket.kept_weights_sha256()
    if found != stated:
        raise TicketError(
            f"the kept weights do not regenerate: their sha256 is {found}, the ticket says {stated}; "
            "it was made by another generator or changed on purpose"
        )
    return ticket


def _check_names(layers: tuple[Drawn, ...]) -> None:
    """Raise ArgumentError where two layers draw from one stream, or one mask has the name of another."""
    counts = Counter(name for layer in layers for name in {*layer.streams, *layer.mask_shapes})
    repeated = [name for name, count in counts.items() if count > 1]
    numbered = {name: layer.sources for layer in layers if isinstance(layer, Pair) for name in layer.streams}
    for layer in layers:
        before, _, number = layer.path.rpartition(".")
        # The streams of a pair's sources: "path.first.0" and so on.
        if number.isdecimal() and number == str(int(number)) and int(number) < numbered.get(before, 0):
            repeated += [] if isinstance(layer, Pair) else [layer.path]
    if repeated:
        raise ArgumentError("path", repeated[0], "names two streams or masks", "give each layer its own path")


def _tensors_of(layout: Layout, mask: Mask) -> tuple[RandomTensor, ...]:
    """Return the tensors of a layout that the mask names, in the layout's order."""
    return tuple(RandomTensor.of(tensor) for tensor in layout.tensors if tensor.name in mask.arrays)


def _buffer(name: str, array: Any) -> NDArray[Any]:
    check_name(name)
    given = np.array(array)
    if given.dtype.kind not in "biuf" or not np.isfinite(given).all():
        raise ArgumentError(f"buffer {name}", given.dtype, "must hold finite real numbers", "leave it out")
    return frozen(given.astype(np.float64 if given.dtype.kind == "f" else np.int64))


def _check_mask(layers: tuple[Drawn, ...], mask: Mask) -> None:
    expected = {name: shape for layer in layers for name, shape in layer.mask_shapes.items()}
    if set(mask.arrays) != set(expected):
        odd = sorted(set(mask.arrays) ^ set(expected))
        raise ArgumentError("mask", odd, "are missing or unknown arrays", "name them as mask_shapes does")
    for name, shape in expected.items():
        if mask[name].shape != shape:
            raise ArgumentError(f"mask {name}", list(mask[name].shape), f"must have shape {list(shape)}", "reshape it")
    for layer in layers:
        if isinstance(layer, Pair) and layer.removal == "weights":
            units = mask[f"{layer.path}.units"]
            if not np.array_equal(units != 0, (mask[f"{layer.path}.weights"] != 0).any(axis=2)):
                rule = "must keep a hidden channel exactly where one of its weights is kept"
                remedy = f"use the mask of {layer.path}.weights, .any(axis=2)"
                raise ArgumentError(f"mask {layer.path}.units", units, rule, remedy)

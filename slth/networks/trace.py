"""Any torch module as a graph: what calling it computes, in float64."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from math import prod
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from slth.arrays import Floats
from slth.errors import ArgumentError, SlthError
from slth.graphs import INPUT, Flatten, Graph, Node
from slth.networks.affine import affine
from slth.networks.compare import check_same
from slth.networks.given import first_line, pair, tensor_given, whole_numbers
from slth.networks.isolated import Doubled, called, isolated, place_of
from slth.networks.simplify import simplified
from slth.networks.traced import BATCH, Tracer, Value
from slth.networks.walk import Walk
from slth.networks.writes import writes_are_plain

_ALONE = threading.RLock()
"""Held while a module is traced: torch's default dtype, its random numbers, warnings and stderr are the process's."""

Normalisation: TypeAlias = tuple[ArrayLike, ArrayLike]


def describe(module: nn.Module, input_shape: Sequence[int], *, normalisation: Normalisation | None = None) -> Graph:
    """Return the function that calling a module computes at evaluation as a graph: see :func:`slth.describe`.

    A deep copy of the module, in float64 and evaluation mode, is exported by ``torch.export``, and each operation is
    written as nodes of the graph, named after the user's modules. Then module and graph are compared on random inputs.
    """
    remedy = "pass (1, 28, 28) for images, (784,) for vectors"
    shape = whole_numbers(input_shape, "input_shape", most=3, remedy=remedy)
    image = Graph(shape, [Node("only", Flatten(), (INPUT,))])
    mean, deviation = _mean_and_deviation(image.input_shape, normalisation)
    try:
        return _described(isolated(module), image, mean, deviation)
    except SlthError:
        raise
    except Exception as error:
        rule = f"cannot be described ({first_line(error)})"
        raise ArgumentError("module", type(module).__name__, rule, "use plainer layers, and report it") from error


def _described(twin: nn.Module, image: Graph, mean: Floats, deviation: Floats) -> Graph:
    """Return the graph of a module that was copied; the image has the shape of its input."""
    shape = image.input_shape
    with _quiet():
        example = torch.rand(BATCH, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        result = called(twin, example)
        tracer = Tracer(image.image_shape)
        start = Value(INPUT, (BATCH, *shape))
        if deviation.shape or mean.any() or deviation != 1.0:
            tracer.enter("normalisation", "normalisation", whole=True)
            start = affine(tracer, start, torch.tensor(1.0 / deviation), torch.tensor(-mean / deviation))
        walk = Walk(tracer, _exported(twin, example), start)
        nodes, output = simplified(tracer, _output(tracer, walk.output))
        graph = Graph(shape, nodes, output, tuple(result.shape[1:]) or (1,))
        check_same(twin, graph, walk, mean, deviation)
    return graph


def _mean_and_deviation(shape: tuple[int, ...], normalisation: Any) -> tuple[Floats, Floats]:
    """Return both as float64 that broadcast to an example, or raise ArgumentError."""
    if normalisation is None:
        return np.zeros(()), np.ones(())
    found = []
    both = pair(normalisation, "normalisation", remedy="pass (mean, std)")
    for name, given in zip(("mean", "standard deviation"), both, strict=True):
        array = tensor_given(given, "normalisation").cpu().double().numpy()
        if not np.isfinite(array).all() or (name != "mean" and not (array > 0.0).all()):
            rule = "must hold finite means and positive standard deviations"
            raise ArgumentError("normalisation", normalisation, rule, "pass (mean, std)")
        channels = (shape[0], *[1] * (len(shape) - 1))
        if array.shape in ((shape[0],), channels) or array.size == 1:
            array = array.reshape(channels if array.size > 1 else ())
        elif array.shape != shape:
            rule = f"must have 1 or {shape[0]} numbers, or the shape {shape}, and the {name} has shape {array.shape}"
            raise ArgumentError("normalisation", normalisation, rule, "give one number for each channel")
        found.append(array)
    return found[0], found[1]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch's warnings, messages and random numbers inside."""
    with _ALONE, _silent():
        yield


@contextmanager
def _silent() -> Iterator[None]:
    handlers = logging.getLogger("torch").handlers

    def nothing(record: logging.LogRecord) -> bool:
        del record
        return False

    for handler in handlers:
        handler.addFilter(nothing)
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # what forward makes, such as torch.zeros(3), must meet float64 weights
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]), torch.enable_grad():
            warnings.simplefilter("ignore")
            if torch.get_default_device().type == "cpu":
                yield  # the mode below costs time at each call
            else:
                with torch.device("cpu"):
                    yield
    finally:
        torch.set_default_dtype(dtype)
        for handler in handlers:
            handler.removeFilter(nothing)


class _Called(nn.Module):
    """A module that only calls another: so hooks of the outermost module are seen, too."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: torch.Tensor) -> Any:
        return self.module(x)


def _exported(twin: nn.Module, example: torch.Tensor) -> Any:
    """Return the program of torch.export, in which writes in place are plain or gone."""
    try:
        with redirect_stderr(StringIO()), Doubled():  # where it fails, torch prints the part that it has
            program = torch.export.export(_Called(twin).eval(), (example,), strict=False)
        if not writes_are_plain(program.graph):
            program = program.run_decompositions({})  # slow, and it splits some operations
    except Exception as error:
        rule = f"cannot be captured by torch.export in {place_of(twin, error)} ({first_line(error)})"
        remedy = "write forward without branches, loops and .item() that depend on the data"
        raise ArgumentError("module", type(twin).__name__, rule, remedy) from None
    return program


def _output(tracer: Tracer, value: Value) -> str:
    """Return the node that has the output's numbers in their order."""
    tracer.enter("output", "output", whole=True)
    value = tracer.written(value)
    plain = torch.arange(prod(value.shape)).reshape(BATCH, -1)
    same = value.index is None or torch.equal(value.index.reshape(BATCH, -1), plain + 1)
    if same and value.source != INPUT:
        return str(value.source)
    sizes = value.shape[1:]
    to = {1: (*sizes, 1, 1), 2: (*sizes[:1], 1, *sizes[1:]), 3: sizes}.get(len(sizes), (prod(sizes), 1, 1))
    node = tracer.arranged(value, plain.reshape(BATCH, *to))
    return node if node != INPUT else tracer.add(Flatten(), node)

"""A described network as a safetensors file: what a ticket's size is compared with.

Tensors: ``{number}.weight`` and, where there is one, ``{number}.bias``, by the number of the layer or step. Metadata,
one JSON text: the format with, for dense networks, the activations; for convolutions the input shape and the steps,
one object each. Reading compares and checks; nothing in the file is executed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from slth.errors import ArgumentError, DataError
from slth.experiments.files import write_bytes
from slth.tickets import ConvLayer, ConvNetwork, DenseLayer, DenseNetwork
from slth.tickets.geometry import as_image_shape
from slth.tickets.steps import PLAIN

DENSE_FORMAT = "slth target/1"
CONVOLUTIONAL_FORMAT = "slth target/2"
_NUMBERS = ("weight", "bias")
_OPTIONS = tuple(field.name for field in fields(ConvLayer) if field.name not in _NUMBERS)


def save_target(network: DenseNetwork | ConvNetwork, path: Path) -> None:
    """Write a network's weights, in float32 where every number is one, under a temporary name and rename.

    Parameters
    ----------
    network : DenseNetwork or ConvNetwork
    path : Path
        Its folder is created where missing.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    steps = network.layers if isinstance(network, DenseNetwork) else network.steps
    tensors = {}
    for number, step in enumerate(steps):
        for name in _NUMBERS:
            array = getattr(step, name, None)
            if array is not None:
                tensors[f"{number}.{name}"] = _narrow(array)
    header: dict[str, Any]
    if isinstance(network, DenseNetwork):
        header = {"format": DENSE_FORMAT, "activations": [layer.activation for layer in network.layers]}
    else:
        header = {"format": CONVOLUTIONAL_FORMAT, "input_shape": network.input_shape, "steps": [*map(_entry, steps)]}
    # One entry alone: the writer orders several at random, and equal networks shall be equal files.
    write_bytes(path, save(tensors, metadata={"slth": json.dumps(header)}))


def load_target(path: Path) -> DenseNetwork | ConvNetwork:
    """Read what :func:`save_target` wrote.

    Parameters
    ----------
    path : Path

    Returns
    -------
    DenseNetwork or ConvNetwork

    Raises
    ------
    slth.errors.DataError
        No such file, or not a target file, or damaged.
    """
    if not path.is_file():
        raise DataError(f"{path}: there is no such file")
    try:
        with safe_open(path, framework="numpy") as file:
            header: Any = json.loads((file.metadata() or {}).get("slth", "null"))
            named = header.get("format") if isinstance(header, dict) else None
            if named == DENSE_FORMAT:
                return _dense(file, header["activations"])
            if named == CONVOLUTIONAL_FORMAT:
                return _convolutional(file, header["input_shape"], header["steps"])
            raise DataError(f"{path}: is not a target file of this version; `slth construct` writes one")
    except (SafetensorError, ArgumentError, ValueError, KeyError, TypeError, OSError, RecursionError) as problem:
        raise DataError(f"{path}: is damaged ({problem})") from problem


def _dense(file: Any, activations: list[Any]) -> DenseNetwork:
    return DenseNetwork(
        [DenseLayer(*_numbers(file, number), activation) for number, activation in enumerate(activations)]
    )


def _convolutional(file: Any, shape: Any, entries: list[Any]) -> ConvNetwork:
    steps: list[Any] = []
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise TypeError(f"step {number} is no object")
        options: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()
        }
        kind = options.pop("kind")
        if kind != "convolution":
            steps.append(PLAIN[kind](**options))
        elif set(options) != set(_OPTIONS):
            raise ValueError(f"step {number} must have {', '.join(_OPTIONS)}")
        else:
            steps.append(ConvLayer(*_numbers(file, number), **options))
    return ConvNetwork(as_image_shape("input_shape", shape), steps)


def _entry(step: Any) -> dict[str, Any]:
    """Return the kind and the options of a step, ready for JSON."""
    if isinstance(step, ConvLayer):
        return {"kind": "convolution", **{name: getattr(step, name) for name in _OPTIONS}}
    return {"kind": next(name for name, kind in PLAIN.items() if kind is type(step)), **asdict(step)}


def _numbers(file: Any, number: int) -> tuple[Any, Any]:
    bias = f"{number}.bias"
    return file.get_tensor(f"{number}.weight"), file.get_tensor(bias) if bias in file.keys() else None  # noqa: SIM118


def _narrow(array: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, Any]:
    """float32 where that loses nothing: a network trained in float32 is stored in half the size."""
    with np.errstate(over="ignore"):
        single = array.astype(np.float32)
    return single if np.array_equal(single.astype(np.float64), array) else np.ascontiguousarray(array)

"""A described network as a safetensors file: what a ticket's size is compared with.

Tensors: ``{number}.weight`` and, where there is one, ``{number}.bias``, by the number of the layer or step; of an
attention network the same behind ``embedding.`` and ``readout.``, and ``scores`` and ``values``. Metadata, one JSON
text: the format with, for dense networks and parts, the activations; for convolutions the input shape and the steps,
one object each; for attention tokens and residual. Reading compares and checks; nothing in the file is executed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from slth.errors import ArgumentError, DataError
from slth.files import write_bytes
from slth.tickets import AttentionNetwork, ConvLayer, ConvNetwork, DenseLayer, DenseNetwork
from slth.tickets.geometry import as_image_shape
from slth.tickets.steps import PLAIN

Network = DenseNetwork | ConvNetwork | AttentionNetwork

DENSE_FORMAT = "slth target/1"
CONVOLUTIONAL_FORMAT = "slth target/2"
ATTENTION_FORMAT = "slth attention target/1"
_PARTS = ("embedding", "readout")
_NUMBERS = ("weight", "bias")
_OPTIONS = tuple(field.name for field in fields(ConvLayer) if field.name not in _NUMBERS)


def save_target(network: Network, path: Path) -> None:
    """Write a network's weights, in float32 where every number of an array is one, under a temporary name and rename.

    Parameters
    ----------
    network : DenseNetwork, ConvNetwork or AttentionNetwork
    path : Path
        Its folder is created where missing.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    header: dict[str, Any]
    if isinstance(network, DenseNetwork):
        header = {"format": DENSE_FORMAT, "activations": _activations(network)}
        arrays = _arrays(network.layers)
    elif isinstance(network, ConvNetwork):
        entries = [*map(_entry, network.steps)]
        header = {"format": CONVOLUTIONAL_FORMAT, "input_shape": network.input_shape, "steps": entries}
        arrays = _arrays(network.steps)
    else:
        header = {"format": ATTENTION_FORMAT, "tokens": network.tokens, "residual": network.residual}
        arrays = {"scores": network.scores, "values": network.values}
        for part in _PARTS:
            header[part] = _activations(getattr(network, part))
            arrays |= _arrays(getattr(network, part).layers, f"{part}.")
    tensors = {name: _narrow(array) for name, array in arrays.items()}
    # One entry alone: the writer orders several at random, and equal networks shall be equal files.
    write_bytes(path, save(tensors, metadata={"slth": json.dumps(header)}))


def load_target(path: Path) -> Network:
    """Read what :func:`save_target` wrote.

    Parameters
    ----------
    path : Path

    Returns
    -------
    DenseNetwork, ConvNetwork or AttentionNetwork

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
            if named == ATTENTION_FORMAT:
                embedding, readout = (_dense(file, header[part], f"{part}.") for part in _PARTS)
                middle = file.get_tensor("scores"), file.get_tensor("values")
                return AttentionNetwork(header["tokens"], embedding, *middle, readout, residual=header["residual"])
            raise DataError(f"{path}: is not a target file of this version; `slth construct` writes one")
    except (SafetensorError, ArgumentError, ValueError, KeyError, TypeError, OSError, RecursionError) as problem:
        raise DataError(f"{path}: is damaged ({problem})") from problem


def _arrays(steps: Iterable[Any], prefix: str = "") -> dict[str, NDArray[np.float64]]:
    """Weights and biases of layers or steps, by their numbers."""
    found = {
        f"{prefix}{number}.{name}": getattr(step, name, None) for number, step in enumerate(steps) for name in _NUMBERS
    }
    return {name: array for name, array in found.items() if array is not None}


def _activations(network: DenseNetwork) -> list[str]:
    return [layer.activation for layer in network.layers]


def _dense(file: Any, activations: list[Any], prefix: str = "") -> DenseNetwork:
    return DenseNetwork(
        [DenseLayer(*_numbers(file, f"{prefix}{number}"), activation) for number, activation in enumerate(activations)]
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
            steps.append(ConvLayer(*_numbers(file, str(number)), **options))
    return ConvNetwork(as_image_shape("input_shape", shape), steps)


def _entry(step: Any) -> dict[str, Any]:
    """Return the kind and the options of a step, ready for JSON."""
    if isinstance(step, ConvLayer):
        return {"kind": "convolution", **{name: getattr(step, name) for name in _OPTIONS}}
    return {"kind": next(name for name, kind in PLAIN.items() if kind is type(step)), **asdict(step)}


def _numbers(file: Any, place: str) -> tuple[Any, Any]:
    bias = f"{place}.bias"
    return file.get_tensor(f"{place}.weight"), file.get_tensor(bias) if bias in file.keys() else None  # noqa: SIM118


def _narrow(array: NDArray[np.float64]) -> NDArray[Any]:
    """float32 where that loses nothing: a network trained in float32 is stored in half the size."""
    with np.errstate(over="ignore"):
        single = array.astype(np.float32)
    return single if np.array_equal(single.astype(np.float64), array) else np.ascontiguousarray(array)

"""A described dense network as a safetensors file: what a ticket's size is compared with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from slth.errors import ArgumentError, DataError
from slth.experiments.files import write_bytes
from slth.tickets import DenseLayer, DenseNetwork

FORMAT = "slth target/1"


def save_target(network: DenseNetwork, path: Path) -> None:
    """Write a network's weights, in float32 where every number is one, under a temporary name and rename.

    Parameters
    ----------
    network : DenseNetwork
    path : Path
        Its folder is created where missing.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    tensors = {}
    for number, layer in enumerate(network.layers):
        tensors[f"{number}.weight"] = _narrow(layer.weight)
        if layer.bias is not None:
            tensors[f"{number}.bias"] = _narrow(layer.bias)
    activations = [layer.activation for layer in network.layers]
    # One entry alone: the writer orders several at random, and equal networks shall be equal files.
    write_bytes(path, save(tensors, metadata={"slth": json.dumps({"format": FORMAT, "activations": activations})}))


def load_target(path: Path) -> DenseNetwork:
    """Read what :func:`save_target` wrote.

    Parameters
    ----------
    path : Path

    Returns
    -------
    DenseNetwork

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
            if not isinstance(header, dict) or header.get("format") != FORMAT:
                raise DataError(f"{path}: is not a target file of this version; `slth construct dense` writes one")
            names = set(file.keys())
            layers = [
                DenseLayer(
                    file.get_tensor(f"{number}.weight"),
                    file.get_tensor(f"{number}.bias") if f"{number}.bias" in names else None,
                    activation,
                )
                for number, activation in enumerate(header["activations"])
            ]
            return DenseNetwork(layers)
    except (SafetensorError, ArgumentError, ValueError, KeyError, TypeError, OSError) as problem:
        raise DataError(f"{path}: is damaged ({problem})") from problem


def _narrow(array: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, Any]:
    """float32 where that loses nothing: a network trained in float32 is stored in half the size."""
    with np.errstate(over="ignore"):
        single = array.astype(np.float32)
    return single if np.array_equal(single.astype(np.float64), array) else np.ascontiguousarray(array)

"""An attention target as a safetensors file: what a ticket's size is compared with, read by nothing but checks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from slth.errors import ArgumentError, DataError
from slth.experiments.files import write_bytes
from slth.tickets import AttentionNetwork, DenseLayer, DenseNetwork

FORMAT = "slth attention target/1"
_PARTS = ("embedding", "readout")


def save_attention_target(network: AttentionNetwork, path: Path) -> None:
    """Write an attention network's numbers, in float32 where every number of an array is one.

    Parameters
    ----------
    network : AttentionNetwork
    path : Path
        Its folder is created where missing.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    header: dict[str, Any] = {"format": FORMAT, "tokens": network.tokens, "residual": network.residual}
    tensors = {"scores": _narrow(network.scores), "values": _narrow(network.values)}
    for part in _PARTS:
        layers = getattr(network, part).layers
        header[part] = [layer.activation for layer in layers]
        for number, layer in enumerate(layers):
            tensors[f"{part}.{number}.weight"] = _narrow(layer.weight)
            if layer.bias is not None:
                tensors[f"{part}.{number}.bias"] = _narrow(layer.bias)
    write_bytes(path, save(tensors, metadata={"slth": json.dumps(header)}))


def load_attention_target(path: Path) -> AttentionNetwork:
    """Read what :func:`save_attention_target` wrote.

    Parameters
    ----------
    path : Path

    Returns
    -------
    AttentionNetwork

    Raises
    ------
    slth.errors.DataError
        No such file, or not such a target, or damaged.
    """
    if not path.is_file():
        raise DataError(f"{path}: there is no such file")
    try:
        with safe_open(path, framework="numpy") as file:
            header: Any = json.loads((file.metadata() or {}).get("slth", "null"))
            if not isinstance(header, dict) or header.get("format") != FORMAT:
                raise DataError(f"{path}: is no attention target of this version")
            embedding, readout = (_dense(file, part, header[part]) for part in _PARTS)
            scores, values = file.get_tensor("scores"), file.get_tensor("values")
            return AttentionNetwork(header["tokens"], embedding, scores, values, readout, residual=header["residual"])
    except (SafetensorError, ArgumentError, ValueError, KeyError, TypeError, OSError, RecursionError) as problem:
        raise DataError(f"{path}: is damaged ({problem})") from problem


def _dense(file: Any, part: str, activations: list[Any]) -> DenseNetwork:
    layers = []
    for number, activation in enumerate(activations):
        bias = f"{part}.{number}.bias"
        shift = file.get_tensor(bias) if bias in file.keys() else None  # noqa: SIM118
        layers.append(DenseLayer(file.get_tensor(f"{part}.{number}.weight"), shift, activation))
    return DenseNetwork(layers)


def _narrow(array: NDArray[np.float64]) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        single = array.astype(np.float32)
    return single if np.array_equal(single.astype(np.float64), array) else np.ascontiguousarray(array)

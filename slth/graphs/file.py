"""A network as a safetensors file: the one layout of targets, whatever they are made of.

Tensors ``node.weight`` and ``node.bias``, float32 where that loses nothing. Metadata, one JSON text: the format and the
nodes (:mod:`slth.graphs.coding`). Reading compares and checks; nothing in the file is executed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from slth.errors import ArgumentError, DataError
from slth.files import write_bytes
from slth.graphs.coding import graph_from_text, graph_text
from slth.graphs.graph import Graph
from slth.resources import require_memory

FORMAT = "graph/1"
_WORDS = {"|u1": "U8", "<f4": "F32", "<f8": "F64", "<i8": "I64"}


def safetensors_bytes(metadata: Mapping[str, str], tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the content of a safetensors file, the same for equal contents.

    It is put together here because safetensors' own writer orders metadata at random.
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, tensor in tensors.items():
        offsets = [end, end := end + tensor.nbytes]
        header[name] = {"dtype": _WORDS[tensor.dtype.str], "shape": tensor.shape, "data_offsets": offsets}
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(map(np.ndarray.tobytes, tensors.values()))


def save_graph(graph: Graph, path: str | Path) -> None:
    """Write a network, all of it or nothing; equal networks give equal files."""
    write_bytes(Path(path), graph_bytes(graph))


def graph_bytes(graph: Graph) -> bytes:
    """Return the content of a network's file."""
    text, arrays = graph_text(graph)
    tensors = {name: narrow(array) for name, array in arrays.items()}
    return safetensors_bytes({"slth.format": FORMAT, "graph": text}, tensors)


def load_graph(path: str | Path) -> Graph:
    """Read what :func:`save_graph` wrote."""
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: there is no such file")
    try:
        require_memory(4 * path.stat().st_size, "file", "no network for this machine is that large")
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("slth.format") != FORMAT:
                raise DataError(f"{path}: is no network file of this version ({FORMAT}); `slth construct` writes one")
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return graph_from_text(metadata.get("graph", ""), arrays)
    except (SafetensorError, ArgumentError, ValueError, OSError) as problem:
        raise DataError(f"{path}: is damaged ({problem})") from problem


def narrow(array: NDArray[Any]) -> NDArray[Any]:
    """Return float32 where that loses nothing: a network trained in float32 is stored in half the size."""
    with np.errstate(over="ignore"):
        single = array.astype(np.float32)
    return single if np.array_equal(single.astype(np.float64), array) else np.ascontiguousarray(array)

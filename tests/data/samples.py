"""Small data sets in the formats of the large ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from slth.data.catalogue import CATALOGUE


def idx_bytes(array: np.ndarray) -> bytes:
    """The IDX file of an array of bytes, after its description and not after our reader."""
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def small_mnist(folder: Path, *, packed: bool = True, name: str = "mnist") -> dict[str, np.ndarray]:
    """Write a data set of MNIST's structure with a handful of images."""
    generator = np.random.default_rng(5)
    arrays = {}
    layout = CATALOGUE[name].layouts[0 if packed else 1]
    for part, files, count in (("train", layout.train, 12), ("test", layout.test, 5)):
        arrays[part] = generator.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        arrays[part + "_labels"] = generator.integers(0, 10, count).astype(np.uint8)
        for file, array in zip(files, (arrays[part], arrays[part + "_labels"]), strict=True):
            path = folder / layout.folder / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(idx_bytes(array)) if packed else idx_bytes(array))
    return arrays

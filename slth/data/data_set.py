"""What every data set is, wherever it comes from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError

Split = Literal["train", "test"]


@dataclass(frozen=True)
class DataSet:
    """Inputs and labels, and where they came from; inputs of signed integers are indices of tokens.

    Shapes: train_labels, test_labels ndarray of int64 [N].
    """

    name: str
    shape: tuple[int, ...]
    classes: int
    scale: float
    train_inputs: NDArray[Any]
    train_labels: NDArray[np.int64]
    test_inputs: NDArray[Any]
    test_labels: NDArray[np.int64]
    provenance: dict[str, Any] = field(compare=False)

    def __post_init__(self) -> None:
        """Make the arrays read-only: a data set is shared by everything that runs on it."""
        for array in (self.train_inputs, self.train_labels, self.test_inputs, self.test_labels):
            array.setflags(write=False)

    @property
    def features(self) -> int:
        """Length of one flat input."""
        return int(self.train_inputs.shape[1])

    @property
    def are_tokens(self) -> bool:
        """Whether inputs are indices of tokens, and no numbers to calculate with."""
        return self.train_inputs.dtype.kind == "i"

    @property
    def vocabulary(self) -> int | None:
        """Largest token plus one; None where inputs are numbers."""
        return 1 + int(max(self.train_inputs.max(), self.test_inputs.max())) if self.are_tokens else None

    def inputs(self, split: Split, *, limit: int | None = None) -> NDArray[Any]:
        """Flat inputs scaled to [0, 1], or token indices.

        Shapes: result ndarray of float32 or int64 [N, prod(shape)].
        """
        stored = self._split(split, limit, self.train_inputs, self.test_inputs)
        return stored.astype(np.int64) if self.are_tokens else stored.astype(np.float32) / np.float32(self.scale)

    def labels(self, split: Split, *, limit: int | None = None) -> NDArray[np.int64]:
        """Labels of a split, int64 [N], cut like :meth:`inputs`."""
        labels: NDArray[np.int64] = self._split(split, limit, self.train_labels, self.test_labels)
        return labels

    @staticmethod
    def _split(split: str, limit: int | None, train: NDArray[Any], test: NDArray[Any]) -> NDArray[Any]:
        if split not in {"train", "test"}:
            raise ArgumentError("split", split, "is not a split", "choose train or test")
        if limit is not None and limit < 1:
            raise ArgumentError("limit", limit, "must be at least 1", "pass a positive number of examples or none")
        return (train if split == "train" else test)[:limit]


def assemble(
    name: str,
    shape: tuple[int, ...],
    classes: int,
    scale: float,
    arrays: tuple[NDArray[Any], NDArray[np.int64], NDArray[Any], NDArray[np.int64]],
    provenance: dict[str, Any],
) -> DataSet:
    """Make a data set of arrays for training and testing, with their sha256 in its provenance."""
    content = hashlib.sha256()
    for array in arrays:
        content.update(np.ascontiguousarray(array).data)
    return DataSet(name, shape, classes, scale, *arrays, {**provenance, "arrays_sha256": content.hexdigest()})

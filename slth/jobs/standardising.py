"""Inputs standardised as a search takes them: by mean and deviation of the training examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.data.data_set import DataSet, Split
from slth.training import Examples


@dataclass(frozen=True, eq=False)
class Standardised:
    """A data set whose inputs have mean 0 and deviation 1, for each channel of images or for all numbers.

    Token indices are no numbers, and stay.
    """

    data: DataSet
    shape: tuple[int, ...]
    limit: int | None
    mean: NDArray[Any]
    deviation: NDArray[Any]

    @classmethod
    def of(cls, data: DataSet, shape: tuple[int, ...], *, limit: int | None = None) -> Standardised:
        """Measure at most so many training examples, of which each is an input of a shape."""
        inputs = data.inputs("train", limit=limit)
        if data.are_tokens:
            return cls(data, shape, limit, np.zeros(0), np.ones(0))
        numbers = inputs.reshape(len(inputs), shape[0] if len(shape) > 1 else 1, -1).astype(np.float64)
        mean, deviation = numbers.mean(axis=(0, 2)), numbers.std(axis=(0, 2))
        deviation[deviation == 0.0] = 1.0
        to = (-1, *[1] * (len(shape) - 1))
        return cls(data, shape, limit, mean.astype(np.float32).reshape(to), deviation.astype(np.float32).reshape(to))

    def examples(self, split: Split) -> Examples:
        """Return the examples of a split, at most as many as were measured."""
        inputs = self.data.inputs(split, limit=self.limit).reshape(-1, *self.shape)
        labels = self.data.labels(split, limit=self.limit)
        return Examples(inputs if self.data.are_tokens else (inputs - self.mean) / self.deviation, labels)

    def describe(self) -> dict[str, list[float]] | None:
        """Return both, as JSON has them; None of tokens."""
        if self.data.are_tokens:
            return None
        return {"mean": self.mean.reshape(-1).tolist(), "deviation": self.deviation.reshape(-1).tolist()}

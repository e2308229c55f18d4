"""Data sets that need no file of their own: scikit-learn's digits and a teacher-student problem."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.rng import Stream

Arrays = tuple[NDArray[Any], NDArray[np.int64], NDArray[Any], NDArray[np.int64]]
"""Train inputs, train labels, test inputs, test labels."""

DIGITS_TEST = 360


def digits() -> Arrays:
    """Hold the optical digits of scikit-learn, split by a fixed permutation.

    The images come grouped by writer, so the permutation is drawn once from a named random stream: every user has the
    same 1,437 training and 360 test images.

    Shapes: result ndarray of uint8 [1437, 64]; result ndarray of int64 [1437]; result ndarray of uint8 [360, 64];
    result ndarray of int64 [360].
    """
    from sklearn.datasets import load_digits  # costs more than a second

    bunch = load_digits()
    images, labels = bunch.data.astype(np.uint8), bunch.target.astype(np.int64)
    order = np.argsort(Stream(seed=0, path="digits.split").raw(0, len(labels)), kind="stable")
    test, train = order[:DIGITS_TEST], order[DIGITS_TEST:]
    return images[train], labels[train], images[test], labels[test]


def teacher_student(
    *, seed: int = 0, features: int = 16, hidden: int = 8, classes: int = 4, train: int = 2000, test: int = 500
) -> Arrays:
    """Draw inputs uniformly from a box and label them by a random two-layer network.

    ``label(x) = argmax V relu(U (2 x - 1))`` with normal ``U [hidden, features]`` and ``V [classes, hidden]``; each
    output is centred on its mean over the sample, so that no class is empty by an accident of the draw.

    Shapes: result ndarray of float32 [train, features]; result ndarray of int64 [train]; result ndarray of float32
    [test, features]; result ndarray of int64 [test].
    """
    count = train + test
    inputs = Stream(seed, "synthetic.inputs").uniform(0, count * features).reshape(count, features).astype(np.float32)
    first = Stream(seed, "synthetic.teacher.first").normal(0, hidden * features).reshape(hidden, features)
    second = Stream(seed, "synthetic.teacher.second").normal(0, classes * hidden).reshape(classes, hidden)
    scores = np.maximum((2.0 * inputs.astype(np.float64) - 1.0) @ first.T, 0.0) @ second.T
    labels = np.argmax(scores - scores.mean(axis=0), axis=1).astype(np.int64)
    return inputs[:train], labels[:train], inputs[train:], labels[train:]

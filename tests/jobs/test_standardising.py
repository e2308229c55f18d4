"""Inputs as a search takes them."""

from __future__ import annotations

import numpy as np
import pytest

from slth.data.data_set import DataSet
from slth.jobs.standardising import Standardised


def images(*, constant: bool) -> DataSet:
    rng = np.random.default_rng(0)
    parts = [rng.integers(0, 256, (count, 2, 9)).astype(np.uint8) for count in (40, 20)]
    if constant:
        for part in parts:
            part[:, 1] = 7
    labels = [np.arange(len(part)) % 3 for part in parts]
    train, test = (part.reshape(len(part), 18) for part in parts)
    return DataSet("own", (2, 3, 3), 3, 255.0, train, labels[0], test, labels[1], {})


@pytest.mark.parametrize("limit", [None, 10])
def test_each_channel_of_the_training_examples_has_mean_0_and_deviation_1(limit: int | None) -> None:
    data = images(constant=False)
    found = Standardised.of(data, (2, 3, 3), limit=limit)
    inputs = found.examples("train").inputs.double().numpy()
    assert inputs.shape == (limit or 40, 2, 3, 3)
    assert np.allclose(inputs.mean(axis=(0, 2, 3)), 0.0, atol=1e-6)
    assert np.allclose(inputs.std(axis=(0, 2, 3)), 1.0, atol=1e-6)
    test = found.examples("test")
    (mean, _), (deviation, _) = found.describe()["mean"], found.describe()["deviation"]
    pixels = data.test_inputs[: limit or 20, :9].reshape(-1, 3, 3) / 255.0
    assert np.allclose(test.inputs[:, 0].numpy(), (pixels - mean) / deviation, atol=1e-5)
    assert test.targets.tolist() == data.test_labels[: limit or 20].tolist()


def test_flat_inputs_have_one_mean_for_all_numbers() -> None:
    found = Standardised.of(images(constant=False), (18,))
    assert len(found.describe()["mean"]) == 1
    assert found.examples("train").inputs.shape == (40, 18)


def test_a_channel_that_is_constant_is_only_shifted() -> None:
    found = Standardised.of(images(constant=True), (2, 3, 3))
    assert found.describe()["deviation"][1] == 1.0
    assert found.examples("test").inputs[:, 1].abs().max() < 1e-6

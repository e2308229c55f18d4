"""The study of LeNet-5 against sums made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from slth.graphs import Conv, Flatten, Graph, Node, Pool, Relu
from slth.grids.context import Context
from slth.rng import Stream
from slth.studies import lenet_weights as module
from slth.studies.lenet_weights import lenet_weights
from tests.data.samples import small_mnist
from tests.oracles import best_subset

CELL = {"data": "mnist", "candidates": [4, 9], "images": 5, "epochs": 1, "target_seed": 0}


def tiny_network() -> Graph:
    generator = np.random.default_rng(1)
    conv = Conv(generator.uniform(-0.4, 0.4, (2, 1, 2, 2)), generator.uniform(-0.1, 0.1, 2))
    return Graph(
        (1, 28, 28),
        [
            Node("conv", conv, ("input",)),
            Node("relu", Relu(), ("conv",)),
            Node("pool", Pool("max", (2, 2)), ("relu",)),
            Node("flat", Flatten(), ("pool",)),
            Node("head", Conv(np.ones((3, 2 * 13 * 13))), ("flat",)),
        ],
    )


@pytest.fixture
def context(tmp_path):
    small_mnist(tmp_path)
    return Context(folders=(tmp_path,), cache=tmp_path / "cache")


@pytest.mark.filterwarnings("ignore::slth.data.datasets.DataWarning")
def test_weight_error_is_that_of_exact_sums(context, monkeypatch):
    network = tiny_network()
    monkeypatch.setattr(module, "lenet_target", lambda *_, **__: network)
    rows = lenet_weights(CELL, seed=11, context=context)
    assert [row["n"] for row in rows] == [4, 9]
    for row in rows:
        relative, n = [], row["n"]
        conv = network.node("conv").step
        for number, array in enumerate((conv.weight, conv.bias)):
            values = (2.0 * Stream(11, f"per-weight.array{number}").uniform(0, n * array.size) - 1.0).reshape(-1, n)
            errors = [float(best_subset(v, w)[0]) for v, w in zip(values, array.ravel(), strict=True)]
            relative.append(max(errors) / np.abs(array).max())
        assert row["weight_error"] == pytest.approx(max(relative), rel=1e-9)
        assert row["parameters"] == 10


@pytest.mark.filterwarnings("ignore::slth.data.datasets.DataWarning")
def test_output_error_shrinks_with_the_weights(context, monkeypatch):
    monkeypatch.setattr(module, "lenet_target", lambda *_, **__: tiny_network())
    (row,) = lenet_weights({**CELL, "candidates": [40]}, seed=2, context=context)
    for split in ("train", "test"):
        # an output is a maximum of sums of 4 pixels of at most 1, and a bias: 5 parameters, each this far off at most
        assert 0.0 < row[f"{split}_output_error"] < 1e-6


@pytest.mark.filterwarnings("ignore::slth.data.datasets.DataWarning")
def test_rows_depend_on_the_seed_alone(context):
    first, again = (lenet_weights(CELL, seed=5, context=context) for _ in range(2))
    other = lenet_weights(CELL, seed=6, context=context)
    strip = [{key: value for key, value in row.items() if key != "seconds"} for row in first]
    assert strip == [{key: value for key, value in row.items() if key != "seconds"} for row in again]
    assert first[1]["weight_error"] != other[1]["weight_error"]
    assert first[0]["parameters"] == 2572
    assert first[0]["target"] == other[0]["target"]

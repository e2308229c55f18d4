"""The old constructions and the new ones, side by side. To be deleted together with `slth/constructions` of today."""

from __future__ import annotations

import numpy as np
import pytest
from graph_samples import chain

from slth import constructions as old
from slth.constructions2 import PerWeight, Shallow, Structured
from slth.constructions2.layout import lay_out
from slth.graphs import AdaptivePool, Attend, Concat, Conv, Flatten, Graph, Node, Pool, Positions, Relu
from slth.tickets import AttentionNetwork, ConvLayer, ConvNetwork, DenseLayer, DenseNetwork
from slth.tickets import Flatten as OldFlatten
from slth.tickets import Pool as OldPool


def both_dense(rng, sizes):
    target = chain(rng, sizes)
    steps = [node.step for node in target.weighted]
    last = len(steps) - 1
    layers = [
        DenseLayer(step.weight[:, :, 0, 0], step.bias, "relu" if number < last else "identity")
        for number, step in enumerate(steps)
    ]
    return target, DenseNetwork(layers)


def both_convolutional(rng):
    """Steps of the old language are numbered, the new nodes are named by these numbers: the same streams."""
    first, second = rng.normal(size=(4, 1, 3, 3)) / 3, rng.normal(size=(3, 36)) / 6
    biases = rng.normal(size=4) / 4, rng.normal(size=3) / 4
    target = Graph(
        (2, 6, 6),
        [
            Node("layer0", Conv(first, biases[0], padding=1, groups=2), ("input",)),
            Node("relu0", Relu(), ("layer0",)),
            Node("pool", Pool("max", 2), ("relu0",)),
            Node("flat", Flatten(), ("pool",)),
            Node("layer3", Conv(second, biases[1]), ("flat",)),
        ],
    )
    steps = [
        ConvLayer(first, biases[0], "relu", padding=1, groups=2),
        OldPool("max", 2),
        OldFlatten(),
        ConvLayer(second[:, :, None, None], biases[1], "identity"),
    ]
    return target, ConvNetwork((2, 6, 6), steps)


@pytest.mark.parametrize("low", [0.0, -1.0])
def test_convolutions_keep_the_same_weights_bit_for_bit(low):
    target, before = both_convolutional(np.random.default_rng(0))
    made = old.construct_conv(before, old.Conv(candidates=12), input_box=(low, 1.0), seed=4)
    ticket, rows = PerWeight(candidates=12).ticket(target, input_box=(low, 1.0), seed=4)
    for path in ("layer0", "layer3"):
        assert np.array_equal(ticket.mask[f"{path}.weights"], made.ticket.mask[f"{path}.weights"])
    assert ticket.kept_weights_sha256() == made.ticket.kept_weights_sha256()
    assert [row.largest_error for row in rows] == pytest.approx([row.largest_error for row in made.table])
    assert [row.relative_error for row in rows] == pytest.approx([row.relative_error for row in made.table])


@pytest.mark.parametrize("gain", ["unit", "auto"])
def test_whole_channels_are_the_same_bit_for_bit(gain):
    target, before = both_convolutional(np.random.default_rng(1))
    made = old.construct_structured(before, old.Structured(channels=150, gain=gain), input_box=(-1.0, 1.0), seed=4)
    ticket, rows = Structured(channels=150, gain=gain).ticket(target, input_box=(-1.0, 1.0), seed=4)
    for path in ("layer0", "layer3"):
        assert np.array_equal(ticket.mask[f"{path}.units"], made.ticket.mask[f"{path}.channels"])
    assert [row.relative_error for row in rows] == pytest.approx([row.relative_error for row in made.table])


def test_dense_errors_are_alike():
    """Medians over ten seeds of about 500 errors each, other random numbers: within a quarter, five deviations."""
    target, before = both_dense(np.random.default_rng(2), (20, 15, 10))
    medians = np.array(
        [
            [
                [row.median_error for row in PerWeight(candidates=12).ticket(target, seed=seed)[1]],
                [row.median_error for row in old.construct_dense(before, old.Dense(candidates=12), seed=seed).table],
            ]
            for seed in range(10)
        ]
    )
    new, was = medians.mean(axis=0)
    assert new == pytest.approx(was, rel=0.25)


def test_plain_layers_are_the_same_bit_for_bit():
    target, before = both_dense(np.random.default_rng(3), (3, 4, 4, 2))
    made = old.construct_dense(before, old.Dense(candidates=10, depth="plus-one"), seed=4)
    ticket, rows = Shallow(candidates=10).ticket(target, seed=4)
    for path in ("layer1", "layer2"):
        assert np.array_equal(ticket.mask[path], made.ticket.mask[path])
    assert [row.instances for row in rows] == [row.weights for row in made.table]
    assert rows[0].median_error == pytest.approx(made.table[0].median_error, rel=1.0)


def test_given_errors_need_about_as_many_candidates():
    target, before = both_dense(np.random.default_rng(4), (8, 8, 4))
    made = old.construct_dense(before, old.Dense(eps=0.01, delta=0.1), seed=1)
    here = PerWeight(eps=0.01, delta=0.1).construct(target, seed=1)
    for new, was in zip(here.table, made.table, strict=True):
        assert abs(new.candidates - was.candidates) <= 4
        assert 0.5 < new.tolerance / was.tolerance < 2.0


def test_attention_errors_are_alike():
    """Medians over eight seeds, within a factor of 2: the first factors of heads are now shared by the heads."""
    rng = np.random.default_rng(5)
    width, heads, tokens, size = 4, 2, 3, 2
    embed = rng.normal(size=(width, size + tokens)) / 2, rng.normal(size=width) / 4
    scores, values = rng.normal(size=(2, heads, width, width)) / 2
    read = rng.normal(size=(2, width)) / 2, rng.normal(size=2) / 4
    before = AttentionNetwork(
        tokens,
        DenseNetwork([DenseLayer(*embed, "relu")]),
        scores,
        values,
        DenseNetwork([DenseLayer(*read, "identity")]),
        residual=False,
    )
    by_head = [part.swapaxes(1, 2).reshape(heads * width, width) for part in (scores, values)]
    target = Graph(
        (size, 1, tokens),
        [
            Node("where", Positions(), ("input",)),
            Node("both", Concat(), ("input", "where")),
            Node("embed", Conv(*embed), ("both",)),
            Node("relu", Relu(), ("embed",)),
            Node("query", Conv(by_head[0]), ("relu",)),
            Node("value", Conv(by_head[1]), ("relu",)),
            Node("attend", Attend(heads), ("query", "relu", "value")),
            Node("mean", AdaptivePool("average", (1, 1)), ("attend",)),
            Node("read", Conv(*read), ("mean",)),
        ],
    )
    x = rng.random((5, tokens, size))
    assert target.forward(x.swapaxes(1, 2)[:, :, None]) == pytest.approx(before.forward(x.reshape(5, -1)), abs=1e-12)
    assert [work.instances for work in lay_out(target, nonnegative=True)] == [24, 32, 32, 18]
    medians = np.array(
        [
            [
                [row.median_error for row in PerWeight(candidates=14).ticket(target, seed=seed)[1]],
                [row.median_error for row in old.construct_attention(before, old.Attention(14), seed=seed).table],
            ]
            for seed in range(8)
        ]
    )
    new, was = np.median(medians, axis=0)
    assert (new < 2.0 * was).all()
    assert (was < 2.0 * new).all()

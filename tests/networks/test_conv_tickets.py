"""Small, masked and streamed networks of a convolutional ticket are one function, that of the reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slth.constructions import Dense, construct_dense
from slth.errors import ArgumentError, ResourceError
from slth.networks import (
    MaskedConvPair,
    SmallPair,
    StepNetwork,
    masked_forward,
    module_from_ticket,
    outputs_of,
)
from slth.rng import Stream, WeightLaw
from slth.tickets import (
    Branch,
    ConvPair,
    DenseLayer,
    DenseNetwork,
    Flatten,
    Join,
    Mask,
    NetworkDescription,
    Pool,
    Swap,
    Ticket,
)

LIMITS = {torch.float64: 1e-12, torch.float32: 1e-5}


def ticket_of(steps, shape, *, seed=0, density=0.4, law=None):
    """A ticket that keeps channels, and weights of them, at random; outputs of about the size of the inputs."""
    description = NetworkDescription(steps, shape)
    rng = np.random.default_rng(seed)
    masks, gains = {}, []
    for layer in description.random_layers:
        outer, *inner = layer.mask_shapes
        masks[outer] = rng.random(layer.mask_shapes[outer]) < density
        for name in inner:
            masks[name] = (rng.random(layer.mask_shapes[name]) < 0.5) & masks[outer][:, :, None]
            masks[outer] = masks[name].any(axis=2)
        gains.append(1.0 / np.sqrt(1 + density * layer.channels * layer.sources))
    return Ticket(description, law or WeightLaw("normal", 1.0), seed, Mask(masks), gains)


def relative(found, expected):
    assert found.shape == expected.shape
    return np.abs(found - expected).max() / (np.abs(expected).max() or 1.0)


def assert_one_function(ticket, *, batch=3, block=3, low=-1.0):
    """Small against masked and streamed in both dtypes, and in float64 against the reference."""
    x = np.random.default_rng(1).uniform(low, 1.0, (batch, *ticket.description.input_shape))
    reference = ticket.forward(x)
    for dtype, limit in LIMITS.items():
        images = torch.tensor(x, dtype=dtype)
        small = module_from_ticket(ticket, dtype=dtype)(images).numpy()
        masked = module_from_ticket(ticket, dtype=dtype, masked=True)(images).numpy()
        streamed = masked_forward(ticket, images, block=block).numpy()
        assert small.dtype == streamed.dtype == x.astype(str(dtype).split(".")[1]).dtype
        assert relative(small, masked) < limit
        assert relative(small, streamed) < limit
        assert relative(small, reference.reshape(small.shape)) < limit


STACKS = {
    "classifier": (
        [
            ConvPair("a", 1, 4, 30, (3, 3), 1, 1, bias=False, halves="positive"),
            Pool("max", 2),
            ConvPair("b", 4, 6, 20, (3, 3), 2, 1),
            Pool("average", 3, 1, 1),
            Flatten(),
            ConvPair("c", 24, 5, 10, (1, 1), activation="identity"),
        ],
        (1, 8, 8),
    ),
    "residual": (
        [
            ConvPair("a", 3, 4, 12, (3, 3), 1, 1),
            Branch(),
            ConvPair("b", 4, 6, 12, (3, 3), 2, 1),
            ConvPair("c", 6, 6, 12, (3, 3), 1, 1, activation="identity"),
            Swap(),
            ConvPair("d", 4, 6, 12, (1, 1), 2, activation="identity"),
            Join("relu"),
        ],
        (3, 7, 6),
    ),
    "groups": (
        [
            ConvPair("a", 4, 6, 9, (3, 2), (1, 2), (2, 1), 2),
            ConvPair("b", 6, 6, 9, (3, 3), groups=6, bias=False, activation="identity"),
        ],
        (4, 6, 6),
    ),
    "weights": (
        [
            ConvPair("a", 2, 4, 9, (3, 3), 1, 1, 2, removal="weights"),
            Pool("max", 3, 1, 2),
            ConvPair("b", 4, 2, 9, (2, 2), removal="weights", activation="identity"),
        ],
        (2, 5, 5),
    ),
}


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("density", [0.4, 1.0, 0.02])
def test_small_masked_and_streamed_are_one_function(name, density):
    assert_one_function(ticket_of(*STACKS[name], density=density))


@given(
    st.integers(1, 3), st.integers(1, 2), st.integers(1, 2), st.booleans(), st.sampled_from(["channels", "weights"]),
    st.sampled_from(["uniform", "normal"]), st.integers(0, 50), st.sampled_from([1, 2, 1000]),
)  # fmt: skip
def test_random_pairs(kernel, stride, groups, bias, removal, law, seed, block):
    pair = ConvPair(
        "p", 2, 4, 7, (kernel, kernel), stride, kernel - 1, groups, bias, removal, activation="identity"
    )  # fmt: skip
    assert_one_function(ticket_of([pair], (2, 5, 4), seed=seed, law=WeightLaw(law, 0.7)), block=block)


def test_a_ticket_that_keeps_nothing():
    assert_one_function(ticket_of(*STACKS["groups"], density=0.0))


def test_the_small_network_holds_the_random_numbers_and_nothing_to_train():
    ticket = ticket_of(*STACKS["classifier"])
    module = module_from_ticket(ticket, dtype=torch.float64)
    assert isinstance(module, StepNetwork)
    assert list(module.parameters()) == []
    assert {name.split(".")[-1] for name in module.state_dict()} == {"sources", "scale", "kernel0", "gain"}
    pair, kept = module.pairs["2"], ticket.mask["b.channels"]
    assert isinstance(pair, SmallPair)
    assert len(pair.scale) == kept.sum()
    at = 0
    for source in range(5):  # four inputs and the constant
        first = ticket.law.weights(Stream(0, f"b.first.{source}"), 0, 20)[kept[:, source]]
        second = ticket.law.weights(Stream(0, f"b.second.{source}"), 0, 20 * 54).reshape(20, 6, 3, 3)[kept[:, source]]
        part = slice(at, at + len(first))
        assert (pair.sources[part] == source).all()
        assert np.array_equal(pair.scale[part], first)
        assert np.array_equal(pair.kernel0[:, part], second.swapaxes(0, 1))
        at += len(first)
    assert pair.gain.item() == ticket.gains[1]


def test_the_masked_network_is_the_whole_random_one():
    steps, shape = STACKS["groups"]
    ticket = ticket_of(steps, shape)
    module = module_from_ticket(ticket, masked=True)
    pair = module.pairs["0"]
    assert isinstance(pair, MaskedConvPair)
    assert pair.first.shape == (9 * 6, 6, 1, 1)  # 9 channels for each of 4 inputs and 2 constants
    assert pair.second.shape == (6, 9 * 3, 3, 2)
    assert sum(part.numel() for part in (pair.first, pair.second)) == steps[0].random_parameters
    kept = int(ticket.mask["a.channels"].sum())
    assert int((pair.first != 0).sum()) == kept
    assert int((pair.second != 0).sum()) == kept * steps[0].dimensions
    assert ((pair.first != 0).sum(dim=1) <= 1).all()  # the block mask: a hidden channel sees one source


def test_classifiers_give_flat_outputs_and_others_images():
    x = torch.zeros(2, 1, 8, 8)
    ticket = ticket_of(*STACKS["classifier"])
    assert module_from_ticket(ticket)(x).shape == masked_forward(ticket, x).shape == (2, 5)
    residual = ticket_of(*STACKS["residual"])
    assert module_from_ticket(residual)(torch.zeros(2, 3, 7, 6)).shape == (2, 6, 4, 3)


def test_wrong_images_dtypes_and_blocks_are_refused():
    ticket = ticket_of(*STACKS["classifier"])
    small = module_from_ticket(ticket)
    with pytest.raises(ArgumentError, match=r"shape \[batch, 1, 8, 8\]"):
        small(torch.zeros(2, 64))
    with pytest.raises(ArgumentError, match=r"float64.*must be torch.float32"):
        small(torch.zeros(2, 1, 8, 8, dtype=torch.float64))
    with pytest.raises(ArgumentError, match="shape"):
        masked_forward(ticket, torch.zeros(1, 8, 8))
    with pytest.raises(ArgumentError, match="float32 or float64"):
        masked_forward(ticket, torch.zeros(1, 1, 8, 8, dtype=torch.int64))
    for block in (0, True, 1.5):
        with pytest.raises(ArgumentError, match="block"):
            masked_forward(ticket, torch.zeros(1, 1, 8, 8), block=block)


def test_a_masked_network_that_does_not_fit_is_refused_before_it_is_made(monkeypatch):
    monkeypatch.setattr("slth.tickets.memory.available_memory", lambda: 2**28)
    pair = ConvPair("a", 784, 10, 200, (1, 1))
    mask = np.zeros((200, 785), bool)
    ticket = Ticket(NetworkDescription([pair], (784, 1, 1)), WeightLaw("uniform"), 0, Mask({"a.channels": mask}), [1.0])
    with pytest.raises(ResourceError, match=r"GiB.*masked_forward"):
        module_from_ticket(ticket, masked=True)


def dense_ticket(depth="double"):
    rng = np.random.default_rng(3)
    layers = [
        DenseLayer(rng.normal(size=(4, 5)), rng.normal(size=4)),
        DenseLayer(rng.normal(size=(3, 4)), None, "identity"),
    ]
    return construct_dense(DenseNetwork(layers), Dense(candidates=6, depth=depth), input_box=(-1.0, 1.0)).ticket


@pytest.mark.parametrize("depth", ["double", "plus-one"])
def test_dense_tickets_have_masked_networks_too(depth):
    ticket = dense_ticket(depth)
    x = np.random.default_rng(1).uniform(-1.0, 1.0, (20, 5))
    for dtype, limit in LIMITS.items():
        small, masked = (module_from_ticket(ticket, dtype=dtype, masked=masked) for masked in (False, True))
        assert relative(outputs_of(small, x), outputs_of(masked, x)) < limit
    assert (
        relative(outputs_of(module_from_ticket(ticket, dtype=torch.float64, masked=True), x), ticket.forward(x)) < 1e-12
    )
    held = sum(part.numel() for name, part in masked.state_dict().items() if not name.endswith("gain"))
    assert held == ticket.description.random_parameters
    with pytest.raises(ArgumentError, match="dense layers"):
        masked_forward(ticket, torch.zeros(1, 5))


def test_outputs_in_batches():
    ticket = ticket_of(*STACKS["classifier"])
    module = module_from_ticket(ticket)
    x = np.random.default_rng(1).random((7, 1, 8, 8))
    whole = outputs_of(module, x)
    assert whole.dtype == np.float32
    assert outputs_of(module, x.astype(np.float32), batch=3) == pytest.approx(whole, abs=1e-6)
    assert module.values_an_image == max(
        pair.channels_held * pixels for pair, pixels in zip(module.pairs.values(), (64, 16, 1), strict=True)
    )
    for batch, images in ((0, x), (True, x), (2, x[:0])):
        with pytest.raises(ArgumentError):
            outputs_of(module, images, batch=batch)


@pytest.mark.slow
def test_ten_thousand_channels_a_source():
    """The reference network's shape at n = 10,000 for 8 images: the random network would take 58 GiB in float32."""
    ticket = ticket_of(
        [
            ConvPair("a", 1, 8, 10_000, (3, 3), 1, 1, bias=False, halves="positive"),
            Pool("max", 2),
            ConvPair("b", 8, 16, 10_000, (3, 3), 1, 1, bias=False, halves="positive"),
            Pool("max", 2),
            Flatten(),
            ConvPair("c", 784, 10, 10_000, (1, 1), bias=False, halves="positive", activation="identity"),
        ],
        (1, 28, 28),
        density=0.003,
    )
    x = np.random.default_rng(1).random((8, 1, 28, 28))
    small = outputs_of(module_from_ticket(ticket), x)
    assert relative(masked_forward(ticket, torch.tensor(x, dtype=torch.float32)).numpy(), small) < 1e-5

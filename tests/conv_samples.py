"""Small convolutional targets of every step, tickets of any mask, and targets that a ticket nearly is."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import strategies as st

from slth.rng import WeightLaw
from slth.tickets import (
    Branch,
    ConvLayer,
    ConvNetwork,
    ConvPair,
    Flatten,
    Join,
    Mask,
    NetworkDescription,
    Pool,
    Swap,
    Ticket,
)
from slth.tickets.conv_weights import folded_kernel

NORMAL = WeightLaw("normal", 1.0)


def random_conv(rng, inputs, outputs, kernel, *, activation="relu", bias=True, **window):
    groups = window.get("groups", 1)
    weight = rng.normal(size=(outputs, inputs // groups, *kernel)) / np.sqrt(inputs // groups * prod(kernel))
    weight[rng.random(weight.shape) < 0.1] = 0.0
    return ConvLayer(weight, rng.normal(size=outputs) * 0.3 if bias else None, activation, **window)


def random_steps(rng, shape, *, bias):
    """Steps of every kind, chosen at random, on an image of any shape, and a last linear layer."""
    steps = []
    for _ in range(int(rng.integers(1, 4))):
        kind = rng.choice(["conv", "conv", "max", "average", "residual", "shortcut"])
        channels, height, width = shape
        kernel = tuple(int(rng.integers(1, min(3, extent) + 1)) for extent in (height, width))
        padding = tuple(int(rng.integers(0, extent)) for extent in kernel)
        stride = tuple(int(rng.integers(1, 3)) for _ in kernel)
        activation = str(rng.choice(["relu", "relu", "identity"]))
        if kind == "conv":
            groups = 2 if channels % 2 == 0 and rng.random() < 0.5 else 1
            outputs = 2 * int(rng.integers(1, 3))
            new = [random_conv(rng, channels, outputs, kernel, activation=activation, bias=bias, stride=stride,
                               padding=padding, groups=groups)]  # fmt: skip
        elif kind in ("max", "average"):
            new = [Pool(kind, kernel, stride, padding)]
        else:
            inner = random_conv(rng, channels, 2, (1, 1), bias=bias)
            if kind == "residual":
                back = random_conv(rng, 2, channels, (1, 1), activation="identity", bias=bias)
                new = [Branch(), inner, back, Join(activation)]
            else:
                one = random_conv(rng, 2, 3, kernel, activation="identity", bias=bias, padding=padding)
                other = random_conv(rng, channels, 3, kernel, activation="identity", bias=bias, padding=padding)
                new = [Branch(), inner, one, Swap(), other, Join(activation)]
        steps += new
        places = ConvNetwork(shape, [*new, random_conv(rng, _channels(new, shape), 1, (1, 1))]).places()
        shape = places[len(new) - 1].gives
    last = random_conv(rng, prod(shape), int(rng.integers(1, 4)), (1, 1), activation="identity", bias=bias)
    return [*steps, Flatten(), last]


def _channels(steps, shape):
    outputs = [step.outputs for step in steps if isinstance(step, ConvLayer)]
    return outputs[-1] if outputs else shape[0]


def random_target(rng, *, bias=True, most=5):
    shape = (int(rng.integers(1, 4)), *(int(size) for size in rng.integers(1, most + 1, 2)))
    return ConvNetwork(shape, random_steps(rng, shape, bias=bias))


def random_ticket(rng, target, *, channels=4, removal="channels", halves="both", density=0.6):
    """A ticket of the target's steps whose mask has nothing to do with it: differences of every size."""
    layers, arrays = [], {}
    for number, step in enumerate(target.steps):
        if not isinstance(step, ConvLayer):
            layers.append(step)
            continue
        pair = ConvPair(
            f"layer{number}", step.inputs, step.outputs, channels, step.window.kernel, step.stride, step.padding,
            step.groups, step.bias is not None, removal, halves, step.activation,
        )  # fmt: skip
        layers.append(pair)
        outer, *inner = pair.mask_shapes
        arrays[outer] = rng.random(pair.mask_shapes[outer]) < density
        for name in inner:
            arrays[name] = rng.random(pair.mask_shapes[name]) < density
            arrays[outer] = arrays[name].any(axis=2)
    gains = rng.choice([0.2, 0.5, 1.0], len(target.layers))
    return Ticket(NetworkDescription(layers, target.input_shape), NORMAL, int(rng.integers(2**32)), Mask(arrays), gains)


def near_target(rng, target, ticket, *, error=0.02):
    """The network that the ticket nearly is: its kernels on nonnegative inputs, and noise."""
    pairs = iter(layer for layer in ticket.description.layers if isinstance(layer, ConvPair))
    kernels = iter(ticket.folded_kernels())
    steps = []
    for step in target.steps:
        if isinstance(step, ConvLayer):
            kernel, constant = folded_kernel(next(pairs), next(kernels).plus)
            noise = error * rng.normal(size=kernel.shape) * np.sqrt((kernel**2).mean())
            inner = step.padding
            bias = None if constant is None else constant[:, inner[0], inner[1]] + error * rng.normal(size=len(kernel))
            step = ConvLayer(kernel + noise, bias, step.activation, step.stride, step.padding, step.groups)
        steps.append(step)
    return ConvNetwork(target.input_shape, steps)


@st.composite
def conv_cases(draw, most=5):
    """A target, a ticket that is far from it or near, and a box that may have negative parts or no width."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    target = random_target(rng, bias=draw(st.booleans()), most=most)
    ticket = random_ticket(
        rng, target, removal=draw(st.sampled_from(["channels", "weights"])),
        halves=draw(st.sampled_from(["both", "positive"])),
    )  # fmt: skip
    if draw(st.booleans()):
        target = near_target(rng, target, ticket, error=draw(st.sampled_from([0.0, 1e-3, 0.05])))
    shape = target.input_shape
    low = rng.uniform(-1.0, 1.0, shape) if draw(st.booleans()) else np.zeros(shape)
    width = rng.uniform(0.0, 2.0, shape) * (rng.random(shape) < 0.9)
    return target, ticket, (low, low + width)


def images_of_box(rng, box, count):
    """Random inputs of a box, a quarter of them corners, and 0 where the box has it in some coordinates."""
    low, high = box
    points = np.clip(low + (high - low) * rng.random((count, *low.shape)), low, high)
    quarter = count // 4
    points[:quarter] = np.where(rng.random((quarter, *low.shape)) < 0.5, low, high)
    to_zero = (rng.random((quarter, *low.shape)) < 0.5) & (low <= 0.0) & (high >= 0.0)
    points[quarter : 2 * quarter][to_zero] = 0.0
    return points

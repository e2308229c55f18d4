"""Every step against torch in float64, in every combination of its options."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from slth.errors import ArgumentError
from slth.graphs import AdaptivePool, Attend, Conv, Pool, Positions, Rearrange, Scale, Window, rearrangement
from slth.graphs.window import Shape


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


@given(
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.integers(1, 3),
    padding=st.integers(0, 4),
    dilation=st.integers(1, 3),
    groups=st.sampled_from([1, 2, 4]),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_a_convolution_is_torchs(kernel, stride, padding, dilation, groups, size) -> None:
    x, weight, bias = numbers(2, 4, *size), numbers(8, 4 // groups, *kernel, seed=1), numbers(8, seed=2)
    conv = Conv(weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)
    reach = conv.window.reach
    if any(extent + 2 * padding < span for extent, span in zip(size, reach, strict=True)):
        with pytest.raises(ArgumentError, match="does not fit an image"):
            conv.shape((4, *size))
        return
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    wanted = functional.conv2d(*map(torch.tensor, (x, weight, bias)), **options).numpy()
    assert conv.shape((4, *size)) == wanted.shape[1:]
    np.testing.assert_allclose(conv.forward(x), wanted, atol=1e-12)


def test_padding_may_differ_on_the_two_sides() -> None:
    x, weight = numbers(2, 3, 6, 5), numbers(4, 3, 2, 4, seed=1)
    wanted = functional.conv2d(functional.pad(torch.tensor(x), (1, 2, 0, 1)), torch.tensor(weight)).numpy()
    conv = Conv(weight, padding=((0, 1), (1, 2)))
    np.testing.assert_allclose(conv.forward(x), wanted, atol=1e-12)


@given(
    size=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 4),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.integers(1, 2),
    gap=st.integers(0, 1),
)
def test_the_inner_tap_lies_inside_the_image_wherever_the_window_stands(
    size, kernel, stride, padding, dilation, gap
) -> None:
    window = Window((kernel, kernel), (stride, stride), (padding, padding), (dilation, dilation + gap))
    if any(extent + sum(padding) < span for extent, span in zip(size, window.reach, strict=True)):
        return
    always = (window.indices(size) >= 0).all(axis=(0, 1)).reshape(kernel, kernel)
    tap = window.inner_tap(size)
    assert (tap is not None) == bool(always.any())
    assert tap is None or tap == tuple(np.argwhere(always)[0])


@pytest.mark.parametrize(("kernel", "stride", "padding"), list(product((1, 2, 3), (1, 2, 3), (0, 1))))
def test_poolings_are_torchs_with_ceil_mode_and_padding_counted_or_not(kernel, stride, padding) -> None:
    compared = 0
    for height, ceil, counted, dilation in product((1, 2, 3, 5, 8), (False, True), (False, True), (1, 2)):
        x = numbers(2, 3, height, height + 1)
        try:
            mean = functional.avg_pool2d(
                torch.tensor(x), kernel, stride, padding, ceil_mode=ceil, count_include_pad=counted
            ).numpy()
            largest = functional.max_pool2d(torch.tensor(x), kernel, stride, padding, dilation, ceil_mode=ceil).numpy()
        except RuntimeError:  # it does not fit, or pads more than half of the kernel
            continue
        average = Pool("average", kernel, stride, padding, ceil=ceil, count_padding=counted)
        np.testing.assert_allclose(average.forward(x), mean, atol=1e-14)
        maximum = Pool("max", kernel, stride, padding, dilation, ceil=ceil)
        assert np.array_equal(maximum.forward(x), largest)
        assert average.shape(x.shape[1:]) == mean.shape[1:]
        compared += 1
        if np.isfinite(largest).all():
            assert maximum.shape(x.shape[1:]) == largest.shape[1:]
        else:
            with pytest.raises(ArgumentError, match="nothing but padding"):
                maximum.shape(x.shape[1:])
    assert compared or padding > kernel // 2


@given(height=st.integers(1, 9), width=st.integers(1, 9), size=st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_adaptive_poolings_are_torchs(height, width, size) -> None:
    x = numbers(2, 3, height, width)
    mean = functional.adaptive_avg_pool2d(torch.tensor(x), size).numpy()
    np.testing.assert_allclose(AdaptivePool("average", size).forward(x), mean, atol=1e-14)
    largest = functional.adaptive_max_pool2d(torch.tensor(x), size).numpy()
    assert np.array_equal(AdaptivePool("max", size).forward(x), largest)


SHAPE: Shape = (4, 6, 5)
PLACES = np.arange(prod(SHAPE)).reshape(SHAPE)
ARRANGED = {
    "stride": PLACES[:, ::2, ::2],
    "reverse": PLACES[:, :, ::-1],
    "transpose": PLACES.transpose(2, 0, 1),
    "one channel": PLACES[2:3],
    "zero channels around": np.pad(PLACES[:, ::2, ::2], ((3, 1), (0, 0), (0, 0)), constant_values=-1),
    "zero rows around": np.pad(PLACES, ((0, 0), (1, 2), (2, 0)), constant_values=-1),
    "shuffled channels": PLACES.reshape(2, 2, 6, 5).swapaxes(0, 1),
    "flat": PLACES.reshape(-1),
    "repeated": np.broadcast_to(PLACES[:1], SHAPE),
}


@pytest.mark.parametrize("name", ARRANGED)
def test_what_views_of_an_array_do_is_a_rearrangement(name: str) -> None:
    wanted = ARRANGED[name]
    to = (wanted.size, 1, 1) if wanted.ndim == 1 else (prod(wanted.shape[:-2]), *wanted.shape[-2:])
    step = rearrangement(wanted, to)
    assert step is not None
    assert np.array_equal(step.indices(SHAPE), wanted.reshape(-1))
    assert step.shape(SHAPE) == to
    x = numbers(2, *SHAPE)
    picked = np.where(wanted.reshape(-1) < 0, 0.0, x.reshape(2, -1)[:, wanted.reshape(-1)])
    assert np.array_equal(step.forward(x).reshape(2, -1), picked)


def test_a_pattern_without_strides_is_no_rearrangement() -> None:
    assert rearrangement(np.array([0, 1, 3]), (3, 1, 1)) is None
    assert rearrangement(np.array([0, -1, 2]), (3, 1, 1)) is None
    assert rearrangement(np.array([-1, -1]), (2, 1, 1)) is None


def test_a_rearrangement_reads_nothing_beside_its_input() -> None:
    with pytest.raises(ArgumentError, match="reads numbers 0 to 6 of an input that has 6"):
        Rearrange((1, 1, 4), (4,), (2,)).shape((1, 1, 6))


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("shared", [False, True])
def test_attention_is_torchs(heads: int, shared: bool) -> None:
    size, out, tokens = 3, 2, 5
    queries, values = numbers(4, heads * size, 1, tokens), numbers(4, heads * out, 1, 7, seed=1)
    keys = numbers(4, size if shared else heads * size, 1, 7, seed=2)

    def by_head(x: np.ndarray, count: int) -> torch.Tensor:
        parts = torch.tensor(x[:, :, 0]).unflatten(1, (count, -1)).swapaxes(2, 3)
        return parts.expand(-1, heads, -1, -1)

    wanted = functional.scaled_dot_product_attention(
        by_head(queries, heads), by_head(keys, 1 if shared else heads), by_head(values, heads), scale=1.0
    ).sum(dim=1)
    step = Attend(heads)
    assert step.shape(queries.shape[1:], keys.shape[1:], values.shape[1:]) == (out, 1, tokens)
    np.testing.assert_allclose(step.forward(queries, keys, values)[:, :, 0], wanted.swapaxes(1, 2), atol=1e-13)


def test_positions_are_one_at_their_own_pixel() -> None:
    found = Positions().forward(np.zeros((2, 5, 2, 3)))
    assert found.shape == (2, 6, 2, 3)
    assert np.array_equal(found[1].reshape(6, 6), np.eye(6))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Conv(np.ones(3)), "weight=.array of shape .3,.. must have 2 or 4"),
        (lambda: Conv(np.full((1, 1, 1, 1), np.nan)), "must be finite"),
        (lambda: Conv(np.ones((2, 1, 1, 1)), [1.0]), "bias=.1. must have shape .2."),
        (lambda: Conv(np.ones((3, 1, 1, 1)), groups=2), "groups=2 must divide"),
        (lambda: Conv(np.ones((2, 1, 1, 1)), stride=0), "stride=0 must be integers of at least 1"),
        (lambda: Conv(np.ones((2, 1, 1, 1)), padding="same"), "padding='same' must be"),
        (lambda: Pool("median"), "operation='median' is no pooling"),
        (lambda: Pool("max", 2, padding=2), "padding=.* must be at most half of the kernel"),
        (lambda: Pool("max", 2, ceil=1), "ceil=1 must be True or False"),
        (lambda: AdaptivePool("max", 0), "size=0 must be"),
        (lambda: Attend(0), "heads=0 must be"),
        (lambda: Attend(2).shape((4, 1, 3), (3, 1, 3), (2, 1, 3)), "keys=3 must have 2 channels for all heads, or 4"),
        (lambda: Rearrange((2, 1, 1), (3,), (1,)), "sizes=.3,. must multiply to the 2 outputs"),
        (lambda: Rearrange((2, 1, 1), (2,), (1,), low=(2,)), "low=.* must lie within the sizes"),
    ],
)
def test_bad_steps_are_refused_with_the_rule(make, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


def test_a_scale_is_a_factor_and_a_shift_for_each_channel() -> None:
    x = numbers(2, 3, 4, 5)
    np.testing.assert_array_equal(
        Scale((2.0, -1.0, 0.5), 3.0).forward(x), x * np.array([2.0, -1.0, 0.5])[:, None, None] + 3
    )
    np.testing.assert_array_equal(Scale(shift=(1.0, 2.0, 3.0)).forward(x), x + np.array([1.0, 2.0, 3.0])[:, None, None])
    known = [step.nonnegative(True) for step in (Scale(2), Scale(-2.0), Scale(shift=-1.0), Scale((1.0, -1.0)))]
    assert known == [True, False, False, False]
    assert not Scale(2).nonnegative(False)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Scale(float("nan")), "finite"),
        (lambda: Scale(()), "one number or one for each channel"),
        (lambda: Scale((1.0, 2.0), (1.0, 2.0, 3.0)), "as many as the 2 factors"),
        (lambda: Scale((1.0, 2.0)).shape((3, 4, 4)), "1 or the 3 channels"),
        (lambda: Scale("2"), "finite"),
    ],
)
def test_bad_scales_are_refused(make, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


@given(st.integers(0, 2**32 - 1))
def test_a_window_that_sees_nothing_but_padding_is_refused(seed):
    """Torch gives -inf or NaN there; only means that count the padding have a value."""
    rng = np.random.default_rng(seed)
    size, kernel, stride, gaps = (tuple(rng.integers(1, most, 2).tolist()) for most in (5, 5, 4, 7))
    padding = tuple(tuple(rng.integers(0, 1 + extent // 2, 2).tolist()) for extent in kernel)
    operation, counted = [("max", True), ("average", False), ("average", True)][rng.integers(3)]
    pool = Pool(operation, kernel, stride, padding, gaps, ceil=bool(rng.integers(2)), count_padding=counted)
    try:
        seen, divisors = pool.seen(size)
    except (ArgumentError, ValueError):  # it does not fit at all
        return
    if ((seen < 0).all(axis=2).any() and not (operation == "average" and counted)) or (divisors == 0).any():
        with pytest.raises(ArgumentError, match="nothing but padding"):
            pool.shape((1, *size))
    else:
        assert pool.shape((1, *size)) == (1, *seen.shape[:2])

"""Which test images a report shows: grey ones and coloured ones, and none of what is no image."""

import numpy as np
import pytest

from slth.jobs.pictured import APART, FIRST, pictured

RNG = np.random.default_rng(0)
WANTED = np.eye(4)[np.arange(20) % 4]


def test_the_first_are_shown_and_the_farthest_of_those_apart():
    found = WANTED.copy()
    for example, moved in ((2, 9.0), (8, 3.0), (11, 5.0), (13, 2.0), (17, 4.0)):
        found[example] = moved * np.roll(WANTED[example], 1)
    inputs = RNG.random((20, 12))
    shown = pictured(inputs, (1, 3, 4), WANTED, found)
    assert shown.indices.tolist() == [0, 1, 2, 3, 4, 5, 11, 17]
    np.testing.assert_array_equal(shown.images, inputs.reshape(20, 3, 4)[shown.indices])
    assert len(shown.indices) == FIRST + APART
    assert pictured(inputs, (1, 3, 4), WANTED, WANTED).indices.tolist() == [*range(FIRST)]
    assert pictured(inputs[:2], (1, 3, 4), WANTED[:2], WANTED[:2]).indices.tolist() == [0, 1]


def test_colours_come_last():
    inputs = RNG.random((20, 3, 5, 6)).astype(np.float32)
    images = pictured(inputs.reshape(20, -1), (3, 5, 6), WANTED, WANTED).images
    assert images.shape == (FIRST, 5, 6, 3)
    np.testing.assert_array_equal(images[4, 1, 2], inputs[4, :, 1, 2])


@pytest.mark.parametrize(("low", "high"), [(-2.0, 3.0), (0.0, 255.0), (-1.0, -1.0)])
def test_numbers_of_another_scale_are_brought_to_black_and_white(low, high):
    inputs = np.linspace(low, high, 20 * 12)[::-1].reshape(20, 12)
    images = pictured(inputs, (1, 3, 4), WANTED, WANTED).images
    assert images.min() == 0.0
    assert images.max() == (1.0 if low < high else 0.0)


@pytest.mark.parametrize("shape", [(12,), (3, 4), (2, 2, 3), (12, 1, 1), (1, 1, 12), (1, 12, 1)])
def test_vectors_tokens_and_series_are_no_images(shape):
    assert pictured(RNG.random((20, 12)), shape, WANTED, WANTED) is None

"""Augmentation against slices made one image at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ArgumentError
from slth.training import RandomCrop, RandomFlip


@given(st.integers(1, 5), st.sampled_from(["zeros", "reflect"]), st.booleans(), st.integers(0, 2**32))
def test_a_crop_is_the_slice_of_the_padded_image(padding, fill, channels_last, seed):
    generator = np.random.default_rng(seed)
    images = generator.random((4, 3, 6, 7)).astype(np.float32)
    words = generator.integers(0, 2**63, 4)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    found = RandomCrop(padding, fill).apply(torch.tensor(images).contiguous(memory_format=layout), torch.tensor(words))
    edges = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    padded = np.pad(images, edges, mode="constant" if fill == "zeros" else "reflect")
    for i, word in enumerate(words.tolist()):
        top, left = word % (2 * padding + 1), word // (2 * padding + 1) % (2 * padding + 1)
        assert np.array_equal(found[i].numpy(), padded[i, :, top : top + 6, left : left + 7])


@given(st.integers(0, 2**32))
def test_a_flip_mirrors_images_of_odd_words_alone(seed):
    generator = np.random.default_rng(seed)
    images = generator.random((6, 2, 3, 4)).astype(np.float32)
    words = generator.integers(0, 2**63, 6)
    found = RandomFlip().apply(torch.tensor(images), torch.tensor(words)).numpy()
    for image, word, given_image in zip(found, words, images, strict=True):
        assert np.array_equal(image, given_image[:, :, ::-1] if word % 2 else given_image)


def test_every_place_of_a_crop_is_as_likely():
    """Chi-square over 81 places, 20,000 words: above 126.1 with probability 1e-3 by chance; the seed is fixed."""
    words = torch.tensor(np.random.default_rng(0).integers(0, 2**63, 20_000))
    images = torch.zeros(len(words), 1, 9, 9)
    images[:, 0, 4, 4] = 1.0
    places = RandomCrop(4).apply(images, words).flatten(1).argmax(dim=1)
    counts = np.bincount(places.numpy(), minlength=81)
    expected = len(words) / 81
    assert ((counts - expected) ** 2 / expected).sum() < 126.1


def test_bad_settings_are_refused():
    with pytest.raises(ArgumentError, match="padding"):
        RandomCrop(0)
    with pytest.raises(ArgumentError, match="fill"):
        RandomCrop(1, "wrap")

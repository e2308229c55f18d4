"""Philox against numpy's, whose bit stream is guaranteed."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from slth.kernels.philox import TILE, fill_words, gather_words, uniform_from_words

WORDS = st.integers(0, 2**64 - 1)
STARTS = st.one_of(st.integers(0, 600), st.integers(0, 2**62 - 2000))


def numpy_words(key_0, key_1, start, count):
    generator = np.random.Philox(key=np.array([key_0, key_1], np.uint64))
    generator.advance(start // 4)
    return generator.random_raw(start % 4 + count)[start % 4 :]


def our_words(key_0, key_1, start, count):
    words = np.empty(count, np.uint64)
    fill_words(np.uint64(key_0), np.uint64(key_1), start, words)
    return words


@given(key_0=WORDS, key_1=WORDS, start=STARTS, count=st.integers(1, 12 * TILE))
@example(key_0=0, key_1=0, start=0, count=4 * TILE)
@example(key_0=2**64 - 1, key_1=2**64 - 1, start=4 * (2**32 - 1), count=8 * TILE)  # the counter leaves its lower half
def test_same_words_as_numpy(key_0, key_1, start, count):
    expected = numpy_words(key_0, key_1, start, count)
    np.testing.assert_array_equal(our_words(key_0, key_1, start, count), expected)


@given(key_0=WORDS, key_1=WORDS, indices=st.lists(STARTS, max_size=3 * TILE))
def test_random_access_gives_the_words_of_the_contiguous_stream(key_0, key_1, indices):
    words = np.empty(len(indices), np.uint64)
    gather_words(np.uint64(key_0), np.uint64(key_1), np.array(indices, np.int64), words)
    expected = [our_words(key_0, key_1, index, 1)[0] for index in indices]
    np.testing.assert_array_equal(words, np.array(expected, np.uint64))


def test_no_words_are_written_for_an_empty_request():
    assert our_words(1, 2, 3, 0).size == 0


@given(st.lists(WORDS, min_size=1, max_size=50))
@example([0, 2**64 - 1, 2**63, 2**12 - 1])
def test_uniform_is_the_stated_fraction_without_rounding(words):
    uniforms = np.empty(len(words))
    uniform_from_words(np.array(words, np.uint64), uniforms)
    for word, uniform in zip(words, uniforms.tolist(), strict=True):
        numerator, denominator = uniform.as_integer_ratio()
        assert numerator * (2**53 // denominator) == 2 * (word >> 12) + 1
        assert 0.0 < uniform < 1.0

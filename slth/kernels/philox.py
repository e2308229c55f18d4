"""Philox 4x64-10: sixty-four random bits as a function of (key, index), the same bits as numpy's ``Philox``.

The generator holds no state: block ``b`` of four words is ten rounds of multiplications and exclusive-ors applied to
the counter ``b + 1`` under a key of two words. Word ``4 b + j`` of the stream is lane ``j`` of block ``b``; numpy
increments its counter before its first block, hence the ``+ 1``. Source: Salmon, Moraes, Dror, Shaw, "Parallel random
numbers: as easy as 1, 2, 3" (SC 2011); numpy guarantees the bit stream of its ``Philox``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slth.kernels._jit import inline_kernel, kernel

MULTIPLIER_0 = np.uint64(0xD2E7470EE14C6C93)
MULTIPLIER_1 = np.uint64(0xCA5A826395121157)
KEY_STEP_0 = np.uint64(0x9E3779B97F4A7C15)  # golden ratio
KEY_STEP_1 = np.uint64(0xBB67AE8584CAA73B)  # sqrt(3) - 1
ROUNDS = 10

LOW_HALF = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
DROPPED_BITS = np.uint64(12)

# Blocks computed side by side. Each step of a round is a loop over this many independent blocks, which the compiler
# turns into vector instructions; 32 was the fastest of 8, 16, 32, 64.
TILE = 32


@inline_kernel
def _high_word(a, b):
    """Upper 64 bits of the 128-bit product, from products of 32-bit halves: exact, and vectorisable unlike int128."""
    a_low, a_high = a & LOW_HALF, a >> HALF
    b_low, b_high = b & LOW_HALF, b >> HALF
    middle = a_high * b_low + ((a_low * b_low) >> HALF)  # below 2**64: (2**32-1)**2 + 2**32 - 1
    crossed = a_low * b_high + (middle & LOW_HALF)
    return a_high * b_high + (middle >> HALF) + (crossed >> HALF)


@inline_kernel
def _ten_rounds(key_0, key_1, tile):
    """Turn the counters in ``tile[0]`` into the four words of each block, in place."""
    for j in range(TILE):
        tile[1, j] = 0
        tile[2, j] = 0
        tile[3, j] = 0
    for _ in range(ROUNDS):
        for j in range(TILE):
            high_0, low_0 = _high_word(MULTIPLIER_0, tile[0, j]), MULTIPLIER_0 * tile[0, j]
            high_1, low_1 = _high_word(MULTIPLIER_1, tile[2, j]), MULTIPLIER_1 * tile[2, j]
            tile[0, j] = high_1 ^ tile[1, j] ^ key_0
            tile[1, j] = low_1
            tile[2, j] = high_0 ^ tile[3, j] ^ key_1
            tile[3, j] = low_0
        key_0 += KEY_STEP_0
        key_1 += KEY_STEP_1


@kernel
def fill_words(key_0: np.uint64, key_1: np.uint64, start: int, words: NDArray[np.uint64]) -> None:
    """Write words ``start, start + 1, ...`` of the stream (key_0, key_1 : uint64) into ``words`` (uint64[count])."""
    tile = np.empty((4, TILE), np.uint64)
    count = words.size
    first_block = start >> 2
    done = -(start & 3)  # position in `words` of the tile's first word: negative when `start` is inside a block
    while done < count:
        for j in range(TILE):
            tile[0, j] = np.uint64(first_block + 1 + j)
        _ten_rounds(key_0, key_1, tile)
        if done >= 0 and done + 4 * TILE <= count:
            for j in range(TILE):
                words[done + 4 * j] = tile[0, j]
                words[done + 4 * j + 1] = tile[1, j]
                words[done + 4 * j + 2] = tile[2, j]
                words[done + 4 * j + 3] = tile[3, j]
        else:
            for i in range(max(done, 0), min(done + 4 * TILE, count)):
                words[i] = tile[(i - done) & 3, (i - done) >> 2]
        first_block += TILE
        done += 4 * TILE


@kernel
def gather_words(key_0: np.uint64, key_1: np.uint64, indices: NDArray[np.int64], words: NDArray[np.uint64]) -> None:
    """Write word ``indices[i]`` (int64[count], >= 0, any order) of the stream into ``words[i]`` (uint64[count])."""
    tile = np.empty((4, TILE), np.uint64)
    for done in range(0, indices.size, TILE):
        width = min(TILE, indices.size - done)
        for j in range(width):
            tile[0, j] = np.uint64((indices[done + j] >> 2) + 1)
        for j in range(width, TILE):
            tile[0, j] = 1
        _ten_rounds(key_0, key_1, tile)
        for j in range(width):
            words[done + j] = tile[indices[done + j] & 3, j]


@kernel
def uniform_from_words(words: NDArray[np.uint64], uniforms: NDArray[np.float64]) -> None:
    """Write ``(2 (word >> 12) + 1) 2**-53`` into ``uniforms`` (float64[count]): in (0, 1), never rounded.

    The numerator is odd and below 2**53, so ``u``, ``1 - u``, ``u - 1/2`` and ``2 u - 1`` are all exact.
    """
    for i in range(words.size):
        uniforms[i] = (2.0 * np.float64(np.int64(words[i] >> DROPPED_BITS)) + 1.0) * 2.0**-53


@kernel
def integers_from_words(words: NDArray[np.uint64], span: np.uint64, offsets: NDArray[np.int64]) -> None:
    """Write ``floor(word * span / 2**64)``, an integer from 0 to span - 1, into ``offsets`` (int64[count])."""
    for i in range(words.size):
        offsets[i] = np.int64(_high_word(words[i], span))

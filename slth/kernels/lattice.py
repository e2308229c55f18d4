"""Reachable sums as a bitset: taking one more weight w is "or with itself, shifted up by w".

Bit 64 j + b of the set says whether the sum 64 j + b is reachable; it is stored in word j + 1, so that word 0 is always
empty and the shift needs no test at the lower end. A weight is absorbed in blocks of words from the top downwards: the
words that a block reads lie at or below it, and it is written only after it has been read, so one set is enough.
"""

from __future__ import annotations

import numpy as np

from slth.kernels._jit import inline_kernel, kernel

BLOCK = 512  # words whose new bits are collected before the first is looked at: 4 kB, which the nearest cache holds
ONE = np.uint64(1)

# Position of a single bit: the products of DE_BRUIJN with the 64 powers of two differ in their 6 highest bits.
DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
POSITIONS = np.array([(0x03F79D71B4CB0A89 << k & (2**64 - 1)) >> 58 for k in range(64)]).argsort().astype(np.int64)


MIRROR = np.array([(2**64 - 1) // (2**step + 1) for step in (1, 2, 4, 8, 16, 32)], np.uint64)


@inline_kernel
def position_of(bit):
    return POSITIONS[(bit * DE_BRUIJN) >> np.uint64(58)]


@kernel
def or_shifted(source, up, reach, fresh):
    """Bits of source[k + 1], shifted up with source[k] below it, that reach[k] lacks; the or of all of them.

    Indices that start at 0 need no test for negative ones, which would keep the loop from being vectorised.
    """
    down = np.uint64(63) - up
    some = np.uint64(0)
    for k in range(len(reach)):
        # Two shifts, because shifting 64 bits by 64 is undefined.
        new = ((source[k + 1] << up) | ((source[k] >> ONE) >> down)) & ~reach[k]
        fresh[k] = new
        some |= new
    return some


@kernel
def absorb(source, reach, weight, top, item, first):
    """Or reach with source shifted up by weight, words up to that of sum `top`; first[sum] = item for every new sum.

    `source` may be `reach` itself. `first` is left alone if it is empty.
    """
    words = weight >> 6
    up = np.uint64(weight & 63)
    fresh = np.empty(BLOCK, np.uint64)
    high = (top >> 6) + 1
    while high > words:
        low = max(words + 1, high - BLOCK + 1)
        some = or_shifted(source[low - words - 1 : high - words + 1], up, reach[low : high + 1], fresh)
        if some != 0:
            for j in range(low, high + 1):
                new = fresh[j - low]
                reach[j] |= new
                if len(first) > 0:
                    base = (j - 1) << 6
                    while new != 0:
                        bit = new & (~new + ONE)
                        first[base + position_of(bit)] = item
                        new ^= bit
        high = low - 1


@kernel
def is_reached(reach, total):
    return (reach[(total >> 6) + 1] >> np.uint64(total & 63)) & ONE != 0


@kernel
def nearest_below(reach, total):
    """The largest reachable sum <= total, or -1."""
    word = (total >> 6) + 1
    bits = reach[word] & (~np.uint64(0) >> np.uint64(63 - (total & 63)))
    while bits == 0 and word > 1:
        word -= 1
        bits = reach[word]
    if bits == 0:
        return np.int64(-1)
    found = np.int64(63)
    while (bits >> np.uint64(found)) & ONE == 0:
        found -= 1
    return ((word - 1) << 6) + found


@kernel
def nearest_above(reach, total):
    """The smallest reachable sum >= total, or -1."""
    word = (total >> 6) + 1
    bits = reach[word] & (~np.uint64(0) << np.uint64(total & 63))
    while bits == 0 and word + 1 < len(reach):
        word += 1
        bits = reach[word]
    if bits == 0:
        return np.int64(-1)
    return ((word - 1) << 6) + position_of(bits & (~bits + ONE))


@inline_kernel
def reversed_bits(word):
    """Exchange neighbouring bits, then pairs, fours, ... and halves."""
    for k in range(6):
        up = ONE << np.uint64(k)
        mask = MIRROR[k]
        word = ((word >> up) & mask) | ((word & mask) << up)
    return word


@kernel
def split_sum(low, high, total):
    """A sum s reachable in `low` with total - s reachable in `high`, or -1; both sets cover the sums 0..total."""
    for j in range((total >> 6) + 1):
        bits = low[j + 1]
        if bits != 0:
            # Bit b of the mirror image says whether total - (64 j + b) is reachable in `high`.
            start = total - (j << 6) - 63
            word = start >> 6  # -1 where the image hangs over the lower end: word 0 of the storage is empty
            up = np.uint64(start & 63)
            upper = high[word + 2] if word + 2 < len(high) else np.uint64(0)
            image = (high[word + 1] >> up) | ((upper << ONE) << (np.uint64(63) - up))
            both = bits & reversed_bits(image)
            if both != 0:
                return (j << 6) + position_of(both & (~both + ONE))
    return np.int64(-1)

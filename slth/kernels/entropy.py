"""Entropy coder of sequences over any small alphabet: a range coder under the "remaining counts" model.

The number of times that each symbol occurs is known to both sides. The coder gives symbol ``a`` the probability
(occurrences of ``a`` still to come) / (symbols still to come). The product of these over a whole sequence is exactly
one over the number of its arrangements, whatever the sequence, so the code has log2 of the multinomial coefficient
bits, plus at most two bytes for the end of the stream, plus the rounding of the interval: less than
2 * block / 2**48 bits a symbol.

Counts are per block of the sequence, so that the divisor stays far below the interval. They are kept in a binary tree
over the alphabet (a leaf a symbol, a node the sum of its children): a symbol costs one division and log2 of the
alphabet steps. All arithmetic is int64 below 2**57, so compiled and interpreted runs agree and nothing can wrap.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from slth.kernels._jit import kernel

WINDOW_BITS = 56  # the part of the number line that is still open is at most this wide
EMIT_BITS = WINDOW_BITS - 8  # it is widened by one byte as soon as it is narrower than this
WINDOW = 1 << WINDOW_BITS
EMIT = 1 << EMIT_BITS
EMIT_MASK = EMIT - 1
WINDOW_BYTES = WINDOW_BITS // 8


@kernel
def block_counts(symbols: npt.NDArray[np.uint8], alphabet: int, block: int) -> npt.NDArray[np.int64]:
    """Occurrences of each symbol in each block: int64[blocks, alphabet]."""
    blocks = (symbols.size + block - 1) // block
    counts = np.zeros((blocks, alphabet), np.int64)
    for b in range(blocks):
        for i in range(b * block, min((b + 1) * block, symbols.size)):
            counts[b, symbols[i]] += 1
    return counts


@kernel
def _plant(tree: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> None:
    """Fill the tree of counts: leaf ``a`` is tree[leaves + a], node i has the children 2i and 2i + 1."""
    leaves = tree.size // 2
    for a in range(leaves):  # loops, because array assignments take a second longer to compile
        tree[leaves + a] = counts[a] if a < counts.size else 0
    for node in range(leaves - 1, 0, -1):
        tree[node] = tree[2 * node] + tree[2 * node + 1]


@kernel
def _tree_for(alphabet: int) -> npt.NDArray[np.int64]:
    leaves = 2
    while leaves < alphabet:
        leaves *= 2
    return np.zeros(2 * leaves, np.int64)


@kernel
def encode(
    symbols: npt.NDArray[np.uint8], counts: npt.NDArray[np.int64], block: int, out: npt.NDArray[np.uint8]
) -> int:
    """Write the code of ``symbols`` into ``out`` and return its length in bytes.

    ``counts`` is what :func:`block_counts` returns; ``out`` must have room for symbols * log2(alphabet) / 8 bytes,
    a millionth more, and 16.
    """
    tree = _tree_for(counts.shape[1])
    leaves = tree.size // 2
    low, width, length = 0, WINDOW, 0
    for b in range(counts.shape[0]):
        _plant(tree, counts[b])
        for i in range(b * block, min((b + 1) * block, symbols.size)):
            step = width // tree[1]
            node = leaves + np.int64(symbols[i])
            width = step * tree[node]
            before = 0
            while node > 1:
                tree[node] -= 1
                if node & 1:  # a right child: all under its left sibling comes before
                    before += tree[node - 1]
                node >>= 1
            tree[1] -= 1
            low += step * before
            if low >= WINDOW:
                low -= WINDOW
                _carry(out, length)
            while width < EMIT:
                out[length] = low >> EMIT_BITS
                length += 1
                low = (low & EMIT_MASK) << 8
                width <<= 8
    # The one multiple of EMIT in [low, low + EMIT) is inside the open part, which is at least that wide: one byte.
    low += EMIT_MASK
    if low >= WINDOW:
        low -= WINDOW
        _carry(out, length)
    out[length] = low >> EMIT_BITS
    return length + 1


@kernel
def _carry(out: npt.NDArray[np.uint8], length: int) -> None:
    """Add one to the number written so far; it is a fraction below one, so the carry ends inside it."""
    at = length - 1
    while out[at] == 255:
        out[at] = 0
        at -= 1
    out[at] += 1


@kernel
def decode(
    code: npt.NDArray[np.uint8], counts: npt.NDArray[np.int64], block: int, symbols: npt.NDArray[np.uint8]
) -> bool:
    """Fill ``symbols`` from ``code``; False when no sequence with these counts has this code.

    ``counts`` has one row for each block. Bytes past the end count as zeros and are never read. A code is accepted
    only where :func:`encode` would have written exactly these bytes for the decoded sequence.
    """
    tree = _tree_for(counts.shape[1])
    leaves = tree.size // 2
    offset, width, position = np.int64(0), WINDOW, 0
    while position < WINDOW_BYTES:
        offset = offset << 8
        if position < code.size:
            offset |= np.int64(code[position])
        position += 1
    for b in range(counts.shape[0]):
        start, stop = b * block, min((b + 1) * block, symbols.size)
        _plant(tree, counts[b])
        if counts[b].min() < 0 or tree[1] != stop - start:
            return False
        for i in range(start, stop):
            total = tree[1]
            step = width // total
            if offset >= step * total:
                return False
            tree[1] = total - 1
            node = 1
            while node < leaves:
                node *= 2
                share = step * tree[node]
                if offset >= share:
                    offset -= share
                    node += 1
                tree[node] -= 1
            width = step * (tree[node] + 1)
            symbols[i] = node - leaves
            while width < EMIT:
                offset <<= 8
                if position < code.size:
                    offset |= np.int64(code[position])
                position += 1
                width <<= 8
    return bool(offset < EMIT and position - WINDOW_BYTES + 1 == code.size)

"""Entropy-coded sequences as self-describing bytes: the checked entrance to :mod:`slth.kernels.entropy`.

Layout: one byte, the size of the alphabet; the length of the sequence; for each block of 2**18 symbols the number of
occurrences of every symbol but the last, which takes the rest; then the code itself, up to the end. Numbers are
little-endian base 128, seven bits a byte, a set top bit meaning "more follows", never longer than needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError, TicketError
from slth.kernels import entropy as kernels

BLOCK = 1 << 18
LARGEST_ALPHABET = 255
_LONGEST_NUMBER = 7  # bytes: up to 2**49


def encode_symbols(symbols: NDArray[np.uint8], *, alphabet: int) -> bytes:
    r"""Code a sequence over a small alphabet in as few bits as the number of its arrangements asks for.

    With :math:`n_a` occurrences of symbol :math:`a` among :math:`n`, the result has
    :math:`\tfrac18 \log_2 \binom{n}{n_0, n_1, \ldots}` bytes, plus at most 2, plus a header of a few bytes for every
    symbol of the alphabet and every 2**18 symbols of the sequence.

    Parameters
    ----------
    symbols : uint8[n]
        Values 0 .. alphabet - 1; n may be 0.
    alphabet : int
        Size of the alphabet, 2 .. 255.

    Returns
    -------
    bytes
        The same for the same sequence on every machine; :func:`decode_symbols` reads it.

    Raises
    ------
    ArgumentError
        For another dtype or number of dimensions, or a value outside the alphabet.

    Examples
    --------
    >>> import numpy as np
    >>> code = slth.tickets.encode_symbols(np.array([0, 2, 0, 1, 0, 0], np.uint8), alphabet=3)
    >>> slth.tickets.decode_symbols(code, alphabet=3, count=6).tolist()
    [0, 2, 0, 1, 0, 0]
    """
    _check_alphabet(alphabet)
    if not isinstance(symbols, np.ndarray) or symbols.dtype != np.uint8 or symbols.ndim != 1:
        shown = f"{getattr(symbols, 'dtype', type(symbols).__name__)}{list(getattr(symbols, 'shape', ()))}"
        raise ArgumentError("symbols", shown, "must be a uint8 array with one axis", "pass array.ravel() as uint8")
    if symbols.size and symbols.max() >= alphabet:
        raise ArgumentError("symbols", int(symbols.max()), f"is outside 0 .. {alphabet - 1}", "pass a larger alphabet")
    symbols = np.ascontiguousarray(symbols)
    counts = kernels.block_counts(symbols, alphabet, BLOCK)
    header = bytearray([alphabet]) + _number(symbols.size)
    for block in counts[:, :-1]:
        for count in block.tolist():
            header += _number(count)
    # The kernel rounds the interval down by less than 2**-29 of its width a symbol.
    room = math.ceil(symbols.size * math.log2(alphabet) / 8 * (1 + 2.0**-20)) + 16
    code = np.empty(room, np.uint8)
    length = kernels.encode(symbols, counts, BLOCK, code)
    return bytes(header) + code[:length].tobytes()


def decode_symbols(data: bytes, *, alphabet: int, count: int) -> NDArray[np.uint8]:
    """Read back what :func:`encode_symbols` wrote; nothing but its exact output is accepted.

    Parameters
    ----------
    data : bytes
        The whole code, nothing before or after it.
    alphabet, count : int
        What the reader expects. They are compared with what the code says of itself before memory is taken.

    Returns
    -------
    uint8[count]
        Values 0 .. alphabet - 1.

    Raises
    ------
    TicketError
        When the code is of another sequence, damaged or cut.
    """
    _check_alphabet(alphabet)
    reader = _Reader(data, 1)
    if not data or data[0] != alphabet:
        found = f"an alphabet of {data[0]} symbols" if data else "nothing"
        raise TicketError(f"coded mask: expected an alphabet of {alphabet} symbols, found {found}")
    stated = reader.number("its length")
    if stated != count:
        raise TicketError(f"coded mask: expected {count} symbols, found a code of {stated}")
    blocks = -(-count // BLOCK)
    if blocks * (alphabet - 1) > len(data):  # before anything of that size is allocated
        raise TicketError(f"coded mask: {len(data)} bytes are too few for {count} symbols")
    counts = np.zeros((blocks, alphabet), np.int64)
    for block in range(blocks):
        remaining = min(BLOCK, count - block * BLOCK)
        for symbol in range(alphabet - 1):
            counts[block, symbol] = occurrences = reader.number(f"the counts of block {block}")
            remaining -= occurrences
        if remaining < 0:
            raise TicketError(f"coded mask: the counts of block {block} exceed its length")
        counts[block, -1] = remaining
    symbols = np.empty(count, np.uint8)
    if not kernels.decode(np.frombuffer(data, np.uint8)[reader.position :], counts, BLOCK, symbols):
        raise TicketError(f"coded mask: the code does not decode to {count} symbols with the stated counts")
    return symbols


def join_codes(codes: Iterable[bytes]) -> bytes:
    """Put codes one after another, each behind its number of bytes."""
    return b"".join(_number(len(code)) + code for code in codes)


def split_codes(data: bytes, *, count: int) -> list[bytes]:
    """Take apart what :func:`join_codes` put together; nothing but its exact output is accepted."""
    reader = _Reader(data, 0)
    codes = []
    for place in range(count):
        length = reader.number(f"the length of code {place} of {count}")
        end = reader.position + length
        if end > len(data):
            raise TicketError(f"coded mask: code {place} of {count} should end at byte {end}, there are {len(data)}")
        codes.append(data[reader.position : end])
        reader.position = end
    if reader.position != len(data):
        raise TicketError(f"coded mask: {len(data) - reader.position} bytes too many behind the last of {count} codes")
    return codes


def multinomial_bits(counts: list[int]) -> float:
    r"""Return :math:`\log_2 \binom{n}{n_0, n_1, \ldots}`, the bits that no code of all such sequences can beat.

    Parameters
    ----------
    counts : list of int
        Occurrences of each symbol, each >= 0; they add up to n.

    Returns
    -------
    float
        Bits, >= 0, to about 1e-15 of n log n.

    Examples
    --------
    >>> round(2 ** slth.tickets.multinomial_bits([3, 2]))
    10
    """
    nats = math.lgamma(sum(counts) + 1) - math.fsum(math.lgamma(count + 1) for count in counts)
    return max(0.0, nats / math.log(2))


class _Reader:
    """Numbers one after another; the position past the last one is where the code starts."""

    def __init__(self, data: bytes, position: int) -> None:
        self.data, self.position = data, position

    def number(self, what: str) -> int:
        value = 0
        for place in range(_LONGEST_NUMBER):
            if self.position >= len(self.data):
                raise TicketError(f"coded mask: cut inside {what}")
            byte = self.data[self.position]
            self.position += 1
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                if byte == 0 and place > 0:
                    break
                return value
        raise TicketError(f"coded mask: {what} is not a well-formed number")


def _number(value: int) -> bytes:
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _check_alphabet(alphabet: int) -> None:
    if not 2 <= alphabet <= LARGEST_ALPHABET:
        raise ArgumentError("alphabet", alphabet, f"must be 2 .. {LARGEST_ALPHABET}", "split the symbols into digits")

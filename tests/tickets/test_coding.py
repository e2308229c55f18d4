import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ArgumentError, TicketError
from slth.tickets.coding import BLOCK, decode_symbols, encode_symbols, join_codes, multinomial_bits, split_codes


def random_symbols(length, density, alphabet=2, seed=0):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(length) < density, rng.integers(1, alphabet, length), 0).astype(np.uint8)


@given(
    st.integers(2, 255),
    st.sampled_from([0, 1, 2, 3, 7, 8, 9, 1000, 5000]),
    st.sampled_from([0.0, 0.001, 0.02, 0.5, 0.98, 1.0]),
    st.integers(0, 2**32),
)
def test_round_trip(alphabet, length, density, seed):
    symbols = random_symbols(length, density, alphabet, seed)
    code = encode_symbols(symbols, alphabet=alphabet)
    assert np.array_equal(decode_symbols(code, alphabet=alphabet, count=length), symbols)


@pytest.mark.parametrize("lengths", [[], [0], [0, 0, 3], [127, 128, 1], [16_383, 0, 16_384]])
def test_codes_are_joined_and_split(lengths):
    codes = [bytes([place]) * length for place, length in enumerate(lengths)]
    content = join_codes(codes)
    assert len(content) == sum(lengths) + sum(1 if length < 128 else 2 if length < 16_384 else 3 for length in lengths)
    assert split_codes(content, count=len(codes)) == codes
    for wrong, count in ((content + b"\0", len(codes)), (content, len(codes) + 1), (content[:-1], len(codes))):
        if (wrong, count) != (content, len(codes)):
            with pytest.raises(TicketError, match="coded mask: "):
                split_codes(wrong, count=count)


@pytest.mark.parametrize("length", [0, 1, 10, 1000, 100_000, BLOCK, BLOCK + 1, 1_000_000])
@pytest.mark.parametrize("density", [0.0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.999, 1.0])
def test_size_is_the_entropy(length, density):
    symbols = random_symbols(length, density)
    bits = multinomial_bits([int((symbols == 0).sum()), int((symbols == 1).sum())])
    code = encode_symbols(symbols, alphabet=2)
    assert len(code) <= 1.02 * bits / 8 + 20  # length, counts of up to four blocks, end of the code
    assert np.array_equal(decode_symbols(code, alphabet=2, count=length), symbols)


@pytest.mark.parametrize("alphabet", [3, 17, 255])
@pytest.mark.parametrize("density", [0.0, 0.01, 0.6, 1.0])
def test_size_is_the_entropy_for_larger_alphabets(alphabet, density):
    symbols = random_symbols(600_000, density, alphabet)
    bits = multinomial_bits(np.bincount(symbols, minlength=alphabet).tolist())
    code = encode_symbols(symbols, alphabet=alphabet)
    assert len(code) <= 1.02 * bits / 8 + 16 + 3 * 3 * alphabet  # counts of three blocks, three bytes each at most
    assert np.array_equal(decode_symbols(code, alphabet=alphabet, count=len(symbols)), symbols)


def test_blocks_with_different_densities_cost_less_than_one_for_all():
    symbols = np.concatenate([random_symbols(BLOCK, 0.01), random_symbols(BLOCK, 0.5)])
    kept = int(symbols.sum())
    assert len(encode_symbols(symbols, alphabet=2)) < 0.75 * multinomial_bits([kept, len(symbols) - kept]) / 8


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_multinomial_bits(counts):
    arrangements = math.factorial(sum(counts))
    for count in counts:
        arrangements //= math.factorial(count)
    assert multinomial_bits(counts) == pytest.approx(math.log2(arrangements), abs=1e-10)


@pytest.mark.parametrize(("length", "alphabet"), [(40, 2), (300, 2), (25, 5), (0, 2), (1, 255)])
def test_damage_is_refused_or_gives_another_sequence(length, alphabet):
    """A code says nothing false: every changed bit either fails or decodes to the one sequence that has this code."""
    symbols = random_symbols(length, 0.3, alphabet)
    code = encode_symbols(symbols, alphabet=alphabet)
    refused = 0
    for bit in range(8 * len(code)):
        changed = bytearray(code)
        changed[bit // 8] ^= 1 << (bit % 8)
        try:
            found = decode_symbols(bytes(changed), alphabet=alphabet, count=length)
        except TicketError:
            refused += 1
        else:
            assert not np.array_equal(found, symbols)
            assert encode_symbols(found, alphabet=alphabet) == bytes(changed)
    assert refused > 0


@pytest.mark.parametrize("length", [0, 1, 40, 3000])
def test_a_cut_or_lengthened_code_is_refused(length):
    code = encode_symbols(random_symbols(length, 0.3), alphabet=2)
    for end in range(len(code)):
        with pytest.raises(TicketError, match="coded mask"):
            decode_symbols(code[:end], alphabet=2, count=length)
    for tail in (b"\0", b"\1", b"\0\0"):
        with pytest.raises(TicketError, match="coded mask"):
            decode_symbols(code + tail, alphabet=2, count=length)


@given(st.binary(max_size=80), st.integers(2, 255), st.integers(0, 200))
def test_garbage_is_refused_or_canonical(data, alphabet, count):
    try:
        symbols = decode_symbols(data, alphabet=alphabet, count=count)
    except TicketError:
        return
    assert encode_symbols(symbols, alphabet=alphabet) == data


def test_what_the_code_says_of_itself_is_checked():
    code = encode_symbols(np.zeros(9, np.uint8), alphabet=2)
    with pytest.raises(TicketError, match="expected an alphabet of 3 symbols, found an alphabet of 2"):
        decode_symbols(code, alphabet=3, count=9)
    with pytest.raises(TicketError, match="expected 8 symbols, found a code of 9"):
        decode_symbols(code, alphabet=2, count=8)
    with pytest.raises(TicketError, match="too few for 1000000000000 symbols"):
        decode_symbols(bytes([2, 0x80, 0xA0, 0x94, 0xA5, 0x8D, 0x1D, 0]), alphabet=2, count=10**12)
    with pytest.raises(TicketError, match="counts of block 0 exceed its length"):
        decode_symbols(bytes([2, 9, 10, 0]), alphabet=2, count=9)
    with pytest.raises(TicketError, match="not a well-formed number"):
        decode_symbols(bytes([2, 0x89, 0, 9, 0]), alphabet=2, count=9)  # 9 written in two bytes
    assert decode_symbols(bytes([2, 9, 9, 0]), alphabet=2, count=9).tolist() == [0] * 9


def test_arguments_are_checked():
    for wrong in ([0, 1], np.zeros(3, bool), np.zeros((2, 2), np.uint8), np.zeros(3)):
        with pytest.raises(ArgumentError, match="must be a uint8 array"):
            encode_symbols(wrong, alphabet=2)
    with pytest.raises(ArgumentError, match=r"outside 0 \.\. 1"):
        encode_symbols(np.array([0, 2], np.uint8), alphabet=2)
    for alphabet in (1, 256):
        with pytest.raises(ArgumentError, match="alphabet"):
            encode_symbols(np.zeros(1, np.uint8), alphabet=alphabet)
        with pytest.raises(ArgumentError, match="alphabet"):
            decode_symbols(b"\2\0\0", alphabet=alphabet, count=0)
    assert decode_symbols(encode_symbols(np.zeros((4, 2), np.uint8)[:, 0], alphabet=2), alphabet=2, count=4).size == 4

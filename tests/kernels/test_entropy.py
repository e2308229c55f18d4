"""The coder against a coder without carries, windows or trees: whole numbers as long as they need to be."""

import math
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.kernels import entropy


def naive_code(symbols, alphabet, block):
    """The same number line, never cut: `low` over 256**shift, so that a carry is an ordinary addition."""
    low, width, shift = 0, 2**56, 7
    for start in range(0, len(symbols), block):
        rest = list(symbols[start : start + block])
        while rest:
            step = width // len(rest)
            low += step * sum(rest.count(smaller) for smaller in range(rest[0]))
            width = step * rest.count(rest[0])
            rest = rest[1:]
            while width < 2**48:
                low, width, shift = low * 256, width * 256, shift + 1
    digits = shift - 6  # all but the last six bytes of the number: rounded up, they still lie inside the interval
    return (-(-low // 2**48)).to_bytes(digits, "big")


def coded(symbols, alphabet, block):
    symbols = np.array(symbols, np.uint8)
    counts = entropy.block_counts(symbols, alphabet, block)
    out = np.empty(math.ceil(len(symbols) * math.log2(alphabet) / 8) + 17, np.uint8)
    return out[: entropy.encode(symbols, counts, block, out)].tobytes(), counts


def decoded(code, counts, block, length):
    symbols = np.empty(length, np.uint8)
    accepted = entropy.decode(np.frombuffer(code, np.uint8), counts, block, symbols)
    return symbols.tolist() if accepted else None


def interpreted(kernel):
    return getattr(kernel, "py_func", kernel)  # without compilation a kernel is its own source


sequences = st.integers(2, 255).flatmap(
    lambda alphabet: st.tuples(
        st.just(alphabet),
        st.one_of(
            st.lists(st.integers(0, alphabet - 1), max_size=60),
            st.lists(st.sampled_from([0, alphabet - 1]), max_size=200),
            st.builds(lambda n, at: [int(i == at) for i in range(n)], st.integers(0, 300), st.integers(0, 300)),
        ),
    )
)


@given(sequences, st.integers(1, 400))
def test_code_is_that_of_the_naive_coder_and_decodes(sample, block):
    alphabet, symbols = sample
    code, counts = coded(symbols, alphabet, block)
    assert code == naive_code(symbols, alphabet, block)
    assert decoded(code, counts, block, len(symbols)) == symbols


def test_long_sequences_agree_with_the_naive_coder():
    rng = np.random.default_rng(0)
    for density in (0.003, 0.1, 0.5, 0.95):
        symbols = (rng.random(3000) < density).astype(int).tolist()
        code, counts = coded(symbols, 2, 1 << 18)
        assert code == naive_code(symbols, 2, 1 << 18)
        assert decoded(code, counts, 1 << 18, len(symbols)) == symbols


def test_carry_passes_over_full_bytes():
    out = np.array([7, 255, 255, 99], np.uint8)
    entropy._carry(out, 3)
    assert out.tolist() == [8, 0, 0, 99]


@pytest.mark.parametrize(("length", "kept"), [(8, 4), (10, 3), (6, 6), (7, 0)])
def test_accepted_codes_are_exactly_the_codes_of_sequences(length, kept):
    """All byte strings of at most two bytes: as many are accepted as there are arrangements, each for its own."""
    arrangements = [[int(i in chosen) for i in range(length)] for chosen in combinations(range(length), kept)]
    codes = {coded(symbols, 2, 64)[0]: symbols for symbols in arrangements}
    assert len(codes) == math.comb(length, kept)
    assert max(map(len, codes)) <= 2
    counts = np.array([[length - kept, kept]])
    accepted = {}
    for size in (0, 1, 2):
        for code in product(range(256), repeat=size):
            found = decoded(bytes(code), counts, 64, length)
            if found is not None:
                accepted[bytes(code)] = found
    assert accepted == codes


@given(st.integers(2, 6), st.binary(max_size=40), st.integers(0, 50), st.integers(0, 2**32), st.integers(-2, 2))
def test_decoding_garbage_stays_inside_its_arrays(alphabet, code, length, seed, wrong):
    """Interpreted, so that numpy checks each index; what is accepted has the stated counts and this very code."""
    block, rng = 20, np.random.default_rng(seed)
    counts = entropy.block_counts(rng.integers(0, alphabet, length).astype(np.uint8), alphabet, block)
    if counts.size:
        counts[rng.integers(0, len(counts)), 0] += wrong
        counts[rng.integers(0, len(counts)), 1] -= wrong * (seed % 2)  # the sum is right, a count may be negative
    code, symbols = np.frombuffer(code, np.uint8), np.zeros(length, np.uint8)
    accepted = interpreted(entropy.decode)(code, counts, block, symbols)
    assert accepted == entropy.decode(code, counts, block, symbols.copy())
    if accepted:
        assert np.array_equal(entropy.block_counts(symbols, alphabet, block), counts)
        assert coded(symbols, alphabet, block)[0] == code.tobytes()


def test_the_sliver_lost_to_rounding_belongs_to_no_symbol():
    """A third of the window, three times, leaves out the largest number: no sequence has it."""
    counts = np.array([[3, 0]])
    assert decoded(b"\xff" * 7, counts, 64, 3) is None


@given(sequences)
def test_interpreted_and_compiled_agree(sample):
    alphabet, symbols = sample
    code, counts = coded(symbols, alphabet, 64)
    out = np.empty(len(code) + 16, np.uint8)
    assert np.array_equal(interpreted(entropy.block_counts)(np.array(symbols, np.uint8), alphabet, 64), counts)
    length = interpreted(entropy.encode)(np.array(symbols, np.uint8), counts, 64, out)
    assert out[:length].tobytes() == code


@given(sequences)
def test_length_is_the_number_of_arrangements(sample):
    """Exact factorials, one block: never more than two bytes above log2 of the multinomial coefficient."""
    alphabet, symbols = sample
    arrangements = math.factorial(len(symbols))
    for symbol in set(symbols):
        arrangements //= math.factorial(symbols.count(symbol))
    code, _ = coded(symbols, alphabet, 1 << 18)
    assert len(code) <= math.log2(arrangements) / 8 + 2

import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.data.cifar import RECORD, parse_cifar_binary, parse_cifar_pickled
from slth.errors import DataError


def batch(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (count, 3072), dtype=np.uint8), generator.integers(0, 10, count)


def python2_pickle(images: np.ndarray, labels: np.ndarray) -> bytes:
    """The pickle that Python 2 writes, opcode by opcode: its strings are the bytes of Python 3."""

    def string(text: bytes) -> bytes:
        return b"T" + struct.pack("<i", len(text)) + text

    def integer(number: int) -> bytes:
        return b"J" + struct.pack("<i", number)

    shape = integer(images.shape[0]) + integer(images.shape[1]) + b"\x86"
    dtype = b"cnumpy\ndtype\n" + string(b"u1") + integer(0) + integer(1) + b"\x87R"
    dtype += b"(" + integer(3) + string(b"|") + b"NNN" + integer(-1) + integer(-1) + integer(0) + b"tb"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n"
        + b"cnumpy\nndarray\n"
        + integer(0)
        + b"\x85"
        + string(b"b")
        + b"\x87R"
    )
    array += b"(" + integer(1) + shape + dtype + b"\x89" + string(images.tobytes()) + b"tb"
    numbers = b"](" + b"".join(map(integer, labels.tolist())) + b"e"
    return b"\x80\x02}(" + string(b"data") + array + string(b"labels") + numbers + b"u."


@given(st.integers(1, 4), st.integers(0, 1000))
def test_both_versions_hold_the_same(count, seed):
    images, labels = batch(count, seed)
    binary = np.concatenate([labels[:, None].astype(np.uint8), images], axis=1).tobytes()
    modern = pickle.dumps({b"data": images, b"labels": labels.tolist(), b"batch_label": b"training batch"})
    for read in (
        parse_cifar_binary(binary, source="x"),
        parse_cifar_pickled(python2_pickle(images, labels), source="x"),
        parse_cifar_pickled(modern, source="x"),
    ):
        assert np.array_equal(read[0], images)
        assert np.array_equal(read[1], labels)


@pytest.mark.parametrize("content", [b"", bytes(RECORD - 1), bytes(RECORD + 1), bytes([10]) + bytes(RECORD - 1)])
def test_wrong_binaries_are_refused(content):
    with pytest.raises(DataError, match=r"^x: "):
        parse_cifar_binary(content, source="x")


class Runs:
    """Unpickling this would run a command."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


class Evaluates:
    def __reduce__(self):
        return eval, ("1 + 1",)


def test_a_pickle_executes_nothing(tmp_path):
    path = tmp_path / "executed"
    for content in (Runs(path), {b"data": Runs(path), b"labels": [Runs(path)]}, Evaluates()):
        with pytest.raises(DataError, match="only numpy arrays are admitted"):
            parse_cifar_pickled(pickle.dumps(content), source="x")
    assert not path.exists()


@pytest.mark.parametrize(
    "content",
    [
        [1, 2],
        {b"data": np.zeros((1, 3072), np.uint8)},
        {b"data": np.zeros((1, 3071), np.uint8), b"labels": [0]},
        {b"data": np.zeros((1, 3072), np.int64), b"labels": [0]},
        {b"data": np.array([[None] * 3072]), b"labels": [0]},
        {b"data": np.zeros((1, 3072), np.uint8), b"labels": [0, 1]},
        {b"data": np.zeros((1, 3072), np.uint8), b"labels": [0.5]},
        {b"data": np.zeros((1, 3072), np.uint8), b"labels": [10]},
        {b"data": np.zeros((1, 3072), np.uint8), b"labels": [-1]},
        {b"data": np.zeros((0, 3072), np.uint8), b"labels": []},
    ],
)
def test_other_contents_are_refused(content):
    with pytest.raises(DataError, match=r"^x: "):
        parse_cifar_pickled(pickle.dumps(content), source="x")


@given(st.binary(max_size=200))
def test_noise_is_refused(content):
    with pytest.raises(DataError):
        parse_cifar_pickled(content, source="x")


@given(st.data())
def test_a_damaged_pickle_is_refused_or_read(data):
    images, labels = batch(1)
    content = bytearray(python2_pickle(images, labels))
    place = data.draw(st.integers(0, 250) | st.integers(len(content) - 20, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        read, _ = parse_cifar_pickled(bytes(content), source="x")
    except DataError:
        return
    assert read.dtype == np.uint8
    assert read.shape[1] == 3072

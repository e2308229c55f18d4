import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from slth.data.idx import pair_images_and_labels, parse_idx
from slth.errors import DataError
from tests.data.samples import idx_bytes

arrays = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=3, max_dims=3, min_side=0, max_side=5))


@given(arrays, st.booleans())
def test_what_is_written_is_read(array, packed):
    content = gzip.compress(idx_bytes(array)) if packed else idx_bytes(array)
    assert np.array_equal(parse_idx(content, axes=3, source="x"), array)


@given(arrays, st.booleans(), st.data())
def test_a_shortened_file_is_refused(array, packed, data):
    content = gzip.compress(idx_bytes(array), mtime=0) if packed else idx_bytes(array)
    cut = data.draw(st.integers(1, len(content)))
    with pytest.raises(DataError):
        parse_idx(content[:-cut], axes=3, source="x")


@given(arrays, st.binary(min_size=1, max_size=20))
def test_a_lengthened_file_is_refused(array, tail):
    with pytest.raises(DataError):
        parse_idx(idx_bytes(array) + tail, axes=3, source="x")
    with pytest.raises(DataError):
        parse_idx(gzip.compress(idx_bytes(array) + tail), axes=3, source="x")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x00\x08\x03",
        b"\x00\x00\x0d\x01\x00\x00\x00\x00",
        b"\x1f\x8bnot gzip at all",
        b"\x00\x00\x08\x02" + bytes(8),
    ],
)
def test_other_files_are_refused(content):
    with pytest.raises(DataError, match=r"^labels: "):
        parse_idx(content, axes=1, source="labels")


def test_a_flipped_bit_in_gzip_is_refused():
    content = bytearray(gzip.compress(idx_bytes(np.arange(60, dtype=np.uint8).reshape(3, 4, 5)), mtime=0))
    content[-6] ^= 1  # in the checksum
    with pytest.raises(DataError, match="gzip"):
        parse_idx(bytes(content), axes=3, source="x")


def test_a_header_cannot_fill_the_memory():
    with pytest.raises(DataError, match="announces"):
        parse_idx(gzip.compress(bytes([0, 0, 8, 2]) + struct.pack(">II", 2**31, 2**31)), axes=2, source="x")


def test_a_small_archive_that_unpacks_to_much_is_not_unpacked():
    bomb = gzip.compress(bytes([0, 0, 8, 1]) + struct.pack(">I", 10) + bytes(50_000_000))
    tracemalloc.start()
    with pytest.raises(DataError, match="11 follow"):
        parse_idx(bomb, axes=1, source="x")
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("images", "labels", "match"),
    [
        (np.zeros((2, 3, 4), np.uint8), np.zeros(2, np.uint8), "instead of"),
        (np.zeros((2, 3, 3), np.uint8), np.zeros(3, np.uint8), "2 images and 3 labels"),
        (np.zeros((0, 3, 3), np.uint8), np.zeros(0, np.uint8), "no images"),
        (np.zeros((1, 3, 3), np.uint8), np.full(1, 5, np.uint8), "label 5"),
    ],
)
def test_images_and_labels_that_do_not_fit(images, labels, match):
    with pytest.raises(DataError, match=match):
        pair_images_and_labels(images, labels, shape=(1, 3, 3), classes=5, source="here")

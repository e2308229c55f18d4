"""The IDX format of MNIST: a big-endian header (magic number, one size per axis), then the bytes of the array."""

from __future__ import annotations

import math
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from slth.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
UNSIGNED_BYTE = 0x08
MAXIMUM_BYTES = 1 << 32
"""What a file may unpack to at most: the largest array of any data set here is 48 MB."""


def parse_idx(content: bytes, *, axes: int, source: str) -> NDArray[np.uint8]:
    """Read an IDX array of unsigned bytes, plain or compressed by gzip."""
    if content[:2] == GZIP_MAGIC:
        content = _unpack(content, axes, source)
    header = 4 + 4 * axes
    if len(content) < header:
        raise DataError(f"{source}: {len(content)} bytes are too few for an IDX header of {header}")
    zero, kind, found_axes = struct.unpack(">HBB", content[:4])
    if zero != 0 or kind != UNSIGNED_BYTE or found_axes != axes:
        raise DataError(
            f"{source}: IDX magic number {content[:4].hex()} instead of {bytes((0, 0, UNSIGNED_BYTE, axes)).hex()}"
        )
    shape = struct.unpack(f">{axes}I", content[4:header])
    if len(content) - header != math.prod(shape):
        raise DataError(f"{source}: the header says {shape}, {math.prod(shape)} bytes; {len(content) - header} follow")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def _unpack(content: bytes, axes: int, source: str) -> bytes:
    """Unpack gzip up to what the IDX header announces, so that a small file cannot fill the memory."""
    try:
        header = zlib.decompressobj(wbits=31).decompress(content, 4 + 4 * axes)
        announced = math.prod(struct.unpack(f">{axes}I", header[4:])) if len(header) == 4 + 4 * axes else 0
        if announced > MAXIMUM_BYTES:
            raise DataError(f"{source}: the header announces {announced} bytes, more than any data set here has")
        unpacker = zlib.decompressobj(wbits=31)
        # One byte more than announced: enough to see that there is too much, without unpacking all of it.
        plain = unpacker.decompress(content, len(header) + announced + 1)
    except zlib.error as problem:
        raise DataError(f"{source}: damaged gzip file ({problem})") from problem
    if not unpacker.eof and len(plain) <= len(header) + announced:
        # What is missing is at most the trailer with its checksum; reading it makes zlib compare the checksum.
        try:
            plain += unpacker.decompress(unpacker.unconsumed_tail)
        except zlib.error as problem:
            raise DataError(f"{source}: damaged gzip file ({problem})") from problem
        if not unpacker.eof:
            raise DataError(f"{source}: truncated gzip file")
    return plain


def pair_images_and_labels(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], *, shape: tuple[int, ...], classes: int, source: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Check that images and labels belong together and lay the images out flat.

    Shapes: images ndarray of uint8 [N, height, width]; labels ndarray of uint8 [N]; result ndarray of uint8 [N,
    channels * height * width]; result ndarray of int64 [N].
    """
    if images.shape[1:] != shape[1:]:
        raise DataError(f"{source}: images of {images.shape[1:]} instead of {shape[1:]}")
    if len(images) != len(labels):
        raise DataError(f"{source}: {len(images)} images and {len(labels)} labels")
    if len(images) == 0:
        raise DataError(f"{source}: no images")
    if labels.max() >= classes:
        raise DataError(f"{source}: label {labels.max()}, the data set has classes 0 to {classes - 1}")
    return images.reshape(len(images), -1), labels.astype(np.int64)

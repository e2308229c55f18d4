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
    """Read an IDX array of unsigned bytes, plain or compressed by gzip.

    Parameters
    ----------
    content : bytes
        The whole file.
    axes : int
        How many axes the array must have: 3 for images, 1 for labels.
    source : str
        Name of the file, for messages.

    Returns
    -------
    ndarray of uint8

    Raises
    ------
    slth.errors.DataError
        The file is not a gzip or IDX file, holds another type or number of axes, or another number of bytes than its
        header says.

    Examples
    --------
    >>> parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]), axes=1, source="labels")
    array([7, 8, 9], dtype=uint8)
    """
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

    Parameters
    ----------
    images : ndarray of uint8 [N, height, width]
    labels : ndarray of uint8 [N]
    shape : tuple of int
        (channels, height, width) that the data set has.
    classes : int
        Labels must lie in 0 .. classes - 1.
    source : str
        Folder, for messages.

    Returns
    -------
    images : ndarray of uint8 [N, channels * height * width]
    labels : ndarray of int64 [N]

    Raises
    ------
    slth.errors.DataError
        Sizes or labels contradict the data set.

    Examples
    --------
    >>> images, labels = np.zeros((2, 3, 3), np.uint8), np.array([0, 1], np.uint8)
    >>> pair_images_and_labels(images, labels, shape=(1, 3, 3), classes=2, source="here")[0].shape
    (2, 9)
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

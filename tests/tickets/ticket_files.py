"""A ticket's file taken apart, and put together otherwise with hashes that fit."""

from __future__ import annotations

import json
from hashlib import sha256

import numpy as np
from safetensors import numpy as foreign

from slth.tickets.coding import encode_symbols


def taken_apart(content):
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length])["__metadata__"], foreign.load(content)


def forged(content, *, metadata=(), tensors=(), without=()):
    """The ticket with changes and a content hash that fits them, written by safetensors' own writer."""
    old_metadata, old_tensors = taken_apart(content)
    new_metadata = {key: value for key, value in (old_metadata | dict(metadata)).items() if key not in without}
    new_tensors = {key: value for key, value in (old_tensors | dict(tensors)).items() if key not in without}
    if "content_sha256" in new_metadata:
        new_metadata["content_sha256"] = "0" * 64
    content = foreign.save(new_tensors, new_metadata)
    empty, digest = b'"content_sha256":"' + b"0" * 64, sha256(content).hexdigest().encode()
    return content.replace(empty, b'"content_sha256":"' + digest)


def joined(codes):
    """Codes, each behind its length as seven bits a byte, a set top bit meaning that more follow."""
    content = []
    for code in codes:
        length = len(code)
        while length >= 128:
            content.append(128 + length % 128)
            length //= 128
        content += [length, *code]
    return np.array(content, np.uint8)


def codes_of(ticket):
    """The code of every mask array by its name: weights of kept hidden channels only, in the order of the layers."""
    codes = {}
    for name, array in ticket.mask.arrays.items():
        outer = name.replace(".weights", ".units")
        coded = array[ticket.mask[outer]] if name.endswith(".weights") else array
        codes[name] = encode_symbols(coded.astype(np.uint8).ravel(), alphabet=2)
    return codes


def same(ticket, other):
    assert ticket.to_bytes() == other.to_bytes()
    assert (ticket.layers, ticket.law, ticket.seed) == (other.layers, other.law, other.seed)
    assert ticket.family == other.family
    np.testing.assert_array_equal(ticket.gains, other.gains)
    assert list(ticket.mask.arrays) == list(other.mask.arrays)
    for name, array in ticket.mask.arrays.items():
        np.testing.assert_array_equal(array, other.mask[name])

"""Layers whose channels are chosen, kept in a folder: a construction that was stopped goes on with the next layer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np

from slth.arrays import Bools
from slth.constructions.layout import Work
from slth.constructions.setting import Setting
from slth.errors import ArgumentError
from slth.files import dumps, write_bytes

_MEANING = 1  # raised when the same layer comes to be searched otherwise
Chosen = tuple[float, Bools]
"""A gain, and the kept channels bool[units, sources]."""


def kept_layer(work: Work, setting: Setting, options: str, search: Callable[[], Chosen]) -> Chosen:
    """Return what an earlier call chose for the same layer, setting and options, or search and keep it."""
    if setting.folder is None:
        return search()
    path = setting.folder / f"layer-{_digest(work, setting, options)}"
    shape = (work.units, len(work.slices))
    found = _read(path, shape)
    if found is None:
        found = search()
        gain, kept = found
        bits = np.packbits(kept).tobytes()
        head = dumps({"gain": gain.hex(), "sha256": hashlib.sha256(bits).hexdigest()})
        try:
            write_bytes(path, f"{head}\n".encode() + bits)
        except OSError as problem:
            rule = f"cannot be written ({problem.strerror})"
            raise ArgumentError("folder", str(setting.folder), rule, "name another folder") from None
    return found


def _digest(work: Work, setting: Setting, options: str) -> str:
    """Return digits that stand for all that the choice depends on."""
    place = "cpu" if setting.device == "cpu" else "device"
    said = [_MEANING, options, repr(work.layer), setting.law.describe(), setting.seed, place, list(work.slices.shape)]
    content = hashlib.sha256(dumps({"layer": said}).encode())
    content.update(np.ascontiguousarray(work.slices).tobytes())
    return content.hexdigest()[:32]


def _read(path: Path, shape: tuple[int, int]) -> Chosen | None:
    """Return what a file holds, or None where there is none or it is damaged."""
    try:
        head, _, bits = path.read_bytes().partition(b"\n")
        said = json.loads(head)
        gain, wanted = float.fromhex(said["gain"]), said["sha256"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if hashlib.sha256(bits).hexdigest() != wanted or len(bits) != -(-prod(shape) // 8):
        return None
    kept = np.unpackbits(np.frombuffer(bits, np.uint8), count=prod(shape)).astype(np.bool_)
    return gain, kept.reshape(shape)

"""The ticket file: safetensors with coded masks, read by nothing but comparisons and arithmetic.

Tensors: ``gains`` (float64[layers]), and ``masks`` (uint8), the codes of all mask arrays (:mod:`slth.tickets.coding`)
in the order of the description, each behind its number of bytes. The connections or weights of a pair are coded for its
kept units or channels only; the others have none. Metadata, all text: the format and its version, the description, the
law, the seed, the family, the sha256 of the kept weights, and the sha256 of the whole file with the digits of this last
one as zeros, so that no byte of a ticket can change unnoticed.

The description is JSON, ``{"layers": [...]}``, one object for each layer with its kind and its fields, of which those
that go without saying are left out: ``path`` when it is "layer" and the layer's number from 0, ``inputs`` when it is
the number of outputs of the layer before, and, with ``kind``, whatever is as in the layer before. So each further layer
of a deep network costs the file a few bytes beside its gain and its masks, and the whole stays near the entropy of the
masks.

The file is put together here because safetensors' own writer orders metadata at random, and equal tickets shall be
equal files. It is read through safetensors' reader.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import fields
from hashlib import sha256
from importlib import import_module
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize

from slth.errors import ArgumentError, TicketError
from slth.rng import WeightLaw
from slth.tickets.coding import decode_symbols, encode_symbols, join_codes, split_codes
from slth.tickets.description import (
    KINDS,
    NetworkDescription,
    description_parts,
    description_text,
    layer_entry,
    layer_from_entry,
    strict_json,
)
from slth.tickets.mask import KEEP, Mask
from slth.tickets.memory import require_memory
from slth.tickets.ticket import Ticket

FORMAT = "ticket/1"
_NO_DIGEST = "0" * 64
_KEYS = frozenset(
    {"slth.format", "slth.version", "description", "law", "seed", "family", "weights_sha256", "content_sha256"}
)
_LENGTH_BYTES = 8  # safetensors: the header's length as a little-endian number, the header as JSON, the tensors
_BYTES_A_POSITION = 3  # of a mask while it is decoded: symbol, array, copy
_BYTES_A_LAYER = 1 << 12  # of a description while it is read, whose text may be a few bytes a layer
_TENSORS = frozenset({"gains", "masks"})


def ticket_bytes(ticket: Ticket) -> bytes:
    """Return the content of a ticket's file, the same for equal tickets.

    Parameters
    ----------
    ticket : Ticket

    Returns
    -------
    bytes

    Examples
    --------
    >>> from slth.tickets import RandomLinear
    >>> description = NetworkDescription([RandomLinear("layer0", inputs=2, outputs=2)])
    >>> mask = Mask({"layer0": np.array([[True, False], [False, True]])})
    >>> content = ticket_bytes(Ticket(description, WeightLaw("normal", 1.0), 7, mask, [0.5]))
    >>> ticket_from_bytes(content).mask["layer0"].tolist()
    [[True, False], [False, True]]
    """
    metadata = {
        "slth.format": FORMAT,
        "slth.version": import_module("slth").__version__,
        "description": _description_text(ticket.description),
        "law": json.dumps(ticket.law.describe(), separators=(",", ":"), allow_nan=False),
        "seed": str(ticket.seed),
        "family": ticket.family,
        "weights_sha256": ticket.kept_weights_sha256(),
        "content_sha256": _NO_DIGEST,
    }
    content = _safetensors(metadata, {"gains": ticket.gains.astype("<f8"), "masks": _coded_masks(ticket)})
    return content.replace(_digest_field(_NO_DIGEST), _digest_field(sha256(content).hexdigest()), 1)


def save_ticket(ticket: Ticket, path: str | Path) -> None:
    """Write a ticket to a file, all of it or nothing.

    Parameters
    ----------
    ticket : Ticket
    path : str or Path
        In a folder that exists. A file that is there already is replaced in one step.

    Raises
    ------
    ArgumentError
        When the path is no path, or its folder does not exist or cannot be written.
    """
    path = _as_path(path)
    content = ticket_bytes(ticket)
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise ArgumentError("path", str(path), f"cannot be written ({error.strerror})", "choose another file") from None
    finally:
        part.unlink(missing_ok=True)


def load_ticket(path: str | Path) -> Ticket:
    """Read a ticket and check that it is whole and that its weights regenerate bit for bit. Nothing is executed.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Ticket

    Raises
    ------
    ArgumentError
        When the path is no path.
    TicketError
        When there is no such file, or it is not a ticket, of another version, truncated, changed, larger than memory,
        or does not regenerate its weights; the message says which.
    """
    path = _as_path(path)
    try:
        return ticket_from_bytes(_content_of(path))
    except TicketError as error:
        raise TicketError(f"{path}: {error}") from None


def _as_path(given: object) -> Path:
    if not isinstance(given, (str, PathLike)) or not isinstance(os.fspath(given), str):
        raise ArgumentError("path", given, "must be a str or a Path", 'pass a name such as "net.ticket"')
    return Path(given)


def ticket_from_bytes(content: bytes) -> Ticket:
    """Read a ticket from the content of its file, with all the checks of :func:`load_ticket`.

    Raises
    ------
    TicketError
        As :func:`load_ticket`.
    """
    metadata = _metadata(content)
    _check_content(content, metadata)
    try:
        tensors = dict(deserialize(content))  # type: ignore[no-untyped-call]
        ticket = _ticket(metadata, tensors)
    except SafetensorError as error:
        raise TicketError(f"not a ticket: its tensors do not fit the file ({error})") from None
    except ArgumentError as error:
        raise TicketError(f"not a ticket that can be used: {error}") from None
    found = ticket.kept_weights_sha256()
    if found != metadata["weights_sha256"]:
        raise TicketError(
            f"the kept weights do not regenerate: their sha256 is {found}, the ticket says "
            f"{metadata['weights_sha256']}; it was made by another generator or changed on purpose"
        )
    return ticket


def _content_of(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise TicketError("there is no such file")
        require_memory("file size", 2 * path.stat().st_size, "no ticket for this machine is that large")
        return path.read_bytes()
    except OSError as error:
        raise TicketError(f"cannot be read ({error.strerror})") from None
    except ArgumentError as error:
        raise TicketError(f"not read: {error}") from None


def _safetensors(metadata: Mapping[str, str], tensors: Mapping[str, NDArray[Any]]) -> bytes:
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, tensor in tensors.items():
        kind = {"u1": "U8", "f8": "F64"}[tensor.dtype.str[1:]]
        header[name] = {"dtype": kind, "shape": tensor.shape, "data_offsets": [end, end := end + tensor.nbytes]}
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text + b"".join(map(np.ndarray.tobytes, tensors.values()))


def _description_text(description: NetworkDescription) -> str:
    entries: list[dict[str, Any]] = []
    before: dict[str, Any] = {}
    for layer in description.layers:
        entry = layer_entry(layer)
        usual = _usual_fields(len(entries), before, like_before=entry["kind"] == before.get("kind"))
        entries.append({key: value for key, value in entry.items() if key not in usual or usual[key] != value})
        before = entry
    return description_text(entries, description.input_shape)


def _usual_fields(number: int, before: Mapping[str, Any], *, like_before: bool) -> dict[str, Any]:
    """Return the fields that a layer need not state, given those of the layer before."""
    usual = dict(before) if like_before else {}
    if "outputs" in before:
        usual["inputs"] = before["outputs"]
    return usual | {"path": f"layer{number}"}


def _completed(entry: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with the usual values of those fields of its kind that it does not state."""
    kind = entry.get("kind", usual.get("kind"))
    known = {field.name for field in fields(KINDS[kind])} if isinstance(kind, str) and kind in KINDS else set()
    return {key: value for key, value in usual.items() if key in known or key == "kind"} | dict(entry)


def _described(text: str) -> NetworkDescription:
    entries, shape = description_parts(text)
    require_memory("memory for the layers", _BYTES_A_LAYER * len(entries), "no network is that deep")
    layers = []
    before: dict[str, Any] = {}
    for number, entry in enumerate(entries):
        if isinstance(entry, dict):
            entry = _completed(entry, _usual_fields(number, before, like_before="kind" not in entry))
        layers.append(layer_from_entry(entry))  # refuses what is no layer, before anything is taken over from it
        before = entry
    return NetworkDescription(layers, shape)


def _coded_masks(ticket: Ticket) -> NDArray[np.uint8]:
    codes = []
    for layer in ticket.description.random_layers:
        outer, *_ = layer.mask_shapes
        for name in layer.mask_shapes:
            kept = ticket.mask[name]
            if name != outer:
                kept = kept[ticket.mask[outer]]
            symbols = np.ascontiguousarray(kept).view(np.uint8).ravel()
            codes.append(encode_symbols(symbols, alphabet=len(KEEP)))
    return np.frombuffer(join_codes(codes), np.uint8)


def _metadata(content: bytes) -> dict[str, str]:
    """Read the header as far as it says whether this is a whole ticket of this version."""
    if len(content) < _LENGTH_BYTES:
        raise TicketError(f"not a ticket: {len(content)} bytes are no safetensors file")
    end = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
    if not content.startswith(b"{", _LENGTH_BYTES):
        raise TicketError("not a ticket: this is no safetensors file")
    if end > len(content):
        raise TicketError(f"truncated or damaged: the header should end at byte {end}, the file at {len(content)}")
    try:
        header = strict_json("header", content[_LENGTH_BYTES:end].decode("utf-8"))
        metadata = header.pop("__metadata__")
        size = end + max((int(tensor["data_offsets"][1]) for tensor in header.values()), default=0)
        marked = metadata["slth.format"]
    except (ArgumentError, ValueError, OverflowError, LookupError, TypeError):
        raise TicketError("not a ticket, or damaged: the header is no header of a ticket") from None
    if marked != FORMAT:
        raise TicketError(
            f"written in format {marked!r}, and this version reads {FORMAT!r}: use the slth that wrote it"
        )
    if size != len(content):
        kind = "truncated" if size > len(content) else "damaged"
        raise TicketError(f"{kind}: the header asks for {size} bytes, the file has {len(content)}")
    if set(metadata) != _KEYS or not all(isinstance(value, str) for value in metadata.values()):
        raise TicketError(f"not a ticket: missing or unknown metadata {sorted(_KEYS ^ set(metadata))}")
    return dict(metadata)


def _check_content(content: bytes, metadata: Mapping[str, str]) -> None:
    field = _digest_field(metadata["content_sha256"])
    if content.count(field) != 1 or len(metadata["content_sha256"]) != len(_NO_DIGEST):
        raise TicketError("damaged: there is no well-formed sha256 of the content")
    found = sha256(content.replace(field, _digest_field(_NO_DIGEST))).hexdigest()
    if found != metadata["content_sha256"]:
        raise TicketError("damaged: the content does not have the sha256 that it states; fetch the file again")


def _digest_field(digest: str) -> bytes:
    return f'"content_sha256":"{digest}"'.encode()


def _ticket(metadata: Mapping[str, str], tensors: Mapping[str, Any]) -> Ticket:
    if set(tensors) != _TENSORS:
        raise TicketError(f"not a ticket: missing or unknown tensors {sorted(_TENSORS ^ set(tensors))}")
    description = _described(metadata["description"])
    remedy = "the description asks for more than this machine has"
    require_memory("memory for the masks", _BYTES_A_POSITION * description.open_positions, remedy)
    seed = metadata["seed"]
    if not seed.isascii() or not seed.isdigit() or len(seed) > 20 or seed != str(int(seed)):
        raise ArgumentError("seed", seed, "is not a decimal number", "it must be from 0 to 2**64 - 1")
    law = WeightLaw.from_description(strict_json("law", metadata["law"]))
    gains = _tensor(tensors, "gains", "F64").view("<f8").astype(np.float64)
    mask = Mask(_decoded_masks(description, tensors))
    return Ticket(description, law, int(seed), mask, gains, metadata["family"])  # type: ignore[arg-type]


def _decoded_masks(description: NetworkDescription, tensors: Mapping[str, Any]) -> dict[str, NDArray[np.bool_]]:
    codes = iter(split_codes(_tensor(tensors, "masks", "U8").tobytes(), count=len(description.mask_shapes)))
    masks: dict[str, NDArray[np.bool_]] = {}
    for layer in description.random_layers:
        outer, *_ = layer.mask_shapes
        for name, shape in layer.mask_shapes.items():
            data = next(codes)
            if name == outer:
                masks[name] = _bits(data, name, prod(shape)).reshape(shape)
            else:
                units = masks[outer]
                kept = int(np.count_nonzero(units))
                masks[name] = np.zeros(shape, np.bool_)
                masks[name][units] = _bits(data, name, kept * shape[-1]).reshape(kept, shape[-1])
    return masks


def _bits(data: bytes, name: str, count: int) -> NDArray[np.bool_]:
    try:
        return decode_symbols(data, alphabet=len(KEEP), count=count).view(np.bool_)
    except TicketError as error:
        raise TicketError(f"mask {name}: {error}") from None


def _tensor(tensors: Mapping[str, Any], name: str, kind: str) -> NDArray[np.uint8]:
    tensor = tensors[name]
    if tensor["dtype"] != kind or len(tensor["shape"]) != 1:
        raise TicketError(f"not a ticket: tensor {name} must be a vector of {kind}")
    return np.frombuffer(tensor["data"], np.uint8)

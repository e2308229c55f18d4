"""The ticket file: safetensors with coded masks, read by nothing but comparisons and arithmetic.

Tensors: ``gains`` (float64[layers]), and ``masks`` (uint8), the codes of all mask arrays (:mod:`slth.tickets.coding`)
in the order of the layers, each behind its number of bytes. The weights of a pair are coded for its kept hidden
channels only; the others have none. Of a layout's masks, what repeats is coded once (:mod:`slth.tickets.grains`).
Declared buffers follow, ``buffer.NAME``, float32 where that loses nothing. Metadata, all text: the format and its
version, the graph (:mod:`slth.graphs.coding`; packed, or its JSON) or layout (:mod:`slth.tickets.layout_text`), the
law (its name and scale, or its JSON), the seed, the family, and alphabet, structure and reading of the mask where they
are not the usual ones, the sha256 of the kept weights, and that of the whole file with the digits of this last one as
zeros, so that no byte can change unnoticed.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from importlib import import_module
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize

from slth.errors import ArgumentError, TicketError, unwritable
from slth.graphs import Graph
from slth.graphs.coding import KINDS, graph_from_text, graph_text, packed, strict_json, unpacked
from slth.graphs.file import narrow, safetensors_bytes
from slth.resources import require_memory
from slth.rng import WeightLaw
from slth.tickets.coding import decode_symbols, encode_symbols, join_codes, split_codes
from slth.tickets.grains import Grain, NOfM, grain_of
from slth.tickets.layout import Layout
from slth.tickets.layout_text import MARK as LAYOUT_MARK
from slth.tickets.layout_text import LayoutText, constants_of, layout_from_text, layout_text
from slth.tickets.mask import KEEP, Mask
from slth.tickets.pair import Drawn, Pair, RandomLayer, RandomTensor

FORMAT = "ticket/2"
SOURCE_KINDS: dict[str, type[Any]] = {
    **{word: kind for word, kind in KINDS.items() if not kind.weighted},
    "pair": Pair,
    "random": RandomLayer,
}
"""The steps of a random network: those of a target, with random layers in the place of convolutions."""

_NO_DIGEST = "0" * 64
_KEYS = frozenset({"slth.format", "slth.version", "source", "law", "seed", "weights_sha256", "content_sha256"})
_USUAL = {"family": "strong", "alphabet": "[0,1]", "structure": "weight", "reading": "factor"}  # left out
_LENGTH_BYTES = 8  # safetensors: the header's length as a little-endian number, the header as JSON, the tensors
_LONGEST_HEADER = 2**24
_POSITIONS_A_BYTE, _WEIGHTS_A_BYTE = 2**13, 2**14  # what a file may ask for beyond what any may: no mask is that sparse
_POSITIONS, _WEIGHTS = 2**24, 2**22
# A layout's masks may be constant on channels; more would let a small file take seconds.
_POSITIONS_OF_A_LAYOUT, _WEIGHTS_OF_A_LAYOUT, _CONSTANTS = 2**25, 2**23, 2**20
_BYTES_A_POSITION = 6  # of a mask while it is decoded: symbol, array, copies
_BYTES_A_NUMBER = 24
_BYTES_A_NODE = 1 << 12  # of a graph while it is read, whose text may be a few bytes a node
_BUFFER = "buffer."
_BUFFER_KINDS = {"F64": "<f8", "F32": "<f4", "I64": "<i8"}


def content_to_bytes(ticket: Any, weights_sha256: str) -> bytes:
    """Return the bytes of the file of a ticket with kept weights of a sha256, the same for equal tickets."""
    grains: dict[str, Grain | NOfM | None] = {}
    constants: dict[str, int | float] = {}
    if isinstance(ticket.source, Layout):
        grains = {name: grain_of(array) for name, array in ticket.mask.arrays.items()}
        constants = constants_of(ticket.source, ticket.buffers)
        text = layout_text(LayoutText(ticket.source, grains, constants))
    else:
        text = packed(graph_text(ticket.source, SOURCE_KINDS)[0])
    metadata = {
        "slth.format": FORMAT,
        "slth.version": import_module("slth").__version__,
        "source": text,
        "law": f"{ticket.law.name} {ticket.law.scale!r}",
        "seed": str(ticket.seed),
        "family": ticket.family,
        "alphabet": json.dumps(ticket.mask.alphabet, separators=(",", ":")),
        "structure": ticket.mask.structure,
        "reading": ticket.mask.reading,
        "weights_sha256": weights_sha256,
        "content_sha256": _NO_DIGEST,
    }
    metadata = {key: value for key, value in metadata.items() if _USUAL.get(key) != value}
    masks = _coded_masks(ticket.layers, ticket.mask, grains)
    _check_positions(ticket.source, ticket.layers, len(masks))  # or nobody reads it
    _check_weights(ticket.source, ticket.layers, ticket.mask.arrays, len(masks))
    tensors: dict[str, NDArray[Any]] = {"gains": ticket.gains.astype("<f8"), "masks": masks}
    stored = {name: array for name, array in sorted(ticket.buffers.items()) if name not in constants}
    tensors |= {_BUFFER + name: array if array.dtype.kind == "i" else narrow(array) for name, array in stored.items()}
    written = safetensors_bytes(metadata, tensors)
    return written.replace(_digest_field(_NO_DIGEST), _digest_field(sha256(written).hexdigest()), 1)


def content_from_bytes(written: bytes) -> tuple[dict[str, Any], str]:
    """Return a ticket's fields and the sha256 of its kept weights, which are not regenerated here."""
    metadata = _metadata(written)
    _check_digest(written, metadata)
    try:
        return _fields(metadata, dict(deserialize(written))), metadata["weights_sha256"]  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise TicketError(f"not a ticket: its tensors do not fit the file ({error})") from None
    except ArgumentError as error:
        raise TicketError(f"not a ticket that can be used: {error}") from None


def write_content(written: bytes, path: str | Path) -> None:
    """Write a ticket's bytes to a file, all of them or nothing."""
    path = _as_path(path)
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.write(written)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        part.unlink(missing_ok=True)


def read_content(path: str | Path) -> tuple[Path, bytes]:
    """Return the path and the bytes of a ticket's file."""
    path = _as_path(path)
    try:
        if not path.is_file():
            raise TicketError("there is no such file")
        size = path.stat().st_size
        require_memory(2 * size, "file size", "no ticket for this machine is that large")
        with path.open("rb") as file:
            start = file.read(_LENGTH_BYTES + 1)
            _header_end(start, size)
            return path, start + file.read()
    except TicketError as error:
        raise TicketError(f"{path}: {error}") from None
    except OSError as error:
        raise TicketError(f"{path}: cannot be read ({error.strerror})") from None
    except ArgumentError as error:
        raise TicketError(f"{path}: not read: {error}") from None


def _as_path(given: object) -> Path:
    if not isinstance(given, (str, PathLike)) or not isinstance(os.fspath(given), str):
        raise ArgumentError("path", given, "must be a str or a Path", 'pass a name such as "net.ticket"')
    return Path(given)


def _header_end(start: bytes, size: int) -> int:
    """Return where the header of a file of so many bytes ends, from its first ones."""
    if size < _LENGTH_BYTES:
        raise TicketError(f"not a ticket: {size} bytes are no safetensors file")
    end = _LENGTH_BYTES + int.from_bytes(start[:_LENGTH_BYTES], "little")
    if not start.startswith(b"{", _LENGTH_BYTES):
        raise TicketError("not a ticket: this is no safetensors file")
    if end > size:
        raise TicketError(f"truncated or damaged: the header should end at byte {end}, the file at {size}")
    if end > _LONGEST_HEADER:
        raise TicketError(f"not a ticket: a header of {end} bytes is longer than any")
    return end


def _metadata(written: bytes) -> dict[str, str]:
    """Read the header as far as it says whether this is a whole ticket of this version."""
    end = _header_end(written[: _LENGTH_BYTES + 1], len(written))
    try:
        header = strict_json("header", written[_LENGTH_BYTES:end].decode("utf-8"))
        metadata = header.pop("__metadata__")
        size = end + max((int(tensor["data_offsets"][1]) for tensor in header.values()), default=0)
        marked = metadata["slth.format"]
    except (ArgumentError, ValueError, OverflowError, LookupError, TypeError):
        raise TicketError("not a ticket, or damaged: the header is no header of a ticket") from None
    if marked == "ticket/1":
        raise TicketError("made by slth 0.1 in its own format: run the command again that made it (its seed is in it)")
    if marked != FORMAT:
        shown = repr(marked)[:40]
        raise TicketError(f"written in format {shown}, and this version reads {FORMAT!r}: use the slth that wrote it")
    if size != len(written):
        kind = "truncated" if size > len(written) else "damaged"
        raise TicketError(f"{kind}: the header asks for {size} bytes, the file has {len(written)}")
    if set(_USUAL | metadata) != _KEYS | set(_USUAL) or not all(isinstance(value, str) for value in metadata.values()):
        odd = sorted(_KEYS ^ (set(metadata) - set(_USUAL)))
        raise TicketError(f"not a ticket: missing or unknown metadata {odd}")
    return {**_USUAL, **metadata}


def _check_digest(written: bytes, metadata: Mapping[str, str]) -> None:
    stated = metadata["content_sha256"]
    if len(stated) != len(_NO_DIGEST) or not stated.isascii() or written.count(_digest_field(stated)) != 1:
        raise TicketError("damaged: there is no well-formed sha256 of the content")
    found = sha256(written.replace(_digest_field(stated), _digest_field(_NO_DIGEST))).hexdigest()
    if found != stated:
        raise TicketError("damaged: the content does not have the sha256 that it states; fetch the file again")


def _digest_field(digest: str) -> bytes:
    return f'"content_sha256":"{digest}"'.encode("ascii")


def _fields(metadata: Mapping[str, str], tensors: Mapping[str, Any]) -> dict[str, Any]:
    buffers = {name.removeprefix(_BUFFER): name for name in tensors if name.startswith(_BUFFER)}
    if set(tensors) - set(buffers.values()) != {"gains", "masks"}:
        raise TicketError(f"not a ticket: missing or unknown tensors {sorted(set(tensors) ^ {'gains', 'masks'})}")
    text = metadata["source"]
    nodes = text.count("{") + text.count(";")
    require_memory(_BYTES_A_NODE * nodes, "memory for the network", "no network is that deep")
    source, layers, found = _source(text)
    constants = {} if found is None else found.constants
    repeated = sorted(set(constants) & set(buffers))
    if repeated:
        raise TicketError(f"not a ticket: {repeated[0]} is stored twice")
    codes = _vector(tensors, "masks", "U8").tobytes()
    numbers = sum(found.layout[name].size for name in constants) if found else 0
    _check_positions(source, layers, len(codes), numbers)
    seed = metadata["seed"]
    if not seed.isascii() or not seed.isdigit() or len(seed) > 20 or seed != str(int(seed)):
        raise ArgumentError("seed", seed, "is not a decimal number", "it must be from 0 to 2**64 - 1")
    alphabet = _alphabet(metadata["alphabet"])
    arrays = _decoded_masks(layers, alphabet, codes, {} if found is None else found.grains)
    _check_weights(source, layers, arrays, len(codes))
    stored = {name: _buffer(tensors[place], place) for name, place in buffers.items()}
    stored |= {name: np.full(found.layout[name].shape, number) for name, number in constants.items()} if found else {}
    return {
        "source": source,
        "law": _law(metadata["law"]),
        "seed": int(seed),
        "mask": Mask(arrays, alphabet, metadata["structure"], metadata["reading"]),  # type: ignore[arg-type]
        "gains": _vector(tensors, "gains", "F64").view("<f8").astype(np.float64),
        "family": metadata["family"],
        "buffers": stored,
    }


def _check_positions(source: Graph | Layout, layers: Sequence[Drawn], codes: int, numbers: int = 0) -> None:
    """Refuse more positions of masks, and numbers that stand once for many, than a file with so long codes may have."""
    positions = sum(layer.open_positions for layer in layers) + numbers
    _check_cost("numbers of buffers that stand once", numbers, _CONSTANTS + _POSITIONS_A_BYTE * codes)
    free = _POSITIONS_OF_A_LAYOUT if isinstance(source, Layout) else _POSITIONS
    _check_cost("positions of masks", positions, free + _POSITIONS_A_BYTE * codes)
    needed = _BYTES_A_POSITION * positions + _BYTES_A_NUMBER * numbers
    require_memory(needed, "memory for the masks", "the network asks for more than there is")


def _check_weights(source: Graph | Layout, layers: Sequence[Drawn], arrays: Mapping[str, Any], codes: int) -> None:
    """Refuse more random weights than a file with so long codes may have regenerated."""
    weights = sum(layer.weights_of(int(np.count_nonzero(arrays[next(iter(layer.mask_shapes))]))) for layer in layers)
    free = _WEIGHTS_OF_A_LAYOUT if isinstance(source, Layout) else _WEIGHTS
    _check_cost("random weights", weights, free + _WEIGHTS_A_BYTE * codes)


def _check_cost(what: str, asked: int, most: int) -> None:
    if asked > most:
        raise TicketError(f"it asks for {asked} {what}, and a file of its size may ask for {most}")


def _source(text: str) -> tuple[Graph | Layout, tuple[Drawn, ...], LayoutText | None]:
    """Return the architecture of the random network, its random layers, and what the text of a layout says besides."""
    if not text.startswith(LAYOUT_MARK):
        text = text if text.startswith("{") else unpacked(text)
        if "layout" not in strict_json("source", text):
            graph = graph_from_text(text, None, SOURCE_KINDS)
            return graph, tuple({node.step.path: node.step for node in graph.weighted}.values()), None
    found = layout_from_text(text)
    layers = tuple(RandomTensor.of(found.layout[name]) for name in found.grains)
    return found.layout, layers, found


def _alphabet(text: str) -> tuple[int, ...]:
    given = strict_json("alphabet", f'{{"alphabet":{text}}}')
    if len(given) != 1 or not isinstance(given["alphabet"], list):
        raise ArgumentError("alphabet", text, "must be a list of integers", "the file was changed")
    return Mask({}, tuple(given["alphabet"])).alphabet


def _law(text: str) -> WeightLaw:
    name, space, scale = text.partition(" ")
    worded = space and name.replace("-", "").isalpha()
    found = {"name": name, **strict_json("law", f'{{"scale":{scale}}}')} if worded else strict_json("law", text)
    return WeightLaw.from_description(found)


def _coded_masks(layers: Sequence[Drawn], mask: Mask, grains: Mapping[str, Grain | NOfM | None]) -> NDArray[np.uint8]:
    codes = []
    for layer in layers:
        outer, *_ = layer.mask_shapes
        for name in layer.mask_shapes:
            grain = grains.get(name) or Grain()
            kept = mask[name] if name == outer else mask[name][mask[outer] != 0]
            entries = kept if grain == Grain() else grain.reduce(kept)
            symbols = entries.ravel() if isinstance(grain, NOfM) else _symbols(entries, mask.alphabet)
            codes.append(encode_symbols(symbols, alphabet=grain.symbols(len(mask.alphabet))))
    return np.frombuffer(join_codes(codes), np.uint8)


def _symbols(array: NDArray[Any], alphabet: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the places of the entries in the alphabet."""
    if alphabet == KEEP:
        return np.ascontiguousarray(array).view(np.uint8).ravel()
    order = np.argsort(alphabet)
    places = np.searchsorted(np.array(alphabet)[order], array.ravel())
    return order[places].astype(np.uint8)


def _decoded_masks(
    layers: tuple[Drawn, ...], alphabet: tuple[int, ...], codes: bytes, grains: Mapping[str, Grain | NOfM | None]
) -> dict[str, NDArray[Any]]:
    kind = np.bool_ if alphabet == KEEP else np.result_type(*(np.min_scalar_type(value) for value in alphabet))
    values = np.array(alphabet).astype(kind)
    each: Iterator[bytes] = iter(split_codes(codes, count=sum(len(layer.mask_shapes) for layer in layers)))

    def array(name: str, shape: tuple[int, ...]) -> NDArray[Any]:
        stated = grains.get(name)
        grain = stated or Grain()
        if isinstance(grain, NOfM) and alphabet != KEEP:
            raise TicketError(f"mask {name}: only masks that keep or remove have {grain.text}")
        entries = (prod(shape),) if stated is None else grain.entries(shape)
        try:
            symbols = decode_symbols(next(each), alphabet=grain.symbols(len(alphabet)), count=prod(entries))
        except TicketError as error:
            raise TicketError(f"mask {name}: {error}") from None
        if stated is None:
            return values[symbols].reshape(shape)
        found = grain.expand((symbols if isinstance(grain, NOfM) else values[symbols]).reshape(entries), shape)
        if grain_of(found) != grain:
            raise TicketError(f"mask {name}: its grain is not {grain.text or 1}; the file was changed")
        return found

    masks: dict[str, NDArray[Any]] = {}
    for layer in layers:
        outer, *inner = layer.mask_shapes
        shapes = layer.mask_shapes
        masks[outer] = array(outer, shapes[outer])
        for name in inner:
            kept = masks[outer] != 0
            masks[name] = np.zeros(shapes[name], kind)
            masks[name][kept] = array(name, (int(np.count_nonzero(kept)), shapes[name][-1]))
    return masks


def _buffer(tensor: Mapping[str, Any], name: str) -> NDArray[Any]:
    if tensor["dtype"] not in _BUFFER_KINDS:
        raise TicketError(f"not a ticket: tensor {name} must hold float64, float32 or int64")
    return np.frombuffer(tensor["data"], _BUFFER_KINDS[tensor["dtype"]]).reshape(tensor["shape"])


def _vector(tensors: Mapping[str, Any], name: str, kind: str) -> NDArray[np.uint8]:
    tensor = tensors[name]
    if tensor["dtype"] != kind or len(tensor["shape"]) != 1:
        raise TicketError(f"not a ticket: tensor {name} must be a vector of {kind}")
    return np.frombuffer(tensor["data"], np.uint8)

"""Files from strangers: whatever a ticket's or a target's file holds, it is read or refused, and quickly.

A fault is an exception that is not ours, a changed byte that nobody noticed, more than a second of processor time or a
GiB of memory, and a message that a terminal would obey.
"""

from __future__ import annotations

import json
import re
import resource
import tempfile
import time
from hashlib import sha256
from pathlib import Path

import numpy as np

from slth.errors import SlthError
from slth.graphs import Attend, Conv, Graph, Node, Relu
from slth.graphs.file import load_graph, save_graph
from slth.rng import WeightLaw
from slth.tickets import Layout, Mask, Pair, Ticket
from slth.tickets.coding import encode_symbols
from slth.tickets.layout import TensorLayout
from slth.tickets.pair import RandomLayer
from slth.tickets.ticket import load_ticket
from tests.ticket_sources import chain, mixed, pair_and_plain, ticket_of, two_pairs

SECONDS, BYTES = 1.0, 2**30
HOSTILE = [
    "0", "-1", "1", "2", "3", "255", "1e999", "1e9", "0.5", "NaN", "true", "null", "[]", "{}",
    '\\"', "\\u001b[2J", "\\ud800",
    *(str(2**power) for power in (16, 24, 30, 31, 32, 40, 53, 61, 62, 63, 64)), str(10**8), str(10**30),
]  # fmt: skip


def attention() -> Graph:
    """One attention, its values from a pair with a ReLU behind."""
    return Graph(
        (3, 1, 4),
        [
            Node("embed", Pair("embed", 3, 4, 5, halves="both"), ("input",)),
            Node("relu", Relu(), ("embed",)),
            Node("q", Pair("q", 4, 8, 3, bias=False, rectified=False), ("relu",)),
            Node("v", Pair("v", 4, 8, 3, bias=False, rectified=False), ("relu",)),
            Node("attend", Attend(2), ("q", "relu", "v")),
        ],
    )


def layout_ticket() -> Ticket:
    """A ticket of a module outside the language."""
    tensors = [TensorLayout("fc.weight", (3, 4)), TensorLayout("fc.bias", (3,)), TensorLayout("emb.weight", (5, 4))]
    rng = np.random.default_rng(0)
    masks = {"fc.weight": rng.random((3, 4)) < 0.5, "emb.weight": rng.random((5, 4)) < 0.5}
    return Ticket(Layout(tensors), WeightLaw("normal"), 3, Mask(masks), [1.0, 2.0], buffers={"fc.bias": np.ones(3)})


def tickets() -> list[bytes]:
    """Return files of every kind of ticket: dense, shallow, grouped and channels, attention, one layer, a layout."""
    graphs = [two_pairs(), pair_and_plain(), mixed(), attention(), chain(RandomLayer("a", 2, 3))]
    return [*(ticket_of(graph).to_bytes() for graph in graphs), layout_ticket().to_bytes()]


def targets(folder: Path) -> list[bytes]:
    """Return files of targets."""
    found = []
    for source in (two_pairs(), mixed(), attention()):
        rng, nodes = np.random.default_rng(0), []
        for node in source.nodes:
            step = node.step
            if step.weighted:
                shape = step.geometry
                step = Conv(rng.normal(size=shape.kernel_shape), None, shape.window.stride, shape.window.padding,
                            shape.window.dilation, shape.groups)  # fmt: skip
            nodes.append(Node(node.name, step, node.inputs))
        save_graph(Graph(source.input_shape, nodes), folder / "target")
        found.append((folder / "target").read_bytes())
    return found


def sealed(header: bytes, rest: bytes) -> bytes:
    """Return a file whose hash of the content fits, if it has one."""
    header += b" " * (-len(header) % 8)
    content = len(header).to_bytes(8, "little") + header + rest
    stated = re.search(rb'"content_sha256":"([^"]{64})"', content)
    if stated is None:
        return content
    blank = content[: stated.start(1)] + b"0" * 64 + content[stated.end(1) :]
    return content[: stated.start(1)] + sha256(blank).hexdigest().encode() + content[stated.end(1) :]


def taken(content: bytes) -> tuple[bytes, bytes]:
    end = 8 + int.from_bytes(content[:8], "little")
    return content[8:end], content[end:]


def flipped(rng: np.random.Generator, content: bytes, others: list[bytes]) -> bytes:
    """Return a file with some bytes changed, cut, doubled, or another's from somewhere on; no hash is mended."""
    changed = bytearray(content)
    kind, place = rng.integers(5), int(rng.integers(len(content)))
    if kind == 0:
        for place in rng.integers(len(content), size=rng.integers(1, 4)):
            changed[place] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        changed = changed[:place]
    elif kind == 2:
        changed[place:place] = changed[place : place + int(rng.integers(1, 40))]
    elif kind == 3:
        changed[place : place + 4] = rng.bytes(int(rng.integers(9)))
    else:
        changed[place:] = others[rng.integers(len(others))][place:]
    return bytes(changed)


def edited(rng: np.random.Generator, content: bytes) -> bytes:
    """Return a file with numbers and words of its header replaced, and hashes that fit."""
    header, rest = taken(content)
    text = header.decode("utf-8")
    for _ in range(rng.integers(1, 4)):
        spots = [found.span() for found in re.finditer(r"-?\d+(?:\.\d+)?|[a-z_]{2,}|[;<=:,\[\]{}]", text)]
        start, end = spots[rng.integers(len(spots))]
        value = HOSTILE[rng.integers(len(HOSTILE))]
        if rng.random() < 0.2:
            value = text[slice(*spots[rng.integers(len(spots))])]
        text = text[:start] + value + text[end:]
    return sealed(text.encode("utf-8", "surrogatepass"), rest)


def recoded(rng: np.random.Generator, content: bytes) -> bytes:
    """Return a file with bytes of its tensors changed, and hashes that fit."""
    header, rest = taken(content)
    changed = bytearray(rest)
    for place in rng.integers(max(1, len(rest)), size=rng.integers(1, 3)):
        changed[place : place + 1] = rng.bytes(1)
    return sealed(header, bytes(changed)[: len(rest)])


def pair_file(codes: bytes, text: str) -> bytes:
    """Return a ticket of one layer with given codes of masks."""
    gains = np.ones(1)
    metadata = {
        "slth.format": "ticket/2", "slth.version": "0.2.0", "source": text, "law": "uniform 1.0", "seed": "0",
        "weights_sha256": "0" * 64, "content_sha256": "0" * 64,
    }  # fmt: skip
    tensors = {"gains": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]},
               "masks": {"dtype": "U8", "shape": [len(codes)], "data_offsets": [8, 8 + len(codes)]}}  # fmt: skip
    header = json.dumps({"__metadata__": metadata, **tensors}, separators=(",", ":")).encode()
    return sealed(header, gains.tobytes() + codes)


def number(value: int) -> bytes:
    """Return a number as codes have it."""
    parts = bytearray()
    while value >= 128:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def aimed() -> list[bytes]:
    """Return the files that were expensive: few kept channels of huge layers, and huge masks that keep nothing."""
    found = []
    for outputs in (2**20, 10**8, 2**40, 2**61):
        bits = encode_symbols(np.array([1, 0], np.uint8), alphabet=2)
        text = f"1,3,3;pair:a inputs=1 outputs={outputs} units=2 kernel=[3,3] bias=false removal=channels;{outputs}"
        found.append(pair_file(number(len(bits)) + bits, text))
    for positions in (10**7, 2**30, 10**9, 2**40):
        blocks = -(-positions // 2**18)
        # Every symbol of every block is the first: zeros.
        sizes = (min(2**18, positions - block * 2**18) for block in range(min(blocks, 4096)))
        code = bytes([2]) + number(positions) + b"".join(map(number, sizes)) + b"\0"
        found.append(pair_file(number(len(code)) + code, f"{positions};random:a inputs={positions} outputs=1;1"))
    for inputs in (2**20, 2**30, 2**61):
        text = f"{inputs};pair:a inputs={inputs} outputs=1 units=1 removal=channels;1"
        found.append(pair_file(number(3) + bytes([2, 1, 0]), text))
    many = ";".join(["random:a inputs=1 outputs=1"] + [f"random:l{n}" for n in range(100_000)])
    found.append(pair_file(b"", f"1;{many};1"))
    found.append(pair_file(b"", "1;random:a inputs=1 outputs=1 x=" + "[" * 100_000 + ";1"))
    return found


def fault_of(read, path: Path, what: str, *, noticed: bool) -> str | None:
    """Return what is wrong with how a file is read, or None; ``noticed`` where it must not be accepted."""
    begin, room, problem = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, None
    try:
        read(path)
        if noticed:
            problem = "accepted"
    except SlthError as error:
        text = str(error)
        if len(text) > 3000 or not all(one.isprintable() or one == "\n" for one in text):
            problem = f"message {text[:60]!r}"
    except Exception as error:
        problem = f"{type(error).__name__}: {str(error)[:80]}"
    seconds = time.process_time() - begin
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - room) * 1024
    if problem is None and seconds > SECONDS:
        problem = f"{seconds:.1f} s"
    if problem is None and grown > BYTES:
        problem = f"{grown / 2**30:.1f} GiB"
    return None if problem is None else f"{what}: {problem}"


def run(*, seconds: float, seed: int) -> list[str]:
    """Mutate files for so many seconds after the aimed ones; return the faults found."""
    rng, begin, faults = np.random.default_rng(seed), time.monotonic(), []
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), Path(name) / "file"
        originals = [*((load_ticket, each) for each in tickets()), *((load_graph, each) for each in targets(folder))]

        def tried(read, content, what, *, noticed=False):
            path.write_bytes(content)
            fault = fault_of(read, path, what, noticed=noticed)
            if fault is not None:
                kept = Path(tempfile.gettempdir()) / f"fault-{sha256(content).hexdigest()[:12]}"
                kept.write_bytes(content)
                faults.append(f"{fault} ({kept})")

        for read, content in originals:  # the first one of each compiles what reading takes
            path.write_bytes(content)
            fault_of(read, path, "", noticed=False)
            tried(read, content, "original")
        for place, content in enumerate(aimed()):
            tried(load_ticket, content, f"aimed {place}")
        files = [content for _, content in originals]
        trial = 0
        while time.monotonic() - begin < seconds:
            read, content = originals[rng.integers(len(originals))]
            kind = rng.integers(3)
            changed = (flipped(rng, content, files), edited(rng, content), recoded(rng, content))[kind]
            hashed = kind == 0 and read is load_ticket and changed != content and changed not in files
            tried(read, changed, f"trial {trial}, {flipped.__name__ if kind == 0 else 'edited'}", noticed=hashed)
            trial += 1
    return faults

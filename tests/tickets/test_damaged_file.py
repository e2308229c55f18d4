"""Files that are damaged, made to deceive, or no tickets at all are refused and named."""

import json
import random

import numpy as np
import pytest
from safetensors import numpy as foreign
from ticket_files import codes_of, forged, joined

from slth import resources
from slth.errors import TicketError
from slth.graphs.coding import graph_text
from slth.tickets.coding import encode_symbols
from slth.tickets.file import SOURCE_KINDS
from slth.tickets.pair import Pair, RandomLayer
from slth.tickets.ticket import load_ticket, ticket_from_bytes
from tests.ticket_sources import chain, ticket_of, two_pairs


def with_code(name, code, ticket=None):
    return {"tensors": {"masks": joined((codes_of(ticket or ticket_of(two_pairs())) | {name: code}).values())}}


def test_any_changed_byte_is_refused():
    content = ticket_of(two_pairs()).to_bytes()
    draw = random.Random(0)
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << draw.randrange(8)
        with pytest.raises(TicketError):
            ticket_from_bytes(bytes(changed))


def test_any_changed_bit_is_refused():
    content = ticket_of(chain(RandomLayer("a", 2, 3))).to_bytes()
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(TicketError):
            ticket_from_bytes(bytes(changed))


def test_any_truncation_is_refused_and_named():
    content = ticket_of(two_pairs()).to_bytes()
    for length in range(len(content)):
        with pytest.raises(TicketError, match=r"truncated|not a ticket"):
            ticket_from_bytes(content[:length])
    with pytest.raises(TicketError, match=f"truncated: the header asks for {len(content)} bytes"):
        ticket_from_bytes(content[:-1])
    with pytest.raises(TicketError, match="damaged: the header asks for"):
        ticket_from_bytes(content + b"\0")


def source_with(**changes):
    content = json.loads(graph_text(two_pairs(), SOURCE_KINDS)[0])
    content["nodes"][0] |= changes
    return json.dumps(content)


def nodes_with(nodes):
    return f'{{"input_shape":[3],"nodes":{nodes},"output_shape":[2]}}'


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metadata": {"slth.format": "ticket/1"}}, "made by slth 0.1 in its own format: run the command again"),
        ({"metadata": {"slth.format": "ticket/9"}}, "written in format 'ticket/9', and this version reads 'ticket/2'"),
        ({"without": {"slth.format"}}, "not a ticket"),
        ({"without": {"content_sha256"}}, r"missing or unknown metadata \['content_sha256'\]"),
        ({"metadata": {"note": "hello"}}, r"missing or unknown metadata \['note'\]"),
        ({"metadata": {"weights_sha256": "0" * 64}}, "the kept weights do not regenerate: .* the ticket says 000"),
        ({"metadata": {"seed": "6"}}, "the kept weights do not regenerate"),
        ({"metadata": {"law": '{"name":"uniform","scale":2.0}'}}, "the kept weights do not regenerate"),
        ({"metadata": {"seed": "05"}}, "seed='05' is not a decimal number"),
        ({"metadata": {"seed": "-5"}}, "seed='-5' is not a decimal number"),
        ({"metadata": {"seed": "٥"}}, "seed=.* is not a decimal number"),
        ({"metadata": {"seed": str(2**64)}}, "seed="),
        ({"metadata": {"seed": "1" * 5000}}, "seed="),
        ({"metadata": {"family": "weak"}}, "family='weak'"),
        ({"metadata": {"alphabet": "[]"}}, r"alphabet=\(\) must hold 0"),
        ({"metadata": {"alphabet": "null"}}, "alphabet='null' must be a list of integers"),
        ({"metadata": {"alphabet": "[[0],1]"}}, "must be different integers"),
        ({"metadata": {"alphabet": "[0,1.0]"}}, "must be different integers"),
        ({"metadata": {"alphabet": "[0,1" + "0" * 40 + "]"}}, "must be different integers below"),
        ({"metadata": {"alphabet": '0],"more":[1'}}, "alphabet=.* is not valid JSON"),
        ({"metadata": {"alphabet": '[0,1],"more":1'}}, "must be a list of integers"),
        ({"metadata": {"law": "{}"}}, "does not describe a law"),
        ({"metadata": {"law": '{"name":"uniform","scale":NaN}'}}, "NaN is no number of JSON"),
        ({"metadata": {"law": '{"name":"uniform","scale":1e999}'}}, "scale="),
        ({"metadata": {"law": '{"name":"uniform","scale":1' + "0" * 400 + "}"}}, "not a ticket that can be used"),
        ({"metadata": {"law": "__import__('os')"}}, "law=.* is not valid JSON"),
        ({"metadata": {"source": "__import__('os')"}}, "source=.* is not valid JSON"),
        ({"metadata": {"source": source_with(kind="python")}}, "whose kind is one of"),
        ({"metadata": {"source": source_with(units=6)}}, "expected 24 symbols, found a code of 20"),
        ({"metadata": {"source": source_with(units=10**12)}}, r"asks for 20000000000045 positions of masks"),
        ({"metadata": {"source": source_with(units=10**30)}}, "units="),
        ({"metadata": {"source": source_with(path="a")}}, "the kept weights do not regenerate"),
        ({"metadata": {"source": "{}"}}, r"graph=\['input_shape', 'nodes', 'output_shape'\] are missing"),
        ({"metadata": {"source": nodes_with("{}")}}, "nodes={} must be a list"),
        ({"metadata": {"source": nodes_with("[]")}}, "at least one"),
        ({"metadata": {"source": nodes_with("[3]")}}, "whose kind is one of"),
        ({"metadata": {"source": nodes_with("[{}]")}}, "whose kind is one of"),
        ({"metadata": {"source": nodes_with('[{"kind":"conv"}]')}}, "whose kind is one of"),
        (
            {"metadata": {"source": nodes_with('[{"kind":"random","inputs":3}]')}},
            r"\['outputs'\] are missing or unknown",
        ),
        ({"metadata": {"source": nodes_with('[{"kind":"relu"}]')}}, "must have the 3 numbers"),
        ({"metadata": {"source": source_with(note=1)}}, r"\['note'\] are missing or unknown keys"),
        ({"metadata": {"source": source_with(inputs=2**61)}}, "more than a stream has"),
        ({"metadata": {"source": nodes_with('[{"note":' + "[" * 900 + "]" * 900 + "}]")}}, "whose kind is one of"),
        ({"tensors": {"weights": np.ones(3)}}, r"missing or unknown tensors \['weights'\]"),
        ({"without": {"gains"}}, r"missing or unknown tensors \['gains'\]"),
        ({"tensors": {"gains": np.ones(2, np.float32)}}, "tensor gains must be a vector of F64"),
        ({"tensors": {"gains": np.ones((2, 1))}}, "tensor gains must be a vector of F64"),
        ({"tensors": {"gains": np.ones(3)}}, "gains=.* must be 2 positive numbers"),
        ({"tensors": {"gains": np.array([1.0, np.nan])}}, "gains.1.=nan must be finite"),
        ({"without": {"masks"}}, r"missing or unknown tensors \['masks'\]"),
        ({"tensors": {"masks": np.zeros(5)}}, "tensor masks must be a vector of U8"),
        ({"tensors": {"masks": np.zeros((5, 1), np.uint8)}}, "tensor masks must be a vector of U8"),
        ({"tensors": {"masks": np.zeros(0, np.uint8)}}, "cut inside the length of code 0 of 4"),
        ({"tensors": {"masks": np.array([0, 0, 0, 0, 0], np.uint8)}}, "1 bytes too many behind the last of 4 codes"),
        ({"tensors": {"masks": np.array([9, 2, 5], np.uint8)}}, "code 0 of 4 should end at byte 10, there are 3"),
        ({"tensors": {"masks": np.array([128, 0, 0, 0, 0], np.uint8)}}, "length of code 0 of 4 is not a well-formed"),
        (with_code("layer0.units", b""), "mask layer0.units: coded mask: .*found nothing"),
        (
            with_code("layer1.units", encode_symbols(np.ones(15, np.uint8), alphabet=2)),
            "mask layer1.weights: coded mask: expected 30 symbols",
        ),
    ],
)
def test_a_ticket_made_to_deceive_is_refused(changes, message):
    """All hashes of the content fit; what it says does not."""
    with pytest.raises(TicketError, match=message):
        ticket_from_bytes(forged(ticket_of(two_pairs()).to_bytes(), **changes))


def test_a_unit_without_connections_is_refused():
    description = chain(Pair("a", 1, 1, 2))
    ticket = ticket_of(description, density=1.0, gains=[1.0])
    bits = encode_symbols(np.array([1, 0, 1, 1], np.uint8), alphabet=2)
    with pytest.raises(TicketError, match="exactly where one of its weights is kept"):
        ticket_from_bytes(forged(ticket.to_bytes(), **with_code("a.weights", bits, ticket)))


def test_a_description_deeper_than_memory_is_not_built(monkeypatch):
    """A few bytes of text a layer must not ask for a thousand times as much unseen."""
    text = nodes_with("[" + "{}," * 20_000 + "{}]")
    content = forged(ticket_of(two_pairs()).to_bytes(), metadata={"source": text})
    monkeypatch.setattr(resources, "available_memory", lambda: 2**26)
    with pytest.raises(TicketError, match=r"memory for the network=.*GiB of memory that may be taken"):
        ticket_from_bytes(content)


@pytest.mark.parametrize(
    "header",
    [
        b"{}",
        b"{" * 50_000,
        b'{"__metadata__":3}',
        b'{"__metadata__":{"slth.format":3}}',
        b'{"__metadata__":{"slth.format":"ticket/2"},"a":3}',
        b'{"__metadata__":{"slth.format":"ticket/2"},"a":{"data_offsets":[0,1e999]}}',
        b'{"__metadata__":{"slth.format":"ticket/2"},"a":{"data_offsets":[]}}',
        b'{"__metadata__":{"slth.format":"ticket/2","slth.version":3}}',
        b'{"__metadata__":{"slth.format":"ticket/2"},"__metadata__":{}}',
        b'{"\xff',
    ],
)
def test_strange_headers_are_refused(header):
    with pytest.raises(TicketError):
        ticket_from_bytes(len(header).to_bytes(8, "little") + header)


def test_what_is_no_ticket_is_named(tmp_path):
    path = tmp_path / "net.ticket"
    cases = {
        b"": "not a ticket: 0 bytes are no safetensors file",
        b"hello, this is text of some length": "not a ticket: this is no safetensors file",
        foreign.save({"weight": np.ones(3)}): "not a ticket, or damaged",
        foreign.save({"weight": np.ones(3)}, {"format": "pt"}): "not a ticket, or damaged",
        (2**63).to_bytes(8, "little") + b"{": "truncated or damaged: the header should end at byte",
    }
    for content, message in cases.items():
        path.write_bytes(content)
        with pytest.raises(TicketError, match=f"net.ticket: {message}"):
            load_ticket(path)
    with pytest.raises(TicketError, match="absent: there is no such file"):
        load_ticket(tmp_path / "absent")
    with pytest.raises(TicketError, match="there is no such file"):
        load_ticket(tmp_path)
    assert TicketError.exit_code == 1


def test_a_file_larger_than_memory_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "net.ticket"
    with path.open("wb") as file:
        file.truncate(2**27)  # sparse: takes no space
    monkeypatch.setattr(resources, "available_memory", lambda: 2**20)
    with pytest.raises(TicketError, match="GiB of memory that may be taken"):
        load_ticket(path)

import json
import os
import random
import subprocess
import sys
import threading
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest
from safetensors import numpy as foreign
from ticket_samples import PAIR_AND_LINEAR, TWO_PAIRS, UNIFORM, sample_ticket

from slth.constructions import Dense, construct_dense
from slth.errors import ArgumentError, SlthError, TicketError
from slth.rng import WeightLaw
from slth.tickets import (
    DenseLayer,
    DenseNetwork,
    NetworkDescription,
    ProductPair,
    RandomLinear,
    encode_symbols,
    load_ticket,
    memory,
    ticket_bytes,
    ticket_from_bytes,
)

METADATA = {"slth.format", "slth.version", "description", "law", "seed", "family", "weights_sha256", "content_sha256"}


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
    """The code of every mask array by its name: connections of kept units only, in the order of the layers."""
    codes = {}
    for name, array in ticket.mask.arrays.items():
        coded = array[ticket.mask[name.replace("connections", "units")]] if name.endswith("connections") else array
        codes[name] = encode_symbols(coded.astype(np.uint8).ravel(), alphabet=2)
    return codes


def with_code(name, code, ticket=None):
    return {"tensors": {"masks": joined((codes_of(ticket or sample_ticket()) | {name: code}).values())}}


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def same(ticket, other):
    assert (ticket.description, ticket.law, ticket.seed) == (other.description, other.law, other.seed)
    assert ticket.family == other.family
    np.testing.assert_array_equal(ticket.gains, other.gains)
    assert list(ticket.mask.arrays) == list(other.mask.arrays)
    for name, array in ticket.mask.arrays.items():
        np.testing.assert_array_equal(array, other.mask[name])


@pytest.mark.parametrize("description", [TWO_PAIRS, PAIR_AND_LINEAR])
@pytest.mark.parametrize("density", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("law", [UNIFORM, WeightLaw("normal", 1 / 3)])
def test_round_trip(description, density, law, tmp_path):
    ticket = sample_ticket(
        description, density=density, law=law, seed=2**64 - 1, gains=np.arange(1, 4)[: len(description.layers)] / 3
    )
    ticket.save(tmp_path / "net.ticket")
    ticket.save(str(tmp_path / "again.ticket"))
    assert (tmp_path / "net.ticket").read_bytes() == (tmp_path / "again.ticket").read_bytes() == ticket_bytes(ticket)
    loaded = load_ticket(str(tmp_path / "net.ticket"))
    same(loaded, ticket)
    assert ticket_bytes(loaded) == ticket_bytes(ticket)
    assert names_in(tmp_path) == ["again.ticket", "net.ticket"]


def test_a_fresh_process_regenerates_the_same_bits(tmp_path):
    ticket = sample_ticket(law=WeightLaw("normal", 1.0), density=0.9)
    assert ticket.forward([[0.5, -0.25, 1.0]]).all()  # neither output is dead
    ticket.save(tmp_path / "net.ticket")
    program = (
        "import sys; from slth.tickets import load_ticket; ticket = load_ticket(sys.argv[1]); "
        "print(ticket.kept_weights_sha256(), ticket.forward([[0.5, -0.25, 1.0]]).tobytes().hex()); "
        "print('torch' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "net.ticket")],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "99"},
    )
    expected = ticket.forward([[0.5, -0.25, 1.0]]).tobytes().hex()
    assert ran.stdout.split() == [ticket.kept_weights_sha256(), expected, "False"]


def test_nothing_of_the_target_is_in_the_file():
    """All that there is: the masks, one gain a layer, and text that describes the random network."""
    ticket = sample_ticket(gains=[0.5, 2.0])
    metadata, tensors = taken_apart(ticket_bytes(ticket))
    assert set(tensors) == {"gains", "masks"}
    assert tensors["gains"].tolist() == [0.5, 2.0]
    assert tensors["masks"].dtype == np.uint8
    codes = codes_of(ticket)
    assert list(codes) == ["layer0.units", "layer0.connections", "layer1.units", "layer1.connections"]
    assert tensors["masks"].tobytes() == joined(codes.values()).tobytes()
    assert set(metadata) == METADATA
    assert metadata["slth.format"] == "ticket/1"
    first = {"kind": "product-pair", "inputs": 3, "outputs": 4, "units": 5, "halves": "both", "activation": "relu"}
    second = {"outputs": 2, "units": 3, "halves": "positive", "activation": "identity"}  # inputs, kind: as before
    assert json.loads(metadata["description"]) == {"layers": [first, second]}
    assert json.loads(metadata["law"]) == {"name": "uniform", "scale": 1.0}
    assert (metadata["seed"], metadata["family"]) == ("5", "strong")
    assert metadata["weights_sha256"] == ticket.kept_weights_sha256()


def chain(*widths, units):
    return NetworkDescription(
        [ProductPair(f"layer{i}", inputs, outputs, units) for i, (inputs, outputs) in enumerate(pairwise(widths))]
    )


@pytest.mark.parametrize(
    "description",
    [
        chain(1, 1, units=1),
        chain(2, 3, 2, units=4),
        chain(8, 8, 8, 8, 8, units=10),
        chain(64, 32, 10, units=20),
        chain(64, 128, 64, 10, units=40),
        NetworkDescription([ProductPair("first", 64, 300, 21), RandomLinear("second", 300, 30)]),
    ],
)
@pytest.mark.parametrize("density", [0.0, 0.01, 0.24, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("dropped", [0.0, 0.5])
def test_size_is_within_two_percent_and_two_kilobytes_of_the_entropy(description, density, dropped):
    ticket = sample_ticket(description, density=density, dropped=dropped)
    assert len(ticket_bytes(ticket)) <= 1.02 * ticket.mask.entropy_bound_bits / 8 + 2000


@pytest.mark.parametrize("depth", [2, 8, 16, 24])
@pytest.mark.parametrize("way", ["double", "plus-one"])
def test_size_of_deep_narrow_constructions(depth, way):
    """Stacks of product pairs, and one pair before a stack of random layers, as they are really made."""
    rng = np.random.default_rng(depth)
    activations = ["relu"] * (depth - 1) + ["identity"]
    target = DenseNetwork(
        [DenseLayer(rng.uniform(-0.5, 0.5, (6, 6)), rng.uniform(-0.5, 0.5, 6), each) for each in activations]
    )
    ticket = construct_dense(target, Dense(candidates=5, depth=way)).ticket
    assert len(ticket.description.layers) == depth
    content = ticket_bytes(ticket)
    assert len(content) <= 1.02 * ticket.mask.entropy_bound_bits / 8 + 2000
    same(ticket_from_bytes(content), ticket)


@pytest.mark.parametrize("kind", [ProductPair, RandomLinear])
def test_a_layer_like_the_one_before_costs_a_few_bytes(kind):
    """Gain 8; description 3; each mask array: its length, and of its code alphabet, length, count and the end."""
    more = {"units": 1} if kind is ProductPair else {}
    sizes = []
    for depth in (100, 200):
        description = NetworkDescription([kind(f"layer{i}", 1, 1, **more) for i in range(depth)])
        sizes.append(len(ticket_bytes(sample_ticket(description, density=1.0))))
    assert sizes[1] - sizes[0] <= 100 * (8 + 3 + 2 * 6) + 16


@pytest.mark.parametrize(
    "layers",
    [
        [RandomLinear("layer0", 2, 2), RandomLinear("layer1", 2, 2), RandomLinear("layer2", 2, 2)],
        [RandomLinear("layer1", 2, 3), RandomLinear("layer0", 3, 2), RandomLinear("layer", 2, 2, "identity")],
        [ProductPair("layer0", 2, 2, 3), RandomLinear("layer1", 2, 2), ProductPair("layer2", 2, 2, 3)],
        [ProductPair("a", 2, 3, 3, "positive"), ProductPair("layer1", 3, 1, 3), ProductPair("b", 1, 2, 1)],
    ],
)
def test_what_the_description_leaves_out_comes_back(layers):
    ticket = sample_ticket(NetworkDescription(layers))
    same(ticket_from_bytes(ticket_bytes(ticket)), ticket)


def test_a_description_that_leaves_nothing_out_is_read_too():
    for description in (TWO_PAIRS, PAIR_AND_LINEAR):
        ticket = sample_ticket(description)
        same(ticket_from_bytes(forged(ticket_bytes(ticket), metadata={"description": description.to_json()})), ticket)


def test_any_changed_byte_is_refused():
    content = ticket_bytes(sample_ticket())
    draw = random.Random(0)
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << draw.randrange(8)
        with pytest.raises(TicketError):
            ticket_from_bytes(bytes(changed))


def test_any_changed_bit_is_refused():
    content = ticket_bytes(sample_ticket(NetworkDescription([RandomLinear("a", 2, 3)])))
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(TicketError):
            ticket_from_bytes(bytes(changed))


def test_any_truncation_is_refused_and_named():
    content = ticket_bytes(sample_ticket())
    for length in range(len(content)):
        with pytest.raises(TicketError, match=r"truncated|not a ticket"):
            ticket_from_bytes(content[:length])
    with pytest.raises(TicketError, match=f"truncated: the header asks for {len(content)} bytes"):
        ticket_from_bytes(content[:-1])
    with pytest.raises(TicketError, match="damaged: the header asks for"):
        ticket_from_bytes(content + b"\0")


def test_another_writer_may_order_the_file_differently():
    ticket = sample_ticket()
    same(ticket_from_bytes(forged(ticket_bytes(ticket))), ticket)


def description_with(**changes):
    content = json.loads(TWO_PAIRS.to_json())
    content["layers"][0] |= changes
    return json.dumps(content)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metadata": {"slth.format": "ticket/2"}}, "written in format 'ticket/2', and this version reads 'ticket/1'"),
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
        ({"metadata": {"law": "{}"}}, "does not describe a law"),
        ({"metadata": {"law": '{"name":"uniform","scale":NaN}'}}, "scale="),
        ({"metadata": {"law": '{"name":"uniform","scale":1e999}'}}, "scale="),
        ({"metadata": {"law": '{"name":"uniform","scale":1' + "0" * 400 + "}"}}, "not a ticket that can be used"),
        ({"metadata": {"law": "__import__('os')"}}, "law=.* is not valid JSON"),
        ({"metadata": {"description": "__import__('os')"}}, "description=.* is not valid JSON"),
        ({"metadata": {"description": description_with(kind="python")}}, "whose kind is one of"),
        ({"metadata": {"description": description_with(units=6)}}, "expected 24 symbols, found a code of 20"),
        ({"metadata": {"description": description_with(units=10**12)}}, "GiB of memory that are free"),
        ({"metadata": {"description": description_with(units=10**30)}}, "units="),
        ({"metadata": {"description": description_with(path="a")}}, "the kept weights do not regenerate"),
        ({"metadata": {"description": "{}"}}, 'must have one key, "layers", a list'),
        ({"metadata": {"description": '{"layers":{}}'}}, 'must have one key, "layers", a list'),
        ({"metadata": {"description": '{"layers":[]}'}}, "at least one"),
        ({"metadata": {"description": '{"layers":[3]}'}}, "whose kind is one of"),
        ({"metadata": {"description": '{"layers":[{}]}'}}, "whose kind is one of"),
        ({"metadata": {"description": '{"layers":[{"kind":"linear"},{}]}'}}, "missing or unknown keys .*inputs"),
        ({"metadata": {"description": description_with(note=1)}}, r"missing or unknown keys \['note'\]"),
        ({"metadata": {"description": '{"layers":[{"note":' + "[" * 900 + "]" * 900 + "}]}"}}, "whose kind is one of"),
        ({"tensors": {"weights": np.ones(3)}}, r"missing or unknown tensors \['weights'\]"),
        ({"without": {"gains"}}, r"missing or unknown tensors \['gains'\]"),
        ({"tensors": {"gains": np.ones(2, np.float32)}}, "tensor gains must be a vector of F64"),
        ({"tensors": {"gains": np.ones((2, 1))}}, "tensor gains must be a vector of F64"),
        ({"tensors": {"gains": np.ones(3)}}, "gains=.* must be 2 positive numbers"),
        ({"tensors": {"gains": np.array([1.0, np.nan])}}, "gains=.* must be finite"),
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
            "mask layer1.connections: coded mask: expected 30 symbols",
        ),
    ],
)
def test_a_ticket_made_to_deceive_is_refused(changes, message):
    """All hashes of the content fit; what it says does not."""
    with pytest.raises(TicketError, match=message):
        ticket_from_bytes(forged(ticket_bytes(sample_ticket()), **changes))


def test_a_unit_without_connections_is_refused():
    description = NetworkDescription([ProductPair("a", 1, 1, units=2)])
    ticket = sample_ticket(description, density=1.0, gains=[1.0])
    bits = encode_symbols(np.array([1, 0, 1, 1], np.uint8), alphabet=2)
    with pytest.raises(TicketError, match="exactly where one of its connections is kept"):
        ticket_from_bytes(forged(ticket_bytes(ticket), **with_code("a.connections", bits, ticket)))


def test_a_description_deeper_than_memory_is_not_built(monkeypatch):
    """A few bytes of text a layer must not ask for a thousand times as much unseen."""
    content = forged(ticket_bytes(sample_ticket()), metadata={"description": '{"layers":[' + "{}," * 20_000 + "{}]}"})
    monkeypatch.setattr(memory, "available_memory", lambda: 2**26)
    with pytest.raises(TicketError, match=r"memory for the layers=.*GiB of memory that are free"):
        ticket_from_bytes(content)


@pytest.mark.parametrize(
    "header",
    [
        b"{}",
        b"{" * 50_000,
        b'{"__metadata__":3}',
        b'{"__metadata__":{"slth.format":3}}',
        b'{"__metadata__":{"slth.format":"ticket/1"},"a":3}',
        b'{"__metadata__":{"slth.format":"ticket/1"},"a":{"data_offsets":[0,1e999]}}',
        b'{"__metadata__":{"slth.format":"ticket/1"},"a":{"data_offsets":[]}}',
        b'{"__metadata__":{"slth.format":"ticket/1","slth.version":3}}',
        b'{"__metadata__":{"slth.format":"ticket/1"},"__metadata__":{}}',
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
    monkeypatch.setattr(memory, "available_memory", lambda: 2**20)
    with pytest.raises(TicketError, match="GiB of memory that are free"):
        load_ticket(path)


def test_available_memory_is_plausible(monkeypatch, tmp_path):
    assert 2**20 < memory.available_memory() < 2**50
    monkeypatch.setattr(memory, "_MEMORY_INFORMATION", tmp_path / "absent")
    assert 2**20 < memory.available_memory() < 2**50


def test_the_control_group_limits_the_memory(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "_CONTROL_GROUP", tmp_path)
    for limit, used, expected in (("5000\n", "2000\n", 3000), ("5000\n", "6000\n", 0)):
        (tmp_path / "memory.max").write_text(limit)
        (tmp_path / "memory.current").write_text(used)
        assert memory.available_memory() == expected
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available_memory() > 2**20


def test_saving_is_all_or_nothing(tmp_path, monkeypatch):
    path = tmp_path / "net.ticket"
    sample_ticket().save(path)
    before = path.read_bytes()

    def full_disk(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(ArgumentError, match=r"cannot be written \(No space left on device\)"):
        sample_ticket(seed=6).save(path)
    assert path.read_bytes() == before
    assert names_in(tmp_path) == ["net.ticket"]
    with pytest.raises(SlthError, match="cannot be written"):
        sample_ticket().save(tmp_path / "absent" / "net.ticket")


def test_many_writers_leave_one_whole_file(tmp_path):
    path = tmp_path / "net.ticket"
    tickets = [sample_ticket(seed=seed) for seed in range(6)]
    threads = [threading.Thread(target=ticket.save, args=(path,)) for ticket in tickets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert load_ticket(path).seed in range(6)
    assert names_in(tmp_path) == ["net.ticket"]


@pytest.mark.parametrize("path", [3, None, b"net.ticket"])
def test_a_path_that_is_none_is_named(path):
    ticket = sample_ticket(PAIR_AND_LINEAR)
    for use in (load_ticket, ticket.save):
        with pytest.raises(ArgumentError, match="path"):
            use(path)

"""The file of a ticket: what is in it, how large it is, and how it is written and read."""

import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from ticket_files import codes_of, forged, joined, same, taken_apart

from slth.errors import ArgumentError, SlthError
from slth.graphs import Graph, Node
from slth.graphs.coding import graph_text, packed, unpacked
from slth.rng import WeightLaw
from slth.tickets.file import SOURCE_KINDS
from slth.tickets.mask import Mask
from slth.tickets.pair import Pair, RandomLayer
from slth.tickets.ticket import Ticket, load_ticket, ticket_from_bytes
from tests.ticket_sources import UNIFORM, chain, mixed, pair_and_plain, ticket_of, two_pairs

METADATA = {
    "slth.format", "slth.version", "source", "law", "seed", "weights_sha256", "content_sha256",
}  # fmt: skip


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("source", [two_pairs, pair_and_plain, mixed])
@pytest.mark.parametrize("density", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("law", [UNIFORM, WeightLaw("normal", 1 / 3)])
def test_round_trip(source, density, law, tmp_path):
    ticket = ticket_of(source(), density=density, law=law, seed=2**64 - 1)
    ticket.save(tmp_path / "net.ticket")
    ticket.save(str(tmp_path / "again.ticket"))
    assert (tmp_path / "net.ticket").read_bytes() == (tmp_path / "again.ticket").read_bytes() == ticket.to_bytes()
    same(load_ticket(str(tmp_path / "net.ticket")), ticket)
    assert names_in(tmp_path) == ["again.ticket", "net.ticket"]


def test_buffers_alphabet_and_structure_come_back():
    ticket = ticket_of(two_pairs())
    rng = np.random.default_rng(0)
    arrays = {name: rng.integers(-1, 2, array.shape) for name, array in ticket.mask.arrays.items()}
    for layer in ticket.layers:
        arrays[f"{layer.path}.units"] = (arrays[f"{layer.path}.weights"] != 0).any(axis=2).astype(int)
    mask = Mask(arrays, alphabet=(0, 1, -1), structure="block")
    buffers = {"norm.mean": np.array([0.5, -1.0]), "norm.count": np.array(3)}
    signed = Ticket(ticket.source, ticket.law, 5, mask, ticket.gains, "trainable", buffers)
    read = ticket_from_bytes(signed.to_bytes())
    same(read, signed)
    assert (read.mask.alphabet, read.mask.structure) == ((0, 1, -1), "block")
    assert read.buffers["norm.mean"].tolist() == [0.5, -1.0]
    assert read.buffers["norm.count"].tolist() == 3  # a number keeps its shape, or no module takes it again


def test_a_fresh_process_regenerates_the_same_bits(tmp_path):
    ticket = ticket_of(two_pairs(), law=WeightLaw("normal", 1.0), density=0.9)
    assert ticket.forward([[0.5, -0.25, 1.0]]).any()
    ticket.save(tmp_path / "net.ticket")
    program = (
        "import sys; from slth.tickets.ticket import load_ticket; ticket = load_ticket(sys.argv[1]); "
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
    ticket = ticket_of(two_pairs(), gains=[0.5, 2.0])
    metadata, tensors = taken_apart(ticket.to_bytes())
    assert set(tensors) == {"gains", "masks"}
    assert tensors["gains"].tolist() == [0.5, 2.0]
    codes = codes_of(ticket)
    assert list(codes) == ["layer0.units", "layer0.weights", "layer1.units", "layer1.weights"]
    assert tensors["masks"].tobytes() == joined(codes.values()).tobytes()
    assert set(metadata) == METADATA
    assert metadata["slth.format"] == "ticket/2"
    nodes = "pair:layer0 inputs=3 outputs=4 units=5 halves=both;relu:relu0;pair:layer1 inputs=4 outputs=2 units=3"
    assert metadata["source"] == f"3;{nodes} halves=positive;2"
    assert (metadata["seed"], metadata["law"]) == ("5", "uniform 1.0")
    assert metadata["weights_sha256"] == ticket.kept_weights_sha256()


@pytest.mark.parametrize("source", [two_pairs, pair_and_plain, mixed])
def test_words_and_json_say_the_same(source):
    """Files with the graph and the law as JSON, and with what is usual spelt out, are read as they were."""
    ticket = ticket_of(source())
    text = graph_text(ticket.source, SOURCE_KINDS)[0]
    assert unpacked(packed(text)) == text
    spelt = {"source": text, "law": json.dumps(ticket.law.describe()), "family": "strong", "alphabet": "[0,1]",
             "structure": "weight"}  # fmt: skip
    same(ticket_from_bytes(forged(ticket.to_bytes(), metadata=spelt)), ticket)


def deep(width, depth, units):
    return chain(*(Pair(f"layer{number}", width, width, units) for number in range(depth)))


@pytest.mark.parametrize(
    "source",
    [
        chain(Pair("a", 1, 1, 1)),
        chain(Pair("a", 2, 3, 4), Pair("b", 3, 2, 4)),
        deep(8, 4, 10),
        deep(6, 24, 5),
        chain(Pair("a", 64, 32, 20), Pair("b", 32, 10, 20)),
        chain(Pair("a", 64, 128, 40), Pair("b", 128, 64, 40), Pair("c", 64, 10, 40)),
        chain(Pair("first", 64, 300, 21), RandomLayer("second", 300, 30)),
    ],
)
@pytest.mark.parametrize("density", [0.0, 0.01, 0.24, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("dropped", [0.0, 0.5])
def test_size_is_within_two_percent_and_two_kilobytes_of_the_entropy(source, density, dropped):
    ticket = ticket_of(source, density=density, dropped=dropped)
    assert len(ticket.to_bytes()) <= 1.02 * ticket.mask.entropy_bound_bits / 8 + 2000 + 60 * len(ticket.layers)


def test_a_layer_like_the_one_before_costs_a_few_bytes():
    """Gain 8; text of the node; each mask array: its length, and of its code alphabet, length, count and the end."""
    sizes = []
    for depth in (100, 200):
        nodes = [
            Node(f"pair{number}", Pair(f"pair{number}", 1, 1, 1), (f"pair{number - 1}" if number else "input",))
            for number in range(depth)
        ]
        sizes.append(len(ticket_of(Graph((1,), nodes), density=1.0).to_bytes()))
    assert sizes[1] - sizes[0] <= 100 * (8 + 20 + 2 * 6) + 16


def test_another_writer_may_order_the_file_differently():
    ticket = ticket_of(two_pairs())
    same(ticket_from_bytes(forged(ticket.to_bytes())), ticket)


def test_saving_is_all_or_nothing(tmp_path, monkeypatch):
    path = tmp_path / "net.ticket"
    ticket_of(two_pairs()).save(path)
    before = path.read_bytes()

    def full_disk(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(SlthError, match=r"cannot be written \(No space left on device\): make room") as caught:
        ticket_of(two_pairs(), seed=6).save(path)
    assert caught.value.exit_code == 1  # the path is as good as any other
    assert path.read_bytes() == before
    assert names_in(tmp_path) == ["net.ticket"]
    with pytest.raises(SlthError, match="cannot be written"):
        ticket_of(two_pairs()).save(tmp_path / "absent" / "net.ticket")


def test_many_writers_leave_one_whole_file(tmp_path):
    path = tmp_path / "net.ticket"
    tickets = [ticket_of(two_pairs(), seed=seed) for seed in range(6)]
    threads = [threading.Thread(target=ticket.save, args=(path,)) for ticket in tickets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert load_ticket(path).seed in range(6)
    assert names_in(tmp_path) == ["net.ticket"]


@pytest.mark.parametrize("path", [3, None, b"net.ticket"])
def test_a_path_that_is_none_is_named(path):
    ticket = ticket_of(pair_and_plain())
    for use in (load_ticket, ticket.save):
        with pytest.raises(ArgumentError, match="path"):
            use(path)

"""The file of a ticket: what is in it, how large it is, and how it is written and read."""

import json
import os
import subprocess
import sys
import threading
from itertools import pairwise

import numpy as np
import pytest
from ticket_file_samples import codes_of, forged, joined, same, taken_apart
from ticket_samples import PAIR_AND_LINEAR, TWO_PAIRS, UNIFORM, sample_ticket

from slth.constructions import Dense, construct_dense
from slth.errors import ArgumentError, SlthError
from slth.rng import WeightLaw
from slth.tickets import (
    DenseLayer,
    DenseNetwork,
    NetworkDescription,
    ProductPair,
    RandomLinear,
    load_ticket,
    ticket_bytes,
    ticket_from_bytes,
)

METADATA = {"slth.format", "slth.version", "description", "law", "seed", "family", "weights_sha256", "content_sha256"}


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


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


def test_another_writer_may_order_the_file_differently():
    ticket = sample_ticket()
    same(ticket_from_bytes(forged(ticket_bytes(ticket))), ticket)


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

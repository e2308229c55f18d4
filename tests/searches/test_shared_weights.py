"""Several masks over one random weight: found by a search, stored with one seed, and made again elsewhere."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

import slth
from slth.networks import apply_ticket, maskable, untied
from slth.rng import Stream, WeightLaw
from slth.searches import EdgePopup, IteRand, Magnitude, SlotMachine, prune, sanity_checks, search
from slth.tickets import ticket_from_bytes
from slth.training import Cosine, Recipe
from tests.searches.test_search import TEST, TRAIN
from tests.tickets.ticket_files import forged, same, taken_apart

RECIPE = Recipe(epochs=4, batch_size=64, schedule=Cosine(0.3))
DEPTH, WIDTH = 3, 48


def net():
    """Squares to four classes by one hidden layer that is used three times."""
    layer = nn.Linear(WIDTH, WIDTH)
    hidden = [part for _ in range(DEPTH) for part in (layer, nn.ReLU())]
    return nn.Sequential(nn.Flatten(), nn.Linear(64, WIDTH), nn.ReLU(), *hidden, nn.Linear(WIDTH, 4))


SHARED = ("3.weight", "5.weight", "7.weight")


@pytest.fixture(scope="module")
def found():
    return search(untied(net()), TRAIN, EdgePopup(density=0.5), recipe=RECIPE, seed=4)


def test_one_random_matrix_has_three_masks_that_differ(found):
    matrix = found.ticket.law.weights(Stream(4, "3.weight"), 0, WIDTH * WIDTH).reshape(WIDTH, WIDTH)
    masks = [found.ticket.mask[name] for name in SHARED]
    for name, mask in zip(SHARED, masks, strict=True):
        wanted = matrix * found.ticket.gain(name) * mask
        assert np.array_equal(found.module.get_parameter(name).detach().numpy(), wanted.astype(np.float32))
        assert mask.sum() == WIDTH * WIDTH // 2
    assert not np.array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[1], masks[2])
    assert found.evaluate(TEST).accuracy > 0.9  # of four classes alike


def test_the_file_has_one_seed_and_each_mask_and_costs_what_they_say(found):
    statistics, content = found.ticket.statistics(), found.ticket.to_bytes()
    first, last = 64 * WIDTH, WIDTH * 4
    assert statistics.open_positions == first + DEPTH * WIDTH**2 + last
    assert statistics.random_parameters == first + WIDTH**2 + last
    assert len(content) <= statistics.entropy_bound_bits / 8 + 1000
    same(ticket_from_bytes(content), found.ticket)
    text = taken_apart(content)[0]["source"]
    assert "5.weight 48,48 ~3.weight *" in text
    for changed in ("5.weight 48,48 ~7.weight *", "5.weight 48,48 ~1.weight *", "5.weight 48,48 *"):
        with pytest.raises(slth.TicketError):  # other random numbers, or those of a tensor that has none such
            ticket_from_bytes(forged(content, metadata={"source": text.replace("5.weight 48,48 ~3.weight *", changed)}))


@pytest.mark.slow
def test_a_new_process_makes_the_same_network_of_a_fresh_instance(found, tmp_path):
    found.ticket.save(tmp_path / "net.ticket")
    torch.save(found.module(TEST.inputs), tmp_path / "wanted.pt")
    code = (
        "import slth, torch; from pathlib import Path; from slth.networks import untied;"
        "from tests.searches.test_shared_weights import TEST, net;"
        f"here = Path({str(tmp_path)!r}); ticket = slth.load_ticket(here / 'net.ticket');"
        "made = slth.apply_to(untied(net()), ticket).eval();"
        "assert torch.equal(made(TEST.inputs), torch.load(here / 'wanted.pt'))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_sanity_checks_draw_the_one_matrix_anew(found):
    checks = sanity_checks(found, TEST, repetitions=2)
    assert checks.ticket > 0.9
    assert max(*checks.shuffled, *checks.redrawn, *checks.random) < 0.8


@pytest.mark.parametrize("method", [SlotMachine(4), IteRand(EdgePopup(0.5, magnitude=False), rate=1.0, period=2)])
def test_numbers_that_are_chosen_or_drawn_again_are_of_the_one_stream(method):
    """An entry c of a shared weight is number i + (c - 1) n of the first one's stream, in the ticket and the module."""
    law = WeightLaw("normal")
    result = search(untied(net()), TRAIN, method, recipe=RECIPE, law=law, seed=2)
    size = WIDTH * WIDTH
    for name in SHARED:
        entries = result.ticket.mask[name].astype(np.int64).reshape(-1)
        assert entries.max() > 1
        every = np.concatenate([np.zeros(size), law.weights(Stream(2, "3.weight"), 0, entries.max() * size)])
        places = np.where(entries > 0, size + np.arange(size) + (entries - 1) * size, 0)
        wanted = (every[places] * result.ticket.gain(name)).reshape(WIDTH, WIDTH).astype(np.float32)
        made = apply_ticket(untied(net()), result.ticket)
        assert np.array_equal(made.get_parameter(name).detach().numpy(), wanted)
        np.testing.assert_allclose(result.module.get_parameter(name).detach().numpy(), wanted, rtol=1e-6)


def test_a_baseline_keeps_the_same_large_weights_in_each_use():
    result = prune(untied(net()), TRAIN, Magnitude(), density=0.3, law=WeightLaw("normal"), seed=3)
    masks = [result.ticket.mask[name] for name in SHARED]
    # All layers are ranked together: of equals at the threshold those of earlier layers are kept.
    assert max(int((mask != masks[0]).sum()) for mask in masks[1:]) <= 1


def test_a_shared_weight_that_is_not_untied_has_one_mask():
    result = search(net(), TRAIN, EdgePopup(density=0.5), recipe=Recipe(epochs=1, batch_size=64), seed=4)
    assert list(result.ticket.mask.arrays) == list(maskable(net())) == ["1.weight", "3.weight", "9.weight"]


def test_a_search_of_layers_that_share_nothing_does_not_go_on_from_one_of_layers_that_do(tmp_path):
    recipe, hidden = Recipe(epochs=1, batch_size=64), [nn.Linear(WIDTH, WIDTH) for _ in range(DEPTH)]
    apart = nn.Sequential(*(hidden.pop() if place in (3, 5, 7) else part for place, part in enumerate(net())))
    search(untied(net()), TRAIN, EdgePopup(density=0.5), recipe=recipe, folder=tmp_path)
    with pytest.raises(slth.SlthError, match="written for another module: other layers share their random weights"):
        search(apart, TRAIN, EdgePopup(density=0.5), recipe=recipe, folder=tmp_path)

"""A search trains scores alone, ends with a ticket that regenerates, and stops by name where it cannot go on."""

from __future__ import annotations

import copy
import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

import slth
from slth.errors import ArgumentError, ConstructionError
from slth.networks.layouts import apply_ticket
from slth.networks.masking import maskable
from slth.rng import WeightLaw
from slth.searches import EdgePopup, sanity_checks, search
from slth.tickets.layout import masked_weights
from slth.training import SGD, Constant, Cosine, Examples, Recipe

RECIPE = Recipe(epochs=8, batch_size=32, schedule=Cosine(0.2), optimizer=SGD(weight_decay=1e-4))


class Net(nn.Module):
    """Convolutions, a norm with statistics, biases, a linear layer used twice."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 16, 3, padding=1)
        self.norm = nn.BatchNorm2d(16)
        self.second = nn.Conv2d(16, 16, 3, stride=2, groups=2)
        self.mixed = nn.Linear(16, 16)
        self.last = nn.Linear(16, 4)

    def forward(self, x):
        x = torch.relu(self.norm(self.first(x)))
        x = torch.relu(self.second(x)).mean((2, 3))
        return self.last(torch.relu(self.mixed(torch.relu(self.mixed(x)))))


def squares(count, seed):
    """Images of 8 x 8 with a bright quadrant, whose number is the label."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    images = rng.uniform(0, 0.5, (count, 1, 8, 8))
    for image, label in zip(images, labels, strict=True):
        image[0, 4 * (label // 2) : 4 * (label // 2) + 4, 4 * (label % 2) : 4 * (label % 2) + 4] += 0.5
    return Examples(images, labels)


TRAIN, TEST = squares(512, 0), squares(256, 1)


@pytest.fixture(scope="module")
def found():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
    return flat, search(flat, TRAIN, EdgePopup(density=0.5), recipe=RECIPE, seed=5)


def test_a_ticket_is_found_and_is_more_than_its_density(found):
    _, result = found
    checks = sanity_checks(result, TEST, repetitions=4)
    assert checks.ticket > 0.95
    assert result.ticket.family == "strong"
    # Four classes alike: chance is 1/4; 0.6 of 256 lies eleven deviations above.
    assert np.mean(checks.shuffled) < 0.6
    assert np.mean(checks.redrawn) < 0.6
    assert np.mean(checks.random) < 0.6


def test_weights_are_those_of_the_seed_times_the_mask(found):
    module, result = found
    ticket = result.ticket
    for name in maskable(module):
        wanted = masked_weights(ticket.source[name], ticket.mask[name], seed=5, law=ticket.law, gain=ticket.gain(name))
        weight = result.module.get_parameter(name).detach().numpy()
        assert np.array_equal(weight, wanted.astype(np.float32))
    assert {name: kept.kept for name, kept in result.density.items()} == {"1.weight": 2048, "3.weight": 128}


def test_the_given_module_is_left_alone_and_takes_the_ticket(found, tmp_path):
    module, result = found
    fresh = copy.deepcopy(module)
    result.ticket.save(tmp_path / "net.ticket")
    apply_ticket(fresh, slth.load_ticket(tmp_path / "net.ticket"))
    assert torch.equal(fresh.eval()(TEST.inputs), result.module(TEST.inputs))
    assert not torch.equal(module(TEST.inputs), result.module(TEST.inputs))


def test_norms_biases_and_layers_used_twice_travel(tmp_path):
    net = Net()
    result = search(net, TRAIN, EdgePopup(density=0.4), recipe=Recipe(epochs=2, batch_size=64), seed=1)
    stored = result.ticket.buffers
    assert not np.any(stored["first.bias"])
    assert np.any(stored["norm.running_mean"])
    result.ticket.save(tmp_path / "net.ticket")
    ticket = slth.load_ticket(tmp_path / "net.ticket")
    assert ticket.buffers["norm.num_batches_tracked"].shape == ()  # a tensor without axes stays one in the file
    fresh = apply_ticket(Net(), ticket).eval()
    assert torch.equal(fresh(TEST.inputs), result.module(TEST.inputs))
    graph = slth.describe(fresh, input_shape=(1, 8, 8))
    exact = graph.forward(TEST.inputs[:4].double().numpy())
    assert np.abs(exact - fresh(TEST.inputs[:4]).detach().numpy()).max() < 1e-4


def test_a_fresh_process_finds_the_same_ticket(found):
    code = (
        "import hashlib; from tests.searches.test_search import *;"
        "flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4));"
        "print(hashlib.sha256(search(flat, TRAIN, EdgePopup(density=0.5), recipe=RECIPE, seed=5)"
        ".ticket.to_bytes()).hexdigest())"
    )
    wanted = hashlib.sha256(found[1].ticket.to_bytes()).hexdigest()
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == wanted


def test_the_mask_of_the_best_epoch_is_kept_if_asked():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 4))
    held = squares(64, 2)
    recipe = Recipe(epochs=6, batch_size=32, schedule=Constant(1.0))
    result = search(flat, TRAIN, EdgePopup(density=0.3), recipe=recipe, validation=held, keep="best", seed=2)
    accuracies = [record.validation.accuracy for record in result.trace]
    assert result.epoch == 1 + int(np.argmax(accuracies))
    assert result.evaluate(held).accuracy == max(accuracies)


def test_any_loss_and_targets_that_are_numbers():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (256, 4))
    data = Examples(x, np.float32(x[:, :1] - x[:, 1:2]))
    net = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 1))
    recipe = Recipe(epochs=20, batch_size=32, schedule=Cosine(0.05), loss=nn.functional.mse_loss)
    result = search(net, data, EdgePopup(density=0.5), recipe=recipe)
    assert result.trace[-1].loss < 0.2 * result.trace[0].loss
    assert result.evaluate(data).accuracy is None


def test_what_diverges_or_collapses_is_named():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 4))
    wild = Recipe(epochs=3, batch_size=32, schedule=Constant(1e38))
    with pytest.raises((ConstructionError, ArgumentError), match=r"finite|diverged|nan"):
        search(flat, TRAIN, EdgePopup(density=0.5), recipe=wild)
    with pytest.raises(ConstructionError, match=r"no weight of 1\.weight is kept"):
        search(flat, TRAIN, EdgePopup(density=0.001, scope="global"), recipe=RECIPE)


@pytest.mark.parametrize(
    ("module", "options", "said"),
    [
        (nn.ReLU(), {}, "no weight that a mask is for"),
        (nn.Linear(64, 4), {"keep": "best"}, "keep"),
        (nn.Linear(64, 4), {"scale": "huge"}, "scale"),
        (nn.Linear(64, 4), {"seed": -1}, "seed"),
        (nn.Linear(63, 4), {}, "inputs|data|examples"),
    ],
)
def test_bad_arguments_are_named(module, options, said):
    data = Examples(TRAIN.inputs.flatten(1), TRAIN.targets)
    with pytest.raises(ArgumentError, match=said):
        search(module, data, EdgePopup(), recipe=Recipe(epochs=1), **options)


@pytest.mark.parametrize(("scale", "factor"), [("none", None), ("kaiming", 1.0), ("kept", 0.25)])
def test_scales_of_weights(scale, factor):
    net = nn.Linear(64, 4, bias=False)
    data = Examples(TRAIN.inputs.flatten(1), TRAIN.targets)
    law = WeightLaw("normal", 3.0)
    result = search(net, data, EdgePopup(density=0.25), recipe=Recipe(epochs=0), scale=scale, law=law)
    wanted = 3.0 if factor is None else (2.0 / 64 / factor) ** 0.5
    assert result.ticket.gain("weight") * 3.0 == pytest.approx(wanted)

"""A search trains scores alone, ends with a ticket that regenerates, and stops by name where it cannot go on."""

from __future__ import annotations

import copy
import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import slth
from slth.errors import ArgumentError, ConstructionError
from slth.networks.layouts import apply_ticket
from slth.networks.masking import maskable
from slth.networks.supermasks import Threshold, TopK
from slth.rng import WeightLaw
from slth.searches import EdgePopup, Magnitude, SignedSupermask, sanity_checks, search
from slth.searches.method import Selected
from slth.searches.random_source import random_source
from slth.tickets.layout import masked_weights
from slth.training import SGD, Constant, Cosine, Examples, Recipe, evaluate

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
    fresh = apply_ticket(Net(), slth.load_ticket(tmp_path / "net.ticket")).eval()
    assert fresh.norm.num_batches_tracked.item() == 16
    assert torch.equal(fresh(TEST.inputs), result.module(TEST.inputs))
    graph = slth.describe(fresh, input_shape=(1, 8, 8))
    exact = graph.forward(TEST.inputs[:4].double().numpy())
    assert np.abs(exact - fresh(TEST.inputs[:4]).detach().numpy()).max() < 1e-4


@pytest.mark.slow
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
    last = apply_ticket(copy.deepcopy(result.module), result.last)
    assert evaluate(last, held).accuracy == accuracies[-1]


def test_any_loss_and_targets_that_are_numbers():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (256, 4))
    data = Examples(x, np.float32(x[:, :1] - x[:, 1:2]))
    net = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 1))
    recipe = Recipe(epochs=20, batch_size=32, schedule=Cosine(0.05), loss=nn.functional.mse_loss)
    result = search(net, data, EdgePopup(density=0.5), recipe=recipe)
    assert result.trace[-1].loss < 0.2 * result.trace[0].loss
    assert result.evaluate(data).accuracy is None
    with torch.no_grad():
        error = nn.functional.mse_loss(result.module(data.inputs), data.targets).item()
    assert result.evaluate(data).loss == pytest.approx(error, rel=1e-5)
    with pytest.raises(ArgumentError, match="no classes"):
        sanity_checks(result, data)


def test_what_diverges_or_collapses_is_named():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 4))
    wild = Recipe(epochs=3, batch_size=32, schedule=Constant(1e38))
    with pytest.raises((ConstructionError, ArgumentError), match=r"finite|diverged|nan"):
        search(flat, TRAIN, EdgePopup(density=0.5), recipe=wild)
    with pytest.raises(ConstructionError, match=r"no weight of 1\.weight is kept"):
        search(flat, TRAIN, EdgePopup(density=0.001, scope="global"), recipe=RECIPE)
    with pytest.raises(ConstructionError, match=r"collapsed; lower the threshold"):
        search(flat, TRAIN, SignedSupermask(100.0), recipe=RECIPE)


@pytest.mark.parametrize(
    ("module", "options", "said"),
    [
        (nn.ReLU(), {}, "no weight that a mask is for"),
        (nn.Linear(64, 4), {"keep": "best"}, "keep"),
        (nn.Linear(64, 4), {"scale": "huge"}, "scale"),
        (nn.Linear(64, 4), {"seed": -1}, "seed"),
        (nn.Linear(63, 4), {}, "inputs|data|examples"),
        (
            nn.Sequential(nn.Embedding(4, 0), nn.ReLU()),
            {},
            r"module='0.weight' has no weight, in shape \[4, 0\]",
        ),
    ],
)
def test_bad_arguments_are_named(module, options, said):
    data = Examples(TRAIN.inputs.flatten(1), TRAIN.targets)
    with pytest.raises(ArgumentError, match=said):
        search(module, data, EdgePopup(), recipe=Recipe(epochs=1), **options)
    for method in (EdgePopup(spared=["*"]), Selected(EdgePopup(spared=["*"]))):
        with pytest.raises(ArgumentError, match=r"method='EdgePopup' gives no weight a score \(weight\)"):
            search(nn.Linear(64, 4), data, method, recipe=Recipe(epochs=1))


@pytest.mark.parametrize(
    ("scale", "factor"), [("none", None), ("kaiming", 1.0), ("kept", 0.25), ("local", 0.25), ("removed", 0.75)]
)
def test_scales_of_weights(scale, factor):
    net = nn.Linear(64, 4, bias=False)
    data = Examples(TRAIN.inputs.flatten(1), TRAIN.targets)
    law = WeightLaw("normal", 3.0)
    result = search(net, data, EdgePopup(density=0.25), recipe=Recipe(epochs=0), scale=scale, law=law)
    wanted = 3.0 if factor is None else (2.0 / 64 / factor) ** 0.5
    assert result.ticket.gain("weight") * 3.0 == pytest.approx(wanted)


def test_a_local_scale_follows_the_density_that_a_global_ranking_gives_each_layer():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4))
    method = EdgePopup(0.2, scope="global")
    result = search(flat, TRAIN, method, recipe=RECIPE, validation=TEST, scale="local", seed=3)
    shares = {name: kept.density for name, kept in result.density.items()}
    assert shares["3.weight"] > 1.5 * shares["1.weight"]
    for name, inputs in (("1.weight", 64), ("3.weight", 32)):
        assert result.ticket.gain(name) == pytest.approx((2.0 / inputs / shares[name]) ** 0.5)
    last = result.trace[-1].validation
    assert result.evaluate(TEST).accuracy == pytest.approx(last.accuracy, abs=0.01)
    assert result.evaluate(TEST).loss == pytest.approx(last.loss, rel=1e-4)


@pytest.mark.parametrize("keep", ["last", "best"])
def test_a_search_that_was_killed_goes_on_to_the_same_ticket(tmp_path, keep):
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 4))
    recipe = Recipe(epochs=6, batch_size=32, schedule=Constant(0.5))
    common = {"recipe": recipe, "validation": squares(64, 2), "keep": keep, "seed": 3}
    whole = search(flat, TRAIN, EdgePopup(density=0.3), **common)

    class KilledError(Exception):
        pass

    def progress(name, done, total):
        if done in deaths:
            deaths.remove(done)
            raise KilledError

    deaths = [2, 5]
    while True:
        try:
            found = search(flat, TRAIN, EdgePopup(density=0.3), folder=tmp_path, progress=progress, **common)
            break
        except KilledError:
            continue
    assert not deaths
    assert found.ticket.to_bytes() == whole.ticket.to_bytes()
    assert found.epoch == whole.epoch
    assert [record.loss for record in found.trace] == [record.loss for record in whole.trace]
    with pytest.raises(ArgumentError, match="problem"):
        search(flat, TRAIN, EdgePopup(density=0.4), folder=tmp_path, **common)
    for other in ({"law": WeightLaw("normal")}, {"scale": "kept"}):
        with pytest.raises(ArgumentError, match=f"another {next(iter(other))}"):
            search(flat, TRAIN, EdgePopup(density=0.3), folder=tmp_path, **common, **other)


@pytest.mark.parametrize("method", [EdgePopup(0.5, signed=True), Threshold(0.02, signed=True)])
def test_a_signed_ticket_computes_what_was_searched(method, tmp_path):
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4))
    result = search(flat, TRAIN, method, recipe=RECIPE, validation=TEST, seed=3)
    last = result.trace[-1].validation
    assert result.evaluate(TEST).accuracy == last.accuracy
    assert result.evaluate(TEST).loss == pytest.approx(last.loss, rel=1e-5)
    assert result.ticket.mask.alphabet == (-1, 0, 1)
    masks = method.chosen(result.scores, maskable(flat))
    assert all(np.array_equal(mask.numpy(), result.ticket.mask[name]) for name, mask in masks.items())
    result.ticket.save(tmp_path / "signed.ticket")
    fresh = apply_ticket(copy.deepcopy(flat), slth.load_ticket(tmp_path / "signed.ticket")).eval()
    assert torch.equal(fresh(TEST.inputs), result.module(TEST.inputs))
    assert len(sanity_checks(result, TEST, repetitions=1).shuffled) == 1


@pytest.mark.parametrize("scale", ["kaiming", "kept"])
def test_a_density_that_is_missing_or_keeps_nothing_is_named(scale):
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 4))
    with pytest.raises(ArgumentError, match=r"none for 3\.weight"):
        search(flat, TRAIN, EdgePopup({"1.weight": 0.5}), recipe=Recipe(epochs=1), scale=scale)
    with pytest.raises((ArgumentError, ConstructionError), match=r"1\.weight"):
        search(flat, TRAIN, TopK(0.0), recipe=Recipe(epochs=1), scale=scale)


class Odd(nn.Module):
    """Weights of any dtype, and a buffer."""

    def __init__(self, dtype=torch.float32, buffer=0.0):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 4)).to(dtype)
        self.register_buffer("seen", torch.as_tensor(buffer))

    def forward(self, x):
        return self.layers(x.to(self.layers[1].weight.dtype)).float()


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    ("dtype", "buffer"),
    [(torch.bfloat16, 0.0), (torch.float16, True), (torch.float64, 3), (torch.float32, [[True, False]])],
)
def test_dtypes_and_buffers_travel(dtype, buffer, signed, tmp_path):
    result = search(Odd(dtype, buffer), TRAIN, EdgePopup(signed=signed), recipe=Recipe(epochs=1), seed=1)
    result.ticket.save(tmp_path / "net.ticket")
    fresh = apply_ticket(Odd(dtype, buffer), slth.load_ticket(tmp_path / "net.ticket")).eval()
    assert torch.equal(fresh.seen, torch.as_tensor(buffer))
    assert all(torch.equal(one, two) for one, two in zip(fresh.parameters(), result.module.parameters(), strict=True))


def test_what_no_ticket_holds_is_named_before_anything_is_searched():
    epochs = []
    with pytest.raises(ArgumentError, match="seen"):
        search(Odd(buffer=float("-inf")), TRAIN, EdgePopup(), progress=lambda *said: epochs.append(said))
    assert not epochs


@pytest.mark.parametrize(("kernel", "stride", "groups"), [(4, 2, 1), (3, 1, 2), (3, 2, 1), (1, 2, 1)])
def test_transposed_convolutions_keep_the_size_of_what_passes(kernel, stride, groups):
    layer = nn.ConvTranspose2d(32, 32, kernel, stride=stride, groups=groups)
    found = random_source(layer, law=WeightLaw("normal"), seed=1, scale="kaiming", density=1.0).module
    x = torch.relu(torch.randn(4, 32, 12, 12, generator=torch.Generator().manual_seed(0)))
    inner = found(x)[:, :, kernel:-kernel, kernel:-kernel]
    seen = inner[inner != 0.0]  # kernel 1 and stride 2: most see nothing
    assert seen.square().mean().item() == pytest.approx(2.0 * x.square().mean().item(), rel=0.15)


def test_an_embedding_sees_one_input():
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.last = nn.Embedding(64, 8), nn.Linear(8, 4)

        def forward(self, x):
            return self.last(self.words((x * 63).long()).mean(1))

    data = Examples(TRAIN.inputs.flatten(1), TRAIN.targets)
    result = search(Words(), data, EdgePopup(0.5), recipe=Recipe(epochs=1))
    assert result.ticket.gain("words.weight") == pytest.approx(2.0**0.5)
    assert result.ticket.gain("last.weight") == pytest.approx(0.5)


def test_masks_that_are_no_whole_numbers_are_refused():
    class Soft(TopK):
        def select(self, scores, axes):
            return {name: tensor.sigmoid() for name, tensor in scores.items()}

    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    with pytest.raises(ArgumentError, match="no whole numbers"):
        search(flat, TRAIN, Soft(0.5), recipe=Recipe(epochs=1))


def test_a_gradient_that_a_selection_has_of_its_own_reaches_the_scores():
    class Louder(TopK):
        def ranked(self, scores):
            return 3.0 * super().ranked(scores)

    flat, recipe = (
        nn.Sequential(nn.Flatten(), nn.Linear(64, 4)),
        Recipe(epochs=1, batch_size=512, schedule=Constant(1.0)),
    )
    recipe = replace(recipe, optimizer=SGD(momentum=0.0, weight_decay=0.0))
    still = search(flat, TRAIN, TopK(0.5), recipe=replace(recipe, epochs=0)).scores["1.weight"]
    plain, louder = (search(flat, TRAIN, one(0.5), recipe=recipe).scores["1.weight"] for one in (TopK, Louder))
    torch.testing.assert_close(louder - still, 3.0 * (plain - still))


@pytest.mark.parametrize("method", ["edge-popup", EdgePopup, Magnitude()])
def test_what_is_no_search_method_is_refused(method):
    with pytest.raises(ArgumentError, match="is no SearchMethod"):
        search(nn.Sequential(nn.Flatten(), nn.Linear(64, 4)), TRAIN, method, recipe=Recipe(epochs=1))


def test_a_module_with_masks_is_refused():
    masked = slth.mask(nn.Sequential(nn.Flatten(), nn.Linear(64, 4)), TopK(0.5))
    with pytest.raises(ArgumentError, match="bake"):
        search(masked, TRAIN, EdgePopup(0.5), recipe=Recipe(epochs=1))


def test_what_is_spared_or_has_a_density_is_a_weight():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    for method in (EdgePopup(0.5, spared=["2.weight"]), EdgePopup({"1.weight": 0.5, "head": 0.1})):
        with pytest.raises(ArgumentError, match=r"2\.weight|head"):
            search(flat, TRAIN, method, recipe=Recipe(epochs=1))
    with pytest.raises(ArgumentError, match="scale"):
        search(flat, TRAIN, Threshold(0.0), recipe=Recipe(epochs=1), scale="kept")


def test_a_last_batch_of_one_is_named_where_norms_cannot_take_it():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8), nn.Linear(8, 4))
    with pytest.raises(ArgumentError, match="drop_last"):
        search(flat, squares(65, 0), EdgePopup(0.5), recipe=Recipe(epochs=1, batch_size=64))


class Plain(slth.networks.Selection):
    def __init__(self, limit):
        self.limit = limit

    def select(self, scores, axes):
        return {name: tensor > self.limit for name, tensor in scores.items()}


def test_a_method_that_is_no_dataclass_does_not_take_up_the_search_of_another(tmp_path):
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    search(flat, TRAIN, Plain(0.0), recipe=Recipe(epochs=1), folder=tmp_path)
    with pytest.raises(ArgumentError, match="limit"):
        search(flat, TRAIN, Plain(0.01), recipe=Recipe(epochs=1), folder=tmp_path)

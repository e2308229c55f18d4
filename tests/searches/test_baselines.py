"""Masks at initialisation keep exactly what is asked for, are portable tickets, and name the layer they cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import slth
from slth.errors import ArgumentError, ConstructionError
from slth.networks import (
    Blocks,
    InputChannels,
    NOfM,
    OutputChannels,
    Threshold,
    apply_ticket,
    kept_count,
    layer_densities,
    maskable,
    totals,
)  # fmt: skip
from slth.rng import WeightLaw
from slth.searches import (
    SNIP,
    Criterion,
    EdgePopup,
    Evolution,
    GraSP,
    Magnitude,
    Random,
    SynFlow,
    prune,
    sanity_checks,
    search,
)  # fmt: skip
from slth.training import Constant, Examples, Recipe
from tests.searches.test_search import TEST, TRAIN, Net

METHODS = [Random(), Magnitude(), SNIP(), GraSP(), SynFlow(), SNIP(rounds=5), Evolution(generations=2, examples=64)]
SIZES = {"1.weight": 64 * 24, "3.weight": 24 * 4}


def flat():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 4))


@pytest.mark.parametrize("method", METHODS)
def test_exactly_the_share_is_kept_and_travels(method, tmp_path):
    found = prune(flat(), TRAIN, method, density=0.21, seed=7)
    assert found.ticket.mask.kept == kept_count(0.21, sum(SIZES.values()))
    assert found.ticket.family == "strong"
    assert found.ticket.to_bytes() == prune(flat(), TRAIN, method, density=0.21, seed=7).ticket.to_bytes()
    assert not np.array_equal(
        found.ticket.mask["1.weight"], prune(flat(), TRAIN, method, density=0.21, seed=8).ticket.mask["1.weight"]
    )
    found.ticket.save(tmp_path / "net.ticket")
    fresh = apply_ticket(flat(), slth.load_ticket(tmp_path / "net.ticket")).eval()
    assert torch.equal(fresh(TEST.inputs), found.module(TEST.inputs))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("allocation", ["uniform", "erk", {"1.weight": 0.1, "3.weight": 0.5}])
def test_layers_keep_their_own_shares(method, allocation):
    shares = allocation if isinstance(allocation, dict) else layer_densities(flat(), 0.3, allocation)
    options = {"density": allocation} if isinstance(allocation, dict) else {"density": 0.3, "allocation": allocation}
    found = prune(flat(), TRAIN, method, **options)
    assert {name: kept.kept for name, kept in found.density.items()} == {
        name: kept_count(shares[name], size) for name, size in SIZES.items()
    }


@pytest.mark.parametrize("method", [Random(), Magnitude(), SNIP(), GraSP()])
@pytest.mark.parametrize("structure", [OutputChannels(), InputChannels(), Blocks(4)])
def test_the_groups_of_largest_sums_are_kept(method, structure):
    found = prune(flat(), TRAIN, method, density=0.5, structure=structure, allocation="uniform", seed=2)
    axes = maskable(flat())
    for name, mask in found.ticket.mask.arrays.items():
        groups = totals(structure, torch.tensor(mask).double(), axes[name]) > 0
        assert torch.equal(structure.expand(groups, axes[name]), torch.tensor(mask))
        assert int(groups.sum()) == kept_count(0.5, groups.numel())
        assert found.scores[name][groups].min() >= found.scores[name][~groups].max()
    if isinstance(method, Magnitude):
        whole = prune(flat(), TRAIN, method, density=1.0, seed=2).module
        wanted = totals(structure, whole.get_parameter("1.weight").detach().abs(), axes["1.weight"])
        assert torch.equal(found.scores["1.weight"], wanted)


def test_two_of_four_are_kept_of_each_row():
    found = prune(flat(), TRAIN, SNIP(), density=0.5, structure=NOfM(2, 4))
    for mask in found.ticket.mask.arrays.values():
        assert (mask.reshape(mask.shape[0], -1, 4).sum(2) == 2).all()


class Constants(Criterion):
    """Scores that are all alike."""

    def score(self, module, examples, loss, seed):
        return {name: torch.ones_like(module.get_parameter(name)) for name in maskable(module)}


@pytest.mark.parametrize("rounds", [1, 3])
def test_of_equal_scores_the_first_are_kept(rounds):
    found = prune(flat(), TRAIN, Constants(rounds), density={"1.weight": 0.25, "3.weight": 0.5})
    for name, share in {"1.weight": 0.25, "3.weight": 0.5}.items():
        mask = found.ticket.mask[name].reshape(-1)
        kept = int(share * mask.size)
        assert mask[:kept].all()
        assert not mask[kept:].any()
    again = found.selection.chosen(found.scores, maskable(flat()))
    assert all(np.array_equal(mask.numpy(), found.ticket.mask[name]) for name, mask in again.items())
    if rounds > 1:
        assert all((one.reshape(-1).diff() < 0).all() for one in found.scores.values())


class Turning(Criterion):
    """Prefers the last weights of a whole network, and the first ones of one that has lost some."""

    def score(self, module, examples, loss, seed):
        weights = {name: module.get_parameter(name) for name in maskable(module)}
        sign = 1.0 if all(bool(weight.all()) for weight in weights.values()) else -1.0
        return {name: sign * torch.arange(one.numel() * 1.0).reshape(one.shape) for name, one in weights.items()}


def test_what_is_removed_does_not_return():
    found = prune(flat(), TRAIN, Turning(rounds=2), density={"1.weight": 0.25, "3.weight": 0.25})
    for mask in found.ticket.mask.arrays.values():
        half, quarter = mask.size // 2, mask.size // 4
        assert np.flatnonzero(mask).tolist() == list(range(half, half + quarter))


class Recorded(SNIP):
    """SNIP that notes what it is asked to score."""

    def score(self, module, examples, loss, seed):
        SEEN.append({name: int(module.get_parameter(name).count_nonzero()) for name in maskable(module)})
        return super().score(module, examples, loss, seed)


SEEN: list[dict[str, int]] = []


@pytest.mark.parametrize("allocation", [None, "erk"])
def test_rounds_remove_by_powers_and_never_give_back(allocation):
    SEEN.clear()
    found = prune(flat(), TRAIN, Recorded(rounds=4), density=0.1, allocation=allocation, seed=1)
    shares = layer_densities(flat(), 0.1, allocation) if allocation else dict.fromkeys(SIZES, 0.1)
    assert SEEN[0] == SIZES
    for number, seen in enumerate(SEEN):
        wanted = {name: size * shares[name] ** (number / 4) for name, size in SIZES.items()}
        assert sum(seen.values()) == pytest.approx(sum(wanted.values()), abs=1)
        assert allocation is None or seen == pytest.approx(wanted, abs=0.5)
    again = found.selection.chosen(found.scores, maskable(flat()))
    assert all(np.array_equal(mask.numpy(), found.ticket.mask[name]) for name, mask in again.items())


@pytest.mark.parametrize("density", [0.5, 0.05])
def test_synflow_keeps_whole_paths_alone(density):
    """What flows in flows out: no unit keeps weights on one side alone, down to few weights."""
    net = nn.Sequential(nn.Flatten(), *[nn.Linear(64, 64, bias=False), nn.ReLU()] * 1, nn.Linear(64, 4, bias=False))
    mask = prune(net, TRAIN, SynFlow(), density=density, seed=3).ticket.mask
    assert np.array_equal(mask["1.weight"].any(axis=1), mask["3.weight"].any(axis=0))


def test_norms_biases_and_statistics_stay_as_the_module_has_them():
    net = Net()
    net.norm.running_mean.fill_(0.25)
    for method in (SNIP(), GraSP(), SynFlow(rounds=3), Evolution(generations=1)):
        found = prune(net, TRAIN, method, density=0.3, allocation="erk", family="trainable")
        assert found.ticket.family == "trainable"
        assert torch.equal(found.module.norm.running_mean, net.norm.running_mean)
        assert found.module.norm.num_batches_tracked.item() == 0
        assert not found.module.first.bias.any()


def test_the_scale_may_follow_the_density_of_each_layer():
    one, two = (prune(flat(), TRAIN, SNIP(), density=0.1, scale=scale, seed=2) for scale in ("kaiming", "local"))
    for name, kept in one.density.items():
        assert np.array_equal(one.ticket.mask[name], two.ticket.mask[name])
        assert two.ticket.gain(name) == pytest.approx(one.ticket.gain(name) / kept.density**0.5)


def test_evolution_lowers_the_loss_without_gradients():
    start = prune(flat(), TRAIN, Random(), density=0.5, allocation="uniform", seed=4).evaluate(TRAIN)
    loss = lambda outputs, targets: nn.functional.cross_entropy(outputs.detach(), targets)  # noqa: E731
    method = Evolution(generations=60, examples=128)
    found = prune(flat(), TRAIN, method, density=0.5, allocation="uniform", seed=4, loss=loss)
    assert found.evaluate(TRAIN).loss < 0.6 * start.loss
    assert [record.epoch for record in found.trace] == list(range(1, 61))
    assert {kept.density for kept in found.density.values()} == {0.5}
    assert found.selection is None
    assert sanity_checks(found, TEST, repetitions=1).inverted is None


def test_inverted_scores_keep_the_smallest_of_each_layer():
    recipe = Recipe(epochs=4, batch_size=32, schedule=Constant(0.5))
    found = search(flat(), TRAIN, EdgePopup(0.3), recipe=recipe, seed=1)
    checks = sanity_checks(found, TEST, repetitions=3)
    inverted = apply_ticket(flat(), found.ticket)
    law = found.ticket.law
    whole = prune(flat(), TRAIN, Random(), density=1.0, law=law, seed=1).module
    for name, scores in found.scores.items():
        order = np.argsort(scores.abs().reshape(-1).numpy(), kind="stable")[: found.density[name].kept]
        weight = torch.zeros(scores.numel())
        weight[order] = whole.get_parameter(name).detach().reshape(-1)[order]
        inverted.get_parameter(name).data.copy_(weight.reshape(scores.shape))
    right = (inverted(TEST.inputs).argmax(1) == TEST.targets).sum().item()
    assert checks.inverted == right / len(TEST)
    assert checks.inverted < checks.ticket
    assert checks.means == {
        "shuffled": pytest.approx(np.mean(checks.shuffled)), "redrawn": pytest.approx(np.mean(checks.redrawn)),
        "random": pytest.approx(np.mean(checks.random)), "inverted": checks.inverted,
    }  # fmt: skip
    assert checks.deviations == {
        name: pytest.approx(np.std(getattr(checks, name), ddof=1)) for name in ("shuffled", "redrawn", "random")
    }


@pytest.mark.parametrize("method", [EdgePopup(0.5, signed=True), Threshold(0.02, signed=True), Threshold(0.02)])
def test_masks_with_signs_or_a_threshold_are_inverted_too(method):
    found = search(flat(), TRAIN, method, recipe=Recipe(epochs=1), seed=1)
    assert sanity_checks(found, TEST, repetitions=1).inverted is not None


def test_what_is_spared_stays_whole_where_scores_are_inverted():
    found = search(flat(), TRAIN, EdgePopup(0.5, spared=["3.weight"]), recipe=Recipe(epochs=3), seed=1)
    assert set(found.scores) == {"1.weight"}
    assert sanity_checks(found, TEST, repetitions=1).inverted < found.evaluate(TEST).accuracy


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        (SNIP(), {"density": 0.0}, "density"),
        (SNIP(), {"density": float("nan")}, "density"),
        (SNIP(), {"density": 1.5}, "density"),
        (SNIP(), {"density": 0.5, "allocation": "ERK"}, "rule"),
        (SNIP(), {"density": {"1.weight": 0.5}}, r"3\.weight"),
        (SNIP(), {"density": {"1.weight": 0.5, "3.weight": 0.5}, "allocation": "erk"}, "allocation"),
        (SNIP(rounds=2), {"density": 0.5, "structure": NOfM(2, 4)}, "rounds"),
        (Evolution(), {"density": 0.5, "structure": NOfM(2, 4)}, "structure"),
        (Magnitude(), {"density": 0.5, "law": WeightLaw("signed-constant")}, "one size"),
        (EdgePopup(0.5), {"density": 0.5}, "Baseline"),
        (SNIP(), {"density": 0.5, "seed": -1}, "seed"),
    ],
)
def test_what_cannot_be_pruned_is_named(method, options, said):
    with pytest.raises(ArgumentError, match=said):
        prune(flat(), TRAIN, method, **options)


def test_a_layer_that_is_cut_and_examples_that_do_not_fit_are_named():
    with pytest.raises(ConstructionError, match=r"no weight of 1\.weight is kept"):
        prune(flat(), TRAIN, Magnitude(), density=0.001)
    with pytest.raises(ArgumentError, match="does not take examples"):
        prune(flat(), Examples(torch.zeros(4, 63), [0, 1, 2, 3]), SNIP(), density=0.5)
    nothing = lambda outputs, targets: outputs.sum() * float("nan")  # noqa: E731
    with pytest.raises(ConstructionError, match=r"1\.weight are not finite"):
        prune(flat(), TRAIN, SNIP(), density=0.5, loss=nothing)


def test_what_is_spared_is_kept_whole_and_not_counted():
    net = nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 3))
    data = Examples(torch.randn(20, 6, generator=torch.Generator().manual_seed(0)), [0, 1, 2, 0] * 5)
    for method in (Random(), SNIP(), Evolution(generations=2)):
        found = prune(net, data, method, density=0.5, structure=OutputChannels(), spared=["2.weight"])
        assert found.ticket.mask["2.weight"].all()
        assert int(found.ticket.mask["0.weight"].any(axis=1).sum()) == 5
    with pytest.raises(ArgumentError, match="names no weight"):
        prune(net, data, Random(), density=0.5, spared=["3.weight"])

"""Gem-Miner's steps, events and masks are those of the published algorithm written naively, with exact counts."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slth.errors import ArgumentError, ConstructionError
from slth.networks import Blocks, Kernels, NOfM, OutputChannels, Weights, total_density
from slth.networks.masking import maskable
from slth.rng import Stream, WeightLaw
from slth.searches import GemMiner, sanity_checks, search
from slth.searches.method import Searched
from slth.searches.random_source import random_source
from slth.training import SGD, Adam, Constant, Cosine, MethodState, Recipe, Step
from tests.searches.test_search import TEST, TRAIN, squares


def flat(width=24):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 4))


def on(module, **options):
    source = random_source(module, law=WeightLaw("normal"), seed=0, scale="none", density=1.0)
    return Searched(GemMiner(**options), source)


def bottom(scores, flags, left):
    """Which flags stay when ``left`` of them do: the largest scores, of equal ones those that come first."""
    numbers = {
        name: (one.detach().reshape(-1).tolist(), flags[name].reshape(-1).tolist()) for name, one in scores.items()
    }
    places = [(-score, name, i) for name, (p, q) in numbers.items() for i, score in enumerate(p) if q[i]]
    kept = {name: torch.zeros(flags[name].numel(), dtype=torch.bool) for name in flags}
    for _, name, i in sorted(places, key=lambda place: place[0])[:left]:  # a stable sort
        kept[name][i] = True
    return {name: kept[name].reshape(flags[name].shape) for name in flags}


def naive(module, data, recipe, method, seed):
    """The published loop with torch alone: project, round, straight through, add the squares, freeze at its epochs."""
    source = random_source(module, law=WeightLaw("signed-constant"), seed=seed, scale="kaiming", density=1.0)
    net, names = source.module, list(source.axes)
    weights = {name: net.get_parameter(name).detach() for name in names}
    scores = {name: one.clone().requires_grad_() for name, one in method.begin(source).trained.items()}
    flags = {name: torch.ones(one.shape, dtype=torch.bool) for name, one in weights.items()}
    optimizer = torch.optim.SGD(scores.values(), lr=0.1, momentum=0.9)
    total, events = sum(one.numel() for one in weights.values()), (recipe.epochs - 1) // method.period
    for epoch in range(recipe.epochs):
        order = np.argsort(Stream(seed, f"training/order/{epoch}").raw(0, len(data)), kind="stable")
        for start in range(0, len(data), recipe.batch_size):
            batch = torch.from_numpy(order[start : start + recipe.batch_size])
            masks = {name: ((p > 0.5).float() + p - p.detach()) * flags[name] for name, p in scores.items()}
            made = {name: weights[name] * mask for name, mask in masks.items()}
            outputs = torch.func.functional_call(net, made, (data.inputs[batch],))
            loss = nn.functional.cross_entropy(outputs, data.targets[batch])
            loss = loss + method.decay * sum((p**2).sum() for p in scores.values())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for p in scores.values():
                    p.clamp_(0.0, 1.0)
        if epoch and epoch % method.period == 0:
            share = method.density ** (epoch // method.period / events)
            flags = bottom(scores, flags, math.floor(Fraction(repr(share)) * total + Fraction(1, 2)))
    return {name: (p.detach() > 0.5) & flags[name] for name, p in scores.items()}, flags


@pytest.mark.parametrize(("epochs", "period"), [(7, 2), (6, 1), (4, 3)])
def test_a_search_is_the_published_one_written_naively(epochs, period):
    method = GemMiner(density=0.1, period=period, decay=1e-3)
    recipe = Recipe(epochs=epochs, batch_size=64, schedule=Constant(0.1), optimizer=SGD(weight_decay=0.0))
    found = search(flat(), TRAIN, method, recipe=recipe, seed=3)
    masks, flags = naive(flat(), TRAIN, recipe, method, 3)
    for name, mask in masks.items():
        assert np.array_equal(found.ticket.mask[name], mask.numpy())
        assert torch.equal(found.fixed[name], flags[name])
    total = total_density(flags)
    assert total.kept == math.floor(0.1 * total.total + 0.5)
    assert found.trace[-1].density <= total.density
    assert total_density(found.fixed) == total


@given(st.integers(0, 2**32), st.sampled_from([Weights(), OutputChannels(), Kernels(), Blocks(3)]), st.booleans())
def test_gradients_pass_the_rounding_and_stop_at_flags(seed, structure, tied):
    generator = torch.Generator().manual_seed(seed)
    module = nn.Conv2d(3, 4, 2, bias=False)
    axes = maskable(module)["weight"]
    shape, size = structure.shape(axes), tuple(axes.shape)
    scores = torch.rand(shape, generator=generator)
    scores = torch.where(scores < 0.3, 0.5, scores) if tied else scores  # 1/2 itself is not above 1/2
    flags = torch.rand(shape, generator=generator) < 0.6
    weight, wanted = torch.randn(2, *size, generator=generator)
    method, step = on(module, structure=structure), Step(0, 1, 9)

    ours = scores.clone().requires_grad_()
    state = MethodState({"weight": ours}, {"weight": flags})
    made = method.weights({"weight": weight}, state, step)["weight"]
    (made * wanted).sum().backward()

    mask = structure.expand((scores > 0.5) & flags, axes)
    assert torch.equal(made, weight * mask)
    assert torch.equal(method.evaluated({"weight": weight}, state, step)["weight"], weight * mask)
    each = structure.expand(torch.arange(flags.numel()).reshape(shape), axes).reshape(-1)
    expected = torch.zeros(flags.numel()).index_add_(0, each, (wanted * weight).reshape(-1)).reshape(shape) * flags
    assert torch.allclose(ours.grad, expected, atol=1e-6)


@given(st.integers(1, 40), st.integers(1, 9), st.floats(0.001, 1.0))
def test_events_fall_on_the_published_epochs_and_end_at_the_density(epochs, period, density):
    method = GemMiner(density=density, period=period)
    if epochs <= period:
        with pytest.raises(ArgumentError, match="period"):
            method.share(Step(0, 3, epochs))
        return
    events = [j for j in range(epochs) if j and j % period == 0]
    rate = 1.0 - math.exp(math.log(density) / len(events))
    share = 1.0
    for epoch in range(epochs + 1):  # epochs that are over: event j stands at the end of the epoch of number j from 0
        share *= 1.0 - rate if epoch - 1 in events else 1.0
        assert method.share(Step(3 * epoch, 3, epochs)) == pytest.approx(share, rel=1e-9)
        assert method.settled(Step(3 * epoch, 3, epochs)) == (epoch > events[-1])
    assert method.share(Step(3 * epochs, 3, epochs)) == density


@given(st.integers(0, 2**32), st.floats(0.05, 1.0))
def test_an_event_keeps_an_exact_number_and_the_first_of_equal_scores(seed, density):
    module = nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 3))
    generator = torch.Generator().manual_seed(seed)
    axes = maskable(module)
    scores = {name: torch.rand(one.shape, generator=generator).mul(3).round() / 3 - 0.2 for name, one in axes.items()}
    flags = {name: torch.rand(one.shape, generator=generator) < 0.9 for name, one in axes.items()}
    method = on(module, density=density, period=1)
    left = math.floor(Fraction(repr(density)) * 32 + Fraction(1, 2))
    state = MethodState(scores, flags)
    after = method.after(state, Step(2, 1, 2), {})
    projected = {name: one.clamp(0.0, 1.0) for name, one in scores.items()}
    assert all(torch.equal(after.trained[name], projected[name]) for name in scores)
    if left <= total_density(flags).kept:
        assert total_density(after.fixed).kept == left
        wanted = bottom(projected, flags, left)
        assert all(torch.equal(after.fixed[name], wanted[name]) for name in flags)
    assert method.after(state, Step(1, 1, 2), {}).fixed is flags  # the first epoch ends without an event


@pytest.mark.parametrize("norm", ["L2", "L1"])
def test_the_regulariser_is_the_sum_of_powers_of_all_scores(norm):
    method = on(flat(), decay=0.01, norm=norm)
    state = method.init({}, 0)
    numbers = torch.cat([one.reshape(-1).double() for one in state.trained.values()])
    assert 0.0 <= numbers.min() <= numbers.max() <= 1.0
    power = 2 if norm == "L2" else 1
    assert float(method.penalty(state, Step(0, 1, 9))) == pytest.approx(0.01 * float((numbers**power).sum()))
    assert on(flat(), decay=0.0).penalty(state, Step(0, 1, 9)) is None


def test_first_scores_are_uniform_or_one_number():
    numbers = on(nn.Linear(200, 200)).init({}, 0).trained["weight"]
    # Mean and variance of 40,000 uniform numbers: six deviations of the estimates, fails once in 10^8.
    assert abs(float(numbers.mean()) - 0.5) < 6 * math.sqrt(1 / 12 / 40_000)
    assert abs(float(numbers.var()) - 1 / 12) < 6 * math.sqrt(1 / 180 / 40_000)
    assert torch.equal(on(nn.Linear(2, 3), first=0.75).init({}, 0).trained["weight"], torch.full((3, 2), 0.75))


RECIPE = Recipe(epochs=7, batch_size=32, schedule=Cosine(0.05), optimizer=Adam())


def test_the_best_epoch_is_one_that_has_the_density():
    found = search(
        flat(), TRAIN, GemMiner(0.1, period=2, decay=1e-3), recipe=RECIPE, validation=squares(64, 2), keep="best"
    )
    assert found.epoch == 7
    assert found.trace[-1].density == pytest.approx(total_density(found.fixed).density, abs=0.02)


def test_a_ticket_at_low_density_is_found_and_fails_its_sanity_checks():
    recipe = Recipe(epochs=10, batch_size=32, schedule=Cosine(0.05), optimizer=Adam())
    found = search(flat(64), TRAIN, GemMiner(0.1, period=1, decay=1e-3), recipe=recipe, seed=1)
    checks = sanity_checks(found, TEST, repetitions=4)
    assert checks.ticket > 0.9
    assert np.mean(checks.shuffled) < checks.ticket - 0.3
    assert np.mean(checks.redrawn) < checks.ticket - 0.3


def test_unflagged_groups_are_in_the_ticket_if_asked():
    rounded = search(flat(), TRAIN, GemMiner(0.3, period=3, decay=1e-3), recipe=RECIPE, seed=2)
    method = GemMiner(0.3, period=3, decay=1e-3, unflag=True)
    whole = search(flat(), TRAIN, method, recipe=RECIPE, validation=TEST, seed=2)
    assert rounded.ticket.mask.kept < whole.ticket.mask.kept == total_density(whole.fixed).kept
    for name, mask in method.unfrozen(rounded).items():
        assert np.array_equal(whole.ticket.mask[name], mask.numpy())
    assert whole.evaluate(TEST).accuracy == whole.trace[-1].validation.accuracy


def test_channels_are_kept_whole_and_counted_alike():
    net = nn.Sequential(nn.Conv2d(1, 12, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12 * 36, 4))
    method = GemMiner(0.6, period=1, structure=OutputChannels(), first=0.9)
    found = search(net, TRAIN, method, recipe=Recipe(3, 64, Constant(0.01), Adam()))
    assert total_density(found.fixed).kept == 10  # of 12 + 4 channels
    for name in ("0.weight", "3.weight"):
        rows = found.ticket.mask[name].reshape(len(found.ticket.mask[name]), -1)
        assert np.array_equal(rows.any(axis=1), rows.all(axis=1))


def test_a_layer_that_collapses_is_named_with_what_to_do():
    with pytest.raises(ConstructionError, match=r"1\.weight is kept.*lower the decay"):
        search(flat(), TRAIN, GemMiner(0.1, period=1, decay=1.0), recipe=RECIPE)


def test_a_search_that_was_killed_goes_on_to_the_same_ticket(tmp_path):
    common = {"recipe": RECIPE, "validation": squares(64, 2), "keep": "best", "seed": 3}
    method = GemMiner(0.2, period=2, decay=1e-4)
    whole = search(flat(), TRAIN, method, **common)

    def progress(name, done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(flat(), TRAIN, method, folder=tmp_path, progress=progress, **common)
    found = search(flat(), TRAIN, method, folder=tmp_path, **common)
    assert found.ticket.to_bytes() == whole.ticket.to_bytes()
    assert all(torch.equal(found.fixed[name], whole.fixed[name]) for name in whole.fixed)
    with pytest.raises(ArgumentError, match="decay"):
        search(flat(), TRAIN, GemMiner(0.2, period=2, decay=2e-4), folder=tmp_path, **common)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"density": 0.0}, "density"),
        ({"density": 1.1}, "density"),
        ({"period": 0}, "period"),
        ({"decay": -1.0}, "decay"),
        ({"decay": math.inf}, "decay"),
        ({"norm": "L3"}, "norm"),
        ({"first": 0.5}, "first"),
        ({"first": "half"}, "first"),
        ({"rounding": "even"}, "rounding"),
        ({"structure": NOfM(2, 4)}, "structure"),
        ({"structure": 3}, "structure"),
    ],
)
def test_bad_arguments_are_named(options, said):
    with pytest.raises(ArgumentError, match=said):
        GemMiner(**options)


def test_a_search_without_an_event_is_refused_before_it_begins():
    epochs = []
    method = GemMiner(0.1, period=5)
    with pytest.raises(ArgumentError, match="never be reached"):
        search(flat(), TRAIN, method, recipe=Recipe(epochs=5), progress=lambda *said: epochs.append(said))
    assert not epochs

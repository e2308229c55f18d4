"""Random gates: their laws, their gradients and what holds their density are those of the formulas, written naively."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slth.errors import ArgumentError
from slth.networks import NOfM, OutputChannels, Weights, densities
from slth.networks.masking import maskable
from slth.rng import Stream, WeightLaw
from slth.searches import Bernoulli, Concrete, EdgePopup, GemMiner, search
from slth.searches.method import Searched
from slth.searches.random_source import random_source
from slth.training import SGD, Adam, Constant, Examples, MethodState, Recipe, Step, evaluate
from tests.searches.test_gem_miner import flat
from tests.searches.test_search import TEST, TRAIN, squares

STEP = Step(0, 1, 1)
RECIPE = Recipe(epochs=8, batch_size=32, schedule=Constant(0.1), optimizer=Adam())


def on(method, module=None, scale="none"):
    module = flat() if module is None else module
    return Searched(method, random_source(module, law=WeightLaw("normal"), seed=0, scale=scale, density=1.0))


def noise(like):
    """The noise of the gate that is drawn next."""
    state = torch.random.get_rng_state()
    found = torch.rand_like(like)
    torch.random.set_rng_state(state)
    return found


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        yield


@pytest.mark.parametrize("stretch", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("temperature", [2 / 3, 0.2])
def test_concrete_gates_are_the_formula_and_so_is_their_gradient(stretch, temperature):
    method = Concrete(stretch=stretch, temperature=temperature)
    odds = torch.linspace(-4.0, 4.0, 200, dtype=torch.float64, requires_grad=True)
    u = noise(odds).clamp(1e-6, 1 - 1e-6).numpy()
    gates = method.gate(odds)
    s = 1.0 / (1.0 + np.exp(-(np.log(u) - np.log(1 - u) + odds.detach().numpy()) / temperature))
    z = s * (1 + 2 * stretch) - stretch
    assert np.allclose(gates.detach().numpy(), np.clip(z, 0.0, 1.0), atol=1e-12)
    gates.sum().backward()
    slope = s * (1 - s) / temperature * (1 + 2 * stretch) * ((z >= 0) & (z <= 1))
    assert np.allclose(odds.grad.numpy(), slope, atol=1e-12)


@pytest.mark.parametrize("stretch", [0.0, 0.1])
@pytest.mark.parametrize("odds", [-3.0, 0.0, 1.0])
def test_gates_are_open_as_often_as_they_say(stretch, odds):
    count, at = 40_000, torch.tensor(odds)
    for method, limit in ((Concrete(stretch=stretch), 0.0 if stretch else 0.5), (Bernoulli(), 0.0)):
        said = float(method.opened(at))
        seen = float((method.gate(torch.full((count,), odds)) > limit).float().mean())
        # Six deviations of a share of 40,000: fails once in 10^8.
        assert abs(seen - said) < 6 * math.sqrt(said * (1 - said) / count)


def test_bernoulli_gates_are_whole_and_pass_gradients_to_their_probability():
    odds = torch.linspace(-3.0, 3.0, 50, dtype=torch.float64, requires_grad=True)
    drawn = noise(odds) < odds.sigmoid()
    gates = Bernoulli().gate(odds)
    assert torch.equal(gates, drawn.double())
    wanted = torch.randn(50, dtype=torch.float64)
    (gates * wanted).sum().backward()
    likely = odds.detach().sigmoid()
    assert torch.allclose(odds.grad, wanted * likely * (1 - likely))


def test_rescaled_gates_have_a_mean_of_one():
    odds = torch.linspace(-3.0, 1.0, 64, requires_grad=True)
    gates = Bernoulli(rescale=True).gate(odds)
    assert float(gates.mean().detach()) == pytest.approx(1.0)
    factor = float(gates.max().detach())
    gates.sum().backward()
    likely = odds.detach().sigmoid()
    assert torch.allclose(odds.grad, factor * likely * (1 - likely))


@pytest.mark.parametrize("method", [Concrete, Bernoulli])
@pytest.mark.parametrize("structure", [Weights(), OutputChannels()])
@pytest.mark.parametrize("density", [0.05, 0.9])
def test_a_density_that_is_exceeded_is_pushed_by_a_gradient_as_long_as_that_of_the_loss(method, structure, density):
    options = {"density": density, "structure": structure, "first": 0.0}
    held, free = on(method(**options, balance=0.5)), on(method(**options, balance=0.0))
    source = held.source
    weights = {name: source.module.get_parameter(name).detach() for name in source.axes}
    odds = {name: 0.3 * torch.randn(one.shape) for name, one in held.init({}, 0).trained.items()}
    wanted = {name: torch.randn(weight.shape) for name, weight in weights.items()}
    found = []
    for one in (held, free):
        torch.manual_seed(5)
        leaves = {name: tensor.clone().requires_grad_() for name, tensor in odds.items()}
        made = one.weights(weights, MethodState(leaves), STEP)
        sum((made[name] * wanted[name]).sum() for name in made).backward()
        found.append({name: leaf.grad for name, leaf in leaves.items()})
    leaves = [tensor.clone().requires_grad_() for tensor in odds.values()]
    opened = torch.cat([held.method.opened(leaf).reshape(-1) for leaf in leaves]).mean()
    opened.backward()
    long = torch.cat([one.reshape(-1) for one in found[1].values()]).norm()
    unit = torch.cat([leaf.grad.reshape(-1) for leaf in leaves]).norm()
    for (name, plain), leaf in zip(found[1].items(), leaves, strict=True):
        expected = plain + (0.5 * long / unit * leaf.grad if float(opened.detach()) > density else 0.0)
        assert torch.allclose(found[0][name], expected, rtol=1e-4, atol=1e-7)


@given(st.integers(0, 2**32), st.floats(0.05, 0.95), st.booleans())
def test_a_ticket_keeps_the_likeliest_groups_and_exactly_so_many(seed, density, whole):
    module = nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 3))
    structure = OutputChannels() if whole else Weights()
    axes = maskable(module)
    generator = torch.Generator().manual_seed(seed)
    odds = {name: torch.randn(structure.shape(one), generator=generator).round() for name, one in axes.items()}
    masks = on(Concrete(density, structure), module).mask(MethodState(odds), STEP)
    flat_odds = torch.cat([one.reshape(-1) for one in odds.values()])
    kept = math.floor(round(density * len(flat_odds), 9) + 0.5)
    chosen = torch.zeros(len(flat_odds), dtype=torch.bool)
    chosen[torch.argsort(-flat_odds, stable=True)[:kept]] = True
    for mask, part in zip(masks.values(), chosen.split([one.numel() for one in odds.values()]), strict=True):
        wanted = part.reshape(-1, 1).expand(mask.shape) if whole else part.reshape(mask.shape)
        assert torch.equal(mask, wanted)
    free = on(Concrete(structure=structure), module).mask(MethodState(odds), STEP)
    assert all(torch.equal(structure.expand(odds[name] > 0, axes[name]), mask) for name, mask in free.items())


@pytest.mark.parametrize("method", [Concrete(decay=0.01, stretch=0.1), Concrete(decay=0.01), Bernoulli(decay=0.01)])
def test_the_term_is_the_expected_number_of_open_gates(method):
    odds = {"1.weight": torch.randn(24, 64), "3.weight": torch.randn(4, 24)}
    numbers = torch.cat([one.reshape(-1) for one in odds.values()]).double().numpy()
    shift = (2 / 3) * math.log(0.1 / 1.1) if getattr(method, "stretch", 0.0) else 0.0
    expected = 0.01 * float(np.sum(1.0 / (1.0 + np.exp(shift - numbers))))
    assert float(on(method).penalty(MethodState(odds), STEP)) == pytest.approx(expected, rel=1e-5)
    assert on(Concrete()).penalty(MethodState(odds), STEP) is None


def test_first_odds_are_even_unless_they_are_given():
    for method, odds in ((Concrete(0.2), 0.0), (Bernoulli(), 0.0), (Bernoulli(0.2, first=1.5), 1.5)):
        first = on(method).init({}, 0).trained
        assert first["1.weight"].shape == (24, 64)
        assert all(torch.equal(one, torch.full(one.shape, odds)) for one in first.values())


METHODS = [
    Concrete(0.2, balance=1.0),
    Concrete(0.2, stretch=0.1),
    Concrete(decay=1e-4, first=1.0, stretch=0.1),
    Bernoulli(0.2),
    Bernoulli(0.2, rescale=True),
    Bernoulli(first=1.0),
]


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_a_ticket_computes_what_was_evaluated_whatever_is_drawn_outside(method):
    found = search(flat(), TRAIN, method, recipe=RECIPE, validation=TEST, seed=2)
    torch.rand(3)
    again = search(flat(), TRAIN, method, recipe=RECIPE, validation=TEST, seed=2)
    assert found.ticket.to_bytes() == again.ticket.to_bytes()
    assert found.evaluate(TEST).accuracy == found.trace[-1].validation.accuracy > 0.9
    assert found.evaluate(TEST).loss == pytest.approx(found.trace[-1].validation.loss, rel=1e-4)
    if method.density:
        assert found.ticket.mask.kept == math.floor(0.2 * 1632 + 0.5)


@pytest.mark.parametrize("kind", [Concrete, Bernoulli])
def test_the_expected_density_goes_down_to_the_one_asked_for(kind):
    means = {}
    for balance in (0.0, 1.0):
        method = kind(0.2, first=1.0, balance=balance)
        found = search(flat(), TRAIN, method, recipe=RECIPE, seed=2)
        means[balance] = float(torch.cat([method.opened(one).reshape(-1) for one in found.scores.values()]).mean())
    assert means[0.0] > 0.4
    assert means[1.0] == pytest.approx(0.2, abs=0.05)


def test_a_search_that_was_killed_goes_on_with_the_same_draws(tmp_path):
    common = {"recipe": RECIPE, "validation": squares(64, 2), "keep": "best", "seed": 3}
    whole = search(flat(), TRAIN, Concrete(0.2), **common)

    def progress(name, done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(flat(), TRAIN, Concrete(0.2), folder=tmp_path, progress=progress, **common)
    found = search(flat(), TRAIN, Concrete(0.2), folder=tmp_path, **common)
    assert found.ticket.to_bytes() == whole.ticket.to_bytes()
    with pytest.raises(ArgumentError, match="stretch"):
        search(flat(), TRAIN, Concrete(0.2, stretch=0.2), folder=tmp_path, **common)


@pytest.mark.parametrize(("method", "rate"), [(Concrete(0.2), 0.3), (GemMiner(0.2), 0.03), (EdgePopup(0.2), 0.1)])
def test_a_search_takes_the_usual_recipe_of_its_method(method, rate):
    small = Examples(TRAIN.inputs[:128], TRAIN.targets[:128])
    found = search(flat(), small, method)
    assert len(found.trace) == 20
    assert found.trace[0].rate == pytest.approx(rate)  # of the first step, the only one of its epoch


def test_a_scale_by_the_density_needs_one():
    with pytest.raises(ArgumentError, match="asks for none"):
        search(flat(), TRAIN, Concrete(), scale="kept")


def test_neurons_have_one_gate_each():
    method = Concrete(0.5, OutputChannels(), first=2.0)
    found = search(flat(), TRAIN, method, recipe=RECIPE, seed=1)
    kept = [np.array(found.ticket.mask[name]) for name in ("1.weight", "3.weight")]
    assert sum(int(one.any(axis=1).sum()) for one in kept) == 14
    assert all(np.array_equal(one.any(axis=1), one.all(axis=1)) for one in kept)


@pytest.mark.parametrize("rescale", [False, True])
def test_drawn_masks_have_the_probabilities_that_were_found(rescale):
    method = Bernoulli(first=1.0, rescale=rescale)
    found = search(flat(), TRAIN, method, recipe=RECIPE, seed=2)
    drawn = method.drawn(found, TEST, masks=3, seed=4)
    assert len(drawn) == 3
    assert np.mean([one.accuracy for one in drawn]) > 0.9
    source = random_source(flat(), law=WeightLaw("signed-constant"), seed=2, scale="kaiming", density=1.0)
    for name, odds in found.scores.items():
        u = torch.from_numpy(Stream(4, f"drawn/1/{name}").uniform(0, odds.numel())).reshape(odds.shape)
        kept = u < 1.0 / (1.0 + torch.exp(-odds.double()))
        with torch.no_grad():
            source.module.get_parameter(name).mul_(kept / kept.double().mean() if rescale else kept)
    assert drawn[1].loss == pytest.approx(evaluate(source.module, TEST).loss, rel=1e-5)
    shares = densities(method.masks(MethodState(found.scores), source, STEP))
    for name, kept in shares.items():
        assert found.ticket.gain(name) == pytest.approx(source.gains[name] / (kept.density if rescale else 1.0))


def test_a_drawn_mask_may_keep_nothing_of_a_layer():
    method = Bernoulli(0.99, balance=0.0, first=-9.0, rescale=True)
    found = search(flat(), TRAIN, method, recipe=Recipe(epochs=0))
    assert len(method.drawn(found, TEST, masks=2)) == 2


def test_the_published_recipe_finds_a_supermask():
    recipe = Recipe(epochs=20, batch_size=32, schedule=Constant(100.0), optimizer=SGD(momentum=0.0, weight_decay=0.0))
    found = search(flat(64), TRAIN, Bernoulli(), recipe=recipe, seed=1)
    assert found.evaluate(TEST).accuracy > 0.9


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"density": 0.0}, "density"),
        ({"density": 1.0}, "density"),
        ({"structure": NOfM(2, 4)}, "structure"),
        ({"decay": -1.0}, "decay"),
        ({"balance": math.nan}, "balance"),
        ({"first": math.inf}, "first"),
        ({"temperature": 0.0}, "temperature"),
        ({"stretch": -0.1}, "stretch"),
    ],
)
def test_bad_arguments_are_named(options, said):
    with pytest.raises(ArgumentError, match=said):
        Concrete(**options)

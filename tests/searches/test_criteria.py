"""Scores at initialisation are those of naive oracles: per weight, by finite differences, by whole Hessians."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.autograd.functional import hessian
from torch.func import functional_call

from slth.errors import ArgumentError
from slth.networks import maskable
from slth.searches import SNIP, Criterion, GraSP, Magnitude, Random, SynFlow
from slth.searches.criteria import _drawn
from slth.training import Examples

LOSS = nn.functional.cross_entropy


def numbers(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def filled(module, seed=1):
    for place, parameter in enumerate(module.parameters()):
        parameter.data = numbers(*parameter.shape, seed=seed + place) * 0.7
    return module


def smooth():
    return filled(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).double())


def convolutional():
    return filled(nn.Sequential(nn.Conv2d(1, 2, 2), nn.Tanh(), nn.Flatten(), nn.Linear(8, 3, bias=False)).double())


CASES = [
    (smooth(), Examples(numbers(20, 3), torch.arange(20) % 3)),
    (convolutional(), Examples(numbers(12, 1, 3, 3), torch.arange(12) % 3)),
]


def loss_of(module, weights, examples, temperature=1.0):
    return LOSS(functional_call(module, weights, (examples.inputs,)) / temperature, examples.targets)


@pytest.mark.parametrize(("module", "examples"), CASES)
def test_snip_is_the_derivative_of_the_loss_by_each_mask(module, examples):
    step = 1e-5
    scores = SNIP(examples=None).score(module, examples, LOSS, 0)
    assert set(scores) == set(maskable(module))
    for name, found in scores.items():
        weight = module.get_parameter(name).detach()
        for place in range(weight.numel()):
            losses = []
            for mask in (1.0 + step, 1.0 - step):
                changed = weight.clone()
                changed.view(-1)[place] *= mask
                losses.append(loss_of(module, {name: changed}, examples).item())
            wanted = abs(losses[0] - losses[1]) / (2 * step)
            assert float(found.reshape(-1)[place]) == pytest.approx(wanted, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("temperature", [1.0, 200.0])
@pytest.mark.parametrize(("module", "examples"), CASES)
def test_grasp_is_weight_times_whole_hessian_times_gradient(module, examples, temperature):
    names = list(maskable(module))
    sizes = [module.get_parameter(name).numel() for name in names]
    shapes = [module.get_parameter(name).shape for name in names]
    flat = torch.cat([module.get_parameter(name).detach().reshape(-1) for name in names])

    def loss(vector):
        parts = [part.reshape(shape) for part, shape in zip(torch.split(vector, sizes), shapes, strict=True)]
        return loss_of(module, dict(zip(names, parts, strict=True)), examples, temperature)

    gradient = torch.autograd.functional.jacobian(loss, flat)
    wanted = flat * (hessian(loss, flat) @ gradient)
    scores = GraSP(examples=None, temperature=temperature).score(module, examples, LOSS, 0)
    found = torch.cat([scores[name].reshape(-1) for name in names])
    assert torch.allclose(found, wanted, rtol=1e-8, atol=1e-16)


def test_what_grasp_keeps_holds_the_gradient_up():
    """Removing a weight of small size changes the squared norm of the gradient by -2 w H g, to first order."""
    module, examples = CASES[0]
    name, shrink = "2.weight", 1e-4
    scores = GraSP(examples=None, temperature=1.0).score(module, examples, LOSS, 0)[name]

    def norm(weight):
        weights = {n: module.get_parameter(n).detach().requires_grad_() for n in maskable(module)}
        weights[name] = weight.requires_grad_()
        found = torch.autograd.grad(loss_of(module, weights, examples), list(weights.values()))
        return sum(float(one.square().sum()) for one in found)

    weight = module.get_parameter(name).detach()
    for place in range(weight.numel()):
        changed = weight.clone()
        changed.view(-1)[place] *= 1.0 - shrink
        change = (norm(changed) - norm(weight.clone())) / shrink
        assert change == pytest.approx(-2.0 * float(scores.view(-1)[place]), rel=1e-2, abs=1e-5)


@pytest.mark.parametrize(("module", "examples"), CASES)
def test_more_examples_than_a_batch_are_one_mean(module, examples, monkeypatch):
    whole = [kind(examples=None).score(module, examples, LOSS, 0) for kind in (SNIP, GraSP)]
    monkeypatch.setattr("slth.searches.criteria.BATCH", 7)
    parts = [kind(examples=None).score(module, examples, LOSS, 0) for kind in (SNIP, GraSP)]
    for one, two in zip(whole, parts, strict=True):
        assert all(torch.allclose(one[name], two[name], rtol=1e-9, atol=1e-18) for name in one)


def test_synflow_is_the_sum_over_paths():
    """Of a linear net of absolute weights: each weight has the sum of the products along all paths through it."""
    module = nn.Sequential(
        nn.Linear(3, 4, bias=False), nn.ReLU(), nn.Linear(4, 2, bias=False), nn.ReLU(), nn.Linear(2, 3, bias=False)
    )
    scores = SynFlow().score(module, Examples(torch.zeros(1, 3), [0]), LOSS, 0)
    a, b, c = (module[place].weight.detach().double().abs() for place in (0, 2, 4))
    wanted = {name: torch.zeros_like(weight) for name, weight in zip(scores, (a, b, c), strict=True)}
    for i in range(3):
        for j in range(4):
            for k in range(2):
                for o in range(3):
                    product = a[j, i] * b[k, j] * c[o, k]
                    wanted["0.weight"][j, i] += product
                    wanted["2.weight"][k, j] += product
                    wanted["4.weight"][o, k] += product
    for name, found in scores.items():
        assert found.dtype == torch.float64
        assert torch.allclose(found, wanted[name], rtol=1e-12)


def test_synaptic_flow_is_conserved_at_each_hidden_unit():
    module = nn.Sequential(
        nn.Conv2d(2, 5, 3, bias=False), nn.ReLU(), nn.Conv2d(5, 4, 3, padding=1, bias=False), nn.ReLU(),
        nn.Flatten(), nn.Linear(4 * 16, 6, bias=False), nn.ReLU(), nn.Linear(6, 3, bias=False),
    )  # fmt: skip
    scores = SynFlow().score(module, Examples(torch.zeros(1, 2, 6, 6), [0]), LOSS, 0)
    first, second, third, fourth = scores.values()
    assert torch.allclose(first.sum((1, 2, 3)), second.sum((0, 2, 3)), rtol=1e-12)
    assert torch.allclose(second.sum((1, 2, 3)), third.reshape(6, 4, 16).sum((0, 2)), rtol=1e-12)
    assert torch.allclose(third.sum(1), fourth.sum(0), rtol=1e-12)


def test_synflow_of_a_deep_network_does_not_overflow():
    layers = [layer for _ in range(60) for layer in (nn.Linear(128, 128, bias=False), nn.ReLU())]
    module = nn.Sequential(*layers)
    for layer in layers[::2]:
        layer.weight.data.fill_(5.0)
    scores = SynFlow().score(module, Examples(torch.zeros(1, 128), [0]), LOSS, 0)
    wanted = 60 * math.log(5.0 * 128) - math.log(128)  # 60 sums of 128 inputs, and one of the 128 x 128 weights
    assert all(bool(torch.isfinite(one).all()) for one in scores.values())
    assert math.log(float(scores["0.weight"][0, 0])) == pytest.approx(wanted, rel=1e-9)
    assert not torch.isfinite(torch.tensor(math.exp(wanted)).float())  # float32 has no such number


class Regular(nn.Module):
    """Norms and dropout, which behave differently in training."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))

    def forward(self, x):
        return self.layers(x)


@pytest.mark.parametrize("method", [Random(), Magnitude(), SNIP(), GraSP(), SynFlow()])
def test_scores_are_pure(method):
    module, examples = Regular().eval(), Examples(numbers(20, 3).float(), torch.arange(20) % 3)
    module.layers[1].running_mean.fill_(-2.0)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    state = torch.get_rng_state()
    one, same = (method.score(module, examples, LOSS, 5) for _ in range(2))
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert not any(part.training for part in module.modules())
    assert all(torch.equal(one[name], same[name]) for name in maskable(module))
    if not isinstance(method, Magnitude | SynFlow):
        other = method.score(module, examples, LOSS, 6)
        assert not torch.equal(one["layers.0.weight"], other["layers.0.weight"])


def test_attention_has_scores():
    class Attends(nn.Module):
        def __init__(self):
            super().__init__()
            self.attend, self.last = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 3)

        def forward(self, x):
            return self.last(self.attend(x, x, x, need_weights=False)[0].mean(1))

    examples = Examples(numbers(8, 5, 4).float(), torch.arange(8) % 3)
    for method in (SNIP(), GraSP(), SynFlow()):
        scores = method.score(Attends(), examples, LOSS, 0)
        assert set(scores) == {"attend.in_proj_weight", "attend.out_proj.weight", "last.weight"}
        assert all(bool(one.any()) for one in scores.values())


def test_examples_are_drawn_of_each_class_alike():
    data = Examples(torch.arange(40.0).reshape(40, 1), torch.arange(40) % 4)
    some = _drawn(data, 12, 3)
    assert torch.bincount(some.targets).tolist() == [3, 3, 3, 3]
    assert not torch.equal(some.inputs, _drawn(data, 12, 4).inputs)
    assert len(_drawn(data, None, 3)) == len(_drawn(data, 400, 3)) == 40


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: SNIP(examples=0), "examples"),
        (lambda: GraSP(temperature=0.0), "temperature"),
        (lambda: GraSP(temperature=math.nan), "temperature"),
        (lambda: SynFlow(rounds=0), "rounds"),
        (lambda: Criterion(rounds=True), "rounds"),
    ],
)
def test_what_is_no_criterion_is_refused(make, said):
    with pytest.raises(ArgumentError, match=said):
        make()

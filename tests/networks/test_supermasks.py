"""`slth.mask`: any selection method on any module, for a loop of one's own."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call

import slth
from slth.errors import ArgumentError
from slth.networks import (
    Blocks,
    InputChannels,
    Kernels,
    OutputChannels,
    Selection,
    Threshold,
    TopK,
    bake,
    densities,
    describe,
    maskable,
    masks,
    total_density,
)
from slth.networks.handover import ScoreMask

STRUCTURES = [None, OutputChannels(), InputChannels(), Kernels(), Blocks(2)]


class Normed(nn.Module):
    """Convolutions with batch norms, and one linear layer that is used twice."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.other = nn.Conv2d(4, 4, 3, padding=1, groups=2)
        self.fc = nn.Linear(4, 4)
        self.again = nn.Linear(4, 4)
        self.again.weight = self.fc.weight

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return self.again(torch.relu(self.fc(self.other(x).mean((2, 3)))))


def images(count=6):
    return torch.randn(count, 2, 5, 5, generator=torch.Generator().manual_seed(3))


def made(seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Normed()


def methods():
    for scope in ("layer", "global"):
        for structure in STRUCTURES:
            yield TopK(0.4, scope=scope, **({} if structure is None else {"structure": structure}))
        yield TopK(0.3, scope=scope, signed=True)
    yield from (Threshold(), Threshold(0.1, signed=True), Threshold(structure=OutputChannels()))


@pytest.mark.parametrize("method", list(methods()), ids=str)
def test_forward_and_gradients_are_those_of_the_product_with_the_mask(method):
    """Against torch.func.functional_call with weights that are multiplied by hand, in float64."""
    module, plain = made().double(), made().double()
    slth.mask(module, method, seed=5)
    scores = {n: s.double() for n, s in method.first(maskable(plain), 5).items()}
    for part in module.modules():
        if isinstance(part, ScoreMask):
            part.scores.data = scores[part.name].clone()
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in scores.items()}
    axes = maskable(plain)
    kept = method.chosen(scores, axes)
    weights = dict(plain.named_parameters())
    effective = {}
    for name, leaf in leaves.items():
        passed = leaf if getattr(method, "signed", False) or isinstance(method, Threshold) else leaf.abs()
        spread = method.structure.expand(passed, axes[name])
        effective[name] = weights[name].detach() * (kept[name].double() + spread - spread.detach())
    x = images().double()
    wanted = functional_call(plain, {**weights, **effective}, (x,))
    found = module(x)
    assert torch.allclose(found, wanted, atol=1e-12)
    wanted.square().sum().backward()
    found.square().sum().backward()
    parts = {part.name: part for part in module.modules() if isinstance(part, ScoreMask)}
    assert set(parts) == set(leaves) == set(masks(module))
    for name, leaf in leaves.items():
        assert torch.equal(masks(module)[name], kept[name])
        assert torch.allclose(parts[name].scores.grad, leaf.grad, atol=1e-10)


def test_a_global_density_is_exact_and_made_once_a_call(monkeypatch):
    module, calls = made(), []
    slth.mask(module, TopK(0.25, scope="global"))
    total = total_density(masks(module))
    assert (total.kept, total.total) == (round(0.25 * total.total), sum(m.numel() for m in masks(module).values()))
    assert len({count.density for count in densities(masks(module)).values()}) > 1
    select = TopK.select
    monkeypatch.setattr(TopK, "select", lambda self, *given: calls.append(1) or select(self, *given))
    module(images())
    assert len(calls) == 1
    with pytest.raises(RuntimeError):
        module(torch.zeros(1, 3, 5, 5))
    assert all(part.now is None for part in module.modules() if isinstance(part, ScoreMask))


def test_signs_are_those_of_the_scores():
    module = slth.mask(nn.Linear(8, 4), TopK(0.5, signed=True))
    scores = module.parametrizations.weight[0].scores.detach()
    mask = masks(module)["weight"]
    assert mask.dtype == torch.int8
    assert torch.equal(mask[mask != 0].float(), scores.sign()[mask != 0])
    assert int((mask != 0).sum()) == 16
    weight = module.parametrizations.weight.original.detach().clone()
    bake(module)
    assert torch.equal(module.weight, weight * mask)


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_three_lines_train_scores_and_nothing_that_is_masked(scope):
    module, labels = made(), torch.arange(6) % 4
    before = {name: module.get_parameter(name).detach().clone() for name in maskable(module)}
    slth.mask(module, TopK(0.5, scope=scope), seed=1)
    optimiser = torch.optim.Adam([tensor for tensor in module.parameters() if tensor.requires_grad], 0.02)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        losses.append(nn.functional.cross_entropy(module(images()), labels))
        losses[-1].backward()
        optimiser.step()
    assert losses[-1] < 0.9 * losses[0]
    assert module.norm.num_batches_tracked == 60
    kept = masks(module)
    module.eval()
    expected = module(images()).detach()
    same = copy.deepcopy(module)
    assert torch.equal(same(images()), expected)
    assert all(torch.equal(mask, kept[name]) for name, mask in masks(same).items())
    bake(same)
    assert torch.equal(module(images()), expected), "torch's copies share a class"
    twin = slth.mask(made(7), TopK(0.5, scope=scope))
    twin.load_state_dict(module.state_dict())
    assert torch.equal(twin.eval()(images()), expected)
    bake(module)
    assert {name: tuple(module.get_parameter(name).shape) for name in before} == {n: t.shape for n, t in before.items()}
    for name, weight in before.items():
        assert torch.equal(module.get_parameter(name), weight * kept[name])
    assert module.fc.weight is module.again.weight
    assert torch.allclose(module(images()), expected, atol=1e-6)
    assert not module._forward_hooks
    assert not module._forward_pre_hooks


def test_a_masked_module_is_described_as_it_computes():
    module = slth.mask(made(), TopK(0.5, scope="global")).eval()
    graph = describe(module, (2, 5, 5))
    x = images().double()
    wanted = copy.deepcopy(module).double()(x).detach().numpy()
    assert abs(graph.forward(x.numpy()) - wanted).max() < 1e-9


def test_a_method_of_ones_own_needs_a_selection_alone():
    class Stripes(Selection):
        def select(self, scores, axes):
            return {
                name: torch.arange(tensor.numel()).reshape(tensor.shape) % 3 == 0 for name, tensor in scores.items()
            }

    module = slth.mask(nn.Linear(3, 2), Stripes())
    assert masks(module)["weight"].tolist() == [[True, False, False]] * 2
    module(torch.ones(1, 3)).sum().backward()
    assert torch.equal(module.parametrizations.weight[0].scores.grad, module.parametrizations.weight.original)

    class Nothing(Selection):
        def select(self, scores, axes):
            return {}

    with pytest.raises(ArgumentError, match="method='Nothing' selects nothing for weight: let select"):
        slth.mask(nn.Linear(3, 2), Nothing())


def test_first_scores_depend_on_seed_and_name_alone():
    one, same, other = (masks(slth.mask(made(), TopK(0.5), seed=seed)) for seed in (1, 1, 2))
    assert all(torch.equal(mask, same[name]) for name, mask in one.items())
    assert not all(torch.equal(mask, other[name]) for name, mask in one.items())


def test_half_precision_weights_have_single_scores_and_half_scores_are_refused():
    module = slth.mask(nn.Linear(4, 2).to(torch.bfloat16), TopK(0.5))
    assert module.parametrizations.weight[0].scores.dtype == torch.float32
    assert module(torch.ones(1, 4, dtype=torch.bfloat16)).dtype == torch.bfloat16
    with pytest.raises(ArgumentError, match=r"scores=.*bfloat16.*of weight must be float32.*autocast"):
        slth.mask(nn.Linear(2, 1), TopK(0.5), scores={"weight": torch.ones(1, 2, dtype=torch.bfloat16)})
    with pytest.raises(ArgumentError, match=r"scores=.*float16.*must be float32"):
        slth.mask(nn.Linear(2, 1), TopK(0.5)).half()(torch.ones(1, 2).half())
    remedied = slth.mask(nn.Linear(2, 1), TopK(0.5))
    with torch.autocast("cpu", torch.bfloat16):
        assert remedied(torch.ones(1, 2)).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: slth.mask("net", TopK(0.5)), "module='str' is no torch.nn.Module"),
        (lambda: slth.mask(nn.ReLU(), TopK(0.5)), "module='ReLU' has no weights"),
        (lambda: slth.mask(nn.LazyLinear(3), TopK(0.5)), "call a lazy module once"),
        (lambda: slth.mask(nn.Linear(2, 2), 0.5), "method=0.5 is no selection method"),
        (lambda: slth.mask(slth.mask(nn.Linear(2, 2), TopK(0.5)), TopK(0.5)), "has a mask already"),
        (lambda: slth.mask(nn.Linear(2, 2), TopK(0.5), seed=-1), "seed"),
        (lambda: slth.mask(nn.Linear(2, 2), TopK(0.5), scores=[1.0]), "scores='list' must be tensors by name"),
        (lambda: slth.mask(nn.Linear(2, 2), TopK(0.5), scores={"weight": torch.ones(3)}), "must have the shape"),
        (lambda: slth.mask(nn.Linear(2, 2), TopK(0.5), scores={"weight": 1.0}), "scores='float' of weight"),
        (lambda: slth.mask(nn.Linear(2, 2), TopK(0.5), scores={"w": torch.ones(2, 2)}), "scores='w' is no weight"),
        (lambda: slth.mask(nn.Linear(1, 2), TopK(0.5), scores={"weight": torch.full((2, 1), torch.nan)}), "in weight"),
        (lambda: slth.mask(nn.Linear(2, 2), TopK({"other": 0.5})), "none for weight"),
        (lambda: TopK(1.5), "density=1.5"),
        (lambda: TopK({"a": -1.0}), "density=-1.0"),
        (lambda: TopK(0.5, spared=None), "spared=None must be names of weights"),
        (lambda: TopK(0.5, spared="a.weight"), "spared='a.weight' must be names of weights"),
        (lambda: TopK(0.5, scope="network"), "scope"),
        (lambda: TopK({"a": 0.5}, scope="global"), "scope"),
        (lambda: TopK(0.5, signed=True, magnitude=False), "signed"),
        (lambda: TopK(0.5, structure="rows"), "structure='rows' is no structure"),
        (lambda: TopK(0.5, rounding="half"), "rounding"),
        (lambda: Threshold(-1.0, signed=True), "limit"),
        (lambda: Threshold("0"), "limit"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_attached(call, named):
    with pytest.raises(ArgumentError, match=named):
        call()

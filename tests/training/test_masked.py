"""What a mask removes is exactly zero at any step of a training, whatever the optimiser remembers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from slth.errors import ArgumentError
from slth.networks import mlp
from slth.training import SGD, Adam, Constant, Examples, FixedMasks, MethodState, Recipe, Step, TrainingRun
from tests.training.test_loop import blobs


def masked():
    module = mlp((2, 8, 3))
    generator = torch.Generator().manual_seed(0)
    masks = {
        name: torch.rand(one.shape, generator=generator) < 0.5
        for name, one in module.named_parameters()
        if one.ndim == 2
    }
    with torch.no_grad():
        for name, mask in masks.items():
            module.get_parameter(name).mul_(mask)
    return module, masks


OPTIMIZERS = [
    SGD(0.9, weight_decay=0.1),
    SGD(0.9, nesterov=True, weight_decay=0.1),
    Adam(weight_decay=0.1),
    Adam(weight_decay=0.1, decoupled=False),
    Adam(weight_decay=0.1, fused=True),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=["momentum", "nesterov", "adamw", "adam", "fused"])
def test_removed_weights_are_zero_behind_each_step(optimizer):
    module, masks = masked()
    before = {name: one.detach().clone() for name, one in module.named_parameters()}
    run = TrainingRun(module, blobs(), Recipe(5, 32, Constant(0.05), optimizer), method=FixedMasks(masks))
    for _ in run.records(1):
        for name, mask in masks.items():
            assert not module.get_parameter(name)[~mask].any()
    assert run.evaluate(blobs(seed=1)).accuracy > 0.9
    for name, mask in masks.items():
        assert bool((module.get_parameter(name) != before[name])[mask].all())
    assert all(not torch.equal(one, before[name]) for name, one in module.named_parameters())  # biases too


def test_a_step_is_that_of_torch_on_the_kept_weights_alone():
    module, masks = masked()
    plain = mlp((2, 8, 3))
    plain.load_state_dict(module.state_dict())
    examples, recipe = blobs(32), Recipe(3, 32, Constant(0.1), SGD(0.9, weight_decay=0.01))
    run = TrainingRun(module, examples, recipe, method=FixedMasks(masks))
    for record in run:
        assert record.density == pytest.approx(sum(int(one.sum()) for one in masks.values()) / 40)
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        nn.functional.cross_entropy(plain(examples.inputs), examples.targets).backward()
        for name, mask in masks.items():
            plain.get_parameter(name).grad[~mask] = 0.0
        optimizer.step()
    for one, two in zip(module.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(one, two, atol=1e-6)


@pytest.mark.parametrize("frozen", [False, True])
def test_weights_that_were_not_zero_are_so_when_the_run_is_made(frozen):
    module = mlp((2, 8, 3))
    masks = {name: torch.zeros(one.shape) for name, one in module.named_parameters() if one.ndim == 2}
    trained = ["3.bias"] if frozen else None
    run = TrainingRun(module, blobs(), Recipe(1, 32, Constant(0.05)), method=FixedMasks(masks), trained=trained)
    assert all(not module.get_parameter(name).any() for name in masks)
    next(iter(run))
    assert all(not module.get_parameter(name).any() for name in masks)


def test_the_norm_of_a_clipped_gradient_is_that_of_the_kept_weights():
    """The removed input is a million times larger: its gradient would leave nothing of the other's."""
    module = nn.Linear(2, 3, bias=False)
    data = Examples(blobs().inputs * torch.tensor([1.0, 1e6]), blobs().targets)
    mask = torch.tensor([[True, False]]).expand(3, 2)
    before = module.weight.detach().clone()
    recipe = Recipe(1, 200, Constant(0.1), SGD(0.0, weight_decay=0.0), clip=1e-3)
    for _ in TrainingRun(module, data, recipe, method=FixedMasks({"weight": mask})):
        pass
    moved = (module.weight.detach() - before)[mask]
    assert float(moved.norm()) == pytest.approx(1e-4, rel=1e-2)


@pytest.mark.parametrize(("name", "said"), [("1.weight", "in the shape of"), ("3.bias", "fits no weight")])
def test_masks_that_do_not_fit_are_named(name, said):
    module = mlp((2, 8, 3))
    with pytest.raises(ArgumentError, match=said):
        TrainingRun(module, blobs(), method=FixedMasks({name: torch.ones(2, 8)}))


def test_masks_stand_in_the_state():
    weights = {"a": torch.ones(2), "b": torch.ones(2)}
    method = FixedMasks({"a": torch.tensor([0, -1])})
    state = method.init(weights, 0)
    assert isinstance(state, MethodState)
    assert not state.trained
    made = method.weights(weights, state, Step(0, 1, 1))
    assert made["a"].tolist() == [0.0, 1.0]
    assert "b" not in made

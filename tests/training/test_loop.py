"""One loop: it learns, it repeats, and its steps are those of a plain torch loop."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import nn

from slth.errors import ArgumentError
from slth.networks import mlp
from slth.rng import Stream
from slth.training import (
    CROP_AND_FLIP,
    SGD,
    Adam,
    Constant,
    Cosine,
    CrossEntropy,
    Examples,
    Method,
    MethodState,
    MultiStep,
    Recipe,
    TrainingRun,
    accuracy,
    evaluate,
    partition,
    split,
    train,
)


def blobs(count=200, seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    centres = torch.tensor([[0.0, 3.0], [3.0, 0.0], [-3.0, -3.0]])
    return Examples(centres[labels] + 0.3 * torch.randn(count, 2, generator=generator), labels)


def images(count=48, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Examples(torch.rand(count, 3, 8, 8, generator=generator), torch.arange(count) % 4)


def convolutional(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 6, 3, bias=False),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Flatten(),
            nn.Linear(216, 4),
        )


@pytest.mark.parametrize("optimizer", [SGD(), SGD(nesterov=True), Adam(), Adam(decoupled=False)])
@pytest.mark.parametrize("schedule", [Constant(0.05), Cosine(0.05)])
def test_it_learns(optimizer, schedule):
    examples = blobs()
    module = mlp((2, 8, 3))
    records = train(module, examples, Recipe(epochs=15, schedule=schedule, optimizer=optimizer))
    assert [record.epoch for record in records] == list(range(1, 16))
    assert records[-1].loss < 0.2 * records[0].loss
    assert accuracy(module, examples.inputs, examples.targets) == 1.0
    assert not module.training
    assert all(parameter.grad is None for parameter in module.parameters())


def test_it_repeats_and_leaves_the_global_generator_alone():
    weights, losses = [], []
    for seed in (1, 1, 2):
        module = convolutional()
        state = torch.random.get_rng_state()
        records = train(module, images(), Recipe(epochs=2, augmentation=CROP_AND_FLIP), seed=seed)
        losses.append([record.loss for record in records])
        assert torch.equal(torch.random.get_rng_state(), state)
        weights.append(module[0].weight.detach())
    assert torch.equal(weights[0], weights[1])
    assert losses[0] == losses[1]
    assert not torch.equal(weights[0], weights[2])


OPTIMIZERS = {
    "sgd": (SGD(0.0, weight_decay=0.0), lambda p: torch.optim.SGD(p, 0.1)),
    "momentum": (SGD(0.9, weight_decay=1e-3), lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=1e-3)),
    "nesterov": (
        SGD(0.9, nesterov=True, weight_decay=1e-3),
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=1e-3, nesterov=True),
    ),
    "adam": (Adam(weight_decay=0.01, decoupled=False), lambda p: torch.optim.Adam(p, 0.1, weight_decay=0.01)),
    "adamw": (Adam((0.8, 0.9), 1e-6, 0.01), lambda p: torch.optim.AdamW(p, 0.1, (0.8, 0.9), 1e-6, weight_decay=0.01)),
    "fused": (Adam(fused=True), lambda p: torch.optim.AdamW(p, 0.1, weight_decay=0.0, fused=True)),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("clip", [None, 0.5])
def test_steps_are_those_of_a_plain_torch_loop_bit_for_bit(name, clip):
    ours, make = OPTIMIZERS[name]
    examples, module, plain = blobs(50), mlp((2, 5, 3)), mlp((2, 5, 3))
    recipe = Recipe(
        epochs=4,
        batch_size=16,
        schedule=MultiStep(0.1, (1, 2), 0.5),
        optimizer=ours,
        loss=CrossEntropy(label_smoothing=0.1),
        clip=clip,
    )
    train(module, examples, recipe, seed=7)
    optimizer = make(plain.parameters())
    for epoch in range(4):
        order = np.argsort(Stream(7, f"training/order/{epoch}").raw(0, 50), kind="stable")
        for start in range(0, 50, 16):
            batch = torch.from_numpy(order[start : start + 16])
            for group in optimizer.param_groups:
                group["lr"] = 0.1 * 0.5 ** min(epoch, 2)
            optimizer.zero_grad()
            scores = plain(examples.inputs[batch])
            nn.functional.cross_entropy(scores, examples.targets[batch], label_smoothing=0.1).backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(plain.parameters(), clip)
            optimizer.step()
    for found, expected in zip(module.parameters(), plain.parameters(), strict=True):
        assert torch.equal(found, expected)


def test_momentum_by_hand_in_double_precision():
    """v <- m v + (g + d w); w <- w - r v, with the gradient of a squared error written out."""
    points, wanted = torch.tensor([[1.0, 2.0]], dtype=torch.float64), torch.tensor([[3.0]], dtype=torch.float64)
    module = nn.Linear(2, 1, bias=False).double()
    w, v = module.weight.detach().clone(), torch.zeros(1, 2, dtype=torch.float64)
    recipe = Recipe(
        epochs=5, schedule=Constant(0.01), optimizer=SGD(0.9, weight_decay=0.1), loss=nn.functional.mse_loss
    )
    train(module, Examples(points, wanted), recipe)
    for _ in range(5):
        v = 0.9 * v + 2 * (w @ points.T - wanted) * points + 0.1 * w
        w = w - 0.01 * v
    assert torch.allclose(module.weight, w, rtol=1e-12)


def test_biases_and_norms_may_be_spared_from_decay():
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    groups = SGD(weight_decay=0.1, decayed="matrices").build(list(module.parameters())).param_groups
    assert [(group["weight_decay"], len(group["params"])) for group in groups] == [(0.1, 1), (0.0, 3)]


def test_a_record_at_each_step_tells_the_same_as_one_an_epoch():
    examples, recipe = blobs(50), Recipe(epochs=3, batch_size=16)
    runs = [TrainingRun(mlp((2, 4, 3)), examples, recipe) for _ in range(3)]
    epochs, steps, some = (list(run.records(every)) for run, every in zip(runs, (None, 1, 3), strict=True))
    assert [record.step for record in steps] == list(range(1, 13))
    assert [record.step for record in some] == [3, 4, 6, 8, 9, 12]
    assert steps[-1].rate == recipe.schedule.rate(11, 4, 3)
    first = np.average([record.loss for record in steps[:4]], weights=[16, 16, 16, 2])
    assert epochs[0].loss == pytest.approx(first, rel=1e-6)
    states = [run.snapshot() for run in runs]
    assert all(torch.equal(states[0][name], state[name]) for state in states[1:] for name in state)


def test_early_stop_is_break_and_the_run_goes_on_from_there():
    examples, recipe = blobs(50), Recipe(epochs=4, batch_size=16)
    run, whole = (TrainingRun(mlp((2, 4, 3)), examples, recipe) for _ in range(2))
    for record in run.records(every=1):
        if record.step == 6:
            break
    assert run.step.number == 6
    assert not run.module.training
    assert [record.step for record in run] == [8, 12, 16]
    list(whole)
    assert torch.equal(run.module[1].weight, whole.module[1].weight)


def test_a_start_behind_zero_goes_on_with_the_schedule_and_fresh_momentum():
    examples, recipe = blobs(50), Recipe(epochs=4, batch_size=16)
    run = TrainingRun(mlp((2, 4, 3)), examples, replace(recipe, start=5))
    records = list(run.records(every=1))
    assert [record.step for record in records] == list(range(6, 17))
    assert records[0].rate == recipe.schedule.rate(5, 4, 4)
    with pytest.raises(ArgumentError, match="start"):
        TrainingRun(mlp((2, 4, 3)), examples, replace(recipe, start=17))


def test_what_is_frozen_stays_and_its_flags_too():
    module, free = mlp((2, 8, 3)), mlp((2, 8, 3))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    list(TrainingRun(module, blobs(), Recipe(epochs=2), trained=["3.weight"]))
    assert [name for name, tensor in module.state_dict().items() if not torch.equal(tensor, before[name])] == [
        "3.weight"
    ]
    assert all(parameter.requires_grad and parameter.grad is None for parameter in module.parameters())
    for name, parameter in free.named_parameters():
        parameter.requires_grad_(name == "3.weight")  # the same said by flags: another path through the loop
    list(TrainingRun(free, blobs(), Recipe(epochs=2)))
    assert torch.equal(free[3].weight, module[3].weight)


def test_tied_weights_are_trained_once():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
            self.second.weight = self.first.weight

        def forward(self, x):
            return self.second(torch.relu(self.first(x)))

    module = Tied()
    examples = Examples(torch.randn(20, 2, generator=torch.Generator().manual_seed(1)), torch.arange(20) % 2)
    assert list(partition(module).trained) == ["first.weight"]
    for trained in (None, lambda name: name == "first.weight"):
        list(TrainingRun(module, examples, Recipe(epochs=1), trained=trained))
        assert module.second.weight is module.first.weight


@dataclass(frozen=True)
class HalfKept(Method):
    """Keeps the half of each weight with the largest scores; the scores are trained, the weights are not."""

    learns: bool = False

    @property
    def trains_weights(self):
        return self.learns

    def init(self, weights, seed):
        scores = {
            name: torch.from_numpy(Stream(seed, f"scores/{name}").uniform(0, w.numel())).float().reshape(w.shape)
            for name, w in weights.items()
        }
        return MethodState({} if self.learns else scores, {**(scores if self.learns else {}), "steps": torch.tensor(0)})

    def mask(self, state, step):
        scores = state.fixed if self.learns else state.trained
        masks = {}
        for name, s in scores.items():
            if name != "steps":
                hard = (s.detach() >= s.detach().median()).float()
                masks[name] = hard if self.learns else hard + (s - s.detach())
        return masks

    def after(self, state, step, weights):
        clamped = {name: s.clamp(0.0, 1.0) for name, s in state.trained.items()}
        assert int(state.fixed["steps"]) + 1 == step.number
        return MethodState(clamped, {**state.fixed, "steps": state.fixed["steps"] + 1})


def test_a_search_trains_scores_and_leaves_weights_alone():
    examples, module = blobs(), mlp((2, 32, 3))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    run = TrainingRun(module, examples, Recipe(epochs=12, schedule=Cosine(0.2)), method=HalfKept())
    records = list(run)
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert set(run.masks()) == {"1.weight", "3.weight"}
    assert records[-1].loss < 0.6 * records[0].loss
    assert 0.5 <= records[-1].density < 0.55
    assert all(float(s.detach().min()) >= 0.0 and float(s.detach().max()) <= 1.0 for s in run.state.trained.values())
    found = run.evaluate(examples)
    assert found.accuracy > 0.9
    run.write_weights()
    assert evaluate(module, examples) == found
    assert torch.equal(module[1].weight, before["1.weight"] * run.masks()["1.weight"])


def test_a_trainable_ticket_trains_the_weights_that_its_mask_keeps():
    examples, module = blobs(), mlp((2, 16, 3), bias=False)
    run = TrainingRun(module, examples, Recipe(epochs=3, optimizer=SGD(weight_decay=0.0)), method=HalfKept(learns=True))
    before = module[1].weight.detach().clone()
    list(run)
    moved = module[1].weight.detach() != before
    kept = run.masks()["1.weight"].bool()
    assert not (moved & ~kept).any()
    assert (moved & kept).any()


def test_a_method_that_changes_nothing_trains_as_without_one_bit_for_bit():
    @dataclass(frozen=True)
    class Nothing(Method):
        trains_weights = True

        def init(self, weights, seed):
            return MethodState()

        def mask(self, state, step):
            return {}

    ordinary, other = convolutional(), convolutional()
    recipe = Recipe(epochs=2, batch_size=10, augmentation=CROP_AND_FLIP)
    list(TrainingRun(ordinary, images(), recipe))
    list(TrainingRun(other, images(), recipe, method=Nothing()))
    for name, tensor in ordinary.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name])


def test_augmentation_does_not_depend_on_the_size_of_batches():
    """An image's crop has the address (seed, epoch, index): the multiset of images seen is the same."""

    class Seen(nn.Module):
        def __init__(self):
            super().__init__()
            self.w, self.rows = nn.Parameter(torch.zeros(4)), []

        def forward(self, x):
            if self.training:
                self.rows += [tuple(row) for row in x.flatten(1).tolist()]
            return self.w.expand(len(x), 4)

    seen = []
    for size in (5, 16):
        module = Seen()
        list(TrainingRun(module, images(), Recipe(epochs=1, batch_size=size, augmentation=CROP_AND_FLIP), seed=4))
        seen.append(sorted(module.rows))
    assert seen[0] == seen[1]
    assert seen[0] != sorted(tuple(row) for row in images().inputs.flatten(1).tolist())


def test_inputs_are_normalised_in_training_and_in_evaluation():
    examples, recipe = images(), Recipe(epochs=2, normalisation=((0.5, 0.4, 0.3), (0.2, 0.3, 0.4)))
    by_hand = Examples(
        (examples.inputs - torch.tensor([0.5, 0.4, 0.3])[:, None, None]) / torch.tensor([0.2, 0.3, 0.4])[:, None, None],
        examples.targets,
    )
    runs = [
        TrainingRun(convolutional(), examples, recipe, validation=examples),
        TrainingRun(convolutional(), by_hand, replace(recipe, normalisation=None), validation=by_hand),
    ]
    ours, hand = (list(run) for run in runs)
    assert [(r.loss, r.validation) for r in ours] == [(r.loss, r.validation) for r in hand]


def test_the_best_epoch_is_the_one_of_the_held_out_examples():
    rest, held = split(blobs(), 0.3)
    wild = Recipe(epochs=8, batch_size=4, schedule=Constant(3.0), optimizer=SGD(0.95))  # jumps about
    module = mlp((2, 8, 3))
    records = train(module, rest, wild, validation=held, keep="best")
    best = max(record.validation.accuracy for record in records)
    assert evaluate(module, held).accuracy == best
    assert min(record.validation.accuracy for record in records) < best
    with pytest.raises(ArgumentError, match="keep"):
        train(module, rest, wild, keep="best")


def test_bfloat16_is_near_and_weights_stay_float32():
    module = mlp((2, 8, 3))
    records = train(module, blobs(), Recipe(epochs=8, bfloat16=True))
    assert records[-1].loss < 0.2
    assert module[1].weight.dtype == torch.float32


def test_progress_and_zero_epochs():
    calls = []
    assert train(mlp((2, 3)), blobs(20), Recipe(epochs=0)) == []
    train(mlp((2, 3)), blobs(20), Recipe(epochs=2), progress=lambda *call: calls.append(call))
    assert calls == [("training", 1, 2), ("training", 2, 2)]


def test_evaluation_in_parts_leaves_every_mode_as_it_was():
    examples = blobs(10)
    module = nn.Sequential(nn.Dropout(0.9), nn.Linear(2, 3))
    module.train()
    module[1].eval()
    whole = evaluate(module, examples)
    parts = evaluate(module, examples, batch_size=3)
    assert parts.accuracy == whole.accuracy
    assert parts.loss == pytest.approx(whole.loss, rel=1e-6)
    assert module.training
    assert not module[1].training
    numbers = Examples(examples.inputs, torch.zeros(10, 1))
    assert evaluate(nn.Linear(2, 1), numbers, loss=nn.functional.mse_loss).accuracy is None


def test_what_does_not_fit_is_refused_before_anything_is_trained():
    module = mlp((2, 3))
    before = module[1].weight.detach().clone()
    for examples, options in [
        (Examples(torch.zeros(4, 5), torch.zeros(4, dtype=torch.long)), {}),
        (Examples(torch.zeros(4, 2), torch.full((4,), 3)), {}),
        (blobs(5), {"trained": ["weight"]}),
        (blobs(5), {"trained": []}),
        (blobs(5), {"recipe": Recipe(augmentation=CROP_AND_FLIP)}),
        (blobs(5), {"recipe": Recipe(normalisation=((0.5,) * 3, (1.0,) * 3))}),
        (blobs(5), {"seed": -1}),
        (blobs(5), {"recipe": Recipe(batch_size=8, drop_last=True)}),
    ]:
        with pytest.raises(ArgumentError):
            TrainingRun(module, examples, **options)
    with pytest.raises(ArgumentError, match="every"):
        next(TrainingRun(module, blobs(5)).records(every=0))
    with pytest.raises(ArgumentError, match="no shape yet"):
        TrainingRun(nn.LazyLinear(3), blobs(5))
    assert torch.equal(before, module[1].weight)

"""Worst-case weights against a convex solver; the loss against the formulas of its gradient."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from slth.errors import ArgumentError
from slth.searches import EdgePopup
from slth.trainable import WorstCase, worst_case_weights
from slth.training import Adam, Constant, Examples, Recipe, Step, TrainingRun
from tests.training.recording import recording
from tests.training.test_captured import same, searching

LOSSES = st.lists(st.floats(0.0, 8.0), min_size=2, max_size=7)


def solved(losses, kl_weight):
    """The largest sum of p l - lambda KL(p, uniform) over the simplex, by a general solver."""
    count = len(losses)

    def negative(p):
        return -(p @ losses) + kl_weight * np.sum(p * np.log(np.maximum(p, 1e-300) * count))

    def slope(p):
        return -np.array(losses) + kl_weight * (np.log(np.maximum(p, 1e-300) * count) + 1.0)

    whole = {"type": "eq", "fun": lambda p: p.sum() - 1.0, "jac": np.ones_like}
    found = minimize(
        negative, np.full(count, 1 / count), jac=slope, method="SLSQP", bounds=[(1e-12, 1.0)] * count,
        constraints=whole, options={"ftol": 1e-14, "maxiter": 1000},
    )  # fmt: skip
    return found.x, -found.fun


@given(LOSSES, st.sampled_from([0.5, 1.0, 3.0, 20.0]))
def test_weights_are_those_that_a_convex_solver_finds(losses, kl_weight):
    losses = np.array(losses)
    weights = worst_case_weights(torch.tensor(losses), kl_weight).numpy()
    found, value = solved(losses, kl_weight)
    own = weights @ losses - kl_weight * np.sum(weights * np.log(np.maximum(weights, 1e-300) * len(losses)))
    assert weights == pytest.approx(found, abs=2e-3)
    assert own >= value - 1e-6  # nothing better was found
    assert own == pytest.approx(kl_weight * math.log(np.mean(np.exp(losses / kl_weight))))


@given(LOSSES)
def test_the_ends_are_the_mean_and_the_largest_loss(losses):
    tensor = torch.tensor(losses, dtype=torch.float64)
    assert worst_case_weights(tensor, math.inf).tolist() == pytest.approx([1 / len(losses)] * len(losses))
    hardest = worst_case_weights(tensor, 1e-300)
    assert float(hardest @ tensor) == pytest.approx(max(losses))


def outputs_and_targets():
    generator = torch.Generator().manual_seed(3)
    outputs = torch.randn(9, 4, generator=generator, dtype=torch.float64).requires_grad_()
    return outputs, torch.randint(0, 4, (9,), generator=generator)


@pytest.mark.parametrize("detached", [True, False])
def test_gradients_are_those_of_the_formulas(detached):
    kl_weight = 0.7
    outputs, targets = outputs_and_targets()
    loss = WorstCase(kl_weight, decay=False, detached=detached).at(Step(0, 1, 1))(outputs, targets)
    (found,) = torch.autograd.grad(loss, outputs)
    losses = torch.nn.functional.cross_entropy(outputs, targets, reduction="none").detach()
    p = torch.exp(losses / kl_weight) / torch.exp(losses / kl_weight).sum()
    counts = p if detached else p * (1 + (losses - (p * losses).sum()) / kl_weight)
    own = outputs.detach().softmax(1) - torch.nn.functional.one_hot(targets, 4)  # of each example by itself
    assert torch.allclose(found, counts[:, None] * own)
    assert detached or bool((counts < 0).any())  # easy examples count less than nothing as published


def test_detached_gradients_are_those_of_the_worst_case_itself():
    outputs, targets = outputs_and_targets()
    loss = WorstCase(0.7, decay=False, detached=True).at(Step(0, 1, 1))
    (found,) = torch.autograd.grad(loss(outputs, targets), outputs)
    losses = torch.nn.functional.cross_entropy(outputs, targets, reduction="none")
    (whole,) = torch.autograd.grad(0.7 * (losses / 0.7).logsumexp(0), outputs)
    assert torch.allclose(found, whole)


def test_the_weight_falls_by_a_cosine_of_the_epoch():
    now = [WorstCase(10.0).at(Step(step, per_epoch=3, epochs=4)).now.kl_weight for step in range(12)]
    expected = [5.0 * (1 + math.cos(math.pi * (step // 3) / 4)) for step in range(12)]
    assert now == pytest.approx(expected)
    assert WorstCase(10.0, decay=False).at(Step(11, 3, 4)).now.kl_weight == 10.0
    assert WorstCase(math.inf).at(Step(11, 3, 4)).now.kl_weight == math.inf


def trained(loss, epochs=3):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = torch.nn.Linear(3, 2)
    generator = torch.Generator().manual_seed(1)
    data = Examples(torch.randn(40, 3, generator=generator), torch.randint(0, 2, (40,), generator=generator))
    run = TrainingRun(module, data, Recipe(epochs, 8, Constant(0.01), Adam(), loss=loss), validation=data)
    return list(run), module.weight.detach()


def test_the_loop_trains_by_the_loss_of_the_step_and_evaluates_the_mean():
    seen = []

    class Told:
        def __call__(self, outputs, targets):
            return torch.nn.functional.cross_entropy(outputs, targets)

        def at(self, step):
            seen.append(step.number)
            return lambda outputs, targets: 2.0 * self(outputs, targets)

    records, _ = trained(Told())
    assert seen == list(range(15))
    assert records[-1].validation.loss < 0.7 * records[-1].loss  # training measured twice of it


@pytest.mark.parametrize("kl_weight", [1e-300, 10.0, math.inf])
def test_behind_the_last_epoch_weights_are_still_weights(kl_weight):
    last = WorstCase(kl_weight).at(Step(2, per_epoch=1, epochs=2))
    outputs, targets = torch.tensor([[0.0, 0.0], [9.0, 0.0]]), torch.tensor([0, 0])
    expected = math.log(2) if math.isfinite(kl_weight) else float(WorstCase()(outputs, targets))
    assert float(last(outputs, targets)) == pytest.approx(expected)
    assert worst_case_weights(torch.tensor([0.0, 1.0, 1.0]), 1e-300).tolist() == [0.0, 0.5, 0.5]


@pytest.mark.parametrize("losses", [torch.zeros(0), torch.zeros(2, 2), torch.zeros(2, dtype=torch.int64)])
def test_what_are_no_losses_is_refused(losses):
    with pytest.raises(ArgumentError, match="losses"):
        worst_case_weights(losses, 1.0)


def test_an_infinite_weight_is_ordinary_training_to_the_bit():
    _, ordinary = trained(torch.nn.functional.cross_entropy)
    _, infinite = trained(WorstCase(math.inf))
    _, robust = trained(WorstCase(0.5))
    assert torch.equal(ordinary, infinite)
    assert not torch.equal(ordinary, robust)


@pytest.mark.parametrize("kl_weight", [0.0, -1.0, math.nan, True, None])
def test_a_weight_that_is_not_positive_is_refused(kl_weight):
    with pytest.raises(ArgumentError, match="kl_weight"):
        WorstCase(kl_weight)
    with pytest.raises(ArgumentError, match="kl_weight"):
        worst_case_weights(torch.ones(2), kl_weight)


@pytest.mark.parametrize("detached", [False, True])
def test_steps_that_are_played_are_those_of_the_loss_and_captured_anew_as_it_decays(monkeypatch, detached):
    loss = WorstCase(0.5, detached=detached)
    plain, played, mean = (searching(EdgePopup(0.5), loss=one) for one in (loss, loss, WorstCase()))
    recorder = recording(monkeypatch, played)
    for run in (plain, played, mean):
        list(run)
    assert same(plain, played)
    assert not same(plain, mean)
    assert recorder.recorded == 2 * 3  # for both sizes of a batch in each of three epochs


@pytest.mark.gpu
@pytest.mark.parametrize("loss", [WorstCase(0.5), WorstCase(0.5, detached=True), WorstCase(1e-6), WorstCase()])
def test_worst_cases_in_graphs_on_cuda(loss):
    plain, graphed = (searching(EdgePopup(0.5), "cuda", cuda_graphs=graphs, loss=loss) for graphs in (False, True))
    losses = [[one.loss for one in run] for run in (plain, graphed)]
    torch.testing.assert_close(losses[1], losses[0], atol=1e-4, rtol=1e-3)
    found, wanted = graphed.snapshot(), plain.snapshot()
    for key in wanted:
        torch.testing.assert_close(found[key], wanted[key], atol=1e-4, rtol=1e-3)

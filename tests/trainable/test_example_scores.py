"""Scores of examples against a loop over examples, and subsets against sorted lists."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slth.errors import ArgumentError
from slth.networks import attach_masks
from slth.trainable import example_gradients, example_scores, example_subset, forgetting_events
from slth.training import Examples


class Tied(nn.Module):
    """A weight that two layers have, and one that is used beside its layer."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.last(torch.tanh(self.second(torch.relu(self.first(x))))) + x @ self.last.weight.T


class Twice(nn.Module):
    """A layer that is called twice."""

    def __init__(self):
        super().__init__()
        self.middle, self.last = nn.Linear(6, 6, bias=False), nn.Linear(6, 3, bias=False)

    def forward(self, x):
        return self.last(torch.tanh(self.middle(torch.tanh(self.middle(x)))))


def masked():
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    return attach_masks(net, {"0.weight": torch.arange(48).reshape(8, 6) % 3 != 0})


def frozen():
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    net[0].weight.requires_grad_(False)
    net[2].bias.requires_grad_(False)
    return net


NETS = {
    "mlp": lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3)),
    "in place": lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(inplace=True), nn.Linear(8, 3)),
    "convolutions": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 2, 3)), nn.Conv2d(1, 4, 2), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)
    ),
    "positions": lambda: nn.Sequential(nn.Unflatten(1, (2, 3)), nn.Linear(3, 4), nn.Flatten(), nn.Linear(8, 3)),
    "tied": Tied,
    "twice": Twice,
    "masked": masked,
    "frozen": frozen,
}


def made(name):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = NETS[name]().double()
        for part in net.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.normal_()
                part.running_var.uniform_(0.5, 2.0)
    return net.train()


def examples(count=17):
    generator = torch.Generator().manual_seed(1)
    inputs = 3 * torch.randn(count, 6, generator=generator, dtype=torch.float64)
    return Examples(inputs, torch.randint(0, 3, (count,), generator=generator))


def naive_gradients(net, data, parameters):
    """Norm of each example's gradient, by a loop with torch's autograd."""
    net.eval()
    found = []
    for inputs, target in zip(data.inputs, data.targets, strict=True):
        loss = nn.functional.cross_entropy(net(inputs[None]), target[None])
        slopes = torch.autograd.grad(loss, parameters)
        found.append(math.sqrt(sum(float((one**2).sum()) for one in slopes)))
    return found


@pytest.mark.parametrize("name", NETS)
def test_grand_is_that_of_a_loop_over_examples(name):
    net, data = made(name), examples()
    found = example_scores(net, data, "grand")
    assert all(part.training for part in net.modules())
    parameters = [one for one in net.parameters() if one.requires_grad]
    assert found == pytest.approx(naive_gradients(net, data, parameters), rel=1e-9)


@pytest.mark.parametrize(
    ("name", "layers"), [("mlp", 4), ("frozen", 2), ("convolutions", 2), ("tied", 0), ("in place", 0)]
)
def test_gradients_of_linear_layers_are_never_made(name, layers, monkeypatch):
    """Beside the two examples that confirm the closed form, or refuse it."""
    made_one_by_one = []
    one_by_one = example_gradients._one_by_one

    def told(module, trained, inputs, targets):
        made_one_by_one.append((len(inputs), len(trained)))
        return one_by_one(module, trained, inputs, targets)

    monkeypatch.setattr(example_gradients, "_one_by_one", told)
    net = made(name)
    example_scores(net, examples(), "grand")
    trained = sum(one.requires_grad for one in net.parameters())
    assert made_one_by_one[-1] == (17, trained - layers)


@pytest.mark.parametrize("name", ["mlp", "convolutions", "positions", "twice"])
def test_the_closed_form_of_the_last_layer_is_that_of_a_loop(name):
    net, data = made(name), examples()
    found = example_scores(net, data, "grand-last")
    last = net.last if name == "twice" else net[-1]
    assert found == pytest.approx(naive_gradients(net, data, list(last.parameters())), rel=1e-9)


def test_el2n_and_margin_are_those_of_a_loop():
    net, data = made("mlp"), examples()
    el2n, margin = (example_scores(net, data, kind) for kind in ("el2n", "margin"))
    net.eval()
    for place, (inputs, target) in enumerate(zip(data.inputs, data.targets.tolist(), strict=True)):
        chances = net(inputs[None])[0].softmax(0).tolist()
        assert el2n[place] == pytest.approx(math.sqrt(sum((p - (c == target)) ** 2 for c, p in enumerate(chances))))
        assert margin[place] == pytest.approx(max(p for c, p in enumerate(chances) if c != target) - chances[target])


def test_controls_know_nothing_of_the_network():
    data = examples(500)
    norms = example_scores(made("mlp"), data, "input-norm")
    assert norms == pytest.approx([math.sqrt(sum(v * v for v in row)) for row in data.inputs.tolist()])
    drawn = [example_scores(made(name), data, "random", seed=3) for name in ("mlp", "tied")]
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], example_scores(made("mlp"), data, "random", seed=4))


def test_an_untrained_networks_grand_follows_the_input_norm():
    """Kirsch 2023: why GraNd at the start replicates no better than chance."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 3))
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(400, 20, generator=generator) * torch.rand(400, 1, generator=generator) * 4
    data = Examples(inputs, torch.randint(0, 3, (400,), generator=generator))
    scores, norms = (example_scores(net, data, kind) for kind in ("grand", "input-norm"))
    assert np.corrcoef(scores, norms)[0, 1] > 0.7


@given(st.integers(1, 6).flatmap(lambda n: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=1)))
def test_forgetting_counts_what_was_right_and_is_wrong_next(table):
    found = forgetting_events(table)
    for place, history in enumerate(zip(*table, strict=True)):
        events = sum(before and not after for before, after in pairwise(history))
        assert found[place] == (events if any(history) else len(table))


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.5, 0.5, 0.9, 2.0]), st.integers(0, 2)), min_size=6, max_size=30),
    st.integers(1, 6),
    st.integers(0, 3),
    st.sampled_from(["easy", "hard"]),
)
def test_subsets_are_the_ends_of_a_sorted_list(drawn, size, offset, which):
    scores, labels = zip(*drawn, strict=True)
    order = sorted(range(len(scores)), key=lambda i: (scores[i], i), reverse=which == "hard")
    expected = sorted(order[offset : offset + size])
    if len(expected) < size:
        with pytest.raises(ArgumentError, match="size"):
            example_subset(scores, size, which, offset=offset)
    else:
        assert example_subset(scores, size, which, offset=offset).tolist() == expected
    classes = sorted(set(labels))
    shares = {one: size // len(classes) + (place < size % len(classes)) for place, one in enumerate(classes)}
    inside = {one: [i for i in order if labels[i] == one][offset : offset + shares[one]] for one in classes}
    if all(len(inside[one]) == shares[one] for one in classes):
        balanced = example_subset(scores, size, which, labels=labels, offset=offset)
        assert balanced.tolist() == sorted(i for one in inside.values() for i in one)


def test_random_subsets_do_not_look_at_scores():
    one, other = (example_subset(scores, 30, "random", seed=5) for scores in (range(100), range(100, 0, -1)))
    assert np.array_equal(one, other)
    assert len(set(one.tolist())) == 30
    assert not np.array_equal(one, example_subset(range(100), 30, "random", seed=6))
    labels = np.arange(100) % 3
    assert np.bincount(labels[example_subset(range(100), 31, "random", labels=labels)]).tolist() == [11, 10, 10]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: example_scores(made("mlp"), examples(), "el3n"), "kind"),
        (lambda: example_scores(made("mlp"), Examples(np.ones((2, 6)), [0.5, 1.0])), "targets"),
        (lambda: example_scores(nn.Sequential(made("mlp"), nn.Softplus()), examples(), "grand-last"), "linear layer"),
        (lambda: example_scores(nn.Flatten(), examples(), "grand"), "requires a gradient"),
        (lambda: example_scores(made("mlp"), Examples(np.ones((2, 5)), [0, 1]), "grand"), "cannot be given"),
        (lambda: example_scores(made("mlp"), Examples(np.ones((2, 6)), [0, 99]), "grand"), "labels"),
        (lambda: example_scores(made("mlp"), Examples(np.ones((2, 6)), [0, -1]), "grand"), "labels"),
        (lambda: forgetting_events([[0.5]]), "right"),
        (lambda: forgetting_events([[True], [True, False]]), "right"),
        (lambda: example_subset([1.0], 2), "size"),
        (lambda: example_subset([1.0], 1, "odd"), "which"),
        (lambda: example_subset([1.0, 2.0], 1, labels=[0]), "labels"),
        (lambda: example_subset([1.0, math.nan], 1), "scores"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, words):
    with pytest.raises(ArgumentError, match=words):
        call()

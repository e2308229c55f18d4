"""What tickets are compared with differs from them in what it says, and in nothing else."""

from __future__ import annotations

import torch

import slth
from slth.networks import mlp
from slth.trainable import IMP, train
from slth.training import SGD, Constant, FixedMasks, Recipe, TrainingRun
from tests.training.test_loop import blobs

BRANCHES = ("reinitialised", "shuffled", "random", "signs")
STILL = Recipe(1, 200, Constant(1e-30), SGD(0.0, weight_decay=0.0))
"""So small a rate that a level ends where it starts."""
METHOD = IMP(rate=0.5, levels=2, spared=["5.*"], branches=BRANCHES)


def net():
    return mlp((2, 20, 10, 3))


def test_branches_stand_behind_their_level_and_leave_the_levels_as_they_are():
    recipe = Recipe(3)
    found = train(net(), blobs(), METHOD, recipe=recipe)
    alone = train(net(), blobs(), IMP(rate=0.5, levels=2, spared=["5.*"]), recipe=recipe)
    kinds = ["ticket", *BRANCHES]
    assert [(one.number, one.kind) for one in found.levels] == [(0, "ticket"), *((n, k) for n in (1, 2) for k in kinds)]
    for number in range(3):
        one, two = found.level(number, "ticket"), alone.level(number)
        assert all(torch.equal(one.state[name], two.state[name]) for name in one.state)
    assert found.level(2, "random").kept == found.level(2).kept


def test_each_branch_starts_from_the_weights_and_masks_that_it_names():
    found = train(net(), blobs(), METHOD, recipe=STILL, seed=3)
    ticket = found.level(2)
    shuffled, random = found.level(2, "shuffled"), found.level(2, "random")
    assert shuffled.layers == ticket.layers
    assert random.kept == ticket.kept
    for other in (shuffled, random):
        assert bool(other.masks["5.weight"].all())
        assert not any(torch.equal(other.masks[name], ticket.masks[name]) for name in ("1.weight", "3.weight"))
        for name, mask in other.masks.items():
            assert torch.equal(other.state[name], found.start[name] * mask)
    for kind in ("reinitialised", "signs"):
        assert all(torch.equal(one, ticket.masks[name]) for name, one in found.level(2, kind).masks.items())
    drawn = found.level(2, "reinitialised").state
    for name, mask in ticket.masks.items():
        assert not torch.equal(drawn[name][mask], found.start[name][mask])
        assert set(drawn[name][mask].tolist()) <= set(found.start[name].reshape(-1).tolist())
        first = found.start[name]
        size = (first.double() - first.double().mean()).square().mean().sqrt()
        assert torch.allclose(found.level(2, "signs").state[name], size.float() * first.sign() * mask)


def test_random_weights_are_those_of_another_seed_where_there_is_a_law():
    found = train(net(), blobs(), METHOD, recipe=STILL, law=slth.WeightLaw("normal"), seed=3)
    one, two = found.level(1, "reinitialised").state, found.level(2, "reinitialised").state
    first = found.start["5.weight"]
    assert not torch.equal(one["5.weight"], two["5.weight"])
    assert not set(one["5.weight"].reshape(-1).tolist()) & set(first.reshape(-1).tolist())
    assert float(one["5.weight"].std() / first.std()) == 1.0 or 0.5 < float(one["5.weight"].std() / first.std()) < 2.0


def test_a_rewound_network_starts_behind_its_step_and_a_new_one_at_the_first():
    recipe = Recipe(3, 50, Constant(0.05))
    method = IMP(rate=0.5, levels=1, reset="rewind", rewind=4, branches=BRANCHES)
    found = train(net(), blobs(), method, recipe=recipe)
    ends = [[record.step for record in found.level(1, kind).trace] for kind in ("ticket", *BRANCHES)]
    assert ends == [[8, 12], [4, 8, 12], [8, 12], [8, 12], [8, 12]]
    shuffled, module = found.level(1, "shuffled"), net()
    module.load_state_dict(dict(found.start))
    for _ in TrainingRun(module, blobs(), Recipe(3, 50, Constant(0.05), start=4), method=FixedMasks(shuffled.masks)):
        pass
    assert all(torch.equal(one, shuffled.state[name]) for name, one in module.state_dict().items())

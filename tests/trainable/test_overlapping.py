"""What two parts of the classes agree on is kept, and trained on all of them."""

from __future__ import annotations

import copy

import pytest
import torch

from slth.errors import ArgumentError, ConstructionError
from slth.trainable import COLT, IMP, train
from slth.trainable.overlapping import parted
from slth.training import Cosine, Examples, Recipe, TrainingRun
from tests.trainable.test_imp import by_hand, normed, same
from tests.training.test_loop import images

RECIPE = Recipe(2, 16, Cosine(0.1))


def test_classes_are_parted_without_rest():
    one, two = parted(images(), 3)
    assert len(one) + len(two) == 48
    classes = [set(part.targets.tolist()) for part in (one, two)]
    assert [len(found) for found in classes] == [2, 2]
    assert not classes[0] & classes[1]
    assert any(set(parted(images(), seed)[0].targets.tolist()) != classes[0] for seed in range(5))
    with pytest.raises(ArgumentError, match="no two classes"):
        parted(Examples([[0.0]] * 4, [1] * 4), 0)


def test_a_level_keeps_what_both_parts_keep():
    found = train(normed(), images(), COLT(0.4, levels=2, spared=["5.*"]), recipe=RECIPE, seed=3)
    kinds = [(level.number, level.kind) for level in found.levels]
    assert kinds == [(0, "ticket"), *((n, kind) for n in (1, 2) for kind in ("part-0", "part-1", "ticket"))]
    before = found.level(0).masks
    for number in (1, 2):
        kept = []
        for place, part in enumerate(parted(images(), 3)):
            module = copy.deepcopy(normed())
            level = found.level(number, f"part-{place}")
            assert same(dict(level.masks), dict(before))
            if number == 1:
                for _ in TrainingRun(module, part, RECIPE, seed=3):
                    pass
                assert same(dict(level.state), module.state_dict())
            names = ["0.weight", "4.weight"]
            kept.append(IMP(0.4).next_masks(level.state, before, names, last=False))
        ticket = found.level(number, "ticket")
        assert all(torch.equal(mask, kept[0][name] & kept[1][name]) for name, mask in ticket.masks.items())
        assert ticket.kept.kept < sum(int(mask.sum()) for mask in kept[0].values())
        before = ticket.masks
    assert found.level() is ticket
    again = train(normed(), images(), COLT(0.4, levels=1, spared=["5.*"]), recipe=RECIPE, seed=3)
    assert same(dict(again.level().state), dict(found.level(1).state))
    dense = by_hand(normed(), found.start, {}, RECIPE)
    other = train(normed(), images(), IMP(levels=1), recipe=RECIPE)
    assert same(dense, dict(other.level(0).state))


def test_a_folder_goes_on_to_more_levels(tmp_path):
    whole = train(normed(), images(), COLT(0.4, levels=2), recipe=RECIPE)
    train(normed(), images(), COLT(0.4, levels=1), recipe=RECIPE, folder=tmp_path)
    found = train(normed(), images(), COLT(0.4, levels=2), recipe=RECIPE, folder=tmp_path)
    assert all(same(dict(a.state), dict(b.state)) for a, b in zip(whole.levels, found.levels, strict=True))


def test_what_agrees_on_nothing_is_named():
    with pytest.raises(ConstructionError, match="fewer levels"):
        train(normed(), images(), COLT(0.99, levels=4), recipe=Recipe(1, 16))
    with pytest.raises(ArgumentError, match="rate=0"):
        COLT(0.0)
    with pytest.raises(ArgumentError, match="leaves nothing"):
        train(normed(), images(), COLT(spared=["*"]), recipe=RECIPE)

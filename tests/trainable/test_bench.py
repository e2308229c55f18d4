"""Levels that were stopped anywhere go on to the same bits; a folder of something else is refused by name."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from slth.errors import ArgumentError, DataError
from slth.trainable import IMP, train
from slth.training import SGD, Cosine, Recipe, split
from tests.trainable.test_imp import normed
from tests.training.test_loop import images

RECIPE = Recipe(3, 16, Cosine(0.1), SGD(0.9, weight_decay=0.01))
METHOD = IMP(rate=0.5, levels=2, reset="rewind", rewind=4, branches=["shuffled"])
DATA, HELD = split(images(60), 12)


class StoppedError(Exception):
    pass


def trained(folder=None, *, method=METHOD, after=None, **options):
    """Train, and stop behind so many epochs."""
    reports = []

    def progress(label, done, total):
        reports.append((label, done, total))
        if len(reports) == after:
            raise StoppedError

    given = {"recipe": RECIPE, "validation": HELD, "seed": 2, **options}
    module, data = given.pop("module", normed()), given.pop("data", DATA)
    return train(module, data, method, folder=folder, progress=progress, **given), reports


def same(one, two):
    assert [(a.number, a.kind) for a in one.levels] == [(b.number, b.kind) for b in two.levels]
    for a, b in zip(one.levels, two.levels, strict=True):
        assert [replace(record, seconds=0.0) for record in a.trace] == [
            replace(record, seconds=0.0) for record in b.trace
        ]
        assert all(torch.equal(a.state[name], b.state[name]) for name in a.state)
        assert all(torch.equal(a.masks[name], b.masks[name]) for name in a.masks)
    assert all(torch.equal(one.start[name], two.start[name]) for name in one.start)
    assert one.rows(HELD) == two.rows(HELD)
    return True


def test_levels_stopped_between_and_within_go_on_to_the_same_table(tmp_path):
    """The first pass ends in the midst of the epoch to which levels are rewound, so it reports one epoch more."""
    whole, reports = trained()
    assert len(reports) == 2 + 2 + 4 * 2
    assert reports[-1] == ("train", 18, 18)
    for after in range(1, len(reports) + 1, 2):
        folder = tmp_path / str(after)
        with pytest.raises(StoppedError):
            trained(folder, after=after)
        found, rest = trained(folder)
        assert same(found, whole)
        assert len(rest) == len(reports) - after
    assert not list(tmp_path.glob("*/*.running"))


def test_a_folder_goes_on_to_more_levels_and_other_branches(tmp_path):
    trained(tmp_path, method=replace(METHOD, levels=1, branches=()))
    found, reports = trained(tmp_path)
    assert len(reports) == 3 * 2  # the branch of level 1, level 2, its branch
    assert same(found, trained()[0])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": replace(METHOD, rate=0.4)}, "method.rate is 0.5 there and 0.4 here"),
        ({"seed": 3}, "seed is 2 there and 3 here"),
        ({"recipe": replace(RECIPE, epochs=4)}, "recipe.epochs is 3 there and 4 here"),
        ({"data": images(60)}, "data is"),
        ({"module": normed(1)}, "other first weights"),
        ({"validation": DATA}, "other held-out examples"),
        ({"module": torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 4))}, "another module"),
    ],
)
def test_a_folder_of_something_else_is_refused(tmp_path, changes, said):
    short = {"method": replace(METHOD, levels=1, branches=())}
    trained(tmp_path, **short)
    with pytest.raises(ArgumentError, match=said):
        trained(tmp_path, **{**short, **changes})


def test_a_level_that_was_stopped_within_is_not_taken_up_by_other_first_weights(tmp_path):
    with pytest.raises(StoppedError):
        trained(tmp_path, after=1)
    with pytest.raises(ArgumentError, match="begun with another first weights"):
        trained(tmp_path, module=normed(1))


def test_a_damaged_level_is_named(tmp_path):
    trained(tmp_path)
    file = tmp_path / "level-01-ticket.safetensors"
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"level-01-ticket\.safetensors: is damaged"):
        trained(tmp_path)

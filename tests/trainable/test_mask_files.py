"""Masks of other packages are read by the names that they have there, and nothing else is taken for one."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import prune

from slth.errors import DataError
from slth.networks import mlp
from slth.trainable import load_masks

MASKS = {"1.weight": torch.rand(8, 2) < 0.5, "3.weight": torch.rand(3, 8) < 0.5}


def net():
    return mlp((2, 8, 3))


@pytest.mark.parametrize("ending", [".safetensors", ".pt"])
@pytest.mark.parametrize(
    "named",
    [
        lambda name, mask: (name, mask),
        lambda name, mask: (name, mask.float()),
        lambda name, mask: (f"mask_{name.replace('.', '___')}", mask.to(torch.int8)),
    ],
    ids=["bool", "float", "open_lth"],
)
def test_masks_are_read_by_their_names(tmp_path, named, ending):
    held = dict(named(name, mask) for name, mask in MASKS.items())
    file = tmp_path / f"masks{ending}"
    save_file(held, file) if ending == ".safetensors" else torch.save(held, file)
    found = load_masks(file, net())
    assert found.keys() == MASKS.keys()
    assert all(torch.equal(found[name], mask) for name, mask in MASKS.items())


def test_the_state_of_a_module_that_torch_pruned_has_its_masks(tmp_path):
    module = net()
    prune.random_unstructured(module[1], "weight", amount=0.5)
    torch.save(module.state_dict(), tmp_path / "state.pt")
    found = load_masks(tmp_path / "state.pt", net())
    assert list(found) == ["1.weight"]
    assert torch.equal(found["1.weight"], module[1].weight_mask != 0)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"1.weight": torch.ones(2, 8)}, "another shape than its weight"),
        ({"2.weight": torch.ones(8, 2)}, r"the mask 2\.weight \[8, 2\] fits no weight"),
        ({"1.weight": torch.full((8, 2), 0.5)}, "other numbers than 0 and 1"),
        ({}, "holds no mask"),
        ([torch.ones(2)], "no file of tensors alone"),
        (nn.Linear(1, 1), "is no file of tensors alone"),
    ],
)
def test_what_is_no_mask_of_the_module_is_named(tmp_path, held, said):
    torch.save(held, tmp_path / "masks.pt")
    with pytest.raises(DataError, match=said):
        load_masks(tmp_path / "masks.pt", net())


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"masks\.safetensors"):
        load_masks(tmp_path / "masks.safetensors", net())

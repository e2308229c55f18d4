"""Masks that other tools wrote are read by the names of the weights, and what is none is refused."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import prune

from slth.errors import ArgumentError, DataError
from slth.networks import maskable, read_masks


def network():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3))


def masks(module):
    generator = torch.Generator().manual_seed(0)
    return {name: torch.rand(tuple(axes.shape), generator=generator) < 0.5 for name, axes in maskable(module).items()}


@pytest.mark.parametrize("ending", [".pt", ".safetensors"])
@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float32])
@pytest.mark.parametrize("called", [str, lambda name: f"{name}_mask", lambda name: name.replace("weight", "mask")])
def test_masks_come_back(ending, dtype, called, tmp_path):
    module, file = network(), tmp_path / f"masks{ending}"
    wanted = masks(module)
    held = {called(name): mask.to(dtype) for name, mask in wanted.items()}
    (save_file if ending == ".safetensors" else torch.save)(held, file)
    found = read_masks(file, module)
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_a_module_that_torch_pruned(tmp_path):
    module = network()
    prune.l1_unstructured(module[2], "weight", amount=0.5)
    torch.save(module.state_dict(), tmp_path / "pruned.pt")
    (mask,) = read_masks(tmp_path / "pruned.pt", network()).values()
    assert torch.equal(mask, module[2].weight_mask.bool())
    assert torch.equal(mask, module[2].weight != 0)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({}, "holds no mask"),
        ({"3.weight": torch.ones(1)}, r"no weight of the module.*0\.weight, 2\.weight"),
        ({"2.weight": torch.ones(8, 3)}, r"shape \[8, 3\] for 2\.weight, whose shape is \[3, 8\]"),
        ({"2.weight": torch.full((3, 8), 0.5)}, "other numbers than 0 and 1"),
        ({"2.weight": torch.full((3, 8), torch.nan)}, "other numbers than 0 and 1"),
    ],
)
def test_what_is_no_mask_is_refused(held, said, tmp_path):
    torch.save(held, tmp_path / "masks.pt")
    with pytest.raises(ArgumentError, match=said):
        read_masks(tmp_path / "masks.pt", network())


def test_files_that_are_none(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_masks(tmp_path / "masks.pt", network())
    (tmp_path / "masks.pt").write_bytes(b"nothing")
    with pytest.raises(DataError, match="no file of tensors alone"):
        read_masks(tmp_path / "masks.pt", network())
    torch.save({"weight": "text"}, tmp_path / "masks.pt")
    with pytest.raises(DataError, match="no file of tensors alone"):
        read_masks(tmp_path / "masks.pt", network())
    torch.save(torch.ones(3), tmp_path / "masks.pt")
    with pytest.raises(DataError, match="no file of tensors alone"):
        read_masks(tmp_path / "masks.pt", network())

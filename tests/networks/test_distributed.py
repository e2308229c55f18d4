"""A masked module trains under DistributedDataParallel: two processes make the step of one with both batches."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

import slth
from slth.networks import masks

STEPS = 3
WORKER = """
import sys
import torch
import torch.distributed as distributed
from torch.nn.parallel import DistributedDataParallel
from tests.networks.test_distributed import batch, masked, step

rank, store, out, scope = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
module = masked(scope)
parallel = DistributedDataParallel(module)
optimiser = torch.optim.SGD([one for one in module.parameters() if one.requires_grad], 0.1, momentum=0.9)
for number in range(3):
    inputs, targets = batch(number)
    step(parallel, optimiser, inputs[rank::2], targets[rank::2])
torch.save(dict(module.state_dict()), f"{out}.{rank}")
distributed.destroy_process_group()
"""


def masked(scope):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    return slth.mask(net, slth.EdgePopup(density=0.4, scope=scope), seed=1)


def batch(number):
    generator = torch.Generator().manual_seed(number)
    return torch.randn(20, 6, generator=generator), torch.randint(0, 3, (20,), generator=generator)


def step(module, optimiser, inputs, targets):
    optimiser.zero_grad()
    nn.functional.cross_entropy(module(inputs), targets).backward()
    optimiser.step()


@pytest.mark.parametrize("scope", [pytest.param("layer", marks=pytest.mark.slow), "global"])
def test_two_processes_make_the_steps_of_one(tmp_path, scope):
    code = [sys.executable, "-c", WORKER]
    arguments = [str(tmp_path / "store"), str(tmp_path / "out"), scope]
    running = [subprocess.Popen([*code, str(rank), *arguments], stderr=subprocess.PIPE) for rank in (0, 1)]
    for process in running:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said.decode()
    found = [torch.load(tmp_path / f"out.{rank}", weights_only=True) for rank in (0, 1)]
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
    alone = masked(scope)
    optimiser = torch.optim.SGD([one for one in alone.parameters() if one.requires_grad], 0.1, momentum=0.9)
    for number in range(STEPS):
        step(alone, optimiser, *batch(number))
    for name, tensor in alone.state_dict().items():
        assert torch.allclose(found[0][name], tensor, rtol=1e-5, atol=1e-6), name
    alone.load_state_dict(found[0])
    assert sum(int(mask.sum()) for mask in masks(alone).values()) == {"layer": 39 + 20, "global": 58}[scope]

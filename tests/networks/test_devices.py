"""How images and kernels lie in memory."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from slth.networks.devices import image_layout

SHORTCUT = """
import torch
from torch import nn
from slth.training import Examples, Recipe, train

class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.shortcut = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 1, stride=2)
        self.classifier = nn.Linear(8, 10)

    def forward(self, x):
        return self.classifier(torch.relu(self.shortcut(torch.relu(self.first(x)))).mean((2, 3)))

torch.manual_seed(0)
train(Residual(), Examples(torch.rand(512, 1, 8, 8), torch.arange(512) % 10), Recipe(epochs=3, batch_size=64))
print("trained")
"""


@pytest.mark.parametrize(
    ("layer", "safe"),
    [
        (nn.Conv2d(4, 8, 1, stride=2), False),
        (nn.Conv2d(32, 8, 1, groups=4), False),
        (nn.Conv2d(16, 8, 1, stride=2), True),
        (nn.Conv2d(4, 8, 3, stride=2), True),
        (nn.Linear(4, 8), True),
    ],
)
def test_channels_are_last_but_for_small_kernels_of_size_one(layer, safe):
    assert image_layout(nn.Sequential(layer)) is (torch.channels_last if safe else torch.contiguous_format)


@pytest.mark.slow
def test_a_strided_shortcut_of_few_channels_can_be_trained():
    # in a process of its own, whose heap glibc checks: with channels last oneDNN writes over it, and the process dies
    environment = {"MALLOC_CHECK_": "3", "MALLOC_PERTURB_": "17", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SHORTCUT], capture_output=True, text=True, env=os.environ | environment
    )
    assert (done.returncode, done.stdout) == (0, "trained\n"), done.stderr

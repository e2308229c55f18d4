"""Modules that are called with other weights: what they give, and that their own stay in them."""

import copy

import pytest
import torch
from torch import nn

from slth.networks.calls import Calling
from slth.searches import Biprop, EdgePopup, Evolution, prune, search
from slth.training import Examples, Recipe


def shared():
    """A network that uses one layer twice, under two names."""
    twice = nn.Linear(4, 4)
    return nn.Sequential(twice, nn.ReLU(), twice, nn.ReLU(), nn.Linear(4, 2))


def tied():
    """A network of two layers that have one weight."""
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    module[2].weight = module[0].weight
    return module


@pytest.mark.parametrize("made", [shared, tied])
def test_weights_stand_wherever_the_module_has_them_and_its_own_stay(made):
    module = made()
    own = dict(module.named_parameters(remove_duplicate=False))
    weights = {name: torch.randn_like(tensor) for name, tensor in module.named_parameters()}
    x = torch.randn(3, 4)
    found = Calling(module)(module, weights, (x,))
    assert all(module.get_parameter(name) is tensor for name, tensor in own.items())
    other = copy.deepcopy(module)
    with torch.no_grad():
        for name, tensor in weights.items():
            other.get_parameter(name).copy_(tensor)
    torch.testing.assert_close(found, other(x))


@pytest.mark.parametrize("method", [EdgePopup(0.5, spared=["0.weight"]), Biprop(), Evolution(generations=2)])
def test_layers_that_are_used_twice_are_searched(method):
    generator = torch.Generator().manual_seed(0)
    data = Examples(torch.randn(12, 4, generator=generator), [0, 1] * 6)
    module = shared()
    if isinstance(method, Evolution):
        found = prune(module, data, method, density=0.5)
    else:
        found = search(module, data, method, recipe=Recipe(1, 4))
    assert set(found.ticket.mask.arrays) == {"0.weight", "4.weight"}
    assert all(isinstance(tensor, nn.Parameter) for tensor in (module[2].weight, found.module[2].weight))

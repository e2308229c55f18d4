"""What is described is what calling the module computes, whatever its attributes say."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.nn.utils import parametrizations, prune

from slth.errors import ArgumentError
from slth.networks.trace import describe
from tests.networks.test_trace import Called, randomised


def net() -> nn.Sequential:
    return randomised(nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 3)))


class Masking(nn.Linear):
    """A layer as pruning code has it."""

    def forward(self, x):
        return F.linear(x, self.weight * (self.weight > 0), self.bias)


def masked() -> nn.Module:
    return nn.Sequential(Masking(16, 8), nn.ReLU(), nn.Linear(8, 3))


def pruned() -> nn.Module:
    module = net()
    prune.l1_unstructured(module[0], "weight", 0.5)
    return module


def stale() -> nn.Module:
    """The attribute "weight" is of another time than the parameter that forward uses."""
    module = pruned()
    other = pruned()
    module.load_state_dict({name: 2.0 * value for name, value in other.state_dict().items()})
    return module


def hooked() -> nn.Module:
    module = net()
    module[0].register_forward_hook(lambda m, i, o: o * 2)
    module.register_forward_pre_hook(lambda m, i: (i[0] - 1,))
    return module


def replaced() -> nn.Module:
    module = net()
    module[2].forward = module[2].forward.__func__.__get__(module[2])
    module[1].forward = lambda x: F.relu(x) * 3
    return module


def normed(**options) -> nn.Module:
    norm = nn.BatchNorm1d(8, **options)
    if norm.weight is None:
        norm.weight = nn.Parameter(torch.full((8,), 3.0))
    return nn.Sequential(nn.Linear(16, 8), norm, nn.ReLU(), nn.Linear(8, 3))


class Plain(nn.Sequential):
    """A subclass without a forward of its own."""


CALLS = {
    "a layer's own forward": masked,
    "pruning": pruned,
    "a stale attribute": stale,
    "hooks": hooked,
    "a replaced forward": replaced,
    "a batch norm's assigned weight": lambda: normed(affine=False),
    "a batch norm without bias": lambda: normed(bias=False),
    "a subclass of Sequential": lambda: Plain(nn.Linear(16, 8), nn.ReLU()),
    "weight norm": lambda: nn.Sequential(parametrizations.weight_norm(nn.Linear(16, 8)), nn.ReLU()),
    "spectral norm": lambda: nn.Sequential(parametrizations.spectral_norm(nn.Linear(16, 8)), nn.ReLU()),
    "a tensor that is an attribute": lambda: Called(lambda s, x: s.l(x) * s.scale, l=nn.Linear(16, 3),
                                                    scale=torch.tensor([1.0, 0.1, 3.0])),
    "conversions to float32": lambda: Called(lambda s, x: s.l(x.float().type(torch.float32) / 2).to(torch.float32),
                                             l=nn.Linear(16, 3)),
    "tensors of float32": lambda: Called(lambda s, x: s.l(x) + torch.ones(3, dtype=torch.float32) @ torch.eye(3),
                                         l=nn.Linear(16, 3)),
    "a wrapped module": lambda: torch.nn.DataParallel(net()),
    "an unused layer": lambda: Called(lambda s, x: s.l(x), l=nn.Linear(16, 3), other=nn.GELU(), more=nn.Linear(2, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_the_call_is_described_and_not_the_attributes(name: str) -> None:
    module = CALLS[name]().eval()
    x = torch.tensor(np.random.default_rng(0).random((20, 16)), dtype=torch.float32)
    wanted = module(x).detach().numpy()  # in float32, by the user's own object
    np.testing.assert_allclose(describe(module, (16,)).forward(x.numpy()), wanted, rtol=1e-4, atol=1e-5)


def test_modules_may_be_described_by_several_threads_at_once():
    """Torch's default dtype is the process's: without a lock one thread gives it back while another traces."""
    modules = [randomised(nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 1 + place))) for place in range(8)]
    alone = [describe(module, (5,)) for module in modules]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda module: describe(module, (5,)), modules))
    assert torch.get_default_dtype() == torch.float32
    x = np.random.default_rng(0).random((3, 5))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.forward(x), other.forward(x))


@pytest.mark.parametrize(("value", "word"), [(torch.nan, "weight"), (-torch.inf, "bias"), (-1.0, "running_var")])
def test_a_number_that_cannot_be_names_its_layer(value, word):
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.BatchNorm1d(4)).eval()
    with torch.no_grad():
        getattr(module[2], word)[1] = value
    place = r"2\.\w+\[1\]" if word != "running_var" else "2 uses"
    with pytest.raises(ArgumentError, match=f"module='{place}"):
        describe(module, (4,))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_remedy_for_half_precision_works(dtype):
    graph, tensor = describe(nn.Linear(4, 3).to(dtype), (4,)), torch.rand(2, 4).to(dtype).requires_grad_()
    with pytest.raises(ArgumentError, match=r"pass tensor\.detach\(\)\.cpu\(\)\.double\(\)\.numpy\(\)"):
        graph.forward(tensor)
    assert graph.forward(tensor.detach().cpu().double().numpy()).shape == (2, 3)

"""A graph is what calling the module computes: one test for each operation, against torch in float64."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from slth.graphs import Graph
from slth.networks.trace import describe

IMAGE = (3, 7, 6)


class Called(nn.Module):
    """A module whose forward is a function of itself and x, with the layers that it uses."""

    def __init__(self, forward: Callable[..., Any], **layers: Any) -> None:
        super().__init__()
        self.call = forward
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x):
        return self.call(self, x)


def randomised(module: nn.Module, seed: int = 0) -> nn.Module:
    """The same module with seeded weights, and batch norms that have seen something."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(0.0, 0.5, generator=generator)
        for name, buffer in module.named_buffers():
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 2.0, generator=generator)
            elif name.endswith("running_mean"):
                buffer.normal_(0.0, 1.0, generator=generator)
    return module


def assert_same(module: nn.Module, shape: tuple[int, ...], seed: int = 0, **options: Any) -> Graph:
    """The graph gives what the module gives, in its shape, within rounding."""
    graph = describe(randomised(module, seed), shape, **options)
    x = np.random.default_rng(seed).normal(0.0, 2.0, (5, *shape))
    twin = copy.deepcopy(module).double().eval()
    wanted = twin(torch.tensor(x)).detach().numpy()
    found = graph.forward(x)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=0.0, atol=1e-10 * max(1.0, np.abs(wanted).max()))
    assert np.abs(wanted).max() > 0.0
    return graph


def conv(i: int = 3, o: int = 4, k: Any = 3, **options: Any) -> nn.Conv2d:
    return nn.Conv2d(i, o, k, **options)


def parameter(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(shape))


def on_images(forward: Callable[..., Any], **layers: Any) -> tuple[nn.Module, tuple[int, ...]]:
    return Called(forward, **layers), IMAGE


def on_vectors(forward: Callable[..., Any], **layers: Any) -> tuple[nn.Module, tuple[int, ...]]:
    return Called(forward, **layers), (6,)


def on_tokens(forward: Callable[..., Any], **layers: Any) -> tuple[nn.Module, tuple[int, ...]]:
    return Called(forward, **layers), (5, 6)


def by_hand(s, x):
    """Attention of two heads, by linear layers and softmax(q k) v."""
    batch, tokens, size = x.shape
    q, k, v = (layer(x).view(batch, tokens, 2, size // 2).transpose(1, 2) for layer in (s.q, s.k, s.v))
    shares = torch.softmax(q @ k.transpose(-2, -1) * (size // 2) ** -0.5, dim=-1)
    return s.o((shares @ v).transpose(1, 2).reshape(batch, tokens, size))


def by_einsum(s, x):
    q, k, v = (layer(x).unflatten(-1, (2, 3)) for layer in (s.q, s.k, s.v))
    shares = (torch.einsum("bihd,bjhd->bhij", q, k) / 3**0.5).softmax(-1)
    return s.o(torch.einsum("bhij,bjhd->bihd", shares, v).flatten(2))


def multi_query(s, x):
    """Two heads that share keys and values."""
    q = s.q(x).unflatten(-1, (2, 3)).transpose(1, 2)
    k, v = s.k(x)[:, None], s.v(x)[:, None]
    return (torch.softmax(q @ k.transpose(-1, -2), -1) @ v).transpose(1, 2).flatten(2)


def packed(s, x):
    """Attention as vision transformers write it: one projection, three thirds, a class token's query alone."""
    batch, tokens, size = x.shape
    q, k, v = s.qkv(x).reshape(batch, tokens, 3, 2, size // 2).permute(2, 0, 3, 1, 4).unbind(0)
    mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=0.0)
    return x + s.o(mixed.transpose(1, 2).reshape(batch, tokens, size))


def zero_padded(s, x):
    return F.relu(s.c(x)) + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 3))


def heads(**more: Any) -> dict[str, nn.Module]:
    return {name: nn.Linear(6, 6) for name in "qkvo"} | more


OPERATIONS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "linear": (nn.Linear(6, 4), (6,)),
    "linear without bias": (nn.Linear(6, 4, bias=False), (6,)),
    "linear on tokens": (nn.Linear(6, 4), (5, 6)),
    "linear on the last axis of images": (nn.Linear(6, 4), IMAGE),
    "matmul with a matrix": on_tokens(lambda s, x: x @ s.w, w=parameter(6, 3)),
    "matrix from the left": on_tokens(lambda s, x: s.w @ x, w=parameter(3, 5)),
    "addmm": on_vectors(lambda s, x: torch.addmm(s.b, x, s.w), w=parameter(6, 3), b=parameter(3)),
    "conv1d": (nn.Conv1d(3, 4, 3, stride=2, padding=1), (3, 9)),
    "conv1d same": (nn.Conv1d(3, 4, 4, padding="same", dilation=2), (3, 9)),
    "conv2d": (conv(stride=2, padding=1), IMAGE),
    "conv2d of two sizes": (conv(3, 4, (3, 2), stride=(1, 2), padding=(2, 0), dilation=(2, 1)), IMAGE),
    "conv2d same, even kernel": (conv(3, 4, (2, 4), padding="same", bias=False), IMAGE),
    "conv2d valid": (conv(padding="valid"), IMAGE),
    "grouped": (conv(4, 8, groups=2), (4, 6, 6)),
    "depthwise": (conv(3, 6, groups=3), IMAGE),
    "functional conv": on_images(lambda s, x: F.conv2d(x, s.w, None, 1, 1), w=parameter(2, 3, 3, 3)),
    "relu": on_images(lambda s, x: F.relu(s.c(x)), c=conv()),
    "relu in place": (nn.Sequential(conv(), nn.ReLU(inplace=True)), IMAGE),
    "torch.relu and .relu()": on_images(lambda s, x: torch.relu(x) - x.neg().relu_(), c=conv()),
    "relu6": (nn.Sequential(conv(), nn.ReLU6(), conv(4, 2)), IMAGE),
    "relu6 in front of padding": (nn.Sequential(conv(), nn.ReLU6(inplace=True), conv(4, 2, padding=1)), IMAGE),
    "hardtanh": (nn.Sequential(conv(), nn.Hardtanh(-0.5, 2.0), conv(4, 2, padding=1)), IMAGE),
    "hardsigmoid": (nn.Sequential(conv(), nn.Hardsigmoid()), IMAGE),
    "clamp": on_images(lambda s, x: s.c(x).clamp(-1, 2) + x[:, :1, 1:-1, 1:-1].clamp(min=0.5), c=conv()),
    "clamp max": on_images(lambda s, x: s.c(x).clamp(max=0.25), c=conv()),
    "leaky relu": (nn.Sequential(conv(), nn.LeakyReLU(0.2), conv(4, 2, padding=1)), IMAGE),
    "prelu": (nn.Sequential(conv(), nn.PReLU(4)), IMAGE),
    "prelu of one slope": (nn.Sequential(nn.Linear(6, 4), nn.PReLU()), (6,)),
    "abs": on_vectors(lambda s, x: s.l(x).abs(), l=nn.Linear(6, 4)),
    "maximum and minimum": on_vectors(lambda s, x: torch.maximum(s.l(x), x) + torch.minimum(x, s.l(x)),
                                      l=nn.Linear(6, 6)),
    "add": on_images(lambda s, x: s.c(x) + s.d(x), c=conv(), d=conv()),
    "add in place": (Called(lambda s, x: add_in_place(s, x), c=conv(3, 3, padding=1)), IMAGE),
    "add with alpha": on_vectors(lambda s, x: torch.add(x, s.l(x), alpha=0.5), l=nn.Linear(6, 6)),
    "sub": on_vectors(lambda s, x: 2 - (x - s.l(x)) - 1.5, l=nn.Linear(6, 6)),
    "projection": on_images(lambda s, x: F.relu(s.c(x) + s.p(x)), c=conv(stride=2, padding=1), p=conv(k=1, stride=2)),
    "zero padding shortcut": on_images(zero_padded, c=conv(3, 8, stride=2, padding=1)),
    "concatenation of channels": on_images(lambda s, x: torch.cat([x, s.c(x), x], 1), c=conv(padding=1)),
    "concatenation of rows": on_images(lambda s, x: torch.cat([x, s.c(x)], 2), c=conv(3, 3, padding=1)),
    "concatenation of tokens": on_tokens(lambda s, x: torch.cat([s.l(x), x], dim=1), l=nn.Linear(6, 6)),
    "stack": on_vectors(lambda s, x: torch.stack([x, s.l(x)], 1).flatten(1), l=nn.Linear(6, 6)),
    "flatten": (nn.Sequential(conv(), nn.Flatten(), nn.Linear(80, 3)), IMAGE),
    "view": on_images(lambda s, x: s.l(s.c(x).view(-1, 80)), c=conv(), l=nn.Linear(80, 3)),
    "reshape": on_images(lambda s, x: s.l(s.c(x).reshape(x.shape[0], 4, 20)), c=conv(), l=nn.Linear(20, 3)),
    "permute": on_images(lambda s, x: s.l(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), l=nn.Linear(3, 3)),
    "transposed and flattened": on_tokens(lambda s, x: s.l(x.transpose(1, 2).flatten(1)), l=nn.Linear(30, 3)),
    "chunk": on_images(lambda s, x: F.relu(torch.cat(s.c(x).chunk(2, 1)[::-1], 1)), c=conv()),
    "split": on_images(lambda s, x: s.c(x).split([1, 3], 1)[1], c=conv()),
    "shuffled channels": on_images(lambda s, x: s.d(nn.ChannelShuffle(2)(s.c(x))), c=conv(), d=conv(4, 2)),
    "pixel shuffle": on_images(lambda s, x: s.c(F.pixel_unshuffle(x[:, :, :6], 2)), c=conv(12, 4, 1)),
    "flipped, rolled": on_images(lambda s, x: s.c(x.flip(-1)), c=conv()),
    "rolled": on_images(lambda s, x: s.c(x.roll((1, -2), (2, 3))), c=conv()),
    "permuted channels": on_images(lambda s, x: s.c(x[:, [1, 2, 0]]), c=conv()),
    "mirrored padding": (conv(padding=1, padding_mode="reflect"), IMAGE),
    "repeated padding": on_images(lambda s, x: s.c(F.pad(x, (1, 0, 2, 1), mode="replicate")), c=conv()),
    "circular padding": (conv(padding=1, padding_mode="circular"), IMAGE),
    "nearest upsampling": on_images(lambda s, x: s.c(F.interpolate(x, scale_factor=2)), c=conv()),
    "unfolded": on_images(lambda s, x: s.l(F.unfold(x[:, :, :6], 2, stride=2).transpose(1, 2)), l=nn.Linear(12, 3)),
    "unsqueezed": on_vectors(lambda s, x: s.c(x[:, None, :]), c=nn.Conv1d(1, 3, 2)),
    "expanded": on_vectors(lambda s, x: s.c(x[:, :, None, None].expand(-1, -1, 4, 4)), c=conv(6, 2)),
    "indexed": on_images(lambda s, x: s.c(x[:, [2, 0]]), c=conv(2, 2)),
    "padding": on_images(lambda s, x: s.c(nn.ZeroPad2d((1, 2, 0, 1))(x)), c=conv()),
    "cropping": on_images(lambda s, x: s.c(F.pad(x, (-1, 0, 0, 1))), c=conv()),
    "padded, then flattened": on_images(lambda s, x: s.l(F.pad(F.pad(x, (1, 1)).flatten(1), (3, 4)).view(-1, 7, 25)),
                                        l=nn.Linear(25, 2)),
    "mean over positions": on_images(lambda s, x: s.l(s.c(x).mean((2, 3))), c=conv(), l=nn.Linear(4, 3)),
    "mean over tokens": on_tokens(lambda s, x: s.l(x).mean(1), l=nn.Linear(6, 3)),
    "mean over channels": on_images(lambda s, x: s.c(x).mean(1, keepdim=True), c=conv()),
    "mean over rows": on_images(lambda s, x: s.c(x).mean(dim=2), c=conv()),
    "sum": on_images(lambda s, x: s.c(x).sum((-1, -2)), c=conv()),
    "amax": on_tokens(lambda s, x: s.l(x).amax(1), l=nn.Linear(6, 3)),
    "max of an axis": on_tokens(lambda s, x: s.l(x).max(dim=1)[0] + s.l(x).max(dim=1).values, l=nn.Linear(6, 3)),
    "max pool": (nn.MaxPool2d(3, stride=2, padding=1), IMAGE),
    "max pool, ceil, dilation": (nn.MaxPool2d(2, stride=2, ceil_mode=True, dilation=2), IMAGE),
    "max pool 1d": (nn.MaxPool1d(2), (3, 9)),
    "average pool": (nn.AvgPool2d(2), IMAGE),
    "average pool, padding": (nn.AvgPool2d(3, 2, padding=1), IMAGE),
    "average pool, ceil": (nn.AvgPool2d(3, 2, padding=1, ceil_mode=True), IMAGE),
    "average pool, padding not counted": (nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), IMAGE),
    "average pool, divisor": (nn.AvgPool2d((2, 3), divisor_override=4), IMAGE),
    "average pool 1d": (nn.AvgPool1d(3, padding=1), (3, 9)),
    "functional average pool": on_images(lambda s, x: F.avg_pool2d(s.c(x), x.shape[-1] - 2).flatten(1), c=conv()),
    "adaptive average pool": (nn.AdaptiveAvgPool2d((3, 4)), IMAGE),
    "adaptive average pool, one side": (nn.AdaptiveAvgPool2d((None, 2)), IMAGE),
    "adaptive maximum": (nn.AdaptiveMaxPool2d(2), IMAGE),
    "adaptive average pool 1d": (nn.AdaptiveAvgPool1d(4), (3, 9)),
    "adaptive maximum 1d": (nn.AdaptiveMaxPool1d(2), (3, 9)),
    "batch norm": (nn.Sequential(conv(), nn.BatchNorm2d(4), nn.ReLU()), IMAGE),
    "batch norm without affine": (nn.Sequential(conv(bias=False), nn.BatchNorm2d(4, affine=False)), IMAGE),
    "batch norm alone": (nn.BatchNorm2d(3), IMAGE),
    "batch norm in front": (nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), conv(padding=1)), IMAGE),
    "batch norm of vectors": (nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)), (6,)),
    "batch norm of sequences": (nn.Sequential(nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4)), (3, 9)),
    "batch norm of flattened images": (
        nn.Sequential(conv(), nn.ReLU(), nn.Flatten(), nn.BatchNorm1d(80), nn.ReLU(), nn.Linear(80, 2)), IMAGE),
    "a mean image": on_images(lambda s, x: s.c(x - torch.arange(126.0).view(3, 7, 6)), c=conv(padding=1)),
    "batch norm of tokens": on_tokens(lambda s, x: s.n(s.l(x).transpose(1, 2)).transpose(1, 2),
                                      l=nn.Linear(6, 4), n=nn.BatchNorm1d(4)),
    "dropout, identity": (nn.Sequential(nn.Dropout(0.5), conv(), nn.Dropout2d(), nn.Identity()), IMAGE),
    "functional dropout": on_vectors(lambda s, x: s.l(F.dropout(x, 0.3, s.training)), l=nn.Linear(6, 3)),
    "a number times": on_images(lambda s, x: s.c(x / 255 * 2) * 0.5, c=conv(padding=1)),
    "a buffer's mean and deviation": on_images(lambda s, x: s.c((x - torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1))
                                                                / torch.tensor([2.0, 3.0, 4.0])[:, None, None]),
                                               c=conv(padding=1)),
    "trained scale": on_images(lambda s, x: x + s.g * s.c(x) + s.b, c=conv(3, 3, padding=1), g=parameter(3, 1, 1),
                               b=parameter(1, 3, 1, 1)),
    "trained scale of tokens": on_tokens(lambda s, x: x + s.g * s.l(x), l=nn.Linear(6, 6), g=parameter(6)),
    "a mask of numbers": on_images(lambda s, x: s.c(x) * torch.arange(20.0).view(5, 4), c=conv()),
    "positional embedding": on_tokens(lambda s, x: s.l(x + s.p), l=nn.Linear(6, 3), p=parameter(1, 5, 6)),
    "class token": on_tokens(lambda s, x: s.l(torch.cat([s.t.expand(x.shape[0], -1, -1), x], 1) + s.p)[:, 0],
                             l=nn.Linear(6, 3), t=parameter(1, 1, 6), p=parameter(1, 6, 6)),
    "multi-head attention": on_tokens(lambda s, x: s.a(x, x, x)[0], a=nn.MultiheadAttention(6, 2, batch_first=True)),
    "attention without weights": on_tokens(lambda s, x: x + s.a(x, x, x, need_weights=False)[0],
                                           a=nn.MultiheadAttention(6, 3, batch_first=True, bias=False)),
    "tokens first": on_tokens(lambda s, x: s.a(*[x.transpose(0, 1)] * 3)[0].transpose(0, 1),
                              a=nn.MultiheadAttention(6, 2)),
    "cross attention": on_tokens(lambda s, x: s.a(x[:, :2], x, x)[0], a=nn.MultiheadAttention(6, 2, batch_first=True)),
    "attention by hand": on_tokens(by_hand, **heads()),
    "packed attention": on_tokens(packed, qkv=nn.Linear(6, 18), o=nn.Linear(6, 6)),
    "attention by einsum": on_tokens(by_einsum, **heads()),
    "multi-query attention": on_tokens(multi_query, q=nn.Linear(6, 6), k=nn.Linear(6, 3), v=nn.Linear(6, 2)),
    "attention with more keys": on_tokens(
        lambda s, x: s.a(x, x, x)[0],
        a=nn.MultiheadAttention(6, 2, batch_first=True, add_bias_kv=True, add_zero_attn=True)),
    "keys of another size": on_tokens(
        lambda s, x: s.a(x, s.l(x), x[..., :4], need_weights=False)[0], l=nn.Linear(6, 3),
        a=nn.MultiheadAttention(6, 2, batch_first=True, kdim=3, vdim=4)),
    "einsum with a matrix": on_tokens(lambda s, x: torch.einsum("bte,fe->bft", x, s.w), w=parameter(3, 6)),
    "attention without matrices": on_tokens(lambda s, x: F.scaled_dot_product_attention(x, x, x, scale=0.1)),
    "attention, then ReLU": on_tokens(lambda s, x: by_hand(s, x).relu(), **heads(o=nn.Identity())),
    "learned queries": on_tokens(lambda s, x: s.a(s.t.expand(len(x), -1, -1), x, x)[0], t=parameter(1, 2, 6),
                                 a=nn.MultiheadAttention(6, 2, batch_first=True)),
    "attention on images": on_images(lambda s, x: s.a(*[s.c(x).flatten(2).transpose(1, 2)] * 3)[0].mean(1),
                                     c=conv(3, 6), a=nn.MultiheadAttention(6, 2, batch_first=True)),
    "one layer three times": on_vectors(lambda s, x: s.l(s.l(s.l(x).relu()).relu()), l=nn.Linear(6, 6)),
    "sum of a list": on_vectors(lambda s, x: sum(l(x) for l in s.m),
                                m=nn.ModuleList([nn.Linear(6, 3), nn.Linear(6, 3)])),
    "mean of a stack": on_vectors(lambda s, x: torch.stack([l(x) for l in s.m]).mean(0),
                                  m=nn.ModuleList([nn.Linear(6, 3) for _ in range(3)])),
    "maxout": on_vectors(lambda s, x: s.l(x).view(-1, 3, 2).max(2)[0], l=nn.Linear(6, 6)),
    "windows": on_images(lambda s, x: s.l(x[:, :, :6].reshape(-1, 3, 3, 2, 3, 2).permute(0, 2, 4, 3, 5, 1).flatten(0, 2)
                                          .flatten(1)).view(len(x), 9, 5), l=nn.Linear(12, 5)),
    "a write through a view": on_vectors(lambda s, x: written_through(s.l(x)), l=nn.Linear(6, 6)),
    "squeezed output": on_vectors(lambda s, x: s.l(x).squeeze(-1)[:, None], l=nn.Linear(6, 1)),
    "no_grad": (Called(torch.no_grad()(lambda s, x: s.l(x)), l=nn.Linear(6, 3)), (6,)),
}  # fmt: skip


def written_through(y):
    y.view(-1).relu_()
    return y


def add_in_place(s, x):
    y = s.c(x)
    y += x
    return y


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_torchs(name: str) -> None:
    assert_same(*OPERATIONS[name])

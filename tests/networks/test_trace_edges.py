"""What describe refuses, what it converts, and that it leaves the user's module as it was."""

from __future__ import annotations

import copy
import logging
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.nn.utils import parametrizations

from slth.errors import ArgumentError, SlthError
from slth.graphs import Add, Conv, Scale
from slth.networks import trace
from slth.networks.trace import describe
from tests.networks.test_trace import Called, assert_same, conv, on_images, on_tokens, on_vectors, parameter, randomised
from tests.networks.test_trace_calls import hooked, net


def in_parts(s, x):
    y = s.c(x)
    y[:, :2] += 1
    return y


class Counting(nn.Module):
    """Each call gives something else."""

    def __init__(self):
        super().__init__()
        self.linear, self.calls = nn.Linear(4, 2), 0

    def forward(self, x):
        self.calls += 1
        return self.linear(x) * self.calls


ORDER = torch.tensor(np.random.default_rng(0).permutation(126))


class Branching(nn.Module):
    def forward(self, x):
        return x.relu() if x.sum() > 0 else x


REFUSED = {
    "gelu": (nn.Sequential(nn.Linear(6, 4), nn.Sequential(nn.GELU())), (6,), r"1\.0 uses aten\.gelu.* use ReLU"),
    "layer norm": (nn.Sequential(nn.Linear(6, 4), nn.LayerNorm(4)), (6,), r"1 uses aten\.layer_norm.* use BatchNorm"),
    "group norm": (nn.GroupNorm(1, 3), (3, 4, 4), "forward uses aten.group_norm"),
    "instance norm": (nn.InstanceNorm2d(3), (3, 4, 4), "instance_norm"),
    "sigmoid": (nn.Sequential(nn.Linear(6, 4), nn.Sigmoid()), (6,), "1 uses aten.sigmoid"),
    "softmax": (nn.Sequential(nn.Linear(6, 4), nn.Softmax(1)), (6,), "1 uses aten.softmax.* outside of attention"),
    "two values": (*on_vectors(lambda s, x: x * s.l(x), l=nn.Linear(6, 6)), "uses aten.mul.* multiplies two values"),
    "a mask": (*on_tokens(lambda s, x: F.scaled_dot_product_attention(x, x, x, is_causal=True)), "mask"),
    "a mask of attention": (*on_tokens(lambda s, x: s.a(x, x, x, attn_mask=torch.zeros(5, 5))[0],
                                       a=nn.MultiheadAttention(6, 2, batch_first=True)), "a uses.* mask"),
    "biases of positions": (*on_tokens(lambda s, x: (x @ x.mT + torch.ones(5, 5)).softmax(-1) @ x), "masks and biases"),
    "relu of scores": (*on_tokens(lambda s, x: (x @ x.mT).relu() @ x), "aten.relu.* takes scores or shares"),
    "transposed convolution": (nn.ConvTranspose2d(3, 4, 3), (3, 4, 4), "conv_transpose2d.* use Conv2d"),
    "numbers in disorder": (*on_images(lambda s, x: x.flatten(1)[:, ORDER]), "order"),
    "padding with ones": (nn.Sequential(nn.ConstantPad2d(1, 1.0)), (3, 4, 4), "0 uses aten.pad. pads with 1.0"),
    "part of a tensor": (*on_images(in_parts, c=conv()), "slice_scatter"),
    "means over the batch": (*on_images(lambda s, x: x - x.mean(0)), "mixes the examples"),
    "sums over all": (*on_vectors(lambda s, x: x + x.sum()), "mixes the examples"),
    "a flipped batch": (*on_vectors(lambda s, x: s.l(x.flip(0)), l=nn.Linear(6, 2)), "mixes|computes something else"),
    "a batch that is written down": (*on_vectors(lambda s, x: s.l(x).view(2, 3), l=nn.Linear(6, 3)), "be called"),
    "statistics of the batch": (nn.BatchNorm1d(6, track_running_stats=False), (6,), "statistics of the batch"),
    "dropout at evaluation": (*on_vectors(lambda s, x: F.dropout(x, 0.5)), "drops numbers"),
    "random numbers": (*on_vectors(lambda s, x: x + torch.rand(6)), "draws random numbers"),
    "places of maxima": (*on_vectors(lambda s, x: x.max(1)[1][:, None].double() + x), "places of maxima"),
    "argmax": (*on_vectors(lambda s, x: x.argmax(1)), "one tensor of real numbers"),
    "branches": (Branching(), (6,), "Branching.*cannot be captured by torch.export .* without branches"),
    "items": (*on_vectors(lambda s, x: x * x[0, 0].item()), "aten.item"),
    "a counter": (Counting(), (4,), "keeps state between calls"),
    "two inputs": (nn.Bilinear(2, 2, 2), (2,), "must take one tensor"),
    "two outputs": (nn.LSTM(3, 4), (5, 3), "gives tuple|cannot be captured|outside"),
    "a dictionary": (*on_vectors(lambda s, x: {"logits": x}), "gives dict"),
    "indices": (nn.Embedding(5, 3), (4,), "cannot be called on float64"),
    "another width": (nn.Sequential(nn.ReLU(), nn.Linear(3, 2)), (4,), r"1 raises RuntimeError.*input_shape"),
    "half inside": (*on_vectors(lambda s, x: s.l(x.half().double()), l=nn.Linear(6, 2)), "converts to torch.float16"),
    "3d": (nn.Conv3d(1, 1, 1), (1, 2, 2), "conv3d|cannot be called"),
    "lazy": (nn.Sequential(nn.LazyLinear(3)), (6,), r"0\.weight.* lazy"),
    "meta": (nn.Linear(6, 3, device="meta"), (6,), "meta"),
    "complex": (nn.Linear(6, 3, dtype=torch.complex64), (6,), "complex64"),
    "no module": (F.relu, (6,), "is no torch.nn.Module"),
    "negative variance": (nn.Sequential(nn.BatchNorm1d(6)), (6,), "0 uses.* running variance"),
    "an integer as shape": (nn.Linear(6, 3), 6, "input_shape=6 must be 1 to 3"),
    "four axes": (nn.Linear(6, 3), (1, 1, 1, 6), "must be 1 to 3"),
    "no axis": (nn.Linear(6, 3), (), "must be 1 to 3"),
    "an empty axis": (nn.Linear(6, 3), (0, 6), "must be 1 to 3"),
    "floats as shape": (nn.Linear(6, 3), (6.0,), "must be 1 to 3"),
    "text as shape": (nn.Linear(6, 3), "6", "must be 1 to 3"),
}  # fmt: skip
REFUSED["negative variance"][0][0].running_var.fill_(-1.0)


@pytest.mark.parametrize("name", REFUSED)
def test_what_lies_outside_is_refused_with_place_and_operation(name: str, capfd) -> None:
    module, shape, message = REFUSED[name]
    with pytest.raises(ArgumentError, match=f"(?s){message}"):
        describe(module, shape)
    assert capfd.readouterr() == ("", "")


def test_a_number_that_is_not_finite_is_named() -> None:
    module = net()
    with torch.no_grad():
        module[2].weight[1, 4] = float("nan")
    with pytest.raises(ArgumentError, match=r"2\.weight\[1, 4\].*finite"):
        describe(module, (16,))


def test_a_handler_that_is_wrong_is_found_and_the_first_layer_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from slth.networks import walk

    def wrong(tracer, value, *rest):
        return walk.HANDLERS["mul"](tracer, value, 1.0 + 1e-6)

    monkeypatch.setitem(walk.HANDLERS, "relu", wrong)
    module = nn.Sequential(nn.Linear(6, 6), nn.Sequential(nn.Linear(6, 6), nn.ReLU()), nn.Linear(6, 2))
    with pytest.raises(ArgumentError, match=r"1\.1 \(relu\).*is not what the graph computes there"):
        describe(randomised(module), (6,))


def test_errors_of_handlers_are_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    from slth.networks import walk

    monkeypatch.setitem(walk.HANDLERS, "relu", lambda tracer: None)
    with pytest.raises(ArgumentError, match=r"1 uses aten\.relu. has arguments that are not known here"):
        describe(net(), (16,))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_described_by_the_numbers_that_it_holds(dtype, caplog) -> None:
    module = net().to(dtype)
    graph = describe(module, (16,))
    assert str(dtype) in caplog.text
    assert module[0].weight.dtype == dtype
    assert np.array_equal(graph.node("0").step.weight[:, :, 0, 0], module[0].weight.detach().double().numpy())


def test_training_mode_is_described_as_evaluation_and_said_so(caplog) -> None:
    module = randomised(nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Dropout())).train()
    with caplog.at_level(logging.INFO, logger="slth.networks"):
        graph = describe(module, (6,))
    assert "training mode" in caplog.text
    assert module.training
    x = torch.rand(3, 6)
    np.testing.assert_allclose(graph.forward(x.numpy()), module.eval()(x).detach().numpy(), atol=1e-5)


def test_the_module_and_torch_stay_as_they_were() -> None:
    module = hooked().train()
    module[0].weight.requires_grad_(requires_grad=False)
    module(torch.rand(2, 16)).sum().backward()
    before = copy.deepcopy(module.state_dict())
    grads = [None if p.grad is None else p.grad.clone() for p in module.parameters()]
    hooks = [(len(part._forward_hooks), len(part._forward_pre_hooks)) for part in module.modules()]
    versions = [one._version for one in module.parameters()]
    ids = [id(one) for one in module.parameters()]
    random, filters = torch.get_rng_state(), list(warnings.filters)
    modes = torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_default_device()
    handlers = [list(handler.filters) for handler in logging.getLogger("torch").handlers]
    describe(module, (16,))
    with pytest.raises(SlthError):
        describe(Branching(), (6,))
    assert all(torch.equal(one, before[name]) for name, one in module.state_dict().items())
    for weight, grad in zip(module.parameters(), grads, strict=True):
        assert (weight.grad is None) == (grad is None)
        assert grad is None or torch.equal(weight.grad, grad)
    assert [(len(part._forward_hooks), len(part._forward_pre_hooks)) for part in module.modules()] == hooks
    assert [one._version for one in module.parameters()] == versions
    assert [id(one) for one in module.parameters()] == ids
    assert all(part.training for part in module.modules())
    assert not module[0].weight.requires_grad
    assert torch.equal(torch.get_rng_state(), random)
    assert list(warnings.filters) == filters
    assert (torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_default_device()) == modes
    assert [list(handler.filters) for handler in logging.getLogger("torch").handlers][: len(handlers)] == handlers


def test_it_works_without_gradients_and_under_inference_mode() -> None:
    for mode in (torch.no_grad(), torch.inference_mode()):
        with mode:
            graph = describe(nn.Sequential(nn.Linear(6, 6), nn.ReLU(inplace=True)), (6,))
        assert [node.name for node in graph.nodes] == ["0", "1"]


def test_names_are_the_users_and_unique() -> None:
    twice = Called(lambda s, x: s.block(s.block(x)) + s.input(x) - F.relu(x), block=nn.Sequential(nn.Linear(6, 6)),
                   input=nn.Linear(6, 6))  # fmt: skip
    names = [node.name for node in describe(twice, (6,)).nodes]
    assert {"block.0", "block.0-2", "input-2", "relu", "add"} <= set(names)
    strange = nn.Sequential()
    strange.add_module("über layer", nn.Linear(6, 6))
    assert [node.name for node in describe(strange, (6,)).nodes] == ["_ber_layer"]


def test_outputs_have_the_modules_shape() -> None:
    assert describe(nn.Conv2d(3, 4, 3), (3, 6, 5)).output_shape == (4, 4, 3)
    assert describe(nn.Linear(6, 2), (5, 6)).output_shape == (5, 2)
    assert describe(nn.Flatten(), (3, 4, 5)).output_shape == (60,)
    assert describe(nn.Identity(), (3, 4, 5)).output_shape == (3, 4, 5)
    assert describe(Called(lambda s, x: x.sum(1)), (3,)).output_shape == (1,)
    assert describe(nn.Unflatten(1, (2, 1, 3, 2)), (12,)).output_shape == (2, 1, 3, 2)


def test_a_constant_is_a_network_too() -> None:
    graph = describe(Called(lambda s, x: s.b.expand(x.shape[0], 3), b=nn.Parameter(torch.arange(3.0))), (5,))
    assert graph.forward(np.ones((2, 5))).tolist() == [[0.0, 1.0, 2.0]] * 2


# ------------------------------------------------------------------------------------------------ normalisation

MEAN, DEVIATION = [0.5, -0.25, 0.125], [0.5, 2.0, 0.25]


def raw(module: nn.Module, shape: tuple[int, ...], mean, deviation) -> np.ndarray:
    """What the module gives for normalised inputs."""
    x = np.random.default_rng(7).normal(size=(4, *shape))
    axes = (-1, *[1] * (len(shape) - 1))
    mean, deviation = (np.reshape(one, axes) if np.ndim(one) == 1 else np.asarray(one) for one in (mean, deviation))
    wanted = copy.deepcopy(module).double().eval()(torch.tensor((x - mean) / deviation)).detach().numpy()
    found = describe(module, shape, normalisation=(mean.ravel() if mean.size in (1, 3) else mean, deviation)).forward(x)
    np.testing.assert_allclose(found, wanted, atol=1e-10)
    return wanted


@pytest.mark.parametrize("mean", [0.0, 0.5, MEAN, np.arange(108.0).reshape(3, 6, 6)])
@pytest.mark.parametrize("padding", [0, 1])
def test_a_normalisation_is_described(mean, padding: int) -> None:
    module = randomised(nn.Sequential(nn.Conv2d(3, 4, 3, padding=padding), nn.ReLU()))
    raw(module, (3, 6, 6), mean, DEVIATION)


def test_it_folds_into_the_first_convolution_where_padding_does_not_see_the_mean() -> None:
    padded, bare = (randomised(nn.Sequential(nn.Conv2d(3, 4, 3, padding=padding))) for padding in (1, 0))
    names = [[node.name for node in describe(module, (3, 6, 6), normalisation=normalisation).nodes]
             for module, normalisation in ((bare, (MEAN, DEVIATION)), (padded, (0.0, DEVIATION)),
                                           (padded, (MEAN, DEVIATION)))]  # fmt: skip
    assert names == [["0"], ["0"], ["normalisation", "0"]]


def test_it_folds_through_a_flattening() -> None:
    module = randomised(nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.ReLU()))
    raw(module, (3, 2, 2), MEAN, DEVIATION)
    graph = describe(module, (3, 2, 2), normalisation=(MEAN, DEVIATION))
    assert not any(isinstance(node.step, Scale) for node in graph.nodes)


def test_every_branch_sees_it() -> None:
    module, shape = on_images(lambda s, x: s.c(x) + s.d(x) + x, c=conv(3, 3, padding=1), d=conv(3, 3, 1))
    raw(randomised(module), shape, MEAN, DEVIATION)


@pytest.mark.parametrize(
    "pair",
    [(torch.tensor(MEAN), torch.tensor(DEVIATION)), (tuple(MEAN), tuple(DEVIATION)), [MEAN, DEVIATION],
     (np.array(MEAN)[:, None, None], np.array(DEVIATION).astype(np.float32)), (np.float32(0.5), 2)],
)  # fmt: skip
def test_tensors_tuples_lists_and_arrays_are_alike(pair) -> None:
    assert_same(nn.Conv2d(3, 2, 1), (3, 2, 2))
    assert describe(nn.Conv2d(3, 2, 1), (3, 2, 2), normalisation=pair).parameters == 8


@pytest.mark.parametrize(
    "bad",
    [0.5, (0, 1, 2), {"mean": 0.0, "std": 1.0}, "ab", (0.0,), (0.0, 0.0), (0.0, -1.0), (float("nan"), 1.0),
     (0.0, float("inf")), ([0.0] * 4, [1.0] * 4), (np.zeros((3, 2)), 1.0), (None, 1.0), ("a", "b"), ([], []),
     ([[0.0], [1.0, 2.0]], 1.0), (1j, 1.0), (10**400, 1.0), np.zeros((2, 3))],
)  # fmt: skip
def test_other_normalisations_are_refused(bad) -> None:
    with pytest.raises(ArgumentError, match="normalisation="):
        describe(nn.Conv2d(3, 4, 1), (3, 2, 2), normalisation=bad)


# ------------------------------------------------------------------------------------------------ algebra


def test_scales_around_convolutions_fold_and_others_stay_exact() -> None:
    around = Called(lambda s, x: F.relu(s.c((x - 1) / 255) * 2 + 1), c=conv())
    graph = assert_same(around, (3, 5, 5))
    assert [node.name for node in graph.nodes] == ["c", "relu"]
    between = Called(lambda s, x: F.relu(s.c(x)) * 2 + F.relu(s.d(x)), c=conv(), d=conv())
    graph = assert_same(between, (3, 5, 5))
    assert [type(node.step) for node in graph.nodes].count(Scale) == 1


def test_a_trained_scale_that_cannot_be_folded_is_a_depthwise_convolution() -> None:
    module = Called(lambda s, x: F.relu(s.c(x)) * s.g + F.relu(x[:, :, 1:-1, 1:-1]), c=conv(3, 3), g=parameter(3, 1, 1))
    step = assert_same(module, (3, 5, 5)).node("mul").step
    assert isinstance(step, Conv)
    assert step.groups == 3


def test_a_shared_convolution_stays_one_where_a_norm_follows_one_use_only() -> None:
    module = Called(lambda s, x: s.n(s.c(x)) + s.c(x.flip(1)), c=conv(), n=nn.BatchNorm2d(4))
    graph = assert_same(module, (3, 5, 5))
    steps = [node.step for node in graph.weighted if node.name.startswith("c")]
    assert len(steps) == 2
    assert steps[0] is steps[1]
    both = Called(lambda s, x: s.n(s.c(x)) + s.n(s.c(x.flip(1))), c=conv(), n=nn.BatchNorm2d(4))
    graph = assert_same(both, (3, 5, 5))
    assert len(graph.weighted) == 2
    assert graph.weighted[0].step is graph.weighted[1].step


def test_computed_weights_that_are_used_twice_are_one_object() -> None:
    layer = parametrizations.weight_norm(nn.Linear(6, 6))
    graph = assert_same(Called(lambda s, x: s.l(F.relu(s.l(x))), l=layer), (6,))
    assert graph.weighted[0].step is graph.weighted[1].step
    twice = Called(lambda s, x: F.relu(x @ s.w) @ s.w, w=parameter(6, 6))
    graph = assert_same(twice, (6,))
    assert graph.weighted[0].step is graph.weighted[1].step
    times = Called(lambda s, x: s.c(F.relu(s.c(x))), c=nn.Conv1d(2, 2, 3))
    graph = assert_same(times, (2, 9))
    assert graph.weighted[0].step is graph.weighted[1].step


def test_layers_of_equal_numbers_are_two_layers() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    module[2].load_state_dict(module[0].state_dict())
    graph = describe(module, (4,))
    assert graph.weighted[0].step is not graph.weighted[1].step


def test_linear_layers_of_one_number_are_layers_and_not_scales() -> None:
    module = nn.Sequential(nn.Linear(3, 1), nn.Linear(1, 1), nn.Linear(1, 1))
    assert [node.name for node in assert_same(module, (3,)).nodes] == ["0", "1", "2"]


def test_what_is_added_to_itself_is_added_twice() -> None:
    graph = assert_same(Called(lambda s, x: s.l(x) + s.l(x), l=nn.Linear(3, 2)), (3,))
    assert [type(node.step) for node in graph.nodes] == [Conv, Add]


def test_the_public_name_is_in_the_module() -> None:
    assert trace.describe is describe

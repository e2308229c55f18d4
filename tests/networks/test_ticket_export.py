"""What is exported is, number by number, the module that `slth.apply_to` makes."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load
from safetensors.torch import load_file
from torch import nn

import slth
from slth.errors import ArgumentError
from slth.networks import NOfM, channel_blocked, layout_of, maskable, vit
from slth.networks.models_attention import AttentionClassifier
from slth.networks.shrink import onnx_of


class Net(nn.Module):
    """Convolution and norm, a tied weight, an embedding, a transposed convolution."""

    def __init__(self, width=8, dtype=torch.float32):
        super().__init__()
        self.conv = nn.Conv2d(4, width, 3)
        self.norm = nn.BatchNorm2d(width)
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        self.second.weight = self.first.weight
        self.words, self.back = nn.Embedding(3, width), nn.ConvTranspose1d(4, width, 2)
        self.to(dtype)


def ticket_of(module, masks, *, alphabet=(0, 1), reading="factor"):
    state = module.state_dict()
    buffers = {
        tensor.name: state[tensor.name].float().numpy() if tensor.dtype == "bfloat16" else state[tensor.name].numpy()
        for tensor in layout_of(module).tensors
        if tensor.name not in masks
    }
    mask = slth.Mask(masks, alphabet, reading=reading)
    return slth.Ticket(layout_of(module), slth.WeightLaw("normal"), 3, mask, [0.5] * len(masks), "strong", buffers)


def masks_of(module, seed, values=(False, True), share=0.5):
    generator = np.random.default_rng(seed)
    odds = [1 - share, *[share / (len(values) - 1)] * (len(values) - 1)]
    names = ("conv.weight", "first.weight", "words.weight", "back.weight")
    return {name: generator.choice(values, module.get_parameter(name).shape, p=odds) for name in names}


def written(module, ticket, tmp_path, to):
    path = tmp_path / f"{to.replace(':', '-')}.safetensors"
    slth.export(module, ticket, path, to=to)
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return load_file(path), json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["slth"])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_dense_is_the_state_dictionary_of_the_module(tmp_path, dtype):
    module = Net(dtype=dtype)
    ticket = ticket_of(module, masks_of(module, 0))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    tensors, said = written(module, ticket, tmp_path, "dense")
    assert all(torch.equal(module.state_dict()[name], tensor) for name, tensor in before.items())
    fresh, wanted = Net(dtype=dtype), slth.apply_to(Net(dtype=dtype), ticket)
    fresh.load_state_dict(tensors)  # strict: every name, none more
    for name, tensor in wanted.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], tensor)
        assert tensors[name].dtype == tensor.dtype
    assert said == {"format": "slth weights/1", "to": "dense", "seed": 3, "family": "strong", "weights": {}}


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_rows_of_a_compressed_matrix_are_those_of_the_module(tmp_path_factory, seed, share):
    module, folder = Net(), tmp_path_factory.mktemp("csr")
    ticket = ticket_of(module, masks_of(module, seed, share=share))
    tensors, said = written(module, ticket, folder, "csr")
    wanted = slth.apply_to(Net(), ticket).state_dict()
    assert said["weights"]["first.weight"] == {"shape": [8, 8], "aliases": ["second.weight"]}
    for name, about in said["weights"].items():
        shape = about["shape"]
        columns = int(np.prod(shape[1:]))
        parts = [tensors.pop(f"{name}.{end}").numpy() for end in ("values", "col_indices", "crow_indices")]
        assert len(parts[0]) == int(np.count_nonzero(ticket.mask[name]))
        matrix = scipy.sparse.csr_matrix(tuple(parts), shape=(shape[0], columns))
        assert matrix.has_canonical_format
        assert np.array_equal(matrix.toarray().reshape(shape), wanted.pop(name).numpy())
        for alias in about["aliases"]:
            wanted.pop(alias)
    assert tensors.keys() == wanted.keys()
    assert all(torch.equal(tensors[name], wanted[name]) for name in wanted)


def unpacked(tensors, name, about):
    """Put the values of n of m back to their places, one after another."""
    shape, (n, m), bits = about["shape"], (about["n"], about["m"]), about["bits"]
    values, data = tensors[f"{name}.values"].reshape(-1), tensors[f"{name}.indices"].tolist()
    behind = np.zeros((shape[0], *shape[2:], shape[1]), values.numpy().dtype)
    flat = behind.reshape(-1)
    for place, value in enumerate(values.tolist()):
        byte, slot = divmod(place * bits, 8)
        flat[place // n * m + (data[byte] >> slot) % 2**bits] = value
    return np.moveaxis(behind, -1, 1)


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 2), (1, 4), (3, 8), (1, 1)])
@pytest.mark.parametrize("fewer", [False, True])
def test_n_of_m_inputs_and_their_places_are_the_module(tmp_path, n, m, fewer):
    module = nn.Sequential(nn.Conv2d(8, 3, 3), nn.Flatten(), nn.Linear(24, 5), nn.Linear(5, 2))
    scores = {name: torch.rand(module.get_parameter(name).shape) for name in ("0.weight", "2.weight", "3.weight")}
    masks = {name: NOfM(n, m).select(one, 0).numpy() for name, one in scores.items() if name != "3.weight"}
    if fewer:
        masks = {name: mask & (np.random.default_rng(0).random(mask.shape) < 0.5) for name, mask in masks.items()}
    masks["3.weight"] = np.ones((2, 5), bool)  # kept whole: no groups are asked for
    ticket = ticket_of(module, masks)
    tensors, said = written(module, ticket, tmp_path, f"{n}:{m}")
    wanted = slth.apply_to(module, ticket).state_dict()
    packed = said["weights"].keys()
    assert packed == {name for name, mask in masks.items() if not mask.all()}
    for name in packed:
        about = said["weights"][name]
        assert (about["n"], about["m"]) == (n, m)
        assert about["bits"] == {1: 1, 2: 1, 4: 2, 8: 4}[m]
        size = tensors[f"{name}.values"].numel()
        assert size == masks[name].size // m * n
        assert tensors[f"{name}.indices"].numel() == -(-size * about["bits"] // 8)
        assert np.array_equal(unpacked(tensors, name, about), wanted[name].numpy())
    assert torch.equal(tensors["3.weight"], wanted["3.weight"])


def test_signs_and_choices_are_exported_as_the_weights_that_they_make(tmp_path):
    for alphabet, reading in (((-1, 0, 1), "factor"), ((0, 1, 2, 3), "choice")):
        module = Net()
        masks = {name: mask.astype(np.int8) for name, mask in masks_of(module, 1, values=(0, 1, alphabet[-1])).items()}
        ticket = ticket_of(module, masks, alphabet=alphabet, reading=reading)
        path = tmp_path / f"{reading}.safetensors"
        slth.export(module, ticket, path, to="csr")
        wanted = slth.apply_to(Net(), ticket).conv.weight.detach().numpy()
        assert np.array_equal(load(path.read_bytes())["conv.weight.values"], wanted[wanted != 0.0])


def test_equal_tickets_are_equal_files(tmp_path):
    contents = set()
    for name in ("a", "b"):
        module = Net()
        with torch.no_grad():
            for tensor in module.parameters():
                tensor.zero_()
        slth.export(module, ticket_of(module, masks_of(module, 0)), tmp_path / name, to="csr")
        contents.add((tmp_path / name).read_bytes())
    assert len(contents) == 1


def test_what_cannot_be_exported_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("slth.networks.shrink.find_spec", lambda name: None)
    module = nn.Sequential(nn.Linear(6, 4, bias=False))
    dense = ticket_of(module, {"0.weight": np.eye(4, 6, dtype=bool) | (np.arange(6) < 3)})
    pair = slth.Pair("a", inputs=2, outputs=1, units=3)
    kept = {name: np.ones(shape, bool) for name, shape in pair.mask_shapes.items()}
    source = slth.Graph((2,), [slth.Node("a", pair, ("input",))])
    constructed = slth.Ticket(source, slth.WeightLaw("uniform", 1.0), 0, slth.Mask(kept), [1.0])
    for given_module, ticket, to, said in (
        (module, dense, "coo", "to='coo' is no form of a network: use dense, csr, onnx, or n:m"),
        (module, dense, "4:2", "to='4:2' is no form"),
        (module, dense, "1:300", "to='1:300' is no form"),
        (module, dense, None, "to=None is no form"),
        (module, dense, "2:4", r"does not fit 0.weight: its second axis, in shape \[4, 6\], has no groups of 4"),
        (module, dense, "2:3", "does not fit the mask of 0.weight, which keeps 3 of 3 consecutive inputs somewhere"),
        (module, dense, "onnx", r"to='onnx' needs packages .* pip install 'slth\[onnx\]'"),
        (nn.Linear(6, 4, bias=False), dense, "csr", "is not the module that the ticket is for"),
        (None, dense, "csr", "module='NoneType' is no torch.nn.Module"),
        (module, None, "csr", "ticket='NoneType' is no Ticket"),
        (module, constructed, "dense", r"is a network of its own: use slth.to_torch\(ticket\)"),
    ):
        with pytest.raises(ArgumentError, match=said):
            slth.export(given_module, ticket, tmp_path / "file", to=to)
    assert not list(tmp_path.iterdir())


class Counted(nn.Module):
    """Of which the exporter takes the number of examples for a constant."""

    def forward(self, x):
        return x.reshape(len(x), 2, 2).sum(1)


MODULES = {
    "convolutions": (lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)), (1, 4, 4)),
    "pairs": (lambda: channel_blocked(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3))), (1, 4, 4)),
    "attention": (lambda: AttentionClassifier((4, 4), width=6, hidden=(5,)), (16,)),
    "tokens": (lambda: vit(channels=1, size=8, patch=4, width=8, depth=1, heads=2, classes=3), (1, 8, 8)),
}


@pytest.mark.parametrize("name", MODULES)
def test_onnx_runs_elsewhere_as_the_module_does(tmp_path, name):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    make, shape = MODULES[name]
    module, generator = make(), np.random.default_rng(0)
    masks = {name: generator.random(module.get_parameter(name).shape) < 0.5 for name in maskable(module)}
    ticket = ticket_of(module, masks)
    slth.export(module, ticket, tmp_path / "net.onnx", to="onnx", input_shape=shape)
    session = runtime.InferenceSession(tmp_path / "net.onnx")
    for batch in (5, 1):
        x = np.random.default_rng(1).random((batch, *shape)).astype(np.float32)
        (found,) = session.run(None, {"x": x})
        np.testing.assert_allclose(found, slth.apply_to(module, ticket).eval()(torch.from_numpy(x)).detach(), atol=1e-5)


def test_onnx_for_batches_of_one_size_alone_is_refused():
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    with pytest.raises(ArgumentError, match=r"batches of 2 alone.*x\.shape\[0\] in the place of len\(x\)"):
        onnx_of(nn.Sequential(nn.Linear(4, 4), Counted()), (4,))

"""Layouts as the text of a file: short, read back to the same, refused where changed; and files of before."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slth.errors import ArgumentError, TicketError
from slth.networks import layout_of, lenet300
from slth.rng import WeightLaw
from slth.tickets import Layout, Mask, Ticket, ticket_from_bytes
from slth.tickets.grains import Grain
from slth.tickets.layout import TensorLayout
from slth.tickets.layout_text import LayoutText, layout_from_text, layout_text
from tests.tickets.ticket_files import forged, same, taken_apart

LAW = WeightLaw("normal", 0.5)
OLD = zlib.decompress(base64.b85decode(
    'c-pm<&5qMB5XY-(feQy7q4L=(u^l@}FS{os9)MF@MUFq(h%~7ZcUP;b4+3w(i6=nf&V@(VM_`gHBH0#bq^>Vc#xuXaJ(+RBSEFX^'
    'Q5<iKlUh0%$7r@kRp!=HTa+8=&<wd$eKhVZMYvtKHD#3+Ijne7I`wLEu`87U!+wD>d0*_@0?p>|lFN;O#|3!anRK-VJ6@n_Ew{CK'
    '&al6PckS-Ct((mX=@@Oi$|7rxTUi3enX)m<ER~h1>hR?O_can&dZKVaJ~@4ciz+<t3FyfaP<&a9<1^5U=BV7|d77`FW@SD+SIN%W'
    '0V21ud^U}Iw}}(!)Y??BD<yQ9?rZg>(%cFEJfS*pBdZ2Dn?Gs4KUJ_iK=Wqu4mvllyFHtDQ(pJ8F&b<P9$VKchCNX(>YfiMXF?I8'
    'BvXD6MWM$n<yJ?QdpaUi86MI^GsP{@+$Y-jCIVmMF`=msOjYF0<gUY%lu(;QOmgYjfGcZ+HcACyWK<%I3bhq1@dFVG>j#D_PlX=y'
    'g;gQbDntj2Rx-`2`toWL2GDn+)@pLumLO^_xWd}XIPjc%m<aeLO`>{{AHq%`A;*zKU>ek+ZT_e2&GUD0c8s6_=A?rl!x5a|fcFq5'
    '3aU$d-y<Fa1CB%119n?&(B49Zi5Hw?K}QWj0S6P-&sAHM!!V3s!n^sR|4I3Yk^ulF0qo^4nM~Th=fib7k8WO!Utj(Bb~S!EUXA`a'
    'em;ggeEs~X9$&6UXN})d=g!|B=QlUM0IVQjE&'
))  # fmt: skip
"""Of the module below, as slth wrote it before there were grains and constants."""


def module() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))


def stored() -> dict[str, np.ndarray]:
    return {
        "0.bias": np.zeros(3),
        "1.weight": np.ones(3),
        "1.bias": np.array([0.5, -1.0, 0.1]),
        "2.bias": np.array([0.25, 4.0]),
        "1.running_mean": np.zeros(3),
        "1.running_var": np.ones(3),
        "1.num_batches_tracked": np.array(0),
    }


def ticket(**changes: np.ndarray) -> Ticket:
    rows = np.array([True, False, True])
    masks = {"0.weight": np.repeat(rows, 4).reshape(3, 4), "2.weight": np.array([[1, 0, 1], [0, 1, 1]], bool)}
    return Ticket(layout_of(module()), LAW, 3, Mask(masks), [1.0, 2.0], buffers=stored() | changes)


def same_buffers(read: Ticket, made: Ticket) -> None:
    assert set(read.buffers) == set(made.buffers)
    for name, array in made.buffers.items():
        assert read.buffers[name].dtype == array.dtype, name
        assert read.buffers[name].shape == array.shape, name
        assert read.buffers[name].tobytes() == array.tobytes(), name


NAMES = st.lists(st.text("ab._0-", min_size=1, max_size=5), unique=True, max_size=6)
NUMBERS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))


@given(NAMES, st.data())
def test_a_text_says_what_it_was_made_of(names: list[str], data: st.DataObject) -> None:
    tensors, grains, constants = [], {}, {}
    for name in names:
        shape = data.draw(st.lists(st.integers(1, 9), max_size=3))
        dtype, role = data.draw(st.sampled_from([("float32", "parameter"), ("int64", "buffer"), ("float16", "buffer")]))
        aliases = data.draw(st.sampled_from([(), (f"{name}x",), (f"{name}x", f"{name}y")]))
        alike = [one.name for one in tensors if not one.same_as and one.shape == tuple(shape)]
        same_as = data.draw(st.sampled_from(["", *alike]))
        tensors.append(TensorLayout(name, shape, dtype, role, aliases, same_as))  # type: ignore[arg-type]
        if data.draw(st.booleans()):
            grains[name] = Grain(columns=data.draw(st.sampled_from([1, int(np.prod(shape[1:], dtype=int))])))
        if data.draw(st.booleans()):
            constants[name] = data.draw(NUMBERS)
    text = layout_text(LayoutText(Layout(tensors), grains, constants))
    read = layout_from_text(text)
    assert (read.layout, read.grains) == (Layout(tensors), grains)
    assert repr(read.constants) == repr(constants)


@pytest.mark.parametrize(
    "tensor",
    [TensorLayout("a b", ()), TensorLayout("a;b", ()), TensorLayout("a", (), dtype="=3"),
     TensorLayout("a", (), dtype="+a"),
     TensorLayout("a", (), aliases=("b,c",)), TensorLayout("a", (), dtype="buffer")],
)  # fmt: skip
def test_names_that_the_text_cannot_hold_are_refused(tensor: TensorLayout) -> None:
    with pytest.raises(ArgumentError, match="has names that a file cannot hold"):
        layout_text(LayoutText(Layout([tensor]), {}, {}))


def test_buffers_come_back_to_the_bit_and_constants_take_no_tensor() -> None:
    made = ticket()
    metadata, tensors = taken_apart(made.to_bytes())
    assert metadata["source"] == (
        "layout;0.weight 3,4 *1,4;0.bias 3 =0.0;1.weight 3 =1.0;1.bias 3;2.weight 2,3 *;2.bias 2;"
        "1.running_mean 3 buffer =0.0;1.running_var 3 buffer =1.0;1.num_batches_tracked  int64 buffer =0"
    )
    assert {name: array.dtype.name for name, array in tensors.items()} == {
        "gains": "float64", "masks": "uint8", "buffer.1.bias": "float64", "buffer.2.bias": "float32"
    }  # fmt: skip
    read = ticket_from_bytes(made.to_bytes())
    same(read, made)
    same_buffers(read, made)


@pytest.mark.parametrize(
    "array", [np.array([0.0, -0.0, 0.0]), np.full(3, -0.0), np.full(3, 5e-324), np.full(3, -1.7e308),
              np.arange(3) * 1.0, np.full(3, 2**62), np.array([1e300, 0.0, 0.1])]
)  # fmt: skip
def test_any_numbers_come_back_to_the_bit(array: np.ndarray) -> None:
    made = ticket(**{"0.bias": array})
    same_buffers(ticket_from_bytes(made.to_bytes()), made)


def test_a_buffer_that_is_no_tensor_of_the_layout_or_has_another_shape_stays_a_tensor() -> None:
    made = ticket(other=np.zeros(4), **{"0.bias": np.zeros(5)})
    assert {"buffer.other", "buffer.0.bias"} <= set(taken_apart(made.to_bytes())[1])
    same_buffers(ticket_from_bytes(made.to_bytes()), made)


def test_a_file_of_before_gives_the_same_ticket() -> None:
    read = ticket_from_bytes(OLD)
    same(read, ticket())
    same_buffers(read, ticket())
    assert taken_apart(OLD)[0]["source"].startswith('{"layout":')
    assert len(read.to_bytes()) < len(OLD) / 2


def test_a_searched_net_costs_what_its_mask_says() -> None:
    layout = layout_of(lenet300())
    rng = np.random.default_rng(0)
    masks = {tensor.name: rng.random(tensor.shape) < 0.5 for tensor in layout.tensors if len(tensor.shape) == 2}
    biases = {tensor.name: np.zeros(tensor.shape) for tensor in layout.tensors if tensor.name not in masks}
    made = Ticket(layout, LAW, 0, Mask(masks), [1.0] * 3, buffers=biases)
    assert len(made.to_bytes()) <= made.statistics().entropy_bound_bits / 8 + 620


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2.weight 2,3 *", "2.weight 2,3 ~0.weight *", "2.weight.* has the random numbers of 0.weight, which has none"),
        ("2.weight 2,3 *", "2.weight 2,3 ~2.weight *", "2.weight.* has the random numbers of 2.weight, which has none"),
        ("2.weight 2,3 *", "2.weight 2,3 ~ *", "is not as a layout is written"),
        ("0.bias 3 =0.0", "0.bias 3 =00.0", "is not as a layout is written"),
        ("0.bias 3 =0.0", "0.bias 3 =1_0", "is not as a layout is written"),
        ("0.bias 3 =0.0", "0.bias 3 =nan", "buffer 0.bias=.* must hold finite real numbers"),
        ("0.bias 3 =0.0", "0.bias 3 =1e999", "is not as a layout is written"),
        ("0.bias 3 =0.0", "0.bias 3 =", "is no layout"),
        ("0.bias 3 =0.0", "0.bias 3 =9223372036854775808", "is no layout"),
        ("0.bias 3 =0.0", "0.bias 3 =True", "is no layout"),
        ("0.bias 3 =0.0", "0.bias 3 =0.0 =1.0", "is not as a layout is written"),
        ("0.bias 3 =0.0", "0.bias 03 =0.0", "is not as a layout is written"),
        ("0.bias 3 =0.0", "0.bias -3 =0.0", "must not have negative extents"),
        ("0.bias 3 =0.0", "0.bias", "is no layout"),
        ("0.bias 3 =0.0", "0.weight 3 =0.0", "stands twice"),
        ("0.bias 3 =0.0", f"0.bias {2**50} =0.0", f"it asks for {2**50 + 10} numbers of buffers"),
        ("2.bias 2", "2.bias 2 =0.0", "2.bias is stored twice"),
        ("0.weight 3,4 *1,4", "0.weight 3,4", "too many behind the last of 1 codes"),
        ("0.weight 3,4 *1,4", "0.weight 0,4 *", "is none of a mask of shape"),
        ("layout;", "layout;;", "is no layout"),
        ("layout;", "layouts;", "is not valid JSON, and no packed graph"),
    ],
)
def test_a_text_made_to_deceive_is_refused(old: str, new: str, message: str) -> None:
    content = ticket().to_bytes()
    text = taken_apart(content)[0]["source"]
    assert old in text
    with pytest.raises(TicketError, match=message):
        ticket_from_bytes(forged(content, metadata={"source": text.replace(old, new)}))

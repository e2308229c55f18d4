"""Layouts of affine maps beside the convolutions themselves: strides, groups, gaps, uneven edges, empty rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.certificates.interval import Interval
from slth.certificates.layout import Full, Places, conv_layout, input_entries, kernel_entries
from slth.graphs import Conv
from tests.certificates.samples import Builder, _block_conv


@given(st.integers(0, 2**32 - 1))
def test_a_layout_is_the_matrix_of_its_convolution(seed):
    rng = np.random.default_rng(seed)
    b = Builder(rng, [(3, 1, 1), (2, 1, 3), (2, 3, 3)][seed % 3])
    _block_conv(b)
    conv = b.nodes[0].step
    layout = conv_layout(conv.geometry, b.input_shape)
    matrix = layout.matrix(layout.of_kernel(conv.weight.ravel()))
    dense = matrix.toarray() if isinstance(layout, Places) else matrix
    one = np.eye(layout.columns).reshape(-1, *b.input_shape)
    columns = Conv(conv.weight, None, conv.stride, conv.padding, conv.dilation, conv.groups).forward(one)
    assert np.array_equal(dense, columns.reshape(layout.columns, -1).T)
    values = rng.normal(size=layout.columns)
    terms = kernel_entries(layout, Interval.point(conv.weight.ravel())) * input_entries(layout, Interval.point(values))
    sums = layout.total(terms)
    assert (sums.lower <= dense @ values + 1e-12).all()
    assert (sums.upper >= dense @ values - 1e-12).all()
    assert sums.upper == pytest.approx(dense @ values, rel=1e-9, abs=1e-12)
    own = kernel_entries(layout, layout.met(Interval.point(values), conv.weight.size))
    seen = input_entries(layout, Interval.point(values))
    assert (own.lower <= seen.lower).all()
    assert (own.upper >= seen.upper).all()


def test_one_pixel_is_a_full_matrix_and_an_image_is_not():
    assert conv_layout(Conv(np.ones((3, 2))).geometry, (2, 1, 1)) == Full(0, 3, 2)
    assert isinstance(conv_layout(Conv(np.ones((3, 2))).geometry, (2, 1, 2)), Places)
    assert isinstance(conv_layout(Conv(np.ones((2, 1, 1, 1)), groups=2).geometry, (2, 1, 1)), Places)


def test_rows_of_windows_in_the_padding_alone_are_zero():
    conv = Conv(np.ones((1, 1, 1, 1)), padding=((2, 1), (0, 0)))
    layout = conv_layout(conv.geometry, (1, 1, 1))
    assert layout.rows == 4
    sums = layout.total(Interval.point(layout.of_inputs(np.array([3.0]))))
    assert sums.lower == pytest.approx([0.0, 0.0, 3.0, 0.0], rel=1e-12, abs=1e-300)
    assert [piece.rows for _, piece in layout.pieces()] == [4]
    everything = conv_layout(Conv(np.ones((1, 1, 1, 1)), padding=((1, 0), (0, 0)), stride=(2, 1)).geometry, (1, 1, 1))
    nothing = everything.total(Interval.point(np.zeros(0)))
    assert everything.rows == 1
    assert np.abs(nothing.upper).max() < 1e-300

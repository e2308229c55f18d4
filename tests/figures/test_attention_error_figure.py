"""The data behind the figure of attention errors."""

from __future__ import annotations

import numpy as np
import pytest

from slth.figures.attention_error import attention_error_figure
from slth.theory import bounds


def row(lengths, tokens, inner, replicate, *, bound=""):
    return {
        "width": "4", "lengths": lengths, "replicate": str(replicate), "inner_width": str(inner), "tokens": str(tokens),
        "error": str((1 + replicate) / inner), "lemma_bound": bound,
    }  # fmt: skip


WIDE = [row("[16]", 16, inner, replicate) for inner in (8, 16) for replicate in range(3)]
LONG = [
    row("[8, 32]", tokens, 40, replicate, bound=str(1.0 + replicate) if replicate < 3 else "")
    for tokens in (8, 32)
    for replicate in range(4)
]


def test_medians_and_their_ranges():
    left, right = attention_error_figure([*WIDE, *LONG]).axes
    (bars,) = left.containers
    np.testing.assert_array_equal(bars.lines[0].get_xdata(), [8, 16])
    np.testing.assert_allclose(bars.lines[0].get_ydata(), [2 / 8, 2 / 16])
    low, high = bars.lines[2][0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((1.2 / 8, 2.8 / 8))  # quantiles 0.1 and 0.9 of 1, 2, 3
    (long,) = right.containers
    np.testing.assert_array_equal(long.lines[0].get_xdata(), [8, 32])
    assert left.get_title(loc="left").endswith("$T = 16$")


def test_published_fit_theorem_and_lemma():
    left, right = attention_error_figure([*WIDE, *LONG]).axes
    (fit,) = [line for line in left.lines if "published" in str(line.get_label())]
    np.testing.assert_allclose(fit.get_ydata(), 0.8 * np.exp(-0.06 * np.arange(1, 101)))
    theorem = [line for line in left.lines if line.get_linestyle() == ":" and len(line.get_xdata())]
    n, eps = theorem[0].get_data()
    assert n[0] == bounds["otsuka2025.head_width"](d_in=4, heads=1, radius=2.0, eps=eps[0], constant=2.0)
    assert "$C = 2$ assumed" in "".join(str(line.get_label()) for line in left.lines)
    # One of four sources has no bound: the median of all four is the two-thirds quantile of 1, 2 and 3.
    (lemma,) = [line for line in right.lines if "lemma" in str(line.get_label())]
    np.testing.assert_allclose(lemma.get_ydata(), 1 + 2 * 2 / 3)


def test_a_bound_of_few_sources_is_not_drawn():
    rare = [dict(part, lemma_bound="") if part["replicate"] != "0" else part for part in LONG]
    right = attention_error_figure([*WIDE, *rare]).axes[1]
    assert not [line for line in right.lines if "lemma" in str(line.get_label())]

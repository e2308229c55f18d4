"""Layer rules keep exactly what one density keeps, and are the published formulas."""

from __future__ import annotations

from fractions import Fraction
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slth.errors import ArgumentError
from slth.networks import Axes, SmartRatio, kept_count, layer_densities, lenet300, maskable, resnet_cifar
from slth.networks.allocations import LAYER_RULES
from slth.searches import EdgePopup

NET = {"a": Axes((16, 3, 3, 3)), "b": Axes((32, 16, 3, 3)), "c": Axes((32, 32, 3, 3)), "d": Axes((10, 32))}
SIZES = {name: prod(axes.shape) for name, axes in NET.items()}
TOTAL = sum(SIZES.values())
SHAPES = st.lists(st.lists(st.integers(1, 40), min_size=2, max_size=4).map(tuple), min_size=1, max_size=8)


def counts(net, density, rule, rounding="nearest"):
    sizes = {name: prod(axes.shape) for name, axes in net.items()}
    found = layer_densities(net, density, rule)
    return {name: kept_count(found[name], size, rounding=rounding) for name, size in sizes.items()}


@given(SHAPES, st.floats(0.0, 1.0, exclude_min=True), st.sampled_from(sorted(LAYER_RULES)))
def test_counts_sum_to_the_total_and_fit_their_weights(shapes, density, rule):
    net = {str(place): Axes(shape) for place, shape in enumerate(shapes)}
    total = sum(prod(shape) for shape in shapes)
    kept = kept_count(density, total)
    linear = [prod(shape) for shape in shapes if len(shape) == 2]
    rest = kept - sum(max(Fraction(1), Fraction(3, 10) * size) for size in linear)
    convolutions = len(shapes) - len(linear)
    if kept < len(shapes) or (rule == "smart-ratio" and not convolutions <= rest <= total - sum(linear)):
        with pytest.raises(ArgumentError, match="density"):
            counts(net, density, rule)
        return
    found = counts(net, density, rule)
    assert sum(found.values()) == kept
    assert all(1 <= found[str(place)] <= prod(shape) for place, shape in enumerate(shapes))
    assert found == counts(net, density, rule, "up")


@given(SHAPES, st.floats(0.01, 1.0), st.sampled_from(["uniform", "erk", "epl"]))
def test_proportional_rules_are_one_scale_within_the_bounds(shapes, density, rule):
    """The counts of a rule before rounding, by bisection of the scale."""
    share = {"uniform": prod, "erk": sum, "epl": lambda shape: 1}[rule]
    kept = kept_count(density, sum(prod(shape) for shape in shapes))
    if kept < len(shapes):
        return
    low, high = 0.0, float(max(prod(shape) for shape in shapes))
    for _ in range(200):
        middle = (low + high) / 2
        sums = sum(min(max(1.0, middle * share(shape)), prod(shape)) for shape in shapes)
        low, high = (middle, high) if sums < kept else (low, middle)
    wanted = [min(max(1.0, high * share(shape)), prod(shape)) for shape in shapes]
    exact = LAYER_RULES[rule].counts(shapes, kept)
    assert sum(exact) == kept
    assert [float(count) for count in exact] == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("density", [0.05, 0.3, 0.8])
def test_erk_is_the_published_iteration(density):
    """Layers whose probability would pass one are made dense, one after another, until none does."""
    kept, dense = Fraction(kept_count(density, TOTAL)), set()
    while True:
        free = [name for name in NET if name not in dense]
        scale = (kept - sum(SIZES[name] for name in dense)) / sum(sum(NET[name].shape) for name in free)
        over = [name for name in free if scale * sum(NET[name].shape) > SIZES[name]]
        if not over:
            break
        dense.add(max(over, key=lambda name: Fraction(sum(NET[name].shape), SIZES[name])))
    wanted = [SIZES[name] if name in dense else scale * sum(axes.shape) for name, axes in NET.items()]
    exact = LAYER_RULES["erk"].counts([axes.shape for axes in NET.values()], int(kept))
    assert exact == wanted


def test_ideal_gas_has_one_force():
    exact = LAYER_RULES["igq"].counts([axes.shape for axes in NET.values()], 1500)
    forces = [(size / float(count) - 1) / size for count, size in zip(exact, SIZES.values(), strict=True)]
    assert forces == pytest.approx([forces[0]] * 4, rel=1e-9)
    assert sum(exact) == 1500


def test_smart_ratio_by_hand():
    # (L - l + 1)^2 + (L - l + 1) of three convolutions: 12, 6, 2; the linear one keeps 96 of 320.
    kept = kept_count(0.1, TOTAL)
    scale = Fraction(kept - 96, 12 * SIZES["a"] + 6 * SIZES["b"] + 2 * SIZES["c"])
    wanted = [scale * 12 * SIZES["a"], scale * 6 * SIZES["b"], scale * 2 * SIZES["c"], 96]
    assert LAYER_RULES["smart-ratio"].counts([axes.shape for axes in NET.values()], kept) == wanted


def test_smart_ratio_pushes_on_what_a_layer_cannot_hold():
    kept = kept_count(0.5, TOTAL)
    a, b, c, d = LAYER_RULES["smart-ratio"].counts([axes.shape for axes in NET.values()], kept)
    scale = Fraction(kept - 96, 12 * SIZES["a"] + 6 * SIZES["b"] + 2 * SIZES["c"])
    assert 12 * scale > 1
    assert (a, d) == (SIZES["a"], 96)
    assert b == min(SIZES["b"], 6 * scale * SIZES["b"] + 12 * scale * SIZES["a"] - SIZES["a"])
    assert c == kept - a - b - d


def test_a_module_and_edge_popup_keep_these_counts():
    module = resnet_cifar(20)
    axes = maskable(module)
    found = layer_densities(module, 0.0372, "erk")
    masks = EdgePopup(found).chosen(EdgePopup(found).first(axes, 0), axes)
    total = sum(prod(one.shape) for one in axes.values())
    assert sum(int(mask.sum()) for mask in masks.values()) == kept_count(0.0372, total)


@pytest.mark.parametrize(
    ("module", "density", "rule", "said"),
    [
        (lenet300(), 0.05, "erdos", "rule"),
        (lenet300(), 0.0, "erk", "each of the 3 layers needs one"),
        (lenet300(), 1.01, "erk", "density"),
        (lenet300(), float("nan"), "uniform", "density"),
        (nn.ReLU(), 0.5, "erk", "weights"),
        (lenet300(), 0.05, "smart-ratio", "0 convolutions"),
        (NET, 0.99, SmartRatio(linear=0.1), "3 convolutions"),
    ],
)
def test_what_no_rule_keeps_is_refused(module, density, rule, said):
    with pytest.raises(ArgumentError, match=said):
        layer_densities(module, density, rule)
    with pytest.raises(ArgumentError, match="linear"):
        SmartRatio(linear=0.0)

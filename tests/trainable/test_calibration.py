"""Calibration against loops over examples, identities, and closed forms."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slth.errors import ArgumentError
from slth.trainable import Predictions, averaged
from slth.training import Examples


@st.composite
def predictions(draw):
    """Logits with ties and certainties, and labels."""
    classes = draw(st.integers(2, 5))
    row = st.lists(st.sampled_from([-40.0, -2.0, -0.5, 0.0, 0.3, 1.0, 3.0, 60.0]), min_size=classes, max_size=classes)
    logits = draw(st.lists(row, min_size=1, max_size=40))
    labels = draw(st.lists(st.integers(0, classes - 1), min_size=len(logits), max_size=len(logits)))
    return logits, labels


def softmax(row):
    powers = [math.exp(value - max(row)) for value in row]
    return [power / sum(powers) for power in powers]


def naive_bins(pairs, bins, by):
    """Lists of (confidence, right) of each bin, by a loop over examples."""
    found = [[] for _ in range(bins)]
    for confidence, right in pairs:
        if by == "width":
            place = next(b for b in range(bins) if confidence <= (b + 1) / bins or b == bins - 1)
        else:
            place = sum(other < confidence for other, _ in pairs) * bins // len(pairs)
        found[place].append((confidence, right))
    return [one for one in found if one]


def naive_error(pairs, bins, by, order):
    total = 0.0
    for inside in naive_bins(pairs, bins, by):
        confidence = sum(one for one, _ in inside) / len(inside)
        accuracy = sum(one for _, one in inside) / len(inside)
        total += len(inside) / len(pairs) * abs(accuracy - confidence) ** order
    return total ** (1 / order)


@given(predictions(), st.sampled_from([1, 3, 10]), st.sampled_from(["width", "mass"]), st.sampled_from([1, 2]))
def test_errors_are_those_of_a_loop_over_examples(drawn, bins, by, order):
    logits, labels = drawn
    found = Predictions(logits, labels)
    rows = [softmax(row) for row in logits]
    # Confidences as they are held: two that are equal but for rounding may lie on both sides of an edge.
    pairs = [
        (float(held), row.index(max(row)) == label)
        for held, row, label in zip(found.confidences, logits, labels, strict=True)
    ]
    assert found.confidences == pytest.approx([max(row) for row in rows])
    assert found.accuracy == pytest.approx(sum(right for _, right in pairs) / len(pairs))
    assert found.calibration_error(bins=bins, by=by, order=order) == pytest.approx(
        naive_error(pairs, bins, by, order), abs=1e-12
    )
    brier = [sum((p - (c == y)) ** 2 for c, p in enumerate(row)) for row, y in zip(rows, labels, strict=True)]
    assert found.brier == pytest.approx(sum(brier) / len(brier))
    torch_loss = nn.functional.cross_entropy(torch.tensor(logits, dtype=torch.float64), torch.tensor(labels))
    assert found.negative_log_likelihood == pytest.approx(float(torch_loss), abs=1e-12)


@given(predictions(), st.sampled_from(["width", "mass"]))
def test_bins_part_the_examples_and_do_not_know_their_order(drawn, by):
    logits, labels = drawn
    table = Predictions(logits, labels).reliability(bins=7, by=by)
    assert sum(one.examples for one in table) == len(labels)
    turned = Predictions(logits[::-1], labels[::-1]).reliability(bins=7, by=by)
    assert [one.examples for one in turned] == [one.examples for one in table]
    whole = Predictions(logits, labels)
    assert sum(one.examples * one.gap for one in table) == pytest.approx(
        len(labels) * (whole.accuracy - whole.confidences.mean()), abs=1e-9
    )
    assert all(
        one.low <= one.confidence + 1e-12 and one.confidence <= one.high + 1e-12 for one in table if one.examples
    )


def test_a_confidence_on_an_edge_is_in_the_bin_below():
    table = Predictions([[0.0, 0.0]], [0]).reliability(bins=10)
    assert [one.examples for one in table] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert (table[4].low, table[4].high) == pytest.approx((0.4, 0.5))


@given(predictions())
def test_one_bin_has_the_difference_of_the_means_and_finer_ones_no_less(drawn):
    found = Predictions(*drawn)
    mean = abs(found.accuracy - found.confidences.mean())
    assert found.calibration_error(bins=1) == pytest.approx(mean, abs=1e-12)
    assert found.calibration_error(bins=8) >= found.calibration_error(bins=4) - 1e-12
    assert found.calibration_error(bins=4, order=2) >= found.calibration_error(bins=4) - 1e-12


@pytest.mark.parametrize("chance", [0.3, 0.8])
def test_the_debiased_square_has_the_true_square_as_its_mean_over_all_outcomes(chance):
    confidence, count = 0.7, 6
    logit = math.log(confidence / (1 - confidence))
    mean = 0.0
    for outcome in product([0, 1], repeat=count):
        wrong = sum(outcome)
        found = Predictions([[logit, 0.0]] * count, list(outcome))
        gap = (count - wrong) / count - confidence
        # Not cut at 0, where a single square may lie below it.
        accuracy = (count - wrong) / count
        square = gap**2 - accuracy * (1 - accuracy) / (count - 1)
        assert found.calibration_error(bins=1, order=2, debiased=True) == pytest.approx(math.sqrt(max(0.0, square)))
        mean += chance ** (count - wrong) * (1 - chance) ** wrong * square
    assert mean == pytest.approx((chance - confidence) ** 2)


def test_the_debiased_error_of_calibrated_predictions_is_smaller_and_near_zero():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3000, 2)) * 2
    chances = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    labels = (rng.random(3000) < chances).astype(int)  # calibrated by construction
    found = Predictions(logits, labels)
    assert found.calibration_error(debiased=True) < 0.6 * found.calibration_error()
    assert found.calibration_error(debiased=True) < 0.01


def test_the_first_order_takes_off_what_normal_numbers_add():
    found = Predictions([[math.log(3), 0.0]] * 40, [0] * 26 + [1] * 14)  # sure by 0.75, right by 0.65
    drawn = np.abs(np.random.default_rng(1).normal(-0.1, math.sqrt(0.65 * 0.35 / 39), 400_000))
    plain = found.calibration_error(bins=1)
    expected = plain - (drawn.mean() - 0.1)
    # Four standard errors of the mean of the draws.
    assert found.calibration_error(bins=1, debiased=True) == pytest.approx(expected, abs=4 * drawn.std() / 400_000**0.5)


@given(predictions())
def test_the_fitted_temperature_is_stationary_or_an_end(drawn):
    found = Predictions(*drawn)
    fitted = found.temperature()
    best = found.scaled(fitted).negative_log_likelihood
    grid = np.geomspace(0.01, 100.0, 200)
    assert best <= min(found.scaled(one).negative_log_likelihood for one in grid) + 1e-7
    assert (found.scaled(fitted).classes == found.classes).all()


def test_a_temperature_undoes_another():
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(4000, 4)) * 3
    chances = Predictions(logits, np.zeros(4000, int)).probabilities
    labels = (rng.random((4000, 1)) > chances.cumsum(axis=1)[:, :-1]).sum(axis=1)
    fitted = Predictions(logits * 5.0, labels).temperature()
    assert fitted == pytest.approx(5.0, rel=0.1)  # a deviation of about 2 %
    assert Predictions(logits * 5.0, labels).scaled(fitted).calibration_error() < 0.03


def test_a_module_in_bfloat16_is_evaluated():
    found = Predictions.of(nn.Linear(1, 2).bfloat16(), Examples([[1.0], [2.0]], [0, 1]))
    assert found.probabilities.sum(axis=1) == pytest.approx(1.0)


@given(predictions(), st.sampled_from(["logits", "probabilities"]))
def test_the_mean_of_equal_members_is_the_member(drawn, by):
    found = Predictions(*drawn)
    mean = averaged([found, found, found], by=by)
    assert mean.log_probabilities == pytest.approx(found.log_probabilities, abs=1e-9)


def test_members_are_averaged_as_said():
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(3, 20, 4))
    labels = rng.integers(0, 4, 20)
    members = [Predictions(one, labels) for one in logits]
    rows = np.array([[softmax(row) for row in one] for one in logits])
    assert averaged(members, by="probabilities").probabilities == pytest.approx(rows.mean(axis=0))
    by_logits = np.array([softmax(row) for row in logits.mean(axis=0)])
    assert averaged(members).probabilities == pytest.approx(by_logits)
    # The mean of probabilities is at least as likely as the mean of the members' logarithms (Jensen).
    single = np.mean([one.negative_log_likelihood for one in members])
    assert averaged(members, by="probabilities").negative_log_likelihood <= single


def test_a_module_is_evaluated_as_it_is_and_left_in_its_mode():
    net = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)).train()
    examples = Examples(torch.randn(2100, 3, generator=torch.Generator().manual_seed(0)), [0, 1, 1] * 700)
    found = Predictions.of(net, examples)
    assert net.training
    assert net[1].training
    with torch.no_grad():
        expected = net[0](examples.inputs).double().log_softmax(1)
    assert found.log_probabilities == pytest.approx(expected.numpy(), abs=1e-6)
    assert found.wrong_confidence == pytest.approx(found.confidences[~found.right].mean())
    assert Predictions([[1.0, 0.0]], [0]).wrong_confidence is None
    assert found.summary()["ece"] == found.calibration_error()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Predictions([[1.0, 2.0]], [2]), "from 0 to 1"),
        (lambda: Predictions([[1.0, 2.0]], [0.5]), "labels"),
        (lambda: Predictions([[1.0, math.inf]], [0]), "log_probabilities"),
        (lambda: Predictions([[1.0]], [0]), "two classes"),
        (lambda: Predictions([[1.0, 2.0]], [0]).calibration_error(bins=0), "bins"),
        (lambda: Predictions([[1.0, 2.0]], [0]).calibration_error(by="length"), "by"),
        (lambda: Predictions([[1.0, 2.0]], [0]).calibration_error(order=3), "order"),
        (lambda: Predictions([[1.0, 2.0]], [0]).scaled(0.0), "temperature"),
        (lambda: averaged([]), "members"),
        (lambda: averaged(3), "members"),
        (lambda: averaged([3]), "members"),
        (lambda: averaged([Predictions([[1.0, 2.0]], [0]), Predictions([[1.0, 2.0]], [1])]), "members"),
        (lambda: averaged([Predictions([[1.0, 2.0]], [0])], by="votes"), "by"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, words):
    with pytest.raises(ArgumentError, match=words):
        call()

"""Detection against all pairs of examples; corruptions against loops over pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slth.errors import ArgumentError
from slth.trainable import corrupt, detection

SCORES = st.lists(st.sampled_from([0.1, 0.2, 0.2, 0.5, 0.7, 0.9, 0.95]), min_size=1, max_size=25)
KINDS = ("gaussian-noise", "impulse-noise", "gaussian-blur", "contrast", "brightness")


@given(SCORES, SCORES)
def test_measures_are_those_of_all_pairs_and_all_thresholds(inside, outside):
    found = detection(inside, outside)
    wins = sum((a > b) + (a == b) / 2 for a in inside for b in outside)
    assert found.auroc == pytest.approx(wins / (len(inside) * len(outside)))
    average, before, rates = 0.0, 0.0, []
    for limit in sorted({*inside, *outside}, reverse=True):
        hits, alarms = (sum(one >= limit for one in scores) for scores in (inside, outside))
        recall = hits / len(inside)
        average += (recall - before) * hits / (hits + alarms)
        before = recall
        if recall >= 0.95:
            rates.append(alarms / len(outside))
    assert found.average_precision == pytest.approx(average)
    assert found.fpr95 == pytest.approx(min(rates))


@given(SCORES, SCORES)
def test_only_the_order_counts_and_turning_it_around_completes_the_area(inside, outside):
    found = detection(inside, outside)
    powers = [[math.exp(3 * one) for one in scores] for scores in (inside, outside)]
    assert detection(*powers) == found
    assert detection(outside, inside).auroc == pytest.approx(1.0 - found.auroc)


def test_scores_that_part_completely_are_found_and_equal_ones_are_chance():
    assert detection([0.9, 0.8], [0.1]) == pytest.approx(detection([3.0], [2.0]))
    assert detection([0.9, 0.8], [0.1]).fpr95 == 0.0
    assert detection([0.5] * 4, [0.5] * 3).auroc == 0.5


def images(shape=(6, 3, 9, 8)):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", KINDS)
def test_corruptions_stay_in_the_box_and_grow_with_severity(kind):
    clean = images()
    distances = []
    for severity in (1, 2, 3, 4, 5):
        made = corrupt(clean, kind, severity, seed=2)
        assert made.shape == clean.shape
        assert made.dtype == clean.dtype
        assert made.min() >= 0.0
        assert made.max() <= 1.0
        assert torch.equal(made, corrupt(clean, kind, severity, seed=2))
        distances.append(float((made - clean).norm()))
    assert distances == sorted(distances)
    assert distances[0] > 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_box_is_only_another_unit(kind):
    clean = images()
    other = corrupt(clean * 6.0 - 2.0, kind, 3, box=(-2.0, 4.0), seed=1)
    assert torch.allclose(other, corrupt(clean, kind, 3, seed=1) * 6.0 - 2.0, atol=1e-5)


def test_noise_has_the_deviation_and_the_share_that_are_said():
    grey = torch.full((40, 1, 50, 50), 0.5)
    noise = corrupt(grey, "gaussian-noise", 5, seed=1) - 0.5
    # 100,000 numbers: the deviation is known to 0.22 %, four of which are allowed.
    assert noise.std().item() == pytest.approx(0.1, rel=0.009)
    struck = corrupt(grey, "impulse-noise", 5, seed=1)
    black, white = (float((struck == value).float().mean()) for value in (0.0, 1.0))
    # Four deviations of a share of 0.035.
    assert black == pytest.approx(0.035, abs=4 * math.sqrt(0.035 / 100_000))
    assert white == pytest.approx(0.035, abs=4 * math.sqrt(0.035 / 100_000))
    assert float((struck == 0.5).float().mean()) == pytest.approx(1 - black - white)
    assert not torch.equal(struck, corrupt(grey, "impulse-noise", 5, seed=2))


def test_blur_is_the_weighted_mean_of_the_neighbours():
    clean, deviation = images((1, 1, 7, 6)), 1.0
    found = corrupt(clean, "gaussian-blur", 5)
    pixels = clean[0, 0].double().numpy()
    reach = int(3 * deviation + 0.5)
    row = np.array([math.exp(-(place**2) / (2 * deviation**2)) for place in range(-reach, reach + 1)])
    row /= row.sum()
    for y in range(7):
        for x in range(6):
            mean = sum(
                row[dy + reach] * row[dx + reach] * pixels[min(max(y + dy, 0), 6), min(max(x + dx, 0), 5)]
                for dy in range(-reach, reach + 1)
                for dx in range(-reach, reach + 1)
            )
            assert found[0, 0, y, x].item() == pytest.approx(mean, abs=1e-6)


def test_contrast_keeps_the_mean_of_each_channel():
    clean = images()
    made = corrupt(clean, "contrast", 4)
    assert torch.allclose(made.mean((2, 3)), clean.mean((2, 3)), atol=1e-6)
    assert torch.allclose(made.std((2, 3)), 0.3 * clean.std((2, 3)), atol=1e-6)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: detection([], [1.0]), "inside"),
        (lambda: detection([1.0], [math.nan]), "outside"),
        (lambda: corrupt(images(), "fog", 1), "kind"),
        (lambda: corrupt(images(), "contrast", 6), "severity"),
        (lambda: corrupt(images() + 1.0, "contrast", 1), "images"),
        (lambda: corrupt(images()[0], "contrast", 1), "images"),
        (lambda: corrupt(images(), "contrast", 1, box=(1.0, 0.0)), "images"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, words):
    with pytest.raises(ArgumentError, match=words):
        call()

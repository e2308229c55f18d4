"""Shifted inputs: examples of another distribution told by their confidence, and corruptions of graded severity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter
from torch import Tensor

from slth.arrays import Floats, finite_array, one_of, whole
from slth.errors import ArgumentError
from slth.networks.given import pair, tensor_given
from slth.rng import Stream

Corruption: TypeAlias = Literal["gaussian-noise", "impulse-noise", "gaussian-blur", "contrast", "brightness"]
_FOUND = 0.95


@dataclass(frozen=True)
class Detection:
    """How well examples of a distribution are told from others by a score that is larger for its own.

    Parameters
    ----------
    auroc : float
        Chance that an example from inside has a larger score than one from outside, equal ones counted by half.
    average_precision : float
        Mean precision over the recall of examples from inside.
    fpr95 : float
        Share of those outside that are taken for inside where at least 95 % of those inside are.

    Examples
    --------
    >>> found = slth.trainable.detection([0.9, 0.8, 0.6], [0.7, 0.2])
    >>> round(found.auroc, 3), round(found.average_precision, 3), found.fpr95
    (0.833, 0.917, 0.5)
    """

    auroc: float
    average_precision: float
    fpr95: float


def detection(inside: ArrayLike, outside: ArrayLike) -> Detection:
    """Measure how well a score tells examples of a distribution from others.

    Parameters
    ----------
    inside, outside : float64[examples]
        Scores such as :attr:`Predictions.confidences`, larger for what is familiar. The area under the precision curve
        of those outside is that of ``detection(-outside, -inside)``.

    Returns
    -------
    Detection

    Raises
    ------
    slth.errors.ArgumentError
        There are none, or a score is not finite.

    Notes
    -----
    Source: Hendrycks, Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples in Neural
    Networks", ICLR 2017 (measures; unverified).

    Examples
    --------
    See :class:`Detection`.
    """
    own, others = (
        finite_array(one, name, axes=1, empty=False) for one, name in ((inside, "inside"), (outside, "outside"))
    )
    limits = np.unique(np.concatenate([own, others]))[::-1]  # each once, so that equal scores are taken together
    hits, alarms = (len(one) - np.searchsorted(np.sort(one), limits, side="left") for one in (own, others))
    recall, rate = hits / len(own), alarms / len(others)
    widths, gains = np.diff(rate, prepend=0.0), np.diff(recall, prepend=0.0)
    area = float(widths @ (recall - gains / 2.0))
    return Detection(area, float(gains @ (hits / (hits + alarms))), float(rate[np.argmax(recall >= _FOUND)]))


def corrupt(
    images: Tensor | ArrayLike,
    kind: Corruption,
    severity: int,
    *,
    box: tuple[float, float] = (0.0, 1.0),
    seed: int = 0,
) -> Tensor:
    """Return images with a corruption of graded severity, clipped to their box.

    Gaussian noise of deviation 0.04, 0.06, 0.08, 0.09, 0.1; impulse noise, which makes a share of 0.01, 0.02, 0.03,
    0.05, 0.07 of the numbers black or white; Gaussian blur of deviation 0.4, 0.6, 0.7, 0.8, 1 pixels; contrast, which
    multiplies differences from an image's mean in each channel by 0.75, 0.5, 0.4, 0.3, 0.15; brightness, which adds
    0.05, 0.1, 0.15, 0.2, 0.3. Own implementations of the standard families, with no claim that their pixels are those
    of a published corrupted data set.

    Parameters
    ----------
    images : Tensor or array_like [images, channels, height, width]
        As they are before a network's normalisation.
    kind : {"gaussian-noise", "impulse-noise", "gaussian-blur", "contrast", "brightness"}
    severity : int
        1 to 5.
    box : (float, float)
        Black and white.
    seed : int
        Of the noise: the same numbers for the same place of the same image at each severity.

    Returns
    -------
    Tensor [images, channels, height, width]

    Raises
    ------
    slth.errors.ArgumentError
        These are no images in the box, the corruption is unknown, or the severity is outside 1 to 5.

    Notes
    -----
    Families: Hendrycks, Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations",
    ICLR 2019 (numbers as recalled from its code for small images, brightness own; unverified).

    Examples
    --------
    >>> import torch
    >>> from slth.trainable import corrupt
    >>> image = torch.tensor([[[[0.0, 1.0]]]])
    >>> corrupt(image, "contrast", 2).tolist(), corrupt(image, "brightness", 2).round(decimals=3).tolist()
    ([[[[0.25, 0.75]]]], [[[[0.10000000149011612, 1.0]]]])
    """
    given = tensor_given(images, "images")
    if not one_of(kind, get_args(Corruption)):
        raise ArgumentError("kind", kind, "is no corruption", f"use one of {', '.join(get_args(Corruption))}")
    severity = whole(severity, "severity", high=5, remedy="use 1 to 5")
    low, high = pair(box, "box", remedy="pass (0.0, 1.0)")
    numbers = given.detach().cpu().double().numpy()
    if given.ndim != 4 or not low < high or numbers.min(initial=low) < low or numbers.max(initial=high) > high:
        rule = f"must be images [images, channels, height, width] from {low} to {high}"
        raise ArgumentError("images", list(given.shape), rule, "pass raw images, and box= for other ends")
    made = _KINDS[kind]((numbers - low) / (high - low), severity - 1, Stream(seed, f"trainable/corruption/{kind}"))
    return torch.from_numpy(np.clip(made, 0.0, 1.0) * (high - low) + low).to(given)


def _gaussian_noise(images: Floats, grade: int, stream: Stream) -> Floats:
    return images + (0.04, 0.06, 0.08, 0.09, 0.1)[grade] * stream.normal(0, images.size).reshape(images.shape)


def _impulse_noise(images: Floats, grade: int, stream: Stream) -> Floats:
    share = (0.01, 0.02, 0.03, 0.05, 0.07)[grade]
    drawn = stream.uniform(0, images.size).reshape(images.shape)
    # The lower half of the share becomes black, the upper half white; a larger share has the smaller one in it.
    return np.where(drawn < share / 2, 0.0, np.where(drawn >= 1.0 - share / 2, 1.0, images))


def _gaussian_blur(images: Floats, grade: int, stream: Stream) -> Floats:
    del stream
    deviation = (0.4, 0.6, 0.7, 0.8, 1.0)[grade]
    blurred: Floats = gaussian_filter(images, (0.0, 0.0, deviation, deviation), mode="nearest", truncate=3.0)
    return blurred


def _contrast(images: Floats, grade: int, stream: Stream) -> Floats:
    del stream
    means: Floats = images.mean(axis=(2, 3), keepdims=True)
    return means + (0.75, 0.5, 0.4, 0.3, 0.15)[grade] * (images - means)


def _brightness(images: Floats, grade: int, stream: Stream) -> Floats:
    del stream
    return images + (0.05, 0.1, 0.15, 0.2, 0.3)[grade]


_KINDS: dict[str, Callable[[Floats, int, Stream], Floats]] = {
    "gaussian-noise": _gaussian_noise,
    "impulse-noise": _impulse_noise,
    "gaussian-blur": _gaussian_blur,
    "contrast": _contrast,
    "brightness": _brightness,
}

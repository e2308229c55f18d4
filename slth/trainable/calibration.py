"""Calibration: whether a network is right as often as it is confident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from math import sqrt
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp, ndtr
from torch import nn

from slth.arrays import Floats, finite_array, frozen, one_of, positive_number, whole
from slth.errors import ArgumentError
from slth.networks import outputs_of
from slth.networks.given import instance, module_given, sequence
from slth.training import Examples

Bins: TypeAlias = Literal["width", "mass"]
"""Bins of equal width in [0, 1], or of equally many examples."""
Averaged: TypeAlias = Literal["logits", "probabilities"]
"""What the members of an ensemble are averaged by."""
COLDEST, HOTTEST = 0.01, 100.0
"""Temperatures between which one is fitted: of outputs that are all right the likeliest is 0."""


@dataclass(frozen=True)
class Reliability:
    """One bin of a reliability diagram.

    Parameters
    ----------
    low, high : float
        Ends of the bin where widths are equal, (low, high]; smallest and largest confidence in it otherwise.
    examples : int
    confidence : float
        Mean probability of the class that is largest; 0 in an empty bin.
    accuracy : float
        Share of the examples that are right; 0 in an empty bin.

    Examples
    --------
    >>> slth.trainable.Reliability(0.8, 0.9, 50, 0.85, 0.8).gap < 0
    True
    """

    low: float
    high: float
    examples: int
    confidence: float
    accuracy: float

    @property
    def gap(self) -> float:
        """Accuracy less confidence: negative where the network is too sure."""
        return self.accuracy - self.confidence


@dataclass(frozen=True, eq=False)
class Predictions:
    r"""Probabilities of classes for some examples, and their labels: what calibration is measured on.

    Parameters
    ----------
    log_probabilities : float64[examples, classes]
        Log-softmax is taken of what is given, so that logits do as well.
    labels : int64[examples]

    Raises
    ------
    slth.errors.ArgumentError
        There is no example, a number is not finite, or a label is no class.

    Examples
    --------
    >>> found = slth.trainable.Predictions([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]], [0, 1, 1])
    >>> round(found.accuracy, 3), round(found.negative_log_likelihood, 3), round(found.brier, 3)
    (0.667, 1.163, 0.663)
    >>> round(found.calibration_error(bins=10), 3)
    0.447
    """

    log_probabilities: Floats
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        given = finite_array(self.log_probabilities, "log_probabilities", axes=2, empty=False, remedy="pass logits")
        labels = np.array(self.labels)
        if given.shape[1] < 2:
            rule = "must be those of two classes at least"
            raise ArgumentError("log_probabilities", list(given.shape), rule, "pass [examples, classes]")
        whole_classes = labels.shape == given.shape[:1] and labels.dtype.kind in "iu"
        if not whole_classes or labels.min() < 0 or labels.max() >= given.shape[1]:
            rule = f"must be {len(given)} classes from 0 to {given.shape[1] - 1}"
            raise ArgumentError("labels", list(labels.shape), rule, "pass integers [examples]")
        object.__setattr__(self, "log_probabilities", frozen(log_softmax(given, axis=1)))
        object.__setattr__(self, "labels", frozen(labels.astype(np.int64)))

    @classmethod
    def of(cls, module: nn.Module, examples: Examples) -> Predictions:
        """Return what a module predicts in evaluation mode; its mode is left as it is found.

        Parameters
        ----------
        module : torch.nn.Module
            From inputs to logits [examples, classes], on the CPU or wherever it is.
        examples : slth.training.Examples
            With classes as targets.

        Returns
        -------
        Predictions

        Examples
        --------
        >>> from torch import nn
        >>> slth.trainable.Predictions.of(nn.Identity(), slth.training.Examples([[0.0, 1.0]], [1])).accuracy
        1.0
        """
        instance(examples, Examples, "examples", "make them with slth.training.Examples(inputs, targets)")
        modes = [(part, part.training) for part in module_given(module, ready=True).modules()]
        module.eval()
        try:
            return cls(outputs_of(module, examples.inputs, batch=1024), examples.targets.cpu().numpy())
        finally:
            for part, mode in modes:
                part.training = mode

    @cached_property
    def probabilities(self) -> Floats:
        """Probability of each class, float64[examples, classes]."""
        return frozen(np.exp(self.log_probabilities))

    @cached_property
    def classes(self) -> NDArray[np.int64]:
        """The class of largest probability, the first of equals, int64[examples]."""
        return frozen(self.log_probabilities.argmax(axis=1).astype(np.int64))

    @cached_property
    def confidences(self) -> Floats:
        """The largest probability of each example, float64[examples]."""
        return frozen(self.probabilities.max(axis=1))

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """Whether the class of largest probability is the label, bool[examples]."""
        return frozen(self.classes == self.labels)

    @cached_property
    def errors(self) -> Floats:
        """Probabilities less 1 at the label: the gradient of cross entropy for logits, float64[examples, classes]."""
        found = self.probabilities.copy()
        found[np.arange(len(self.labels)), self.labels] -= 1.0
        return frozen(found)

    @property
    def accuracy(self) -> float:
        """Share of the examples that are right."""
        return float(self.right.mean())

    @property
    def wrong_confidence(self) -> float | None:
        """Mean confidence of the examples that are wrong; None where there is none."""
        return None if self.right.all() else float(self.confidences[~self.right].mean())

    @property
    def negative_log_likelihood(self) -> float:
        """Mean of minus the logarithm of the label's probability."""
        return float(-self.log_probabilities[np.arange(len(self.labels)), self.labels].mean())

    @property
    def brier(self) -> float:
        r"""Mean squared distance from the probabilities to the label, :math:`\sum_c (p_c - [c = y])^2`, in [0, 2]."""
        return float((self.errors**2).sum(axis=1).mean())

    def reliability(self, *, bins: int = 15, by: Bins = "width") -> tuple[Reliability, ...]:
        """Return the bins of a reliability diagram, from the least confident on.

        Parameters
        ----------
        bins : int
        by : {"width", "mass"}
            Intervals (low, high] of equal width, or as equally many examples as equal confidences, which stay together,
            allow.

        Returns
        -------
        tuple of Reliability

        Examples
        --------
        >>> found = slth.trainable.Predictions([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]], [0, 1, 1])
        >>> [one.examples for one in found.reliability(bins=5)]
        [0, 0, 0, 1, 2]
        """
        bins = whole(bins, "bins", high=2**20, remedy="use 15")
        if not one_of(by, get_args(Bins)):
            raise ArgumentError("by", by, "is not known", 'use "width" or "mass"')
        edges = np.linspace(0.0, 1.0, bins + 1)
        if by == "width":
            places = np.clip(np.searchsorted(edges, self.confidences, side="left") - 1, 0, bins - 1)
        else:
            ranks = np.searchsorted(np.sort(self.confidences), self.confidences, side="left")
            places = ranks * bins // len(ranks)
        counts, sure, right = (
            np.bincount(places, weights=weights, minlength=bins) for weights in (None, self.confidences, self.right)
        )
        table = []
        for place, count in enumerate(counts.astype(int).tolist()):
            inside = self.confidences[places == place] if by == "mass" and count else edges[place : place + 2]
            confidence, accuracy = (float(total[place]) / count if count else 0.0 for total in (sure, right))
            table.append(Reliability(float(inside.min()), float(inside.max()), count, confidence, accuracy))
        return tuple(table)

    def calibration_error(self, *, bins: int = 15, by: Bins = "width", order: int = 1, debiased: bool = False) -> float:
        r"""Return the expected calibration error, :math:`(\sum_b \frac{n_b}{n} |a_b - c_b|^p)^{1/p}`.

        a and c are accuracy and mean confidence of a bin. Of few examples a bin seems miscalibrated by chance alone;
        ``debiased`` takes off what that adds: with :math:`s_b^2 = a_b (1 - a_b) / (n_b - 1)`, of order 2
        :math:`s_b^2`, which makes the square unbiased, and of order 1 how much larger the mean of a normal number's
        absolute value is, :math:`E|N(a_b - c_b, s_b^2)| - |a_b - c_b|`. The result is not below 0.

        Parameters
        ----------
        bins, by
            As :meth:`reliability` has them.
        order : {1, 2}
            The power p; 1 is what is called ECE.
        debiased : bool

        Returns
        -------
        float

        Notes
        -----
        Sources: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 2; Kumar,
        Liang, Ma, "Verified Uncertainty Calibration", NeurIPS 2019, section 5 (order 2; for order 1 their code draws
        the normal numbers; unverified).

        Examples
        --------
        >>> found = slth.trainable.Predictions([[2.0, 0.0], [0.0, 2.0]] * 50, [0, 1, 0, 0] * 25)
        >>> round(found.calibration_error(), 4), round(found.calibration_error(order=2, debiased=True), 4)
        (0.1308, 0.1233)
        """
        if order not in (1, 2):
            raise ArgumentError("order", order, "must be 1 or 2", "use 1 for ECE")
        table = [one for one in self.reliability(bins=bins, by=by) if one.examples]
        shares, gaps, right = (
            np.array([getattr(one, name) for one in table]) for name in ("examples", "gap", "accuracy")
        )
        found = np.abs(gaps) ** order
        if debiased:
            variances = right * (1.0 - right) / np.maximum(shares - 1.0, 1.0)
            found = found - (variances if order == 2 else _larger_by_chance(np.abs(gaps), np.sqrt(variances)))
        mean = max(0.0, float(shares @ found) / len(self.labels))
        return mean if order == 1 else sqrt(mean)

    def scaled(self, temperature: float) -> Predictions:
        """Return the predictions whose logits are divided by a temperature; classes stay.

        Examples
        --------
        >>> slth.trainable.Predictions([[4.0, 0.0]], [0]).scaled(2.0).confidences.round(3).tolist()
        [0.881]
        """
        return Predictions(self.log_probabilities / positive_number(temperature, "temperature"), self.labels)

    def temperature(self) -> float:
        """Return the temperature of least negative log-likelihood, from 0.01 to 100: for held-out examples.

        Notes
        -----
        Source: Guo et al. 2017, section 4.2 (temperature scaling). The likelihood is convex in the inverse temperature.

        Examples
        --------
        >>> held_out = slth.trainable.Predictions([[9.0, 0.0], [0.0, 9.0]] * 50, [0, 1, 0, 0] * 25)
        >>> round(float(held_out.scaled(held_out.temperature()).confidences[0]), 3)
        0.75
        """
        own = self.log_probabilities[np.arange(len(self.labels)), self.labels]

        def loss(log_temperature: float) -> float:
            inverse = np.exp(-log_temperature)
            return float((logsumexp(inverse * self.log_probabilities, axis=1) - inverse * own).mean())

        ends = (np.log(COLDEST), np.log(HOTTEST))
        return float(np.exp(minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-8}).x))

    def summary(self, *, bins: int = 15) -> dict[str, Any]:
        """Return all measures by name, as a table or JSON has them.

        Examples
        --------
        >>> list(slth.trainable.Predictions([[1.0, 0.0]], [0]).summary())[:3]
        ['examples', 'accuracy', 'confidence']
        """
        return {
            "examples": len(self.labels),
            "accuracy": self.accuracy,
            "confidence": float(self.confidences.mean()),
            "wrong_confidence": self.wrong_confidence,
            "negative_log_likelihood": self.negative_log_likelihood,
            "brier": self.brier,
            "ece": self.calibration_error(bins=bins),
            "ece_mass": self.calibration_error(bins=bins, by="mass"),
            "ece_debiased": self.calibration_error(bins=bins, debiased=True),
            "reliability": [asdict(one) for one in self.reliability(bins=bins)],
        }


def averaged(members: Sequence[Predictions], *, by: Averaged = "logits") -> Predictions:
    r"""Return the predictions of an ensemble.

    By ``"probabilities"`` the mean :math:`\frac1M \sum_m p_m`; by ``"logits"`` the softmax of the mean logits, which is
    that of the mean log-probabilities and so the normalised geometric mean.

    Parameters
    ----------
    members : sequence of Predictions
        For the same examples.
    by : {"logits", "probabilities"}

    Returns
    -------
    Predictions

    Raises
    ------
    slth.errors.ArgumentError
        There is no member, they are of different examples, or ``by`` is unknown.

    Examples
    --------
    >>> from slth.trainable import averaged
    >>> sure, unsure = slth.trainable.Predictions([[4.0, 0.0]], [0]), slth.trainable.Predictions([[0.0, 0.0]], [0])
    >>> [averaged([sure, unsure], by=by).confidences.round(3).tolist() for by in ("logits", "probabilities")]
    [[0.881], [0.741]]
    """
    if not one_of(by, get_args(Averaged)):
        raise ArgumentError("by", by, "is not known", 'use "logits" or "probabilities"')
    given = sequence(members)
    if not given or not all(isinstance(one, Predictions) for one in given):
        raise ArgumentError("members", members, "must be predictions, one at least", "pass the predictions of each")
    first = given[0]
    for one in given:
        same = one.log_probabilities.shape == first.log_probabilities.shape and (one.labels == first.labels).all()
        if not same:
            raise ArgumentError(
                "members", list(one.labels.shape), "are of different examples", "evaluate all on one set"
            )
    logs = np.stack([one.log_probabilities for one in given])
    return Predictions(logs.mean(axis=0) if by == "logits" else logsumexp(logs, axis=0), first.labels)


def _larger_by_chance(gaps: Floats, deviations: ArrayLike) -> Floats:
    """Return by how much the mean absolute value of normal numbers is larger than that of their mean."""
    safe = np.where(np.asarray(deviations) > 0.0, deviations, 1.0)
    mean = safe * np.sqrt(2.0 / np.pi) * np.exp(-0.5 * (gaps / safe) ** 2) + gaps * (1.0 - 2.0 * ndtr(-gaps / safe))
    found: Floats = np.where(np.asarray(deviations) > 0.0, mean - gaps, 0.0)
    return found

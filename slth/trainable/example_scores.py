"""Scores of examples: how hard each is for a network, and subsets of the easiest and the hardest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import nn

from slth.arrays import Floats, finite_array, frozen, one_of, whole
from slth.errors import ArgumentError
from slth.networks.given import instance, module_given
from slth.rng import Stream
from slth.trainable.calibration import Predictions
from slth.trainable.example_gradients import gradient_norms, last_layer_norms
from slth.training import Examples

ScoreKind: TypeAlias = Literal["el2n", "grand", "grand-last", "margin", "input-norm", "random"]
Which: TypeAlias = Literal["easy", "hard", "random"]


def example_scores(module: nn.Module, examples: Examples, kind: ScoreKind = "el2n", *, seed: int = 0) -> Floats:
    r"""Return how hard each example is for a network, in evaluation mode.

    With probabilities p and the label's indicator y:

    - ``"el2n"``: :math:`\|p - y\|_2`;
    - ``"grand"``: the norm of the gradient of the example's cross entropy for all parameters that require one;
    - ``"grand-last"``: the same for the last linear layer alone, of input h: :math:`\|p - y\|_2 \sqrt{1 + \|h\|^2}`,
      without the 1 where it has no bias;
    - ``"margin"``: the largest probability of another class less that of the label, in [-1, 1];
    - ``"input-norm"``, ``"random"``: controls that know nothing of the network.

    Scores are steadier as means over networks of several seeds: ``np.mean([example_scores(...) for ...], axis=0)``.

    Parameters
    ----------
    module : torch.nn.Module
        From inputs to logits [examples, classes]; its mode is left as it is found.
    examples : slth.training.Examples
        With classes as targets.
    kind : {"el2n", "grand", "grand-last", "margin", "input-norm", "random"}
    seed : int
        Of random scores (stream "trainable/scores").

    Returns
    -------
    float64[examples]

    Raises
    ------
    slth.errors.ArgumentError
        The kind is unknown, a target is no class, or the network does not end with a linear layer ("grand-last").

    Notes
    -----
    Source: Paul, Ganguli, Dziugaite, "Deep Learning on a Data Diet: Finding Important Examples Early in Training",
    NeurIPS 2021 (EL2N, GraNd; ten networks or more). GraNd of untrained networks is known not to replicate: it
    correlates with the input norm and chooses no better than chance (Kirsch 2023, "Does 'Deep Learning on a Data Diet'
    reproduce? Overall yes, but GraNd at Initialization does not"). The closed form of the last layer is what is called
    GraNd in DeepCore's code.

    Examples
    --------
    >>> from slth.trainable import example_scores
    >>> from torch import nn
    >>> examples = slth.training.Examples([[2.0, 0.0], [0.0, 0.5]], [0, 0])
    >>> [example_scores(nn.Identity(), examples, kind).round(2).tolist() for kind in ("el2n", "margin", "input-norm")]
    [[0.17, 0.88], [-0.76, 0.24], [2.0, 0.5]]
    """
    if not one_of(kind, get_args(ScoreKind)):
        raise ArgumentError("kind", kind, "is no score", f"use one of {', '.join(get_args(ScoreKind))}")
    module_given(module, ready=True)
    _check_classes(instance(examples, Examples, "examples", "make them with slth.training.Examples(inputs, targets)"))
    if kind == "random":
        return frozen(Stream(seed, "trainable/scores").uniform(0, len(examples)))
    return frozen(_KINDS[kind](module, examples))


def forgetting_events(right: ArrayLike) -> Floats:
    """Return how often each example was forgotten: right at one time and wrong at the next.

    Parameters
    ----------
    right : bool[times, examples]
        Whether each was classified rightly, such as ``Predictions.of(module, examples).right`` after each epoch, which
        is an approximation: the source looks when an example is in the batch (:func:`forgetting_scores`).

    Returns
    -------
    float64[examples]
        An example that was never right has as many as there are times, which is more than any other.

    Raises
    ------
    slth.errors.ArgumentError
        It is no table of truth values.

    Notes
    -----
    Source: Toneva, Sordoni, Tachet des Combes, Trischler, Bengio, Gordon, "An Empirical Study of Example Forgetting
    during Deep Neural Network Learning", ICLR 2019 (unverified).

    Examples
    --------
    >>> slth.trainable.forgetting_events([[True, True, False], [False, True, False], [True, True, False]]).tolist()
    [1.0, 0.0, 3.0]
    """
    try:
        table = np.array(right)
    except ValueError:  # rows of several lengths
        table = np.zeros(0)
    if table.dtype != np.bool_ or table.ndim != 2 or not len(table):
        raise ArgumentError("right", list(table.shape), "must be truth values [times, examples]", "stack one a time")
    events = (table[:-1] & ~table[1:]).sum(axis=0).astype(np.float64)
    return frozen(np.where(table.any(axis=0), events, float(len(table))))


def example_subset(
    scores: ArrayLike,
    size: int,
    which: Which = "easy",
    *,
    labels: ArrayLike | None = None,
    offset: int = 0,
    seed: int = 0,
) -> NDArray[np.int64]:
    """Return which examples are in a subset of the easiest, the hardest or random ones.

    Parameters
    ----------
    scores : float64[examples]
        Larger is harder; of equals the first is the easier one.
    size : int
    which : {"easy", "hard", "random"}
        Random ones do not look at the scores.
    labels : int64[examples], optional
        Where they are given, each class has the same number, the first classes one more where that leaves a rest.
    offset : int
        So many of the easiest (hardest) of all, or of each class, are left out: the hardest are often mislabelled.
    seed : int
        Of random ones (stream "trainable/subset").

    Returns
    -------
    int64[size]
        In ascending order: ``examples.at(torch.from_numpy(...))``.

    Raises
    ------
    slth.errors.ArgumentError
        There are not as many examples, or not as many of a class.

    Examples
    --------
    >>> from slth.trainable import example_subset
    >>> example_subset([0.1, 0.9, 0.5, 0.2], 2).tolist(), example_subset([0.1, 0.9, 0.5, 0.2], 2, "hard").tolist()
    ([0, 3], [1, 2])
    """
    values = finite_array(scores, "scores", axes=1, empty=False)
    if not one_of(which, get_args(Which)):
        raise ArgumentError("which", which, "is no choice of examples", 'use "easy", "hard" or "random"')
    size, offset = whole(size, "size", high=len(values)), whole(offset, "offset", 0)
    groups = np.zeros(len(values), np.int64) if labels is None else np.array(labels)
    if groups.shape != values.shape or groups.dtype.kind not in "iu":
        raise ArgumentError("labels", list(groups.shape), f"must be {len(values)} classes", "pass one for each score")
    if which == "random":
        values = Stream(seed, "trainable/subset").uniform(0, len(values))
    order = np.argsort(values, kind="stable")
    order = order[::-1] if which == "hard" else order
    classes = np.unique(groups)
    chosen = []
    for number, label in enumerate(classes):
        share = size // len(classes) + (number < size % len(classes))
        inside = order[groups[order] == label][offset : offset + share]
        if len(inside) < share:
            rule = f"asks for {share} examples of class {label} behind {offset}, and there are {len(inside)}"
            raise ArgumentError("size", size, rule, "choose fewer, or a smaller offset")
        chosen.append(inside)
    return frozen(np.sort(np.concatenate(chosen)).astype(np.int64))


def _el2n(module: nn.Module, examples: Examples) -> Floats:
    found: Floats = np.linalg.norm(Predictions.of(module, examples).errors, axis=1)
    return found


def _margin(module: nn.Module, examples: Examples) -> Floats:
    found = Predictions.of(module, examples)
    places = np.arange(len(found.labels))
    others = found.probabilities.copy()
    others[places, found.labels] = -np.inf
    margins: Floats = others.max(axis=1) - found.probabilities[places, found.labels]
    return margins


def _input_norm(module: nn.Module, examples: Examples) -> Floats:
    del module
    found: Floats = examples.inputs.detach().flatten(1).double().norm(dim=1).cpu().numpy()
    return found


_KINDS: dict[str, Callable[[nn.Module, Examples], Floats]] = {
    "el2n": _el2n,
    "grand": gradient_norms,
    "grand-last": last_layer_norms,
    "margin": _margin,
    "input-norm": _input_norm,
}


def _check_classes(examples: Examples) -> None:
    targets = examples.targets
    if targets.ndim != 1 or targets.is_floating_point():
        raise ArgumentError("targets", list(targets.shape), "must be classes [examples]", "scores compare with labels")

"""A ticket on a test set: accuracy, and distance from its target."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from operator import length_hint
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slth.arrays import Floats, Indices
from slth.data.data_set import DataSet
from slth.errors import ArgumentError, as_written
from slth.graphs import Graph
from slth.jobs.models import Model, made
from slth.jobs.standardising import Standardised
from slth.networks import Outputs, apply_ticket, evaluate
from slth.networks.given import tensor_given
from slth.networks.outputs import Function, function_of
from slth.resources import Progress
from slth.tickets import Ticket
from slth.training import Examples
from slth.training.evaluation import evaluate as evaluate_module

if TYPE_CHECKING:
    from torch import nn

Batch: TypeAlias = tuple[ArrayLike, ArrayLike | None]
Labelled: TypeAlias = Batch | Examples | Iterable[Batch]
"""Inputs and labels: two arrays, examples, or what gives batches of both, such as a loader."""


@dataclass(frozen=True)
class NetworkEvaluation:
    """A network on examples, beside its target where that is given.

    Parameters
    ----------
    examples : int
    form : str
        What was evaluated, and in which numbers: a ticket by the fastest exact form.
    accuracy : float or None
        Share of the examples whose largest output is at their label; None without labels.
    target_accuracy, agreement : float or None
        The target's accuracy, and the share of examples whose largest output is the same in both.
    sampled_error : float or None
        Largest difference of any output from the target's.
    """

    examples: int
    form: str
    accuracy: float | None = None
    target_accuracy: float | None = None
    agreement: float | None = None
    sampled_error: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what was measured, by name, for tables and JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def accuracy(outputs: Floats, labels: Indices) -> float:
    """Share of rows float64[examples, classes] whose largest output is at the label, int64[examples]."""
    return float(np.mean(outputs.argmax(axis=1) == labels))


def outputs_on(
    network: Graph | Ticket, data: DataSet, *, limit: int | None = None, progress: Progress | None = None
) -> Outputs:
    """Evaluate a target or a ticket on the test inputs of a data set, which are given in whatever shape it takes."""
    graph, kind = (network, "target") if isinstance(network, Graph) else (network.graph, "ticket")

    def told(_: str, done: int, total: int, /) -> None:
        if progress is not None:
            progress(f"outputs of the {kind}", done, total)

    found = evaluate(network, _inputs_of(graph, data, limit), progress=told)
    return Outputs(found.values.reshape(len(found.values), -1), found.form)


def _inputs_of(graph: Graph, data: DataSet, limit: int | None) -> Any:
    """Return the test inputs of a data set in the shape that a network takes."""
    if data.are_tokens:
        remedy = "name the data set that it was made for"
        raise ArgumentError("data", data.name, "holds token indices, and the network takes numbers", remedy)
    flat = graph.input_shape == (data.features,)
    if not flat and graph.input_shape != data.shape:
        rule = f"has inputs of shape {list(data.shape)}, and the network takes {list(graph.input_shape)}"
        raise ArgumentError("data", data.name, rule, "name the data set that it was made for")
    return data.inputs("test", limit=limit).reshape(-1, *graph.input_shape)


def evaluate_ticket(
    ticket: Ticket,
    data: DataSet,
    *,
    target: Graph | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Run a ticket on a test set, beside its target where that is given."""
    inputs, labels = _inputs_of(ticket.graph, data, limit), data.labels("test", limit=limit)
    return evaluate_on(ticket, (inputs, labels), target=target, progress=progress).to_dict()


def evaluate_on(
    network: nn.Module | Graph | Ticket,
    data: Labelled,
    *,
    target: nn.Module | Graph | None = None,
    progress: Progress | None = None,
) -> NetworkEvaluation:
    """Evaluate a network batch by batch, beside a target if there is one."""
    function, form = _function(network, "network")
    wanted_of = None if target is None else _function(target, "target")[0]
    told = _Told(progress, data, 1 if target is None else 2)
    examples, right, target_right, alike, error, labelled = 0, 0, 0, 0, 0.0, True
    for number, (inputs, labels) in enumerate(_batches(data)):
        found = _rows(function(inputs, progress=told.inside), "network", network)
        classes = None if labels is None else classes_of(labels, *found.shape)
        if number and labelled != (classes is not None):
            raise ArgumentError("data", f"batch {number}", "must have labels as the first one has", "give all or none")
        examples, labelled = examples + len(found), classes is not None
        right += 0 if classes is None else int((found.argmax(axis=1) == classes).sum())
        if wanted_of is None:
            told.one_more()
            continue
        wanted = _rows(wanted_of(inputs, progress=told.inside), "target", target)
        told.one_more()
        if wanted.shape != found.shape:
            rule = f"gives outputs of shape {list(wanted.shape)}, and the network {list(found.shape)}"
            raise ArgumentError("target", type(target).__name__, rule, "pass the network that it approximates")
        target_right += 0 if classes is None else int((wanted.argmax(axis=1) == classes).sum())
        alike += int((wanted.argmax(axis=1) == found.argmax(axis=1)).sum())
        apart = found != wanted  # infinities that are the same are no distance apart
        error = max(error, float(np.abs(found[apart] - wanted[apart]).max(initial=0.0)))
    told.all_done()
    if not examples:
        raise ArgumentError("data", 0, "must hold one example at least", "pass (inputs, labels)")
    own = {"accuracy": right / examples} if labelled else {}
    beside = {"agreement": alike / examples, "sampled_error": error} if wanted_of is not None else {}
    if beside and labelled:
        beside["target_accuracy"] = target_right / examples
    return NetworkEvaluation(examples, form, **own, **beside)


def _function(network: Any, argument: str) -> tuple[Function, str]:
    """Return what evaluates examples, and its form; of what is wrong there with either, the argument is named."""
    with as_written(network=argument):
        function, form = function_of(network)

    def named(x: ArrayLike, /, *, progress: Progress | None = None) -> NDArray[Any]:
        with as_written(network=argument, module=argument, x="data", examples="data"):
            return function(x, progress=progress)

    return named, form


class _Told:
    """Tells how much is done: of one pair of arrays the examples, of what gives batches the batches."""

    def __init__(self, progress: Progress | None, data: object, networks: int) -> None:
        self.progress, self.networks, self.passes, self.batches = progress, networks, 0, 0
        self.whole = isinstance(data, Examples | tuple)
        self.known = 0 if self.whole else length_hint(data, 0)

    def inside(self, _: str, done: int, total: int, /) -> None:
        """Tell of one network on one batch, of which all but the last part is told here."""
        if self.whole and self.progress is not None:
            self.progress("evaluation", self.passes * total + done, self.networks * total)
        self.passes += done == total

    def one_more(self) -> None:
        """Tell that a batch is done; where nobody knows how many there are, one more is to come."""
        self.batches += 1
        if not self.whole and self.progress is not None:
            known = self.known >= self.batches
            self.progress("evaluation", self.batches, self.known if known else self.batches + 1)

    def all_done(self) -> None:
        """Tell that there was no more to come."""
        if not self.whole and self.progress is not None and self.batches != self.known:
            self.progress("evaluation", self.batches, self.batches)


def _batches(data: Labelled) -> Iterator[Batch]:
    """Give inputs and labels, batch by batch."""
    if isinstance(data, Examples):
        data = (data.inputs.cpu().numpy(), data.targets.cpu().numpy())
    remedy = "pass (inputs, labels), labels None where there are none, or a loader of such pairs"
    if isinstance(data, tuple):
        data = [data] if len(data) == 2 else [()]  # type: ignore[list-item]
    if not isinstance(data, Iterable):
        raise ArgumentError("data", type(data).__name__, "is no pair of arrays and gives no batches", remedy)
    for number, batch in enumerate(data):
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise ArgumentError("data", f"batch {number}", "is no pair of inputs and labels", remedy)
        yield batch[0], batch[1]


def _rows(outputs: Any, argument: str, network: object) -> Floats:
    """Return outputs as float64[examples, outputs], of which each row has a largest one."""
    rows: Floats = outputs.reshape(len(outputs), math.prod(outputs.shape[1:])).astype(np.float64)
    if not rows.shape[1] or np.isnan(rows).any():
        rule = "gives NaN" if rows.shape[1] else "gives no outputs"
        remedy = "look for NaN in the inputs and in the network's numbers"
        raise ArgumentError(argument, type(network).__name__, rule, remedy)
    return rows


def classes_of(given: ArrayLike, count: int, outputs: int) -> Indices:
    """Return labels, of which each is the number of an output."""
    tensor = tensor_given(given, "labels").cpu()
    whole = str(tensor.dtype).removeprefix("torch.").startswith(("int", "uint"))
    labels = tensor.numpy() if whole else np.empty(0)
    if labels.shape != (count,) or not count or labels.min() < 0 or labels.max() >= outputs:
        rule = f"must be {count} whole numbers from 0 to {outputs - 1}"
        remedy = "pass the class of each example, or None where there is none"
        kind = str(tensor.dtype).removeprefix("torch.")
        raise ArgumentError("labels", f"{kind}{list(tensor.shape)}", rule, remedy)
    found: Indices = labels.astype(np.int64)
    return found


def evaluate_module_ticket(ticket: Ticket, model: Model, data: DataSet, *, limit: int | None = None) -> dict[str, Any]:
    """Write a searched ticket into a new module, and run that on a test set, standardised as the search did it.

    A ticket does not say how inputs are normalised, which is no part of the network: mean and deviation of the training
    examples are measured again, of at most as many as test examples.
    """
    module = apply_ticket(made(model, data, ticket.seed), ticket)
    data_set = Standardised.of(data, model.input_shape(data), limit=limit)
    try:
        found = evaluate_module(module, data_set.examples("test"))
    except (RuntimeError, ValueError, TypeError, IndexError) as problem:
        if isinstance(problem, ArgumentError):
            raise
        rule = f"has inputs of shape {list(data_set.shape)} and labels that {model.name} does not take: {problem}"
        raise ArgumentError("data", data.name, rule, "name the data set that it was searched on") from problem
    return {
        "model": model.name,
        "accuracy": found.accuracy,
        "examples": found.examples,
        "form": "the module, in its own dtype",
        "normalisation": data_set.describe(),
    }

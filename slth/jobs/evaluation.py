"""A ticket on a test set: accuracy, and distance from its target."""

from __future__ import annotations

from typing import Any

import numpy as np

from slth.arrays import Floats, Indices
from slth.data.data_set import DataSet
from slth.errors import ArgumentError
from slth.graphs import Graph
from slth.jobs.models import Model, made
from slth.jobs.standardising import Standardised
from slth.networks import Outputs, apply_ticket, evaluate
from slth.tickets import Ticket
from slth.training.evaluation import evaluate as evaluate_module


def accuracy(outputs: Floats, labels: Indices) -> float:
    """Share of rows float64[examples, classes] whose largest output is at the label, int64[examples]."""
    return float(np.mean(outputs.argmax(axis=1) == labels))


def outputs_on(network: Graph | Ticket, data: DataSet, *, limit: int | None = None) -> Outputs:
    """Evaluate a target or a ticket on the test inputs of a data set, which are given in whatever shape it takes."""
    graph = network if isinstance(network, Graph) else network.graph
    if data.are_tokens:
        remedy = "name the data set that it was made for"
        raise ArgumentError("data", data.name, "holds token indices, and the network takes numbers", remedy)
    flat = graph.input_shape == (data.features,)
    if not flat and graph.input_shape != data.shape:
        rule = f"has inputs of shape {list(data.shape)}, and the network takes {list(graph.input_shape)}"
        raise ArgumentError("data", data.name, rule, "name the data set that it was made for")
    found = evaluate(network, data.inputs("test", limit=limit).reshape(-1, *graph.input_shape))
    return Outputs(found.values.reshape(len(found.values), -1), found.form)


def evaluate_ticket(
    ticket: Ticket, data: DataSet, *, target: Graph | None = None, limit: int | None = None
) -> dict[str, Any]:
    """Run a ticket on a test set, beside its target where that is given."""
    labels = data.labels("test", limit=limit)
    found = outputs_on(ticket, data, limit=limit)
    result: dict[str, Any] = {
        "accuracy": accuracy(found.values, labels), "examples": len(labels), "form": found.form,
    }  # fmt: skip
    if target is not None:
        wanted = outputs_on(target, data, limit=limit).values
        result["target_accuracy"] = accuracy(wanted, labels)
        result["agreement"] = accuracy(found.values, wanted.argmax(axis=1))
        result["sampled_error"] = float(np.abs(found.values - wanted).max())
    return result


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

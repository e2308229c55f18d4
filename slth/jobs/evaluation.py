"""A ticket on a test set: accuracy, and distance from its target."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.data.datasets import DataSet
from slth.errors import ArgumentError
from slth.jobs.target_file import Network
from slth.tickets import ConvNetwork, Ticket

Floats = NDArray[np.float64]


def accuracy(outputs: Floats, labels: NDArray[np.int64]) -> float:
    """Share of rows whose largest output is at the label.

    Parameters
    ----------
    outputs : float64[examples, classes]
    labels : int64[examples]

    Returns
    -------
    float

    Examples
    --------
    >>> accuracy(np.array([[0.0, 1.0], [2.0, 1.0]]), np.array([1, 1]))
    0.5
    """
    return float(np.mean(outputs.argmax(axis=1) == labels))


def evaluate_ticket(
    ticket: Ticket, data: DataSet, *, target: Network | None = None, limit: int | None = None
) -> dict[str, Any]:
    """Run a ticket on a test set, beside its target where that is given.

    Parameters
    ----------
    ticket : Ticket
    data : DataSet
    target : DenseNetwork, ConvNetwork or AttentionNetwork, optional
    limit : int, optional
        At most so many test examples.

    Returns
    -------
    dict
        accuracy, examples; with a target also target_accuracy and sampled_error, the largest difference of any output.

    Raises
    ------
    slth.errors.ArgumentError
        The ticket takes other inputs than the data set has.
    """
    inputs, labels = data.inputs("test", limit=limit), data.labels("test", limit=limit)
    shape = ticket.description.input_shape
    if shape is not None and shape != data.shape:
        rule = f"has inputs of shape {list(data.shape)}, and the ticket takes {list(shape)}"
        raise ArgumentError("data", data.name, rule, "name the data set that it was made for")
    outputs = flat_outputs(ticket, inputs, data.shape)
    result: dict[str, Any] = {"accuracy": accuracy(outputs, labels), "examples": len(labels)}
    if target is not None:
        wanted = flat_outputs(target, inputs, data.shape)
        result["target_accuracy"] = accuracy(wanted, labels)
        result["sampled_error"] = float(np.abs(outputs - wanted).max())
    return result


def flat_outputs(network: Ticket | Network, inputs: NDArray[np.float32], shape: tuple[int, ...]) -> Floats:
    """Outputs for flat inputs, which convolutions take as images.

    Parameters
    ----------
    network : Ticket, DenseNetwork, ConvNetwork or AttentionNetwork
    inputs : float32[examples, features]
    shape : tuple of int
        Of one image.

    Returns
    -------
    float64[examples, outputs]
    """
    images = isinstance(network, ConvNetwork) or (
        isinstance(network, Ticket) and network.description.input_shape is not None
    )
    return network.forward(inputs.reshape(-1, *shape) if images else inputs).reshape(len(inputs), -1)

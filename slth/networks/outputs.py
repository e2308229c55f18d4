"""Outputs for as many examples as there are, in bounded memory, by the fastest form that is exact."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from slth.arrays import Floats, whole
from slth.errors import ArgumentError, SlthError, as_written
from slth.graphs import Graph
from slth.graphs.graph import examples_of
from slth.networks.given import array_given, first_line, instance, module_given, tensor_given
from slth.networks.modules import module_of
from slth.networks.random_layers import module_from_ticket
from slth.resources import Progress, reporter
from slth.tickets.ticket import Ticket

_MOST_EXAMPLES = 128


@dataclass(frozen=True, eq=False)
class Outputs:
    """What a network gives for some examples, and how that was computed.

    Parameters
    ----------
    values : float64[examples, *output_shape]
    form : str
        "folded, float64": the ticket's random layers multiplied out, each to a convolution of the target's size; the
        same function up to rounding in the last digits. "exact, float64": the target's own convolutions.
    """

    values: Floats
    form: str

    @property
    def classes(self) -> NDArray[np.int64]:
        """Number of the largest output of each example."""
        found: NDArray[np.int64] = self.values.reshape(len(self.values), -1).argmax(axis=1)
        return found


class Function(Protocol):
    """What evaluates examples."""

    def __call__(self, x: ArrayLike, /, *, progress: Progress | None = None) -> NDArray[Any]:
        """Give the outputs of each example; progress is told how many are done."""


def evaluate(network: Graph | Ticket, x: ArrayLike, *, progress: Progress | bool | None = None) -> Outputs:
    """Evaluate a target or a ticket in float64, by the fastest exact form.

    Parameters
    ----------
    network : Graph or Ticket
    x : float64[examples, *input_shape]
        Finite; any number of examples but none.
    progress : callable or bool, optional
        True for a line on stderr; or called as progress("outputs", examples done, examples).

    Returns
    -------
    Outputs

    Raises
    ------
    ArgumentError
        For another shape, no example, or a number that is not finite.

    Examples
    --------
    >>> from slth.graphs import Conv, Node
    >>> found = slth.networks.evaluate(slth.Graph((2,), [Node("a", Conv([[1.0, -1.0]]), ("input",))]), [[3.0, 1.0]])
    >>> found.values.tolist(), found.form
    ([[2.0]], 'exact, float64')
    """
    if not isinstance(network, Graph):
        instance(network, Ticket, "network", "pass a slth.Graph or a slth.Ticket")
    function, form = function_of(network)
    return Outputs(function(x, progress=reporter(progress)), form)


def function_of(network: nn.Module | Graph | Ticket) -> tuple[Function, str]:
    """Return what evaluates examples by the fastest exact form, made once for any number of batches, and that form.

    Targets and tickets in float64; a module in evaluation mode, in its own dtype, its mode left as it is found.
    """
    if isinstance(network, nn.Module):
        module_given(network, "network", ready=True)
        return partial(_in_evaluation, network), "the module, in its own dtype"
    if not isinstance(network, Graph):
        instance(network, Ticket, "network", "pass a torch.nn.Module, a slth.Graph or a slth.Ticket")
    graph = network if isinstance(network, Graph) else network.graph
    if isinstance(network, Graph):
        module, form = module_of(network, dtype=torch.float64), "exact, float64"
    else:
        module, form = module_from_ticket(network, form="folded", dtype=torch.float64), "folded, float64"

    def outputs(x: ArrayLike, /, *, progress: Progress | None = None) -> NDArray[Any]:
        return outputs_of(module, examples_of(array_given(x), graph.input_shape), progress=progress)

    return outputs, form


def _in_evaluation(module: nn.Module, x: ArrayLike, /, *, progress: Progress | None = None) -> NDArray[Any]:
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with as_written(examples="x", module="network"):
            return outputs_of(module, x, progress=progress)
    finally:
        for part, mode in modes:
            part.training = mode


def outputs_of(
    module: nn.Module, examples: ArrayLike, *, batch: int | None = None, progress: Progress | bool | None = None
) -> NDArray[Any]:
    """Return a module's outputs, evaluated in batches in its own dtype and on its own device.

    Parameters
    ----------
    module : torch.nn.Module
        Left in the mode it is in; those of this package are in evaluation mode. Outputs in bfloat16 become float32.
    examples : array_like [examples, ...]
        At least one; converted to the dtype of the module's weights, batch by batch. What is int64 is token indices and
        stays.
    batch : int, optional
        Examples at a time, at least 1; by default up to 128.
    progress : callable or bool, optional
        True for a line on stderr; or called as progress("outputs", examples done, examples).

    Returns
    -------
    ndarray [examples, ...]

    Raises
    ------
    ArgumentError
        If there is no example, the batch is empty, or the module gives no tensor with a row for each example.

    Examples
    --------
    >>> import numpy as np
    >>> from torch import nn
    >>> slth.networks.outputs_of(nn.Flatten(), np.zeros((5, 2, 3)), batch=2).shape
    (5, 6)
    """
    array = tensor_given(examples, "examples").cpu()
    batch = whole(_MOST_EXAMPLES if batch is None else batch, "batch", remedy="128 examples at a time are fair")
    if array.ndim < 1 or len(array) == 0:
        raise ArgumentError("examples", list(array.shape), "must hold one example at least", "pass [examples, ...]")
    ready = module_given(module, ready=True)
    weights = (part for part in (*ready.parameters(), *ready.buffers()) if part.is_floating_point())
    like = next(weights, torch.empty(0, dtype=torch.float64 if array.dtype == torch.float64 else torch.float32))
    like = like.long() if array.dtype == torch.int64 else like
    report, parts = reporter(progress), []
    with torch.no_grad():
        for start in range(0, len(array), batch):
            parts.append(_called(ready, array[start : start + batch].to(like)).cpu().numpy())
            if report is not None:
                report("outputs", min(start + batch, len(array)), len(array))
    return np.concatenate(parts)


def _called(module: nn.Module, part: torch.Tensor) -> torch.Tensor:
    try:
        found: torch.Tensor = module(part)
    except SlthError:
        raise
    except (RuntimeError, TypeError, ValueError, IndexError) as problem:
        rule = f"cannot be given to the module ({first_line(problem)})"
        raise ArgumentError("examples", list(part.shape), rule, "pass [examples, *input_shape]") from problem
    if not isinstance(found, torch.Tensor) or found.ndim < 1 or len(found) != len(part):
        rule = f"must give one tensor, with a row for each of {len(part)} examples"
        raise ArgumentError("module", type(module).__name__, rule, "wrap it in a module that returns the outputs alone")
    return found.float() if found.dtype == torch.bfloat16 else found  # of which numpy has none


def masked_difference(ticket: Ticket, x: ArrayLike, *, dtype: Literal["float32", "float64"]) -> float:
    """Return how far the small network is from the masked random one, relative to the largest output.

    Parameters
    ----------
    ticket : Ticket
    x : array_like [examples, *input_shape]
        A few: the masked network computes every random channel.
    dtype : {"float32", "float64"}
        In which both are evaluated.

    Returns
    -------
    float
    """
    small = outputs_of(module_from_ticket(ticket, form="small", dtype=dtype), x)
    masked = outputs_of(module_from_ticket(ticket, form="masked", dtype=dtype), x)
    return float(np.abs(small - masked).max() / np.abs(masked).max())

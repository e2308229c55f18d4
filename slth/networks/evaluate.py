"""Outputs of a module for as many images as there are, in bounded memory."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from slth.errors import ArgumentError
from slth.networks.conv_tickets import masked_forward
from slth.networks.folded import folded_module
from slth.networks.from_ticket import module_from_ticket
from slth.tickets import Ticket

_MOST_EXAMPLES = 128
_BATCH_VALUES = 2**25  # hidden activations at a time: 128 MiB in float32, and a few such arrays live together


def outputs_of(module: nn.Module, images: ArrayLike, *, batch: int | None = None) -> NDArray[Any]:
    """Return a module's outputs, evaluated in batches in its own dtype and on its own device.

    Parameters
    ----------
    module : torch.nn.Module
        Left in the mode it is in; those of this package are in evaluation mode.
    images : array_like [examples, ...]
        At least one; converted to the dtype of the module's weights, batch by batch.
    batch : int, optional
        Examples at a time, at least 1; by default up to 128, fewer where a ticket's hidden channels are many.

    Returns
    -------
    ndarray [examples, ...]

    Raises
    ------
    ArgumentError
        If there is no example, or the batch is empty.

    Examples
    --------
    >>> outputs_of(nn.Flatten(), np.zeros((5, 2, 3)), batch=2).shape
    (5, 6)
    """
    array = np.asarray(images)
    if batch is None:
        held = getattr(module, "values_an_image", 1)
        batch = max(1, min(_MOST_EXAMPLES, _BATCH_VALUES // max(1, held)))
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise ArgumentError("batch", batch, "must be an integer of at least 1", "128 examples at a time are fair")
    if array.ndim < 1 or len(array) == 0:
        raise ArgumentError("images", list(array.shape), "must hold one example at least", "pass [examples, ...]")
    weights = (part for part in (*module.parameters(), *module.buffers()) if part.is_floating_point())
    like = next(weights, torch.empty(0, dtype=torch.float64 if array.dtype == np.float64 else torch.float32))
    with torch.no_grad():
        parts = [
            module(torch.from_numpy(np.array(array[start : start + batch])).to(like)).cpu().numpy()
            for start in range(0, len(array), batch)
        ]
    return np.concatenate(parts)


def folded_outputs(ticket: Ticket, images: ArrayLike, *, batch: int | None = None) -> NDArray[np.float64]:
    """Return a ticket's outputs in float64 by its folded kernels: the same function up to rounding, and much faster.

    Parameters
    ----------
    ticket : Ticket
    images : array_like [examples, ...]
    batch : int, optional
        Examples at a time.

    Returns
    -------
    float64[examples, outputs]
    """
    found = outputs_of(folded_module(ticket, dtype=torch.float64), images, batch=batch)
    outputs: NDArray[np.float64] = found.reshape(len(found), -1)
    return outputs


def masked_difference(ticket: Ticket, images: ArrayLike, *, dtype: Literal["float32", "float64"]) -> float:
    """Return how far the small network is from the masked random one, streamed, relative to the largest output.

    Parameters
    ----------
    ticket : Ticket
        Of convolutions.
    images : array_like [examples, channels, height, width]
        A few: the masked network computes every random channel.
    dtype : {"float32", "float64"}
        In which both are evaluated.

    Returns
    -------
    float
    """
    number_type = {"float32": torch.float32, "float64": torch.float64}[dtype]
    x = torch.from_numpy(np.array(images)).to(number_type)
    with torch.no_grad():
        small = module_from_ticket(ticket, dtype=number_type)(x).flatten(1)
        masked = masked_forward(ticket, x).flatten(1)
    return float((small - masked).abs().max() / masked.abs().max())

"""The layout of any module, and random weights written into an instance of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from slth.errors import ArgumentError
from slth.networks.given import instance, module_given
from slth.networks.untied import shared_with
from slth.rng import WeightLaw
from slth.tickets.layout import Layout, TensorLayout, masked_weights
from slth.tickets.mask import Reading
from slth.tickets.ticket import Ticket

_REMEDY = "make it as it was made for the ticket"


def named_tensors(module: nn.Module) -> dict[str, tuple[Tensor, tuple[str, ...]]]:
    """Return each parameter and buffer of a module once: by its first name, with its further names."""
    first: dict[int, str] = {}
    found: dict[str, tuple[Tensor, tuple[str, ...]]] = {}
    groups = (module.named_parameters(remove_duplicate=False), module.named_buffers(remove_duplicate=False))
    for name, tensor in (item for group in groups for item in group):
        if id(tensor) in first:
            own, aliases = found[first[id(tensor)]]
            found[first[id(tensor)]] = own, (*aliases, name)
        else:
            first[id(tensor)] = name
            found[name] = tensor, ()
    return found


def layout_of(module: nn.Module) -> Layout:
    """Return names, shapes and dtypes of a module's tensors.

    Parameters
    ----------
    module : torch.nn.Module

    Returns
    -------
    Layout
        Parameters first, then buffers, in the module's own order; tied tensors stand once, and those that
        :func:`slth.networks.untied` took apart say whose random numbers they have.

    Raises
    ------
    slth.errors.ArgumentError
        A tensor has no shape yet (a lazy module that was never called).

    Examples
    --------
    >>> from torch import nn
    >>> [(tensor.name, tensor.shape) for tensor in slth.networks.layout_of(nn.Linear(3, 2)).tensors]
    [('weight', (2, 3)), ('bias', (2,))]
    """
    parameters = {id(parameter) for parameter in module_given(module).parameters()}
    tensors, shared = [], shared_with(module)
    for name, (tensor, aliases) in named_tensors(module).items():
        if is_lazy(tensor):
            remedy = "call the module once on an example"
            raise ArgumentError("module", type(module).__name__, f"has no shape yet for {name}", remedy)
        role = "parameter" if id(tensor) in parameters else "buffer"
        dtype = str(tensor.dtype).removeprefix("torch.")
        same_as = shared.get(name, "")
        tensors.append(TensorLayout(name, tuple(tensor.shape), dtype, role, aliases, same_as))  # type: ignore[arg-type]
    return Layout(tensors)


def apply_to(
    module: nn.Module,
    layout: Layout,
    *,
    seed: int,
    law: WeightLaw,
    masks: Mapping[str, ArrayLike],
    gains: Mapping[str, float] | None = None,
    buffers: Mapping[str, ArrayLike] | None = None,
    reading: Reading = "factor",
) -> nn.Module:
    """Write a ticket of a layout into a user's own instance: random weights times their masks, and stored numbers.

    Bit for bit the same on every machine: weights are drawn and multiplied in float64, then rounded to the tensor's
    dtype. Nothing is written before everything is checked. Of layers that share random weights and have a mask each,
    weights differ: a fresh instance whose layers are one is made several by :func:`slth.networks.untied`.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place; its device, memory format and flags stay.
    layout : Layout
        Of the module that the ticket was made for.
    seed : int
    law : WeightLaw
    masks : mapping of str to array_like
        By name of a tensor, what its random weights are multiplied by.
    gains : mapping of str to float, optional
        By name of a masked tensor, what its weights are multiplied by too; 1.0 where left out.
    buffers : mapping of str to array_like, optional
        Numbers of the tensors that are not drawn: norm parameters, running statistics, biases.
    reading : {"factor", "choice"}
        Whether weights are multiplied by their entries, or entries choose among several numbers a weight:
        :class:`slth.Mask`.

    Returns
    -------
    torch.nn.Module
        The same module.

    Raises
    ------
    slth.errors.ArgumentError
        The module has another layout (the first difference is named), a tensor is neither masked nor stored or is both,
        or an array does not fit its tensor.

    Examples
    --------
    >>> from slth.networks import apply_to, layout_of
    >>> from torch import nn
    >>> module = nn.Linear(2, 1, bias=False)
    >>> law = slth.WeightLaw("normal")
    >>> apply_to(module, layout_of(module), seed=0, law=law, masks={"weight": [[0, 1]]}).weight.detach()[0, 0].item()
    0.0
    """
    difference = layout.difference(layout_of(module))
    if difference is not None:
        rule = f"is not the module that the ticket is for: {difference}"
        apart = any(tensor.same_as for tensor in layout.tensors)
        remedy = "its layers have masks of their own: pass slth.networks.untied(module)" if apart else _REMEDY
        raise ArgumentError("module", type(module).__name__, rule, remedy)
    gains, buffers = gains or {}, buffers or {}
    _check_names(layout, masks, gains, buffers)
    tensors = {name: tensor for name, (tensor, _) in named_tensors(module).items()}
    made: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name in masks:
            numbers = masked_weights(
                layout[name], masks[name], seed=seed, law=law, gain=gains.get(name, 1.0), reading=reading
            )
            made[name] = torch.from_numpy(numbers).to(tensor.dtype)
        else:
            made[name] = _stored(name, buffers[name], tensor)
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(made[name])
    return module


def _stored(name: str, given: ArrayLike, tensor: Tensor) -> Tensor:
    """Return stored numbers as a tensor of the shape and dtype that they are for."""
    found = given.detach().cpu() if isinstance(given, Tensor) else torch.from_numpy(np.array(given))
    if found.shape != tensor.shape:
        rule = f"of {name} must have shape {list(tensor.shape)}"
        raise ArgumentError("buffers", list(found.shape), rule, "store the tensor as the module has it")
    return found.to(tensor.dtype)


def _check_names(
    layout: Layout, masks: Mapping[str, ArrayLike], gains: Mapping[str, float], buffers: Mapping[str, ArrayLike]
) -> None:
    """Refuse names that are no tensors', and tensors whose numbers come from two places or from none."""
    names = {tensor.name for tensor in layout.tensors}
    for argument, given in (("masks", masks), ("gains", gains), ("buffers", buffers)):
        for name in given:
            if name not in names:
                rule = "is no tensor of the module, or not its first name"
                raise ArgumentError(argument, name, rule, f"use {', '.join(sorted(names)) or 'none'}")
    for name in names:
        if (name in masks) == (name in buffers):
            rule = "must be either masked or stored"
            raise ArgumentError("masks", name, rule, "give each tensor a mask, or its numbers in buffers=")
    for name in gains:
        if name not in masks:
            raise ArgumentError("gains", name, "has no mask", "give gains to masked tensors alone")
    for name in masks:
        if layout[name].role != "parameter" or not layout[name].dtype.startswith(("float", "bfloat")):
            rule = f"is a {layout[name].role} of {layout[name].dtype}, not a weight"
            raise ArgumentError("masks", name, rule, "store its numbers in buffers=")


def apply_ticket(module: nn.Module, ticket: Ticket) -> nn.Module:
    """Write a ticket's regenerated, masked weights and its declared buffers into a module: :func:`slth.apply_to`."""
    instance(ticket, Ticket, "ticket", "load one with slth.load_ticket")
    if not isinstance(ticket.source, Layout):
        rule = "is a network of its own"
        raise ArgumentError("ticket", "a graph", rule, "use slth.to_torch(ticket)")
    gains = {layer.path: ticket.gain(layer.path) for layer in ticket.layers}
    masks = {name: np.asarray(array) for name, array in ticket.mask.arrays.items()}
    return apply_to(
        module, ticket.source, seed=ticket.seed, law=ticket.law, masks=masks, gains=gains, buffers=ticket.buffers,
        reading=ticket.mask.reading,
    )  # fmt: skip

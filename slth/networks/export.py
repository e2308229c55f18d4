"""A searched ticket for other programs: its module's weights as safetensors, whole or compressed, or as ONNX."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors.torch import save
from torch import Tensor, nn

from slth.arrays import one_of
from slth.errors import ArgumentError
from slth.files import write_bytes
from slth.networks.given import first_line, module_given, usual_input_shape, whole_numbers
from slth.networks.layouts import apply_ticket
from slth.networks.shrink import onnx_of, require_onnx
from slth.networks.structures import NOfM
from slth.tickets.ticket import Ticket

FORMAT = "slth weights/1"
Parts: TypeAlias = tuple[dict[str, Tensor], dict[str, Any]]
"""The tensors in the place of a weight, by the end of their names, and what is to be known of them."""


def export(
    module: nn.Module,
    ticket: Ticket,
    path: str | Path,
    *,
    to: str = "dense",
    input_shape: Sequence[int] | None = None,
) -> Path:
    r"""Write the network that a searched ticket makes of a module, for other programs to read.

    All but ONNX are safetensors with one metadata entry ``slth``, a JSON object that says ``format``, ``to`` and, of
    each compressed weight under ``weights``, ``shape`` and further names. What is not compressed (biases, norms,
    statistics) stands under its name in ``module.state_dict()``.

    - ``"dense"``: the whole state dictionary, masked weights with their zeros; ``load_state_dict`` takes it.
    - ``"csr"``: of a masked weight W, as the matrix [first axis, all others], ``W.crow_indices``, ``W.col_indices``
      (int32 where that holds them) and ``W.values``: what the mask keeps, row by row.
    - ``"2:4"``, or n:m: the inputs of each output (second axis of a weight, moved behind the kernel's) in groups of m,
      of which the mask keeps at most n. ``W.values`` has n of each group in their order, [outputs, inputs n / m] with
      the kernel in between, and 0 where fewer are kept; ``W.indices`` their places in the group, ``bits`` each, first
      one lowest, in bytes. A weight that is kept whole stands as it is.
    - ``"onnx"``: for batches of any size.

    Parameters
    ----------
    module : torch.nn.Module
        As it was made for the search; it stays as it is.
    ticket : Ticket
        Of a :class:`slth.Layout`.
    path : str or Path
    to : str
    input_shape : sequence of int, optional
        Of one input, for ONNX; may be left out where the first layer with weights is linear.

    Returns
    -------
    Path
        Of the file that was written.

    Raises
    ------
    slth.errors.ArgumentError
        The module has another layout or the ticket is a network of its own (:func:`slth.to_torch`), the mask keeps more
        than n of m, or the packages for ONNX are missing.

    Examples
    --------
    >>> from torch import nn
    >>> import tempfile
    >>> import numpy as np
    >>> from safetensors.torch import load_file
    >>> module = nn.Linear(4, 1, bias=False)
    >>> mask = slth.Mask({"weight": np.array([[True, False, False, True]])})
    >>> ticket = slth.Ticket(slth.networks.layout_of(module), slth.WeightLaw("normal"), 0, mask, [1.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load_file(slth.export(module, ticket, f"{folder}/w.safetensors", to="csr"))["weight.col_indices"].tolist()
    [0, 3]
    """
    form = None if one_of(to, ("onnx",)) else _form(to)
    if form is None:
        require_onnx("to")
    made = apply_ticket(copy.deepcopy(module_given(module, ready=True)), ticket).eval()
    content = _onnx(made, input_shape) if form is None else _safetensors(made, ticket, to, form)
    try:
        write_bytes(Path(path), content)
    except (OSError, TypeError) as problem:
        raise ArgumentError("path", path, f"cannot be written ({problem})", "pass the name of a file") from None
    return Path(path)


def _form(to: str) -> Callable[[str, Tensor, Tensor], Parts | None]:
    """Return what is made of a name, its weight and its mask; None for a weight that stays as it is."""
    if one_of(to, _FORMS):
        return _FORMS[to]
    numbers = re.fullmatch(r"([0-9]{1,3}):([0-9]{1,3})", to) if isinstance(to, str) else None
    n, m = map(int, numbers.groups()) if numbers else (0, 0)
    if not 0 < n <= m <= 256:
        rule = "is no form of a network"
        raise ArgumentError("to", to, rule, "use dense, csr, onnx, or n:m such as 2:4 with n <= m <= 256")
    return partial(_n_of_m, NOfM(n, m))


def _safetensors(
    module: nn.Module, ticket: Ticket, to: str, form: Callable[[str, Tensor, Tensor], Parts | None]
) -> bytes:
    """Return the file of a module that a ticket was written into."""
    state = {name: part.cpu() for name, part in module.state_dict().items() if isinstance(part, Tensor)}
    said: dict[str, Any] = {}
    for layer in ticket.layers:
        name = layer.path
        kept = torch.from_numpy(ticket.mask[name] != 0)
        parts = form(name, module.get_parameter(name).detach().cpu(), kept)
        if parts is not None:
            names = (name, *ticket.source[name].aliases)  # type: ignore[index]
            for each in names:
                state.pop(each, None)
            state |= {f"{name}.{end}": tensor for end, tensor in parts[0].items()}
            said[name] = {"shape": list(kept.shape), "aliases": names[1:], **parts[1]}
    header = {"format": FORMAT, "to": to, "seed": ticket.seed, "family": ticket.family, "weights": said}
    tensors = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in state.items()}
    # One entry alone: the writer orders several at random.
    content: bytes = save(tensors, metadata={"slth": json.dumps(header, separators=(",", ":"))})
    return content


def _dense(name: str, weight: Tensor, kept: Tensor) -> None:
    del name, weight, kept


def _csr(name: str, weight: Tensor, kept: Tensor) -> Parts:
    """Compress the matrix of a weight row by row."""
    del name
    rows = kept.shape[0] if kept.ndim else 1
    mask = kept.reshape(rows, prod(kept.shape[1:]))
    counts = torch.cat([torch.zeros(1, dtype=torch.int64), mask.sum(1).cumsum(0)])
    small = torch.int32 if max(int(counts[-1]), *mask.shape) < 2**31 else torch.int64
    columns = mask.nonzero()[:, 1]
    values = weight.reshape(mask.shape)[mask]
    return {"crow_indices": counts.to(small), "col_indices": columns.to(small), "values": values}, {}


_FORMS: dict[str, Callable[[str, Tensor, Tensor], Parts | None]] = {"dense": _dense, "csr": _csr}


def _n_of_m(pattern: NOfM, name: str, weight: Tensor, kept: Tensor) -> Parts | None:
    """Compress a weight of which n of each m inputs are kept, or fewer."""
    n, m, to = pattern.n, pattern.m, f"{pattern.n}:{pattern.m}"
    if bool(kept.all()):
        return None
    if kept.ndim < 2 or kept.shape[1] % m:
        rule = f"does not fit {name}: its second axis, in shape {list(kept.shape)}, has no groups of {m}"
        raise ArgumentError("to", to, rule, 'use "csr", or "dense"')
    chosen = pattern.select(kept.to(torch.uint8), 0).movedim(1, -1)  # what is kept comes first
    behind = kept.movedim(1, -1)
    if bool((behind & ~chosen).any()):
        most = int(behind.reshape(-1, m).sum(1).max())
        rule = f"does not fit the mask of {name}, which keeps {most} of {m} consecutive inputs somewhere"
        raise ArgumentError("to", to, rule, f'use "csr", or search with structure {to}')
    values = weight.movedim(1, -1)[chosen].reshape(*chosen.shape[:-1], chosen.shape[-1] // m * n)
    bits = next(size for size in (1, 2, 4, 8) if m <= 2**size)
    indices = chosen.reshape(-1, m).nonzero()[:, 1]
    return {"values": values, "indices": _packed(indices, bits)}, {"n": n, "m": m, "bits": bits}


def _packed(numbers: Tensor, bits: int) -> Tensor:
    """Return numbers of so many bits in bytes, the first one lowest."""
    each = 8 // bits
    padded = nn.functional.pad(numbers, (0, -len(numbers) % each)).reshape(-1, each)
    return (padded << (torch.arange(each) * bits)).sum(1).to(torch.uint8)


def _onnx(module: nn.Module, input_shape: Sequence[int] | None) -> bytes:
    """Return a module as an ONNX file."""
    remedy = "pass the shape of one input, such as (3, 32, 32)"
    shape = (
        usual_input_shape(module) if input_shape is None else whole_numbers(input_shape, "input_shape", remedy=remedy)
    )
    try:
        return onnx_of(module, shape)
    except Exception as problem:  # whatever the exporter or the module says
        rule = f"does not take {type(module).__name__} with inputs of shape {list(shape)} ({first_line(problem)})"
        raise ArgumentError("to", "onnx", rule, 'use "dense", or another input_shape') from problem

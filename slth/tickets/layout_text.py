"""A layout as the text that a ticket's file has of it: one part a tensor, with what the ticket says of it as a whole.

``layout;fc.weight 300,784 *;fc.bias 300 =0.0``: name, extents, and as far as they are not the usual ones the words
``float16`` (dtype), ``buffer`` (role), ``+name,name`` (aliases) and ``~name`` (whose random numbers it has); then
``*`` and its grain where it is masked, and ``=number`` where it is stored and all its numbers are this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.errors import ArgumentError
from slth.graphs.coding import strict_json
from slth.tickets.grains import Grain, NOfM, grain_from_text
from slth.tickets.layout import Layout, TensorLayout

MARK = "layout;"


@dataclass(frozen=True)
class LayoutText:
    """What the text says.

    Parameters
    ----------
    layout : Layout
    grains : mapping of str to Grain or NOfM
        Of the masks by the names of their tensors, in the layout's order; None where the text does not know grains.
    constants : mapping of str to int or float
        Of stored tensors that are one number everywhere.
    """

    layout: Layout
    grains: Mapping[str, Grain | NOfM | None]
    constants: Mapping[str, int | float]

    @property
    def packed(self) -> str:
        """The text, the same for equal ones."""
        return MARK + ";".join(self._part(tensor) for tensor in self.layout.tensors)

    def _part(self, tensor: TensorLayout) -> str:
        words = [tensor.name, ",".join(map(str, tensor.shape))]
        words += [tensor.dtype] if tensor.dtype != TensorLayout.dtype else []
        words += [tensor.role] if tensor.role != TensorLayout.role else []
        words += ["+" + ",".join(tensor.aliases)] if tensor.aliases else []
        words += [f"~{tensor.same_as}"] if tensor.same_as else []
        grain = self.grains.get(tensor.name)
        words += [f"*{grain.text}"] if grain is not None else []
        words += [f"={self.constants[tensor.name]!r}"] if tensor.name in self.constants else []
        return " ".join(words)


def layout_text(stated: LayoutText) -> str:
    """Return the text, or raise ArgumentError where names have characters that mean something in it."""
    try:
        same = layout_from_text(stated.packed) == stated
    except ArgumentError:
        same = False
    if not same:
        raise ArgumentError("layout", stated.packed, "has names that a file cannot hold", "name tensors as torch does")
    return stated.packed


def layout_from_text(text: str) -> LayoutText:
    """Read what :func:`layout_text` wrote, and the JSON of files before it; ArgumentError where it is neither."""
    remedy = "the file was changed"
    try:
        found = _from_words(text.removeprefix(MARK)) if text.startswith(MARK) else _from_json(text)
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, ArgumentError):
            raise
        raise ArgumentError("layout", text, f"is no layout ({error})", remedy) from None
    if text.startswith(MARK) and found.packed != text:
        raise ArgumentError("layout", text, "is not as a layout is written", remedy)
    return found


def _from_words(text: str) -> LayoutText:
    tensors, grains, constants = list[TensorLayout](), dict[str, Grain | NOfM | None](), dict[str, int | float]()
    for part in text.split(";") if text else []:
        name, extents, *words = part.split(" ")
        shape = tuple(int(extent) for extent in extents.split(",")) if extents else ()
        fields: dict[str, Any] = {}
        for word in words:
            if word.startswith("*"):
                grains[name] = grain_from_text(word[1:], shape)
            elif word.startswith("="):
                constants[name] = _number(word[1:])
            elif word.startswith("+"):
                fields["aliases"] = tuple(word[1:].split(","))
            elif word.startswith("~"):
                fields["same_as"] = word[1:]
            else:
                fields["role" if word == "buffer" else "dtype"] = word
        tensors.append(TensorLayout(name, shape, **fields))
    return LayoutText(Layout(tensors), grains, constants)


def _from_json(text: str) -> LayoutText:
    named = strict_json("source", text)
    masked = named.get("masked")
    if set(named) != {"layout", "masked"} or not isinstance(masked, list):
        raise ArgumentError("source", sorted(named), "must have layout and masked", "the file was changed")
    layout = Layout.from_description(named["layout"])
    return LayoutText(layout, {layout[str(name)].name: None for name in masked}, {})


def constants_of(layout: Layout, buffers: Mapping[str, NDArray[Any]]) -> dict[str, int | float]:
    """Return the numbers of those stored tensors, each in its tensor's shape, that are one number everywhere."""
    shapes = {tensor.name: tensor.shape for tensor in layout.tensors}
    return {
        name: array.flat[0].item()
        for name, array in buffers.items()
        if array.size and shapes.get(name) == array.shape and _is_constant(array)
    }


def _is_constant(array: NDArray[Any]) -> bool:
    """Whether all numbers have the same bits: 0.0 is not -0.0."""
    bits = np.ascontiguousarray(array).view(np.int64)
    return bool((bits == bits.flat[0]).all())


def _number(text: str) -> int | float:
    if text.lstrip("-").isdecimal():
        return int(np.int64(int(text)))
    return float(text)

"""A module outside the network language as words: names, shapes and dtypes of tensors, and their random numbers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from hashlib import sha256
from math import prod
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slth.arrays import one_of
from slth.errors import ArgumentError
from slth.rng import Stream, WeightLaw
from slth.tickets.mask import OF_MEMBERS, Reading, drawn_places

Role = Literal["parameter", "buffer"]


@dataclass(frozen=True)
class TensorLayout:
    """One tensor of a module, by its first name; ``same_as`` names another whose random numbers it has too.

    Layers that share their random weights, and have a mask each, stand so: :func:`slth.networks.untied`.
    """

    name: str
    shape: Sequence[int]
    dtype: str = "float32"
    role: Role = "parameter"
    aliases: Sequence[str] = ()
    same_as: str = ""

    def __post_init__(self) -> None:
        """Check every field."""
        object.__setattr__(self, "shape", tuple(int(extent) for extent in self.shape))
        object.__setattr__(self, "aliases", tuple(self.aliases))
        names = (self.name, self.same_as, *self.aliases)
        if not self.name or not all(isinstance(name, str) for name in names):
            raise ArgumentError("name", self.name, "must be the path of a tensor", 'such as "fc.weight"')
        if min(self.shape, default=0) < 0:
            raise ArgumentError("shape", self.shape, "must not have negative extents", "use () for a single number")
        if not isinstance(self.dtype, str) or not one_of(self.role, get_args(Role)):
            rule = "must be a dtype's name, and a parameter or a buffer"
            raise ArgumentError("dtype", (self.dtype, self.role), rule, 'use "float32" and "parameter"')

    @property
    def stream(self) -> str:
        """Name of the stream that its random numbers come from."""
        return self.same_as or self.name

    @property
    def size(self) -> int:
        """Numbers in the tensor."""
        return prod(self.shape)


@dataclass(frozen=True)
class Layout:
    """Names, shapes and dtypes of all tensors of a module: what a ticket says of a module outside the language.

    Parameters
    ----------
    tensors : sequence of TensorLayout
        In the module's own order, each name once.

    Raises
    ------
    slth.errors.ArgumentError
        A name stands twice, or a tensor has the random numbers of one that is not there, has another shape, or has them
        from a third.

    Examples
    --------
    >>> from slth.tickets.layout import TensorLayout
    >>> layout = slth.Layout([TensorLayout("weight", (2, 3)), TensorLayout("bias", (2,))])
    >>> layout == slth.Layout.from_description(layout.describe())
    True
    >>> print(layout.difference(slth.Layout([TensorLayout("weight", (2, 4))])))
    weight has shape [2, 3] there and [2, 4] here
    """

    tensors: Sequence[TensorLayout]

    def __post_init__(self) -> None:
        """Check that names are told apart."""
        object.__setattr__(self, "tensors", tuple(self.tensors))
        names = [name for tensor in self.tensors for name in (tensor.name, *tensor.aliases)]
        if len(self._named) < len(names):
            name = next(name for name, count in Counter(names).items() if count > 1)
            raise ArgumentError("tensors", name, "stands twice", "give each tensor a name of its own")
        owners = {tensor.name: tensor.shape for tensor in self.tensors if not tensor.same_as}
        for tensor in self.tensors:
            if tensor.same_as and owners.get(tensor.same_as) != tensor.shape:
                rule = f"has the random numbers of {tensor.same_as}, which has none of its own of that shape"
                raise ArgumentError("tensors", tensor.name, rule, "name a tensor whose same_as is empty")

    @cached_property
    def _named(self) -> dict[str, TensorLayout]:
        return {name: tensor for tensor in self.tensors for name in (tensor.name, *tensor.aliases)}

    @cached_property
    def fingerprint(self) -> str:
        """The sha256, as 64 hexadecimal digits, of the description as JSON with sorted keys and without spaces."""
        text = json.dumps(self.describe(), sort_keys=True, separators=(",", ":"))
        return sha256(text.encode("utf-8")).hexdigest()

    def __getitem__(self, name: str) -> TensorLayout:
        """Return the tensor of a name, which may be an alias."""
        if name in self._named:
            return self._named[name]
        remedy = f"its tensors are {', '.join(tensor.name for tensor in self.tensors) or 'none'}"
        raise ArgumentError("name", name, "is no tensor of the layout", remedy)

    def difference(self, other: Layout) -> str | None:
        """Return the first difference of the other layout ("here") from this one ("there"), or None.

        Which tensors have the same random numbers is no difference: a module does not say where its numbers are from.
        """
        theirs = {tensor.name: tensor for tensor in other.tensors}
        for tensor in self.tensors:
            found = theirs.get(tensor.name)
            if found is None:
                return f"{tensor.name} is missing here"
            there, here = (_plain(replace(one, same_as="")) for one in (tensor, found))
            for what in there:
                if there[what] != here[what]:
                    return f"{tensor.name} has {what} {there[what]} there and {here[what]} here"
        ours = {tensor.name for tensor in self.tensors}
        more = [tensor.name for tensor in other.tensors if tensor.name not in ours]
        if more:
            return f"{more[0]} is here and not there"
        names = [[tensor.name for tensor in layout.tensors] for layout in (self, other)]
        if names[0] != names[1]:
            place = next(i for i, (there, here) in enumerate(zip(*names, strict=True)) if there != here)
            return f"tensor {place} is {names[0][place]} there and {names[1][place]} here"
        return None

    def describe(self) -> list[dict[str, Any]]:
        """Return the layout as JSON has it."""
        return [_plain(tensor) for tensor in self.tensors]

    @classmethod
    def from_description(cls, description: Sequence[Mapping[str, Any]]) -> Layout:
        """Read what :meth:`describe` wrote.

        Raises
        ------
        slth.errors.ArgumentError
            A key is missing or unknown, or a value breaks a rule.
        """
        keys = {field.name for field in fields(TensorLayout)}
        if not isinstance(description, list) or not all(
            isinstance(entry, Mapping) and set(entry) | {"same_as"} == keys for entry in description
        ):
            remedy = f"give a list of objects with {', '.join(sorted(keys))}"
            raise ArgumentError("description", description, "does not describe a layout", remedy)
        return cls([TensorLayout(**entry) for entry in description])


def _plain(tensor: TensorLayout) -> dict[str, Any]:
    """Return a tensor's fields as JSON has them, which knew no ``same_as`` and leaves an empty one out."""
    found = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(tensor).items()}
    return found if tensor.same_as else {name: value for name, value in found.items() if name != "same_as"}


def masked_weights(
    tensor: TensorLayout,
    mask: ArrayLike,
    *,
    seed: int,
    law: WeightLaw,
    gain: float = 1.0,
    reading: Reading = "factor",
) -> NDArray[np.float64]:
    r"""Return the random weights of a tensor times its mask and gain: :math:`(g\,w_i) m_i`, rounded in that order.

    Weight i, in row-major order whatever the memory looks like, is number i of the tensor's stream (seed, its name or
    ``same_as``); only what is kept is drawn. Where the mask chooses, :math:`g\,w_{i + (m_i - 1) n}` for n weights.

    Shapes: mask array_like of bool or integers [shape]; result float64 [shape].
    """
    factors = np.asarray(mask)
    if factors.dtype.kind not in "biu" or factors.shape != tensor.shape:
        rule = f"of {tensor.name} must be integers of shape {list(tensor.shape)}"
        raise ArgumentError("mask", f"{factors.dtype}{list(factors.shape)}", rule, "pass 0 and 1")
    if not one_of(reading, get_args(Reading)):
        raise ArgumentError("reading", reading, "is not known", f"use one of {get_args(Reading)}")
    if reading in OF_MEMBERS:
        remedy = "take one: slth.tickets.members(ticket)[0], or slth.trainable.load_ensemble"
        raise ArgumentError("mask", tensor.name, "holds the masks of several members", remedy)
    flat = factors.reshape(-1)
    if reading == "choice" and flat.min(initial=0) < 0:
        raise ArgumentError("mask", int(flat.min()), f"of {tensor.name} chooses no number", "use 0, 1, ..., K")
    kept = law.weights_at(Stream(seed, tensor.stream), drawn_places(flat, reading)) * gain
    numbers = np.zeros(flat.size)
    numbers[flat != 0] = kept if reading == "choice" else kept * flat[flat != 0]
    return numbers.reshape(tensor.shape)

"""The ticket: a random network and what is kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from slth.errors import ArgumentError
from slth.rng import WeightLaw
from slth.tickets.attention import HeadPair, has_attention
from slth.tickets.attention_weights import FoldedHeads, fold_heads
from slth.tickets.conv_pair import ConvPair
from slth.tickets.conv_weights import FoldedConv, fold_conv
from slth.tickets.convolutional import images_of
from slth.tickets.description import NetworkDescription, ProductPair, RandomLinear
from slth.tickets.evaluation import evaluate
from slth.tickets.folding import FoldedLayer, fold
from slth.tickets.mask import KEEP, Mask
from slth.tickets.network import Floats, batch_of, finite_array
from slth.tickets.weights import kept_weights_sha256

if TYPE_CHECKING:
    import torch
    from torch import nn

Family: TypeAlias = Literal["strong", "trainable"]


@dataclass(frozen=True)
class TicketStatistics:
    """What a ticket keeps, and what that costs.

    Parameters
    ----------
    kept, open_positions : int
        Random weights kept, and those that the fixed block masks leave to choose from.
    density : float
        kept / open_positions.
    random_parameters : int
        Weights of the whole random network, with those that the block masks remove.
    entropy_bound_bits : float
        Sum over masks of log2 C(positions, kept): what a coder of the mask is measured against.
    target_weights : int or None
        Weights and biases of a dense network with one layer for each product pair; biases are counted where the
        constant input is used. None when a layer is not a product pair, for then the description does not say.
    """

    kept: int
    open_positions: int
    density: float
    random_parameters: int
    entropy_bound_bits: float
    target_weights: int | None

    @property
    def entropy_bound_bits_per_weight(self) -> float | None:
        """Bits of the entropy bound for each weight of the target, or None where their number is not known."""
        return self.entropy_bound_bits / self.target_weights if self.target_weights else None


@dataclass(frozen=True, eq=False)
class Ticket:
    """A subnetwork of a random network: everything needed to regenerate it bit for bit, and nothing else.

    Parameters
    ----------
    description : NetworkDescription
        The architecture of the random network.
    law : WeightLaw
        The law of its weights.
    seed : int
        0 <= seed < 2**64.
    mask : Mask
        The arrays that ``description.mask_shapes`` names, bool. A hidden unit of a product pair is kept exactly where
        one of its connections is.
    gains : float64[layers]
        Positive; what the output of each layer is multiplied by before its activation.
    family : {"strong", "trainable"}
        Whether the kept weights are final, or only where a training starts.

    Raises
    ------
    ArgumentError
        When one of these rules is broken.

    Examples
    --------
    >>> description = NetworkDescription([ProductPair("layer0", inputs=2, outputs=1, units=3)])
    >>> connections = np.ones((3, 3, 1), bool)
    >>> mask = Mask({"layer0.units": connections.any(axis=2), "layer0.connections": connections})
    >>> ticket = Ticket(description, WeightLaw("uniform", 1.0), 0, mask, [1.0])
    >>> ticket.forward([[0.0, 0.0], [1.0, 0.5]]).shape
    (2, 1)
    >>> ticket.statistics().density
    1.0
    """

    description: NetworkDescription
    law: WeightLaw
    seed: int
    mask: Mask
    gains: Floats
    family: Family = "strong"

    def __post_init__(self) -> None:
        for name, kind in (("description", NetworkDescription), ("law", WeightLaw), ("mask", Mask)):
            if not isinstance(getattr(self, name), kind):
                raise ArgumentError(name, getattr(self, name), f"must be a {kind.__name__}", "build one first")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or not 0 <= self.seed < 2**64:
            raise ArgumentError("seed", self.seed, "must be an integer from 0 to 2**64 - 1", "pass a Python int")
        if self.family not in get_args(Family):
            raise ArgumentError("family", self.family, "is not known", 'use "strong" or "trainable"')
        gains = finite_array("gains", self.gains, axes=1)
        if len(gains) != len(self.description.random_layers) or not (gains > 0).all():
            rule = f"must be {len(self.description.random_layers)} positive numbers"
            raise ArgumentError("gains", gains.tolist(), rule, "give one a layer")
        object.__setattr__(self, "gains", gains)
        _check_mask(self.description, self.mask)

    def forward(self, x: ArrayLike) -> Floats:
        """Evaluate the masked random network in float64: the reference that other evaluations are compared with.

        Parameters
        ----------
        x : float64[batch, inputs] or float64[batch, channels, height, width]
            Finite; the second where the description has an input shape. A batch of any size takes less than 1 GiB
            beside itself and the result.

        Returns
        -------
        float64[batch, outputs] or float64[batch, channels, height, width]

        Raises
        ------
        ArgumentError
            For another shape, or a number that is not finite.
        """
        shape = self.description.input_shape
        values = batch_of(x, self.description.inputs) if shape is None else images_of(x, shape)
        return evaluate(self.description, self.mask, self.law, self.seed, self.gains, values)

    def folded_layers(self) -> Sequence[FoldedLayer]:
        """Return each dense layer's effective weights on max(x, 0) and min(x, 0), enclosed in exact arithmetic.

        Returns
        -------
        tuple of FoldedLayer
            One a layer, in order.

        Raises
        ------
        ArgumentError
            Where the ticket is one of convolutions (use :meth:`folded_kernels`) or of attention.
        """
        if self.description.input_shape is not None:
            raise ArgumentError("ticket", "convolutions", "has no folded dense layers", "use folded_kernels()")
        if has_attention(self.description.layers):
            remedy = "use folded_heads(), and slth.constructions.attention_parts.dense_parts()"
            raise ArgumentError("ticket", "attention", "is no chain of dense layers", remedy)
        return tuple(
            fold(layer, self.mask, self.law, self.seed, gain)
            for layer, gain in zip(self.description.layers, self.gains.tolist(), strict=True)
        )

    def folded_kernels(self) -> Sequence[FoldedConv]:
        """Return each convolution's effective kernels on max(x, 0) and min(x, 0), enclosed.

        Returns
        -------
        tuple of FoldedConv
            One for each layer with weights, in order.

        Raises
        ------
        ArgumentError
            Where the ticket is a dense one.
        """
        if self.description.input_shape is None:
            raise ArgumentError("ticket", "dense layers", "has no folded kernels", "use folded_layers()")
        return tuple(
            fold_conv(layer, self.mask, self.law, self.seed, gain)
            for layer, gain in zip(self.description.random_layers, self.gains.tolist(), strict=True)
            if isinstance(layer, ConvPair)
        )

    def folded_heads(self) -> Sequence[FoldedHeads]:
        """Return the effective matrices of each pair of attention's, scores before values, enclosed.

        Returns
        -------
        tuple of FoldedHeads
            Empty where the ticket has no attention.
        """
        return tuple(
            fold_heads(layer, self.mask, self.law, self.seed, gain)
            for layer, gain in zip(self.description.random_layers, self.gains.tolist(), strict=True)
            if isinstance(layer, HeadPair)
        )

    def statistics(self) -> TicketStatistics:
        """Return what the ticket keeps, and what that costs."""
        return TicketStatistics(
            kept=self.mask.kept,
            open_positions=self.description.open_positions,
            density=self.mask.density,
            random_parameters=self.description.random_parameters,
            entropy_bound_bits=self.mask.entropy_bound_bits,
            target_weights=self._target_weights(),
        )

    def kept_weights_sha256(self) -> str:
        """Return the sha256 of the kept weights as little-endian float64, as 64 hexadecimal digits.

        Layer after layer in the order of the description, first matrix before second, each in index order.
        """
        return kept_weights_sha256(self.description, self.mask, self.law, self.seed)

    def save(self, path: str | Path) -> None:
        """Write the ticket to a file, all of it or nothing; equal tickets give equal bytes.

        Raises
        ------
        ArgumentError
            When the folder does not exist or cannot be written.
        """
        from slth.tickets.file import save_ticket  # file.py builds tickets, so it stands above this module

        save_ticket(self, path)

    def to_torch(self, *, dtype: torch.dtype | None = None) -> nn.Module:
        """Return the masked network as a torch module (see :func:`slth.api.to_torch`)."""
        from slth import api  # the one import that points upwards, and only when it is asked for

        module: nn.Module = api.to_torch(self, dtype=dtype)
        return module

    def _target_weights(self) -> int | None:
        weights = 0
        for layer in self.description.random_layers:
            if isinstance(layer, RandomLinear):
                return None
            if isinstance(layer, ConvPair | HeadPair):
                weights += layer.target_parameters
                continue
            biases = bool(self.mask[f"{layer.path}.units"][:, layer.inputs].any())
            weights += (layer.inputs + biases) * layer.outputs
        return weights


def _check_mask(description: NetworkDescription, mask: Mask) -> None:
    expected = description.mask_shapes
    if set(mask.arrays) != set(expected):
        odd = sorted(set(mask.arrays) ^ set(expected))
        raise ArgumentError("mask", odd, "are missing or unknown arrays", "name them as description.mask_shapes does")
    if mask.alphabet != KEEP:
        raise ArgumentError("mask.alphabet", mask.alphabet, "does not fit these layers", "use (0, 1)")
    for name, shape in expected.items():
        if mask[name].shape != shape:
            raise ArgumentError(f"mask {name}", list(mask[name].shape), f"must have shape {list(shape)}", "reshape it")
    for layer in description.random_layers:
        outer, *inner = layer.mask_shapes
        for name in inner:
            if not np.array_equal(mask[outer], mask[name].any(axis=2)):
                what = "hidden unit" if isinstance(layer, ProductPair | HeadPair) else "hidden channel"
                rule = f"must keep a {what} exactly where one of its connections is kept"
                raise ArgumentError(f"mask {outer}", mask[outer], rule, f"use the mask of {name}, .any(axis=2)")
